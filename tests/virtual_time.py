"""An event loop in which waiting takes no time: when nobody has anything to do, its clock jumps.

Several runs and people live a day in it side by side, in the order of their appointments, always the same way.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from tests.cycle_fixtures import Clock
from tests.inline_executor import Inline

T = TypeVar("T")
MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)


class _Jumping(selectors.DefaultSelector):
    """Never waits; tells how long it would have."""

    jump: Any = None

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout:
            self.jump(timeout)
        return ready


class VirtualTime(asyncio.SelectorEventLoop):
    """Begins at midnight."""

    def __init__(self) -> None:
        selector = _Jumping()
        selector.jump = self._jump
        self._seconds = 0.0
        super().__init__(selector)
        self.set_default_executor(Inline())

    def _jump(self, seconds: float) -> None:
        self._seconds += seconds

    def time(self) -> float:
        """Seconds since midnight; asyncio's own clock."""
        return self._seconds


class LoopClock(Clock):
    """The loop's time, for the product and for the billings."""

    def __init__(self, loop: VirtualTime) -> None:
        super().__init__()
        self.loop = loop

    def __call__(self) -> datetime:
        return MIDNIGHT + timedelta(seconds=self.loop.time())

    def advance(self, seconds: float) -> None:
        raise AssertionError("here time passes by waiting")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def until(self, second: float) -> None:
        """Wait for that second of the day."""
        await asyncio.sleep(max(0.0, second - self.loop.time()))


def live(life: Coroutine[Any, Any, T], loop: VirtualTime) -> T:
    """Run ``life`` to its end."""
    try:
        return loop.run_until_complete(life)
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
