"""The audit gets its turn beside a sync each minute, and the sync beside the audit; one that had none is told of."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.errors import Retriable
from connectors.memory import MemoryBilling, MemoryCall
from remotesupport.bootstrap import GATHERING
from remotesupport.core.run import BillingResult, BillingState, RunKind, RunReport, RunRequest
from remotesupport.steps.cycle import cycle
from remotesupport.steps.pipeline.no_turn import record_missed_run
from remotesupport.steps.pipeline.turns import MINUTE_PATIENCE, PATIENCE
from tests.backups import backup, restore
from tests.cycle_fixtures import Desk
from tests.inline_executor import Inline
from tests.virtual_time import LoopClock, VirtualTime, live

NAMES = ("acme", "globex")
DAY, MINUTE, HOUR = 24, 60.0, 3600.0
AUDIT_AT, OPENED_AT = 17 * MINUTE + 30, 17 * MINUTE + 45
LONG = 100_000.0


class Day:
    """A sync in these ``minutes`` of each of the first ``hours``, an audit in each, and a client who writes meanwhile.
    Calls take their time, which is another one in each hour, and each billing does five at a time."""

    def __init__(self, folder: Path, loop: VirtualTime, minutes: range, hours: int) -> None:
        self.minutes, self.hours = minutes, range(hours)
        self.clock = LoopClock(loop)
        self.desk = Desk(folder, *NAMES, clock=self.clock, gathering=GATHERING)
        self.audits: list[tuple[RunReport, float]] = []
        self.syncs: list[tuple[RunReport, float]] = []
        self.delays: list[float] = []
        chance = random.Random(17)
        self.pace = [chance.choice((0.2, 0.5, 1.0, 2.0)) for _ in range(hours + 1)]
        for world in (self.desk.main, *self.desk.externals.values()):
            self._take_time(world)

    def _take_time(self, world: MemoryBilling) -> None:
        slots = asyncio.Semaphore(5)

        async def slow(call: MemoryCall) -> None:
            async with slots:
                await asyncio.sleep(self.pace[int(self.clock.loop.time() // HOUR)])

        world.before["*"] = slow

    async def live(self) -> None:
        """From midnight on."""
        for name, world in self.desk.externals.items():
            for number in range(12):
                world.client_opens("ivan", "Technical support", f"{name} {number}", "words")
        await cycle(self.desk.context, RunRequest(RunKind.SYNC))
        starts = [hour * HOUR + minute * MINUTE for hour in self.hours for minute in self.minutes]
        await asyncio.gather(
            *(self._run(RunKind.SYNC, at, self.syncs) for at in starts),
            *(self._run(RunKind.AUDIT, hour * HOUR + AUDIT_AT, self.audits) for hour in self.hours),
            *(self._client(hour * HOUR + OPENED_AT) for hour in self.hours),
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


def assert_everybody_had_a_turn(folder: Path, minutes: range, hours: int) -> None:
    """Every audit compared every connection; every sync was in order; every client's ticket was in main in time."""
    loop = VirtualTime()
    day = Day(folder, loop, minutes, hours)
    live(day.live(), loop)
    states = [[b.state for b in report.billings] for report, _ in (*day.audits, *day.syncs)]
    assert len(day.audits) == hours
    assert len(day.syncs) == hours * len(minutes)
    assert states == [[BillingState.OK] * len(NAMES)] * len(states)
    assert max(seconds for _, seconds in day.audits) > MINUTE / 2, "no audit was still going on when a sync began"
    assert max(day.delays) < MINUTE
    assert day.desk.store.audits_skipped() == dict.fromkeys(NAMES, 0)
    day.desk.store.close()


@pytest.mark.thorough("24 hours with three syncs each take 25 s of CPU; an audit that waits is in `make test`")
def test_24_of_24_audits_complete_beside_a_sync_each_minute(tmp_path: Path) -> None:
    """While syncs run in the minutes around it, the audit of 17 past completes in each hour, every sync has its
    turn, and a client's ticket is in main within a minute."""
    assert_everybody_had_a_turn(tmp_path, range(17, 20), DAY)


