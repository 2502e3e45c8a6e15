"""Receivers of alerts as notification blocks of Prefect: made from the configuration, or named in it.

Must stay out: what is told and when. A receiver that cannot be had says why, and the others go on.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from prefect.blocks.core import Block
from prefect.blocks.notifications import CustomWebhookNotificationBlock, MicrosoftTeamsWebhook, SlackWebhook
from prefect.exceptions import PrefectException
from pydantic import SecretStr, ValidationError

from deployments.alerts.block import AppriseAddress
from remotesupport.core.text.foreign import Redactor
from remotesupport.settings import AlertsSettings, BlockReader, ReceiverSettings, SettingsError

PREFIX = "remotesupport-"
TIMEOUT_S = 10.0
# It logs halves of addresses; what it has to say comes with each answer.
_apprise = logging.getLogger("apprise")
_apprise.propagate = False
_apprise.addHandler(logging.NullHandler())

_WEBHOOK_BODY = {"subject": "{{subject}}", "text": "{{body}}"}


@dataclass(frozen=True, slots=True)
class Receiver:
    """One of them. ``block``: None where ``trouble`` says why there is none. ``ours``: we keep its block in Prefect,
    under ``document``. ``redact`` takes its address out of what is shown."""

    name: str
    kind: str
    block: Any
    trouble: str = ""
    ours: bool = True
    redact: Redactor = field(default_factory=Redactor)

    @property
    def document(self) -> str:
        """The name of its block in Prefect."""
        return PREFIX + self.name if self.ours else self.name


async def receivers_of(alerts: AlertsSettings, blocks: BlockReader | None) -> list[Receiver]:
    """Every receiver of the configuration, in the file's order."""
    given = [await _configured(one, blocks) for one in alerts.receivers]
    return [*given, *[await _named(kind, name) for kind, name in alerts.blocks]]


async def _configured(one: ReceiverSettings, blocks: BlockReader | None) -> Receiver:
    try:
        url = await one.url.resolve(blocks)
    except SettingsError as error:
        return Receiver(one.name, one.kind, None, str(error))
    redact = Redactor([url])
    try:
        return Receiver(one.name, one.kind, block_of(one.kind, one.name, url), redact=redact)
    except ValueError as error:
        return Receiver(one.name, one.kind, None, f"{one.url} holds no address for {one.kind}: {redact(_plain(error))}")


def block_of(kind: str, name: str, url: str) -> Any:
    """The block for an address. Raises ValueError where it is none of that kind."""
    if kind == "webhook":
        if not url.startswith(("https://", "http://")):
            raise ValueError("it begins with https:// or http://")
        secrets = {"address": url}
        return CustomWebhookNotificationBlock(
            name=name, url="{{address}}", json_data=dict(_WEBHOOK_BODY), secrets=secrets, timeout=TIMEOUT_S
        )
    kinds: dict[str, Any] = {"slack": SlackWebhook, "teams": MicrosoftTeamsWebhook, "apprise": AppriseAddress}
    block = kinds[kind](url=SecretStr(url))
    if not len(block._apprise_client):
        raise ValueError("apprise knows no such address")
    return block


async def _named(kind: str, name: str) -> Receiver:
    """A block that a person has made in Prefect."""
    try:
        block: Any = await Block.aload(f"{kind}/{name}")
    except (ValueError, PrefectException, httpx.HTTPError, RuntimeError) as error:
        return Receiver(name, kind, None, f"Prefect gives no block {kind}/{name}: {_plain(error)}", ours=False)
    if "notify" not in block.get_block_capabilities():
        return Receiver(name, kind, None, f"the block {kind}/{name} is none that notifies", ours=False)
    return Receiver(name, kind, block, ours=False)


def _plain(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(str(finding["msg"]).removeprefix("Value error, ") for finding in error.errors())
    return " ".join(str(error).split()) or type(error).__name__


def troubles(receivers: Sequence[Receiver]) -> list[str]:
    """A line for each of them that cannot be told anything."""
    return [f"alerts: {one.name} ({one.kind}) is told nothing: {one.trouble}" for one in receivers if one.trouble]
