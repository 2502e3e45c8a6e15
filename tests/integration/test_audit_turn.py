"""The audit gets its turn beside a sync each minute, and the sync beside the audit; one that had none is told of."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.memory import MemoryBilling, MemoryCall
from remotesupport.core.model import Lease
from remotesupport.core.report import BillingResult, BillingState, RunKind, RunReport, RunRequest
from remotesupport.steps.cycle import cycle
from remotesupport.steps.no_turn import missed
from tests.cycle_fixtures import Desk
from tests.virtual_time import LoopClock, VirtualTime, live

NAMES = ("acme", "globex")
HOURS, MINUTE, HOUR = 24, 60.0, 3600.0
AUDIT_AT, OPENED_AT = 17 * MINUTE + 30, 17 * MINUTE + 45


class Day:
    """A sync each minute, an audit each hour, and a client who writes while it goes on. Calls take their time, which is
    another one in each hour, and each billing does five at a time."""

    def __init__(self, folder: Path, loop: VirtualTime) -> None:
        self.clock = LoopClock(loop)
        self.desk = Desk(folder, *NAMES, clock=self.clock)
        self.audits: list[tuple[RunReport, float]] = []
        self.syncs: list[tuple[RunReport, float]] = []
        self.delays: list[float] = []
        chance = random.Random(17)
        self.pace = [chance.choice((0.2, 0.5, 1.0, 2.0)) for _ in range(HOURS + 1)]
        for world in (self.desk.main, *self.desk.externals.values()):
            self._take_time(world)

    def _take_time(self, world: MemoryBilling) -> None:
        slots = asyncio.Semaphore(5)

        async def slow(call: MemoryCall) -> None:
            async with slots:
                await asyncio.sleep(self.pace[int(self.clock.loop.time() // HOUR)])

        world.before["*"] = slow

    async def live(self) -> None:
        """From midnight to midnight."""
        for name, world in self.desk.externals.items():
            for number in range(12):
                world.client_opens("ivan", "Technical support", f"{name} {number}", "words")
        await cycle(self.desk.context, RunRequest(RunKind.SYNC))
        minutes = range(5, HOURS * 60)
        await asyncio.gather(
            *(self._run(RunKind.SYNC, n * MINUTE, self.syncs) for n in minutes),
            *(self._run(RunKind.AUDIT, hour * HOUR + AUDIT_AT, self.audits) for hour in range(HOURS)),
            *(self._client(hour * HOUR + OPENED_AT) for hour in range(HOURS)),
        )

    async def _run(self, kind: RunKind, at: float, done: list[tuple[RunReport, float]]) -> None:
        await self.clock.until(at)
        report = await cycle(self.desk.context.for_run(None), RunRequest(kind))
        done.append((report, self.clock.loop.time() - at))

    async def _client(self, at: float) -> None:
        await self.clock.until(at)
        ticket = self.desk.externals["acme"].client_opens("ivan", "Technical support", "urgent", "help")
        while not any(t.subject.startswith(f"[acme #{ticket}]") for t in self.desk.main.tickets.values()):
            await asyncio.sleep(0.5)
        self.delays.append(self.clock.loop.time() - at)


def test_the_audit_completes_in_each_of_24_hours_beside_a_sync_each_minute(tmp_path: Path) -> None:
    """24 of 24 audits compare every connection, no sync is left out for long, and clients' tickets cross as ever."""
    loop = VirtualTime()
    day = Day(tmp_path, loop)
    live(day.live(), loop)
    whole = [r for r, _ in day.audits if [b.state for b in r.billings] == [BillingState.OK] * len(NAMES)]
    print(len(day.audits), [round(s) for _, s in day.audits], sorted(round(s) for _, s in day.syncs)[-5:], [round(x) for x in day.delays])
    print([ (r.headline,s) for r,s in day.syncs if r.headline!="2 of 2 billings in order, 0 written"][:20])
    assert len(whole) == len(day.audits) == HOURS
    assert day.desk.store.audits_skipped() == dict.fromkeys(NAMES, 0)
    day.desk.store.close()
