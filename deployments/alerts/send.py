"""Tell receivers something from this process, without an automation, and hear how each took it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

import httpx
from prefect.blocks.abstract import NotificationError

from deployments.alerts.receivers import Receiver

PATIENCE_S = 20.0
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of one receiver. ``detail``: why it did not take it, or that it did."""

    name: str
    kind: str
    ok: bool
    detail: str


async def tell(receivers: Iterable[Receiver], subject: str, text: str) -> list[Answer]:
    """Tell all of them at once, each on its own."""
    return await asyncio.gather(*(_tell(one, subject, text) for one in receivers))


async def _tell(receiver: Receiver, subject: str, text: str) -> Answer:
    trouble = receiver.trouble or await _notified(receiver, subject, text)
    shown = " ".join(receiver.redact(trouble).split())[:_LONGEST]
    return Answer(receiver.name, receiver.kind, not trouble, shown or "taken")


async def _notified(receiver: Receiver, subject: str, text: str) -> str:
    """Notify, and return why it was not taken; "" where it was."""
    try:
        with receiver.block.raise_on_failure():
            async with asyncio.timeout(PATIENCE_S):
                await receiver.block.anotify(body=text, subject=subject)
    except NotificationError as error:
        return error.log or "it was not taken, and nothing says why"
    except httpx.HTTPStatusError as error:
        return f"it answers {error.response.status_code}"
    except TimeoutError:
        return f"no answer in {PATIENCE_S:.0f} s"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""
