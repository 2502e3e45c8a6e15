"""Batches: what connections ask for on their way is done in one pass for all that are there; nobody waits for long.

A pass begins when every connection of the run has come, or is through, or when for a moment no other one came, at the
latest some moments after it could have begun. What comes while a pass is going on is the next batch. In here nobody
talks to a billing, so no pass waits for one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
PATIENCE = 10  # a pass waits so much longer for all connections than for the next one


class OnTheWay:
    """Count the connections of a run that are busy with something slow: their billings, or their turn to write."""

    def __init__(self, busy: int, gathering: float) -> None:
        """``gathering``: the most that one of them waits for the others, in seconds; a tenth of that after the last
        one has come."""
        self._busy, self._gathering = busy, gathering
        self._moved = asyncio.Event()

    def add(self, count: int) -> None:
        """Count so many more (or fewer) as busy."""
        self._busy += count
        self._moved.set()

    async def gathered(self) -> None:
        """Return when nobody is busy any more, when nobody comes for a moment, or after the gathering time."""
        now = asyncio.get_running_loop().time
        latest = now() + self._gathering
        with suppress(TimeoutError):
            while self._busy:
                self._moved.clear()
                async with asyncio.timeout_at(min(latest, now() + self._gathering / PATIENCE)):
                    await self._moved.wait()


class Batches(Generic[Item, Result]):
    """One pass over many connections, ``work``, as a call for one connection.

    Where a pass fails, each connection of it is tried alone: what is strange about one costs the others nothing.
    """

    def __init__(self, work: Callable[[dict[str, Item]], Awaitable[dict[str, Result]]], on_the_way: OnTheWay) -> None:
        self._work, self._on_the_way = work, on_the_way
        self._waiting: dict[str, tuple[Item, asyncio.Future[Result]]] = {}
        self._passes: asyncio.Task[None] | None = None

    async def __call__(self, name: str, item: Item) -> Result:
        """Wait for the next pass and return its result for ``name``. Raises what a pass over it alone raises."""
        result: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting[name] = (item, result)
        self._on_the_way.add(-1)
        if self._passes is None:
            self._passes = asyncio.create_task(self._pass_after_pass())
        return await result

    async def aclose(self) -> None:
        """End a pass that nobody waits for any more."""
        if self._passes is not None:
            self._passes.cancel()
            with suppress(asyncio.CancelledError):
                await self._passes

    async def _pass_after_pass(self) -> None:
        batch: dict[str, tuple[Item, asyncio.Future[Result]]] = {}
        try:
            while self._waiting:
                await self._on_the_way.gathered()
                batch, self._waiting = self._waiting, {}
                self._on_the_way.add(len(batch))
                if not await self._done(batch, last=len(batch) == 1):
                    for name, alone in batch.items():
                        await self._done({name: alone}, last=True)
        except BaseException as error:  # the run is broken off: nobody waits for a pass that will not come
            waiting = [one for _, one in (*batch.values(), *self._waiting.values()) if not one.done()]
            for one in waiting:
                one.set_exception(error)
            if not waiting or isinstance(error, asyncio.CancelledError):
                raise
        finally:
            self._passes = None

    async def _done(self, batch: dict[str, tuple[Item, asyncio.Future[Result]]], *, last: bool) -> bool:
        """Make one pass. False: it failed; the ``last`` try gives its error to whoever waits."""
        try:
            results = await self._work({name: item for name, (item, _) in batch.items()})
        except Exception as error:
            for _, waiting in batch.values() if last else ():
                if not waiting.done():
                    waiting.set_exception(error)
            return False
        for name, (_, waiting) in batch.items():
            if not waiting.done():
                waiting.set_result(results[name])
        return True
