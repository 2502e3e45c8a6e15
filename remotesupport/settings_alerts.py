"""The sections [alerts] and [monitoring] of remotesupport.toml: whom to tell, when, and where figures are served.

What must stay out: sending (deployments.alerts), what an alert is (core.connections.alerts).
"""

from __future__ import annotations

import re
from datetime import datetime, time
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from remotesupport.core.connections.alerts import Quiet
from remotesupport.settings_models import Address, Section, Zone, is_loopback
from remotesupport.settings_secrets import FORMS, SecretRef

KINDS = ("webhook", "slack", "teams", "apprise")
_BLOCK = re.compile(r"prefect-block:([a-z0-9-]+)/([a-z0-9-]+)")
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
_HOST = re.compile(r"[A-Za-z0-9.-]+")


def _block(text: str) -> str:
    if not _BLOCK.fullmatch(text):
        raise ValueError("this names no block of Prefect")
    return text


def _hours(text: str) -> str:
    found = _HOURS.fullmatch(text)
    if not found or found[1] + found[2] == found[3] + found[4]:
        raise ValueError("these are no hours of a day")
    return text


def _http(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError("this is no complete http address")
    return text


def _reference_or_address(value: Any) -> Any:
    """Addresses of a heartbeat are secrets to some and not to others."""
    if not isinstance(value, str):
        raise ValueError("must be text")
    return _http(value) if value.startswith("http") else SecretRef(value)


def _name(text: str) -> str:
    if not _HOST.fullmatch(text):
        raise ValueError("this is no name of a host")
    return text


BlockName = Annotated[str, AfterValidator(_block)]
Hours = Annotated[str, AfterValidator(_hours)]
HeartbeatUrl = Annotated[SecretRef | str, BeforeValidator(_reference_or_address)]
HostName = Annotated[str, AfterValidator(_name)]
Minutes = Annotated[int, Field(ge=1)]

BLOCK_HELP = (
    '"prefect-block:TYPE/NAME", a notification block that Prefect has, such as "prefect-block:slack-webhook/ops"'
)
URL_HELP = f"where its address stands, which is a secret: {FORMS}"


class ReceiverSettings(Section):
    """Somebody to tell. ``apprise``: e-mail, Telegram and whatever else apprise has an address for."""

    name: str = Field(pattern="^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$", description="a-z, 0-9 and - inside, unique")
    kind: Literal["webhook", "slack", "teams", "apprise"] = Field(description='"' + '", "'.join(KINDS) + '"')
    url: SecretRef = Field(description=URL_HELP)


class AlertsSettings(Section):
    """The receivers of alerts, ``to`` and ``receivers`` together, and the limits of what they are told."""

    to: tuple[BlockName, ...] = Field((), description=f"a list of {BLOCK_HELP}")
    receivers: tuple[ReceiverSettings, ...] = Field((), description="[[alerts.receivers]] sections")
    behind_minutes: Minutes = Field(5, description="a number of minutes, 1 or more")
    parked_minutes: Minutes = Field(60, description="a number of minutes, 1 or more")
    certificate_days: int = Field(21, ge=0, description="a number of days")
    heartbeat_url: HeartbeatUrl | None = Field(
        None, description=f'an address that is asked for after each good minute, "https://…", or {FORMS}'
    )
    quiet_hours: Hours | None = Field(None, description='"22:00-07:00" and the like')
    timezone: Zone | None = Field(None, description='an IANA name such as "Europe/Moscow", of the quiet hours')

    @model_validator(mode="after")
    def _names_once(self) -> AlertsSettings:
        names = [one.name for one in self.receivers]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f'the receiver "{twice[0]}" is there twice; names are unique')
        return self

    @model_validator(mode="after")
    def _hours_somewhere(self) -> AlertsSettings:
        if self.quiet_hours and not self.timezone:
            raise ValueError("quiet_hours need a timezone: the clock that they are meant by")
        return self

    @property
    def blocks(self) -> tuple[tuple[str, str], ...]:
        """(type, name) of each Prefect block in ``to``."""
        return tuple((found[1], found[2]) for one in self.to if (found := _BLOCK.fullmatch(one)))

    @property
    def told(self) -> bool:
        """Tell whether anybody is told anything."""
        return bool(self.to or self.receivers)

    def is_quiet(self, at: datetime) -> bool:
        """Tell whether ``at`` lies in the quiet hours."""
        found = _HOURS.fullmatch(self.quiet_hours or "")
        if not found or self.timezone is None:
            return False
        quiet = Quiet(time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4])))
        return quiet.holds(at.astimezone(ZoneInfo(self.timezone)).time())

    def secrets(self) -> list[str]:
        """Secret values that are at hand, to be removed from logs."""
        given = [one.url.peek() for one in self.receivers]
        if self.heartbeat_url is not None:
            at = self.heartbeat_url
            given.append(at.peek() if isinstance(at, SecretRef) else at)
        return given


class MonitoringSettings(Section):
    """The place of ``/health`` and ``/metrics``. ``port`` 0: a free one, which stands in ``monitoring.address``."""

    enabled: bool = Field(True, description="true or false")
    address: Address = Field("127.0.0.1", description="an IP address of this machine, such as 127.0.0.1")
    port: int = Field(0, ge=0, le=65535, description="a port number, or 0 for a free one")
    hosts: tuple[HostName, ...] = Field((), description="a list of names that this machine is asked by, too")
    token: SecretRef | None = Field(None, description=f"what /metrics asks for (Authorization: Bearer …): {FORMS}")

    @model_validator(mode="after")
    def _not_open_to_a_network(self) -> MonitoringSettings:
        if not is_loopback(self.address) and self.token is None:
            raise ValueError("address is not this machine alone: give a token, too, which /metrics then asks for")
        return self
