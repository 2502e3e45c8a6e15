"""Bounded starts: only so many connections begin to be read at once, so that a thousand do not log in in one moment.

The time that a connection may take begins with its start; it is not spent on waiting for this program, or in a queue of
a thousand before the main billing. A billing that is slow keeps nobody waiting: its place is free again after a moment,
and it is read on beside the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

AT_ONCE = 100  # connections
PLACE_SECONDS = 2.0  # a quiet connection takes less, also where it waits for its billings


class BoundedStarts:
    """Places at the start, ``count`` of them; each is given back at the end of the work, or after ``seconds``."""

    def __init__(self, count: int = AT_ONCE, seconds: float = PLACE_SECONDS) -> None:
        self._places, self._seconds = asyncio.Semaphore(count), seconds

    @asynccontextmanager
    async def started(self) -> AsyncIterator[None]:
        """Wait for a place; inside, the work goes on with or without it."""
        await self._places.acquire()
        with ExitStack() as place:
            place.callback(self._places.release)
            later = asyncio.get_running_loop().call_later(self._seconds, place.close)
            place.callback(later.cancel)
            yield
