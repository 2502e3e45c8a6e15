"""Laws of bounded starts: who may begin, and who keeps nobody waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from remotesupport.steps.read.bounded_starts import BoundedStarts

NEVER = 3600.0  # seconds


async def most_at_once(starts: BoundedStarts, work: Callable[[int], Awaitable[object]], count: int) -> int:
    """Let so many do their work; return how many were at it at the same time, at most."""
    busy, most = 0, 0

    async def one(number: int) -> None:
        nonlocal busy, most
        async with starts.started():
            busy += 1
            most = max(most, busy)
            try:
                await work(number)
            finally:
                busy -= 1

    await asyncio.gather(*map(one, range(count)), return_exceptions=True)
    return most


async def test_no_more_begin_than_there_are_places() -> None:
    """Of a hundred that answer at once, seven are read at the same time."""

    async def work(_: int) -> None:
        await asyncio.sleep(0)

    assert await most_at_once(BoundedStarts(7, NEVER), work, 100) == 7


async def test_whoever_is_slow_keeps_nobody_waiting() -> None:
    """Where all that have begun give no answer, the next ones begin after a moment, and all are read side by side."""
    all_there = asyncio.Barrier(30)

    async def work(_: int) -> None:
        async with asyncio.timeout(30):
            await all_there.wait()

    assert await most_at_once(BoundedStarts(3, 0.01), work, 30) == 30


async def test_a_place_is_given_back_once() -> None:
    """Whoever has given its place back and then ends, or fails, makes no second place of it."""
    starts = BoundedStarts(2, 0.01)

    async def slow(_: int) -> None:
        await asyncio.sleep(0.05)
        raise ValueError("its billing has failed")

    async def quick(_: int) -> None:
        await asyncio.sleep(0)

    await most_at_once(starts, slow, 5)
    assert await most_at_once(starts, quick, 50) == 2


async def test_whoever_is_broken_off_gives_its_place_back() -> None:
    """A run that is cancelled leaves no place taken."""
    starts = BoundedStarts(1, NEVER)

    async def for_ever() -> None:
        async with starts.started():
            await asyncio.sleep(NEVER)

    task = asyncio.create_task(for_ever())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(10), starts.started():
        pass
