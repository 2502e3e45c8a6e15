"""The shape of remotesupport.toml: every key with its type, default and meaning.

Here: the models and the rules about one value. What must stay out: reading files and the environment (settings), rules
about several connections together (settings), wording of errors (settings_errors). A field's description completes the
sentence "Expected: …" of an error.
"""

from __future__ import annotations

import ipaddress
import re
import zoneinfo
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, model_validator

from remotesupport.core.connections.shards import MOST as MOST_SHARDS
from remotesupport.settings_errors import nearest
from remotesupport.settings_secrets import FORMS, SecretRef

DIALECTS = ("auto", "sync", "public")
_FINGERPRINT = re.compile(r"sha256:([0-9a-f]{2}:?){31}[0-9a-f]{2}")


def _https(url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in ("https", "http") or not host:
        raise ValueError("this is not a complete https address")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("an address holds no login, query or fragment")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError("plain http is accepted for loopback addresses only")
    if _is_link_local(host):
        raise ValueError("link-local addresses are refused")
    if not parts.path.strip("/"):
        raise ValueError("the address is not complete: its path is missing")
    return url.rstrip("/")


def is_loopback(host: str) -> bool:
    """Tell whether ``host`` (a name or a literal address) can only mean this machine."""
    address = _address(host)
    return host.lower() == "localhost" if address is None else address.is_loopback


def _is_link_local(host: str) -> bool:
    address = _address(host)
    return address is not None and address.is_link_local


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _literal_address(host: str) -> str:
    if _address(host) is None:
        raise ValueError("this is not an IP address")
    return host


def _known_zone(name: str) -> str:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("IANA knows no such time zone") from None
    return name


def _fingerprint(text: str) -> str:
    lowered = text.lower()
    if not _FINGERPRINT.fullmatch(lowered):
        raise ValueError("this is not a SHA-256 fingerprint")
    return "sha256:" + lowered.removeprefix("sha256:").replace(":", "")


def _existing_file(path: Path, info: ValidationInfo) -> Path:
    base = (info.context or {}).get("folder", Path.cwd())
    absolute = Path(base, path.expanduser())
    if not absolute.is_file():
        raise ValueError(f"there is no file {absolute}")
    return absolute


def _known_dialect(value: Any) -> Any:
    if value in DIALECTS:
        return value
    raise ValueError(f"there is no such dialect. {nearest(str(value), DIALECTS)}")


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Url = Annotated[str, AfterValidator(_https)]
Address = Annotated[str, AfterValidator(_literal_address)]
Zone = Annotated[str, AfterValidator(_known_zone)]
Fingerprint = Annotated[str, AfterValidator(_fingerprint)]
CaFile = Annotated[Path, AfterValidator(_existing_file)]
# TOML writers leave the quotes of an id or a version away.
Text = Annotated[str, BeforeValidator(_as_text), Field(min_length=1)]
Version = Annotated[Literal["auto", "4", "5", "6"], BeforeValidator(_as_text)]
Dialect = Annotated[Literal["auto", "sync", "public"], BeforeValidator(_known_dialect)]
Count = Annotated[int, Field(ge=0)]
Percent = Annotated[float, Field(ge=0, le=100)]

URL_HELP = 'the complete address, such as "https://billing.example:1500/billmgr" (http only for loopback)'
ZONE_HELP = 'an IANA name such as "Europe/Moscow", as that login has it in its own settings'
CA_HELP = "a PEM file, relative to this configuration file, that this billing's certificate is checked with"
PIN_HELP = '"sha256:" and the 64 hex digits of this billing\'s certificate'


class Section(BaseModel):
    """A section of the file: unknown keys are refused, and no error repeats a value."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Endpoint(Section):
    """The address of one billing and the way to trust it. Verification cannot be switched off; without both, the
    system's CAs are used."""

    url: Url = Field(description=URL_HELP)
    version: Version = Field("auto", description='"auto", "4", "5" or "6"')
    dialect: Dialect = Field("auto", description='"auto", "sync" or "public"')
    ca_file: CaFile | None = Field(None, description=CA_HELP)
    tls_fingerprint: Fingerprint | None = Field(None, description=PIN_HELP)

    @model_validator(mode="after")
    def _one_way_to_verify(self) -> Endpoint:
        if self.ca_file is not None and self.tls_fingerprint is not None:
            raise ValueError("ca_file and tls_fingerprint are both set; keep one of them")
        return self

    @model_validator(mode="after")
    def _a_dialect_of_version_4(self) -> Endpoint:
        if self.dialect != "auto" and self.version in ("5", "6"):
            raise ValueError(f"dialect is for version 4 only, and version is {self.version}; take dialect away")
        return self


class MainSettings(Endpoint):
    """The billing whose staff answer. ``watch_login``: an employee whose list of tickets, and nothing else, is read."""

    watch_login: Text | None = Field(None, description="an employee's login in the main billing, for lists only")
    watch_password: SecretRef | None = Field(None, description=FORMS)

    @model_validator(mode="after")
    def _a_login_and_its_password(self) -> MainSettings:
        if self.watch_login is not None and self.watch_password is None:
            raise ValueError("watch_login is set and watch_password is not; set both, or neither")
        if self.watch_password is not None and self.watch_login is None:
            raise ValueError("watch_password is set and watch_login is not; set both, or neither")
        return self


class DepartmentSettings(Section):
    """A correspondence: tickets of ``remote`` go to ``main``. Names or ids."""

    remote: Text = Field(description="a department's name or id in the external billing")
    main: Text = Field(description="a department's name or id in the main billing")
    enabled: bool = Field(True, description="true or false")


class GuardSettings(Section):
    """Limits for one connection and one run. Percents are of its linked tickets, from ``share_from`` of them up.

    ``messages_an_hour``: of one ticket, one way; beyond it that ticket waits for a person; 0: no brake.
    ``run_…``: for all connections of one run together.
    """

    creates: Count = Field(50, description="a number of tickets")
    posts: Count = Field(300, description="a number of messages")
    closes: Count = Field(20, description="a number of tickets")
    closes_percent: Percent = Field(20.0, description="a number from 0 to 100")
    departures: Count = Field(20, description="a number of tickets")
    departures_percent: Percent = Field(20.0, description="a number from 0 to 100")
    share_from: Count = Field(10, description="the number of linked tickets from which the percents count")
    messages_an_hour: Count = Field(30, description="a number of messages of one ticket, one way")
    creates_an_hour: Count = Field(300, description="a number of tickets")
    posts_an_hour: Count = Field(2000, description="a number of messages")
    creates_a_day: Count = Field(2000, description="a number of tickets")
    posts_a_day: Count = Field(15_000, description="a number of messages")
    megabytes_an_hour: Count = Field(1_000, description="a number of megabytes of texts and files")
    megabytes_a_day: Count = Field(5_000, description="a number of megabytes of texts and files")
    run_creates: Count = Field(500, description="a number of tickets, of all connections in one run together")
    run_posts: Count = Field(3000, description="a number of messages, of all connections in one run together")
    run_closes: Count = Field(200, description="a number of tickets, of all connections in one run together")
    run_departures: Count = Field(200, description="a number of tickets, of all connections in one run together")


class GuardOverrides(Section):
    """The keys of ``[guard]`` for one connection; what is left out is taken from ``[guard]``."""

    creates: Count | None = Field(None, description="a number of tickets")
    posts: Count | None = Field(None, description="a number of messages")
    closes: Count | None = Field(None, description="a number of tickets")
    closes_percent: Percent | None = Field(None, description="a number from 0 to 100")
    departures: Count | None = Field(None, description="a number of tickets")
    departures_percent: Percent | None = Field(None, description="a number from 0 to 100")
    share_from: Count | None = Field(None, description="the number of linked tickets from which the percents count")
    messages_an_hour: Count | None = Field(None, description="a number of messages of one ticket, one way")
    creates_an_hour: Count | None = Field(None, description="a number of tickets")
    posts_an_hour: Count | None = Field(None, description="a number of messages")
    creates_a_day: Count | None = Field(None, description="a number of tickets")
    posts_a_day: Count | None = Field(None, description="a number of messages")
    megabytes_an_hour: Count | None = Field(None, description="a number of megabytes of texts and files")
    megabytes_a_day: Count | None = Field(None, description="a number of megabytes of texts and files")


class ReadingSettings(Section):
    """The most that one run reads of each side of one connection; a sync each minute reads less."""

    rows: Count = Field(250_000, description="a number of rows of ticket lists")
    pages: Count = Field(5_000, description="a number of pages of ticket lists")
    megabytes: Count = Field(2_000, description="a number of megabytes")
    requests: Count = Field(500_000, description="a number of requests")
    cpu_seconds: Count = Field(1_200, description="a number of seconds of CPU time")


class AgreedSettings(Section):
    """Times agreed with this provider, for the monthly report; they steer nothing. All hours count."""

    first_answer_minutes: int | None = Field(None, ge=1, description="a number of minutes, from a ticket's arrival")
    full_answer_minutes: int | None = Field(None, ge=1, description="a number of minutes, until it was closed")


class ExternalSettings(Endpoint):
    """One connection: an external billing and its customer user in the main billing."""

    name: str = Field(pattern="^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$", description="a-z, 0-9 and - inside, unique")
    login: Text = Field(description="the staff login in the external billing")
    password: SecretRef = Field(description=FORMS)
    main_login: Text = Field(description="the customer's user in the main billing")
    main_password: SecretRef = Field(description=FORMS)
    timezone: Zone = Field(description=ZONE_HELP)
    main_timezone: Zone | None = Field(None, description=ZONE_HELP)
    enabled: bool = Field(True, description="true or false")
    departments: tuple[DepartmentSettings, ...] = Field((), description="[[external.departments]] sections")
    guard: GuardOverrides = Field(GuardOverrides(), description="an [external.guard] section")
    reading: ReadingSettings = Field(ReadingSettings(), description="an [external.reading] section")
    agreed: AgreedSettings = Field(AgreedSettings(), description="an [external.agreed] section")
    canary_department: Text | None = Field(None, description="a department (name or id) that must always be readable")
    canary_ticket: Text | None = Field(None, description="the id of a ticket that must always be readable")
    show_author: bool = Field(False, description="true or false: names of main staff in replies to clients")
    attachment_limit_mb: float = Field(10.0, gt=0, le=1000, description="a number of megabytes, more than 0")

    @model_validator(mode="after")
    def _one_correspondence_per_department(self) -> ExternalSettings:
        seen: set[str] = set()
        for department in self.departments:
            key = department.remote.strip().casefold()
            if key in seen:
                raise ValueError(f'the remote department "{department.remote}" has two correspondences; keep one')
            seen.add(key)
        return self

    @property
    def zone_of_main(self) -> str:
        """The time zone of the dates that the customer's user sees in the main billing."""
        return self.main_timezone or self.timezone

    @property
    def attachment_limit(self) -> int:
        """Return the limit in bytes."""
        return int(self.attachment_limit_mb * 1024 * 1024)


class ScaleSettings(Section):
    """The number of sync deployments that share the connections, each with its own second of the minute."""

    shards: int = Field(1, ge=1, le=MOST_SHARDS, description=f"a number from 1 to {MOST_SHARDS}")


class KeepSettings(Section):
    """For how long the inputs of runs that planned something are kept, for `remotesupport replay`.

    Without ``key`` no text of a ticket is in them.
    """

    inputs_days: int = Field(3, ge=0, le=30, description="a number of days from 0 (nothing is kept) to 30")
    key: SecretRef | None = Field(None, description=f"a Fernet key (32 random bytes in base64), as {FORMS}")


class BellSettings(Section):
    """The place where `up` can be told that a ticket has changed. ``port`` 0: a free one, which `remotesupport bell`
    finds."""

    enabled: bool = Field(True, description="true or false")
    address: Address = Field("127.0.0.1", description="an IP address of this machine, such as 127.0.0.1")
    port: int = Field(0, ge=0, le=65535, description="a port number, or 0 for a free one")