@pytest.mark.thorough("a day has 1440 syncs")
def test_24_of_24_audits_complete_in_a_whole_day(tmp_path: Path) -> None:
    """With a sync in every minute of the day, the same."""
    assert_everybody_had_a_turn(tmp_path, range(1, 60), DAY)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path, *NAMES)
    yield desk
    desk.store.close()


def line(report: RunReport, name: str = "acme") -> BillingResult:
    """One connection's line."""
    return {b.name: b for b in report.billings}[name]


def opened(desk: Desk, name: str) -> None:
    """A client's new ticket."""
    desk.externals[name].client_opens("ivan", "Technical support", "Q", "words")


async def test_nobody_is_kept_from_writing_while_an_audit_reads(desk: Desk) -> None:
    """Whatever an audit reads of either side, no lease is held meanwhile."""
    for name in NAMES:
        opened(desk, name)
    await desk.run()
    held = set()

    def look(call: MemoryCall) -> None:
        held.update(n for n in NAMES if desk.store.lease_holder(n))

    for world in (desk.main, *desk.externals.values()):
        world.before["*"] = look
    assert (await desk.run(RunKind.AUDIT)).exit_status == 0
    assert held == set()


async def test_what_is_free_begins_and_what_is_not_is_waited_for(tmp_path: Path) -> None:
    """An audit writes to the free connection at once, and to the other one when its lease has been given back."""
    desk = Desk(tmp_path, *NAMES, gathering=0.0)
    asyncio.get_running_loop().set_default_executor(Inline())
    await desk.run()
    for name in NAMES:
        opened(desk, name)
    lease = desk.store.acquire_lease("acme", "somebody/sync", LONG)
    assert lease is not None
    waits = 0

    async def wait(seconds: float) -> None:
        nonlocal waits
        await asyncio.sleep(0)
        if desk.main_tickets("globex"):
            waits += 1
            desk.clock.advance(seconds)
        if waits == 200:
            desk.store.release_lease(lease)

    desk.context.sleep = wait
    report = await desk.run(RunKind.AUDIT)
    assert [line(report, name).written for name in NAMES] == [1, 1]
    assert waits == 200
    desk.store.close()


