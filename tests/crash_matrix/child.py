"""The process that is killed: one real run, with a store that dies at a chosen point.

The points at which the parent kills (a request is on its way) need nothing in here.
"""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from remotesupport.core.records import Intent
from remotesupport.core.run import RunKind, RunRequest
from remotesupport.steps.cycle import cycle
from tests.cycle_fixtures import Clock
from tests.http_desk import HttpDesk
from tests.three_billings import ThreeBillings

BEFORE_INTENT, AFTER_INTENT = "before the intent", "after the intent"
ON_ITS_WAY, UNANSWERED = "sent, done after the death", "done, not answered"
BEFORE_RECEIPT, AFTER_RECEIPT = "answered, before the receipt", "after the receipt"
POINTS = (BEFORE_INTENT, AFTER_INTENT, ON_ITS_WAY, UNANSWERED, BEFORE_RECEIPT, AFTER_RECEIPT)


@dataclass(frozen=True, slots=True)
class Aim:
    """Which write the process dies at, and at which point."""

    point: str
    ticket: str
    kind: str
    direction: str
    act: str

    def hits(self, intent: Intent) -> bool:
        return (intent.ext_ticket, str(intent.kind), str(intent.direction)) == (
            self.ticket,
            self.kind,
            self.direction,
        ) and self.act in intent.key


class DyingStore:
    """The real store, except at one point."""

    def __init__(self, store: Any, aim: Aim) -> None:
        self._store, self._aim = store, aim

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def intend(self, lease: Any, intent: Intent) -> Intent:
        self._die(BEFORE_INTENT, intent)
        made: Intent = self._store.intend(lease, intent)
        self._die(AFTER_INTENT, intent)
        return made

    def receive(self, intent: Intent, **named: Any) -> None:
        self._die(BEFORE_RECEIPT, intent)
        self._store.receive(intent, **named)
        self._die(AFTER_RECEIPT, intent)

    def _die(self, point: str, intent: Intent) -> None:
        if point == self._aim.point and self._aim.hits(intent):
            os.kill(os.getpid(), signal.SIGKILL)


def doomed(world: ThreeBillings, url: str, now: datetime, aim: Aim) -> None:
    """One run at the product's moment ``now``."""

    async def run() -> None:
        clock = Clock()
        clock.now = now
        desk = HttpDesk(world, url=url, clock=clock)
        desk.context.store = DyingStore(desk.context.store, aim)
        await cycle(desk.context, RunRequest(RunKind.SYNC))

    asyncio.run(run())
