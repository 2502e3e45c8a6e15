"""What one run writes for one connection has an end, and the next run goes on where it was."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from remotesupport.core.run import BillingResult, BillingState, RunKind, RunRequest
from remotesupport.steps.cycle import cycle
from remotesupport.steps.write.load import IN_FLIGHT
from remotesupport.steps.writing_budget import IN_A_MINUTE, UNBOUNDED, most_written
from tests.cycle_fixtures import Desk
from tests.virtual_time import LoopClock, VirtualTime, live

TICKETS = 4 * IN_FLIGHT
SLOW_S = 18.0  # what main takes for one write: not long enough to be given up


async def run(desk: Desk) -> BillingResult:
    """A sync, and its line."""
    [line] = (await cycle(desk.context, RunRequest(RunKind.SYNC))).billings
    return line


def lived(tmp_path: Path, life: Callable[[Desk], Awaitable[None]], *names: str) -> float:
    """Live with a desk in virtual time. → the seconds that it took"""
    loop = VirtualTime()
    desk = Desk(tmp_path, *names, clock=LoopClock(loop), gathering=0.3)

    async def whole() -> None:
        await life(desk)
        desk.store.close()

    live(whole(), loop)
    return loop.time()


def test_a_slow_main_ends_the_run_and_loses_nothing(tmp_path: Path) -> None:
    """After its seconds a sync begins no further change and says so; the next one writes the rest, nothing twice."""

    async def slow(_: object) -> None:
        await asyncio.sleep(SLOW_S)

    async def life(desk: Desk) -> None:
        acme = desk.externals["acme"]
        for number in range(TICKETS):
            acme.client_opens("ivan", "Technical support", f"Q{number}", "help")
        desk.main.before["create"] = slow
        first = await run(desk)
        begun = IN_FLIGHT * (int(IN_A_MINUTE.seconds // SLOW_S) + 1)
        assert len(desk.main_tickets("acme")) == begun < TICKETS
        assert first.state is BillingState.FAILED
        assert f"and the most for one connection in one run is {IN_A_MINUTE.seconds:.0f}" in first.reason
        assert f"{begun} of {TICKETS} changes are done; the next run goes on with the others" in first.reason
        second = await run(desk)
        assert second.state is BillingState.OK
        assert len(desk.main_tickets("acme")) == TICKETS
        assert len(desk.writes()) == TICKETS

    assert lived(tmp_path, life, "acme") < 2 * (IN_A_MINUTE.seconds + 2 * SLOW_S)


@pytest.mark.parametrize("count", [40, 45])
def test_files_beyond_the_most_of_a_run_go_with_the_next(tmp_path: Path, count: int) -> None:
    """Five files with each ticket: more than a run takes along leaves whole messages for the next run, with theirs."""

    async def life(desk: Desk) -> None:
        acme = desk.externals["acme"]
        for number in range(count):
            files = [(f"{number}-{n}.txt", b"x") for n in range(5)]
            acme.client_opens("ivan", "Technical support", f"Q{number}", "help", files)
        first = await run(desk)
        over = 5 * count > IN_A_MINUTE.files
        assert (first.state, "files, and the most" in first.reason) == (
            (BillingState.FAILED, True) if over else (BillingState.OK, False)
        )
        await run(desk)
        sent = [desk.main.thread(desk.main.find(copy))[0].files for copy in desk.main_tickets("acme")]
        assert [len(files) for files in sent] == [5] * count

    lived(tmp_path, life, "acme")


def test_a_person_waits_for_exactly_what_was_asked_for() -> None:
    """A saved plan and a backfill are written whole; what runs by itself has limits."""
    unbounded = {kind for kind in RunKind if most_written(kind) is UNBOUNDED}
    assert unbounded == {RunKind.APPLY, RunKind.BACKFILL, RunKind.PLAN}
