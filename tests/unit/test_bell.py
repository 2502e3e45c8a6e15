"""The bell's laws: many rings are one run, none is lost, one billing holds up no other, and the minute comes first."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.bell.ringer import NotBegun, Ringer
from deployments.bell.rings import APART_S, MINUTE_NEAR_S, MOST_RUNS, MOST_TICKETS, Batch, Look, Rings
from tests.virtual_time import VirtualTime, live

PAUSED = NotBegun("paused", keep=False)
AWAY = NotBegun("away", keep=True)


class FakeRuns:
    """Runs that last ``lasts`` seconds. ``refusals``: what the first tries to begin one meet."""

    def __init__(self, loop: VirtualTime, lasts: float, *refusals: NotBegun) -> None:
        self._loop, self.lasts, self._refusals = loop, lasts, list(refusals)
        self.begun: list[tuple[float, Batch]] = []
        self.going: list[str] = []
        self.most = self._at_once = 0

    async def begin(self, batch: Batch) -> str:
        if self._refusals:
            raise self._refusals.pop(0)
        self.begun.append((self._loop.time(), batch))
        assert not set(batch) & set(self.going), "a second run for a billing beside the first"
        self.going.extend(batch)
        self._at_once += 1
        self.most = max(self.most, self._at_once)
        return " ".join(batch)

    async def end(self, run: str) -> None:
        await asyncio.sleep(self.lasts)
        self._at_once -= 1
        for billing in run.split():
            self.going.remove(billing)


class World:
    """A ringer over fake runs in virtual time."""

    def __init__(self, lasts: float = 1.0, *refusals: NotBegun) -> None:
        self.loop = VirtualTime()
        self.runs = FakeRuns(self.loop, lasts, *refusals)
        self.said: list[str] = []
        self.dropped: list[float] = []  # moments so near to the minute that it takes over
        rings = Rings(self.loop.time, self.to_minute)
        self.ringer = Ringer(rings, self.runs, self.said.append)

    def to_minute(self, _billing: str) -> float:
        """Seconds to the scheduled run, remembered where they are so few that it takes over."""
        left = 60 - self.loop.time() % 60
        if left < MINUTE_NEAR_S:
            self.dropped.append(self.loop.time())
        return left

    def live(self, people: Coroutine[Any, Any, Any]) -> None:
        """Let people ring, then whatever follows from it for two minutes."""

        async def life() -> None:
            work = asyncio.create_task(self.ringer.work())
            await people
            await asyncio.sleep(120)
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work

        live(life(), self.loop)

    @property
    def times(self) -> list[float]:
        """When runs began."""
        return [at for at, _ in self.runs.begun]


def test_a_ring_begins_a_run_at_once() -> None:
    """Nothing is waited for when nothing goes on."""
    world = World()

    async def people() -> None:
        assert await world.ringer.ring("acme", "7") == (Look.NOW, "")

    world.live(people())
    assert world.runs.begun == [(0.0, {"acme": ("7",)})]


def test_rings_during_a_run_are_one_run_afterwards() -> None:
    """A thousand rings while a run goes on, for a thousand tickets, bring one more run, for a bounded number."""
    world = World(10.0)

    async def people() -> None:
        await world.ringer.ring("acme", "first")
        for n in range(1000):
            look, trouble = await world.ringer.ring("acme", str(n))
            assert (look, trouble) == (Look.SOON, "")
            await asyncio.sleep(0.001)

    world.live(people())
    assert world.times == [0.0, 10.0]
    assert world.runs.begun[1][1] == {"acme": tuple(str(n) for n in range(MOST_TICKETS))}


def test_a_bell_that_never_stops_begins_runs_apart() -> None:
    """A hundred rings a second for half a minute are a run every few seconds."""
    world = World(0.5)

    async def people() -> None:
        for _ in range(3000):
            await world.ringer.ring("acme", "7")
            await asyncio.sleep(0.01)

    world.live(people())
    apart = [later - sooner for sooner, later in zip(world.times, world.times[1:], strict=False)]
    assert len(world.times) <= 30 / APART_S + 2
    assert min(apart) >= APART_S


def test_a_slow_billing_holds_up_no_other() -> None:
    """While a run for one goes on, a ring for another begins its own; so many at most."""
    world = World(30.0)

    async def people() -> None:
        for n in range(MOST_RUNS + 2):
            await world.ringer.ring(f"billing-{n}", "1")
            await asyncio.sleep(1)

    world.live(people())
    assert world.times[:MOST_RUNS] == [0.0, 1.0, 2.0, 3.0]
    assert world.runs.most == MOST_RUNS
    assert world.runs.begun[MOST_RUNS] == (30.0, {"billing-4": ("1",), "billing-5": ("1",)})


def test_just_before_the_minute_the_minute_looks() -> None:
    """No run begins in the last seconds, and none is made up for: the schedule's own run reads what was rung for."""
    world = World()

    async def people() -> None:
        await asyncio.sleep(60 - MINUTE_NEAR_S / 2)
        assert await world.ringer.ring("acme", "7") == (Look.MINUTE, "")

    world.live(people())
    assert world.runs.begun == []