@pytest.mark.thorough("a second of CPU time; an audit that waits for its turn is in `make test`")
async def test_an_audit_waits_five_minutes_and_two_in_vain_are_a_warning(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """Skipped audits are counted in the run's record; the second in a row says how many and what to do, in the log, in
    the run's message and in its line; the next one that has its turn ends the row."""
    lease = desk.store.acquire_lease("acme", "somebody/sync", LONG)
    assert lease is not None
    began = desk.clock.now
    first = await desk.run(RunKind.AUDIT)
    assert (desk.clock.now - began).total_seconds() == pytest.approx(60 + PATIENCE, abs=2)
    assert (line(first).state, line(first).no_turn, line(first).audits_skipped) == (BillingState.SKIPPED, True, 1)
    assert (line(first, "globex").state, first.exit_status) == (BillingState.OK, 1)
    assert "in a row" not in first.headline
    with caplog.at_level(logging.WARNING, "remotesupport"):
        second = await desk.run(RunKind.AUDIT)
    assert line(second).audits_skipped == 2
    for words in (second.headline, caplog.text, line(second).reason):
        assert "2 audits in a row had no turn" in words
        assert "`remotesupport audit --billing acme`" in words
    assert desk.store.audits_skipped() == {"acme": 2, "globex": 0}
    assert desk.store.last_runs(1)[0].summary["billings"][-1]["audits_skipped"] == 2
    desk.store.release_lease(lease)
    assert (await desk.run(RunKind.AUDIT)).exit_status == 0
    assert desk.store.audits_skipped() == {"acme": 0, "globex": 0}


async def test_an_audit_that_came_too_late_or_died_is_counted(desk: Desk) -> None:
    """An audit that was not begun, and one that never ended, are skipped ones; one that still goes on is not."""
    request = RunRequest(RunKind.AUDIT)
    assert record_missed_run(desk.context, request, "too late").exit_status == 1
    assert desk.store.audits_skipped() == {"acme": 1, "globex": 1}
    desk.clock.advance(60)
    desk.store.begin_run("died", "audit", None, desk.clock.now, ["acme"])
    assert desk.store.audits_skipped() == {"acme": 1, "globex": 1}
    desk.clock.advance(HOUR + 1)
    assert desk.store.audits_skipped() == {"acme": 2, "globex": 1}
    third = record_missed_run(desk.context, request, "too late")
    assert {b.name: b.audits_skipped for b in third.billings} == {"acme": 3, "globex": 2}
    assert "3 audits in a row" in third.headline


async def test_a_sync_waits_for_an_audit_but_not_for_a_sync(desk: Desk) -> None:
    """Who only does the same work is not waited for; an audit's lease is, for a part of the minute."""
    for holder, waits in (("somebody/sync", 0.0), ("somebody/audit", MINUTE_PATIENCE)):
        leases = [desk.store.acquire_lease(name, holder, LONG) for name in NAMES]
        began = desk.clock.now
        report = await desk.run()
        assert desk.clock.now - began == timedelta(seconds=60 + waits)
        assert (report.exit_status, [b.no_turn for b in report.billings]) == (0, [True, True])
        for lease in leases:
            assert lease is not None
            desk.store.release_lease(lease)


async def test_a_lease_is_free_after_the_run(desk: Desk) -> None:
    """Also one that had lapsed while its connection was read, and was regained to write."""
    await desk.run()
    opened(desk, "acme")

    def slow(call: MemoryCall) -> None:
        desk.clock.advance(50)

    desk.externals["acme"].before["thread"] = slow
    assert line(await desk.run()).written == 1
    assert [desk.store.lease_holder(name) for name in NAMES] == [None, None]


async def test_what_an_audit_would_write_is_looked_at_again_under_its_lease(desk: Desk) -> None:
    """A ticket that was away when the audit read, and is back when its turn comes, has not left."""
    acme = desk.externals["acme"]
    ticket = acme.client_opens("ivan", "Technical support", "Q", "words")
    opened(desk, "acme")
    await desk.run()
    acme.transfer(ticket, "Sales")
    lease = desk.store.acquire_lease("acme", "somebody/sync", LONG)
    assert lease is not None

    async def wait(seconds: float) -> None:
        desk.clock.advance(seconds)
        acme.transfer(ticket, "Technical support")
        desk.store.release_lease(lease)

    desk.context.sleep = wait
    report = await desk.run(RunKind.AUDIT)
    assert (report.exit_status, line(report).changes["departure"], line(report).written) == (0, 0, 0)


async def test_what_cannot_be_looked_at_again_is_not_made_anew(desk: Desk) -> None:
    """After a loss of the store, a main ticket that the audit saw and cannot read a second time keeps its partner from
    being opened once more; the next audit adopts it."""
    opened(desk, "acme")
    await desk.run()
    before = backup(desk)
    ticket = desk.externals["acme"].client_opens("ivan", "Technical support", "Q", "words")
    await desk.run()
    restore(desk, before)

    def refuse(call: MemoryCall) -> None:
        raise Retriable("no answer", billing="main", function=call.function)

    desk.main.before["ticket"] = refuse
    await desk.run(RunKind.AUDIT)
    desk.main.before.clear()
    assert sum(f"#{ticket}]" in t.subject for t in desk.main.tickets.values()) == 1
    report = await desk.run(RunKind.AUDIT)
    assert (report.exit_status, line(report).changes["create"]) == (0, 0)
    assert ticket in desk.store.linked("acme")
