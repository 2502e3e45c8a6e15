"""Answer times: median, 90th percentile, and the share of tickets within the agreed time. All hours count."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

STEPS = (15 * 60, 3600, 4 * 3600, 24 * 3600, 3 * 24 * 3600)  # seconds: up to each of them, and longer


@dataclass(frozen=True, slots=True)
class Wait:
    """One ticket that waits from ``since`` on. ``until`` None: it still does, or nobody can say that it does not.

    ``over``: it waits for nothing any more: it has left, or was closed without that for which it waited, or at a moment
    that nobody knows.
    """

    since: datetime
    until: datetime | None
    over: bool = False


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds. ``done``: waits that ended; ``open``: that go on; ``over``: that ended without.

    ``within``: ended within ``agreed``; ``late``: ended after it, or go on for longer; both None where nothing is
    agreed. A wait that goes on and is not late yet is neither. ``steps``: how many ended up to each of STEPS, and
    later.
    """

    done: int
    open: int
    over: int
    median: float | None
    p90: float | None
    agreed: float | None
    within: int | None
    late: int | None
    steps: tuple[int, ...]

    @property
    def share(self) -> float | None:
        """Percent of what can be judged that was within the agreed time."""
        if self.within is None or self.late is None or not self.within + self.late:
            return None
        return 100 * self.within / (self.within + self.late)


def times(waits: Iterable[Wait], now: datetime, agreed: timedelta | None) -> Times:
    """Judge them as they are at ``now``."""
    listed = list(waits)
    ended = [(w.until - w.since).total_seconds() for w in listed if w.until is not None]
    going_on = [(now - w.since).total_seconds() for w in listed if w.until is None and not w.over]
    limit = agreed.total_seconds() if agreed is not None else None
    return Times(
        done=len(ended),
        open=len(going_on),
        over=len(listed) - len(ended) - len(going_on),
        median=float(np.median(ended)) if ended else None,
        p90=_p90(ended),
        agreed=limit,
        within=None if limit is None else sum(s <= limit for s in ended),
        late=None if limit is None else sum(s > limit for s in (*ended, *going_on)),
        steps=_steps(ended),
    )


def _p90(seconds: Sequence[float]) -> float | None:
    """The shortest time within which nine of ten were done: one that occurred, not one between two."""
    return float(np.quantile(seconds, 0.9, method="inverted_cdf")) if seconds else None


def _steps(seconds: Sequence[float]) -> tuple[int, ...]:
    """Count the times in each step; the upper end of a step belongs to it."""
    places = np.searchsorted(STEPS, seconds, side="left")
    return tuple(int(n) for n in np.bincount(places.astype(int), minlength=len(STEPS) + 1))