def test_a_ring_during_a_run_over_the_minute_is_looked_at_after_it() -> None:
    """The scheduled run may have met that run's lease, so the ring is not left to it."""
    world = World(10.0)

    async def people() -> None:
        await asyncio.sleep(55)
        await world.ringer.ring("acme", "7")
        await asyncio.sleep(4)
        assert await world.ringer.ring("acme", "8") == (Look.SOON, "")

    world.live(people())
    assert world.times == [55.0, 65.0]


def test_a_ring_that_no_run_could_begin_for_is_kept_and_says_so() -> None:
    """The caller hears why, the operator once, and the run begins when it can."""
    world = World(1.0, AWAY, AWAY)

    async def people() -> None:
        assert await world.ringer.ring("acme", "7") == (Look.NOW, "away")
        assert await world.ringer.ring("acme", "8") == (Look.SOON, "away")

    world.live(people())
    assert world.said == ["bell: away"]
    assert world.runs.begun == [(2 * APART_S, {"acme": ("7", "8")})]


def test_a_paused_schedule_is_obeyed() -> None:
    """Rings while a person has paused it begin nothing, then or later, and the caller hears why."""
    world = World(1.0, PAUSED)

    async def people() -> None:
        assert await world.ringer.ring("acme", "7") == (Look.NOW, "paused")

    world.live(people())
    assert world.runs.begun == []


@given(
    lasts=st.floats(0.1, 40),
    rings=st.lists(st.tuples(st.floats(0, 20), st.sampled_from(["a", "b", "c"])), min_size=1, max_size=30),
)
def test_no_ring_is_lost(lasts: float, rings: list[tuple[float, str]]) -> None:
    """Whenever it came, some run for its billing begins at it or after it, or the scheduled run does."""
    world = World(lasts)
    rung: list[tuple[float, str]] = []

    async def people() -> None:
        for pause, billing in rings:
            await asyncio.sleep(pause)
            rung.append((world.loop.time(), billing))
            await world.ringer.ring(billing, "1")

    world.live(people())
    for at, billing in rung:
        begins = [began for began, batch in world.runs.begun if billing in batch and began >= at]
        left_to_the_minute = [t for t in world.dropped if t >= at]
        assert begins or left_to_the_minute, (at, billing)


@pytest.mark.parametrize("count", [1, 50])
def test_what_waits_is_bounded_by_the_billings(count: int) -> None:
    """However often somebody rings before a run can begin, one run for each billing is what is due."""
    rings = Rings(lambda: 0.0, lambda _billing: 30.0)
    for n in range(count * 1000):
        rings.ring("acme", str(n))
        rings.ring("globex", str(n))
    batch = rings.due()
    assert {name: len(tickets) for name, tickets in batch.items()} == {"acme": MOST_TICKETS, "globex": MOST_TICKETS}
    assert rings.due() == {}
    assert rings.pause() is None
