"""The emulated billing's own clock: real time until somebody moves, sets or freezes it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime


class Clock:
    """Seconds since the epoch, UTC. ``moved`` is called after somebody moved it."""

    def __init__(self) -> None:
        self.moved: Callable[[], None] = lambda: None
        self._offset = 0.0
        self._frozen: float | None = None

    def now(self) -> int:
        """The billing's moment in whole seconds: BILLmanager shows no fractions."""
        return int(self.moment())

    def moment(self) -> float:
        """Return the same with its fractions, for the emulator's own timers."""
        return self._frozen if self._frozen is not None else time.time() + self._offset

    def advance(self, seconds: float) -> None:
        """Move on (or back, with a negative number)."""
        if self._frozen is not None:
            self._frozen += seconds
        else:
            self._offset += seconds
        self.moved()

    def set(self, moment: datetime, *, freeze: bool = False) -> None:
        """Jump to ``moment`` (naive means UTC), and stand still there when ``freeze``."""
        stamp = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        self._offset = stamp - time.time()
        self._frozen = stamp if freeze else None
        self.moved()

    def reset(self) -> None:
        """Back to real time."""
        self._offset, self._frozen = 0.0, None
