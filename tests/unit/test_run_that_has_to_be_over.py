"""A run that is ended at some time begins nothing that it cannot end, and the next one goes on where it was."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from connectors.memory import MemoryCall
from remotesupport.core.model import Reason
from remotesupport.core.run import BillingResult, BillingState, RunKind, RunRequest
from remotesupport.steps.cycle import cycle
from remotesupport.steps.write.load import IN_FLIGHT, LAST_CHANGE_S
from tests.cycle_fixtures import Desk
from tests.virtual_time import LoopClock, VirtualTime, live

TICKETS = 4 * IN_FLIGHT
ROUNDS = 2
SLOW_S = 18.0  # of main, for one write: not long enough to be given up
HAS_S = LAST_CHANGE_S + (ROUNDS - 0.5) * SLOW_S  # of each run


async def run(desk: Desk, seconds: float | None = HAS_S) -> BillingResult:
    """A sync that has to be over after so long, and its line."""
    loop = asyncio.get_running_loop()
    desk.context.ends_at = None if seconds is None else loop.time() + seconds
    [line] = (await cycle(desk.context, RunRequest(RunKind.SYNC))).billings
    assert desk.context.ends_at is None or loop.time() <= desk.context.ends_at
    return line


def lived(tmp_path: Path, life: Callable[[Desk], Awaitable[None]]) -> None:
    """Live with a desk of one billing and ``TICKETS`` new tickets, between which and main each write takes long."""
    loop = VirtualTime()
    desk = Desk(tmp_path, "acme", clock=LoopClock(loop), gathering=0.3)
    for number in range(TICKETS):
        desk.externals["acme"].client_opens("ivan", "Technical support", f"Q{number}", "help")

    async def slow(_: MemoryCall) -> None:
        await asyncio.sleep(SLOW_S)

    async def whole() -> None:
        desk.main.before["create"] = slow
        await life(desk)
        desk.store.close()

    live(whole(), loop)


def test_what_has_no_time_left_waits_for_the_next_run(tmp_path: Path) -> None:
    """The line says what waits, what was written is in order, and the following runs write the rest, nothing twice."""

    async def life(desk: Desk) -> None:
        for turn in range(1, TICKETS // (ROUNDS * IN_FLIGHT) + 1):
            line = await run(desk)
            written = turn * ROUNDS * IN_FLIGHT
            assert len(desk.main_tickets("acme")) == written
            reasons = [desk.store.reason_of("acme", t) for t in map(str, desk.externals["acme"].tickets)]
            assert sum(found is not None and found[0] == Reason.IN_SYNC for found in reasons) == written
            over = written < TICKETS
            assert line.state is (BillingState.FAILED if over else BillingState.OK)
            assert ("its turn did not come: this run has to be over; the next one goes on" in line.reason) is over
        assert len(desk.writes()) == TICKETS

    lived(tmp_path, life)


def test_a_run_that_began_too_late_comes_further_all_the_same(tmp_path: Path) -> None:
    """Reading that took all the time lets the first changes be begun: no run ends where the last one did."""

    async def life(desk: Desk) -> None:
        await run(desk, seconds=SLOW_S + 1)
        assert len(desk.main_tickets("acme")) == IN_FLIGHT

    lived(tmp_path, life)


def test_what_was_written_and_not_looked_at_is_looked_at_by_the_next_run(tmp_path: Path) -> None:
    """Reading back ends when the run has to be over; nothing is sent again for it."""

    async def slow(_: MemoryCall) -> None:
        await asyncio.sleep(SLOW_S)

    async def life(desk: Desk) -> None:
        desk.main.before["thread"] = slow
        line = await run(desk, seconds=SLOW_S + 5)
        assert "written, but not read back yet: this run has to be over" in line.reason
        del desk.main.before["thread"]
        assert [(await run(desk, seconds=None)).state for _ in range(2)][-1] is BillingState.OK
        assert len(desk.main_tickets("acme")) == len(desk.writes()) == TICKETS

    lived(tmp_path, life)


def test_nobody_ends_a_run_without_a_deadline(tmp_path: Path) -> None:
    """A person's run writes all there is, however long that takes."""

    async def life(desk: Desk) -> None:
        assert (await run(desk, seconds=None)).state is BillingState.OK
        assert len(desk.main_tickets("acme")) == TICKETS

    lived(tmp_path, life)
