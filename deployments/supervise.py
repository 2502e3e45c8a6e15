"""Keep children going until a person wants an end: restarts with back-off, and the end in order.

Knows nothing of Prefect or of what the children do.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Protocol

from deployments import exit_codes
from deployments.processes import Child

STOP_GRACE_S = 6.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
SETTLED_AFTER_S = 60.0
TICK_S = 0.2

_REASONS = {
    exit_codes.STUCK: "a run did not yield",
    exit_codes.GREW: "its memory had grown past the limit",
}


class Stopping:
    """SIGINT and SIGTERM as a wish: the first ends everything in order, the second at once."""

    def __init__(self) -> None:
        self.asked = 0

    def install(self) -> None:
        """Take the signals; call it in the main thread."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    def ask(self) -> None:
        """Ask for an end in order; a second time, for one at once."""
        self.asked += 1

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.ask()

    @property
    def wanted(self) -> bool:
        """End in order."""
        return self.asked > 0

    def hurry(self) -> bool:
        """End at once."""
        return self.asked > 1


class Kept:
    """One child that is started again whenever it ends. ``name`` is for messages."""

    def __init__(self, name: str, child: Child, say: Callable[[str], None]) -> None:
        self.name, self.child, self._say = name, child, say
        self._pause, self._began, self._again_at = FIRST_PAUSE_S, time.monotonic(), 0.0

    def start(self) -> None:
        """Start it now."""
        self._began = time.monotonic()
        self.child.start()

    def restart(self) -> None:
        """End it and start it again now."""
        self.child.stop(STOP_GRACE_S)
        self._again_at = 0.0
        self.start()

    def tend(self, now: float) -> None:
        """Start it again if it has ended: soon, and less soon each time that it does not last."""
        code = self.child.returncode
        if code is None:
            return
        if not self._again_at:
            self._pause = self._next_pause(code, now - self._began)
            self._again_at = now + self._pause
            reason = _REASONS.get(code, f"status {code}")
            self._say(f"{self.name} ended ({reason}); it starts again in {self._pause:.0f} s")
        elif now >= self._again_at:
            self._again_at = 0.0
            self.start()

    def _next_pause(self, code: int, lived: float) -> float:
        if code in _REASONS or lived > SETTLED_AFTER_S:
            return FIRST_PAUSE_S
        return min(LONGEST_PAUSE_S, self._pause * 2)


class Tended(Protocol):
    """Something to look after again and again."""

    def tend(self, now: float) -> None:
        """Look after it; ``now``: seconds, monotonic."""


def keep_going(kept: Iterable[Tended], stopping: Stopping) -> None:
    """Tend all of them until an end is wanted."""
    children = list(kept)
    while not stopping.wanted:
        for one in children:
            one.tend(time.monotonic())
        time.sleep(TICK_S)


def stop_all(children: Iterable[Child], stopping: Stopping) -> None:
    """End them one after the other in the order given; at once when a second signal comes."""
    for child in children:
        child.stop(0 if stopping.hurry() else STOP_GRACE_S, stopping.hurry)
