"""Reading one side of a billing ends at its limits of requests and of CPU time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.errors import OverBudget
from connectors.memory import MemoryBilling
from remotesupport.core.run import BillingState, RunKind
from remotesupport.steps.read.budget import Budget, Most
from tests.cycle_fixtures import Clock, Desk

CPU_S = 0.05


@pytest.fixture
def frugal(tmp_path: Path) -> Iterator[Desk]:
    """A desk whose runs make few requests of each side."""
    desk = Desk(tmp_path, "acme", extra="reading = { requests = 5 }")
    yield desk
    desk.store.close()


def budget(most: Most) -> Budget:
    return Budget(most, MemoryBilling("acme", clock=Clock()).staff("acme"))


def compute(seconds: float) -> None:
    """Use the processor for so long."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


async def test_waiting_is_no_cpu_time_and_computing_is() -> None:
    """A slow billing does not reach the limit by being slow; one whose answers are hard to read does."""
    spent = budget(Most(cpu_seconds=CPU_S))

    async def wait_then_compute(seconds: float) -> str:
        await asyncio.sleep(2 * CPU_S)
        compute(seconds)
        return "done"

    assert await spent.spend(wait_then_compute(0)) == "done"
    spent.add_page("ticket", 1)
    assert await spent.spend(wait_then_compute(CPU_S)) == "done"
    with pytest.raises(OverBudget, match="seconds of CPU time were spent, the most for one run is 0"):
        spent.add_page("ticket", 1)


async def test_work_side_by_side_is_charged_with_its_own_cpu_time_only() -> None:
    """A billing that is waited for is not charged with what another one computes meanwhile."""
    ours, theirs = budget(Most(cpu_seconds=CPU_S)), budget(Most(cpu_seconds=CPU_S))

    async def compute_between_waits(seconds: float) -> None:
        for _ in range(3):
            await asyncio.sleep(0)
            compute(seconds)

    await asyncio.gather(ours.spend(compute_between_waits(0)), theirs.spend(compute_between_waits(CPU_S)))
    ours.add_page("ticket", 1)
    with pytest.raises(OverBudget):
        theirs.add_page("ticket", 1)


async def test_an_end_from_outside_reaches_the_work() -> None:
    """Work that is broken off can let go of what it holds, and its own errors come through."""
    let_go = list[str]()

    async def hold() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            let_go.append("held")

    async def fail() -> None:
        await asyncio.sleep(0)
        raise KeyError("ours")

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await budget(Most()).spend(hold())
    assert let_go == ["held"]
    with pytest.raises(KeyError, match="ours"):
        await budget(Most()).spend(fail())


async def test_reading_is_charged_with_its_cpu_time_and_names_the_limit(tmp_path: Path) -> None:
    """Whoever may spend no CPU time reads no list, and is told which limit to raise."""
    desk = Desk(tmp_path, "acme", extra="reading = { cpu_seconds = 0 }")
    [line] = (await desk.run(RunKind.AUDIT)).billings
    assert line.state is BillingState.FAILED
    assert "seconds of CPU time were spent" in line.reason
    assert "raise cpu_seconds in [external.reading] of acme" in line.reason
    desk.store.close()


async def test_tickets_over_the_limit_of_requests_cross_in_the_next_runs(frugal: Desk) -> None:
    """Nothing is lost and nothing comes twice where a run may make fewer requests than there are new tickets."""
    acme = frugal.externals["acme"]
    for number in range(12):
        acme.client_opens("ivan", "Technical support", f"Q{number}", "help")
    first = await frugal.run()
    [line] = first.billings
    assert 0 < len(frugal.main_tickets("acme")) < 12
    assert line.state is BillingState.FAILED
    assert "requests were made, the most for one run is 5" in line.reason
    reports = [await frugal.run() for _ in range(8)]
    assert len(frugal.main_tickets("acme")) == 12
    assert reports[-1].billings[0].state is BillingState.OK
    assert {frugal.main.find(copy).subject.split("] ")[1] for copy in frugal.main_tickets("acme")} == {
        f"Q{number}" for number in range(12)
    }
