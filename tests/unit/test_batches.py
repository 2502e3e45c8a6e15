"""Batches: one pass for all that are there, nobody waits for long, and one that is strange costs the others nothing."""

from __future__ import annotations

import asyncio

from remotesupport.steps.pipeline.batches import PATIENCE, Batches, OnTheWay
from tests.virtual_time import VirtualTime, live

FOR_ALL, AT_ONCE = 3600.0, 0.0


class Ended(BaseException):
    """The process is at its end."""


class Passes:
    """Counts and remembers what each pass was made for; whoever is called ``strange`` breaks it."""

    def __init__(self, busy: int, gathering: float) -> None:
        self.on_the_way = OnTheWay(busy, gathering)
        self.made: list[list[str]] = []
        self.batches = Batches(self._work, self.on_the_way)

    async def _work(self, batch: dict[str, int]) -> dict[str, int]:
        self.made.append(sorted(batch))
        if "strange" in batch:
            raise ValueError("strange")
        if "end" in batch:
            raise Ended
        return {name: item * 2 for name, item in batch.items()}


async def test_all_that_are_on_the_way_are_in_one_pass() -> None:
    """A pass begins as soon as the last one has come, and gives each its own result."""
    passes = Passes(3, FOR_ALL)
    results = await asyncio.gather(*(passes.batches(name, n) for n, name in enumerate("abc")))
    assert (results, passes.made) == ([0, 2, 4], [["a", "b", "c"]])


async def test_nobody_waits_for_one_that_does_not_come() -> None:
    """After the gathering time the pass is made for those that are there; who comes later is in the next one."""
    passes = Passes(2, AT_ONCE)
    assert await passes.batches("a", 1) == 2
    assert await passes.batches("b", 2) == 4
    assert passes.made == [["a"], ["b"]]


async def test_who_is_through_is_waited_for_no_more() -> None:
    """A connection that has ended elsewhere lets the others' pass begin."""
    passes = Passes(2, FOR_ALL)
    waiting = asyncio.create_task(passes.batches("a", 1))
    await asyncio.sleep(0)
    passes.on_the_way.add(-1)
    assert await waiting == 2


async def test_what_breaks_a_pass_is_its_own_error_only() -> None:
    """Where a pass fails each is tried alone: the strange one gets its error, the others their results."""
    passes = Passes(3, FOR_ALL)
    calls = (passes.batches(name, 1) for name in ("a", "strange", "b"))
    first, strange, last = await asyncio.gather(*calls, return_exceptions=True)
    assert (first, last) == (2, 2)
    assert isinstance(strange, ValueError)
    assert passes.made == [["a", "b", "strange"], ["a"], ["strange"], ["b"]]


async def test_nobody_waits_for_a_pass_that_was_broken_off() -> None:
    """Where the process is at its end in a pass, whoever waits for it learns so; a next pass works."""
    passes = Passes(2, AT_ONCE)
    calls = (passes.batches(name, 1) for name in ("a", "end"))
    ends = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(end) for end in ends] == [Ended, Ended]
    assert await passes.batches("b", 2) == 4


async def test_a_run_that_is_broken_off_as_one_more_comes_ends() -> None:
    """However the two fall together, the pass ends at once: its end is not lost beside what moved."""
    for turns in range(8):
        passes = Passes(3, FOR_ALL)
        waiting = asyncio.create_task(passes.batches("a", 1))
        await asyncio.sleep(0.001)
        passes.on_the_way.add(-1)
        for _ in range(turns):
            await asyncio.sleep(0)
        ending = asyncio.create_task(passes.batches.aclose())
        ended, _ = await asyncio.wait({ending}, timeout=5)
        assert ended, f"it goes on when it is ended {turns} turns of the loop after something moved"
        assert isinstance(await asyncio.gather(waiting, return_exceptions=True), list)


def test_the_last_one_that_comes_waits_a_moment_only() -> None:
    """Three come a second apart and a fourth never does: one pass for the three, a moment after the last."""

    async def minute() -> float:
        passes = Passes(4, 60.0)

        async def come(number: int) -> int:
            await asyncio.sleep(number)
            return await passes.batches(f"{number}", number)

        await asyncio.gather(*map(come, range(3)))
        assert passes.made == [["0", "1", "2"]]
        return asyncio.get_running_loop().time()

    loop = VirtualTime()
    assert live(minute(), loop) == 2.0 + 60.0 / PATIENCE
