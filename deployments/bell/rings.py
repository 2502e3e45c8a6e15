"""Join rings: of many rings for one billing comes one run, of rings during a run at most one run afterwards.

No I/O and no clock of its own. What is kept is bounded by the number of configured billings (the caller lets no other
name in), however often somebody rings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum

APART_S = 5.0
"""Between the beginnings of two runs for one billing: a bell that never stops costs twelve quiet runs a minute."""

MINUTE_NEAR_S = 2.0
"""So near to its beginning the scheduled run takes over what would begin now."""

SHORTEST_S = 0.01
"""No wait is shorter, so that rounding of times makes no busy loop."""

MOST_RUNS = 4
MOST_TICKETS = 20
"""Of one billing in one run; what more was rung for is found by the billing's list, as always."""

Batch = Mapping[str, tuple[str, ...]]
"""Billing → its tickets that were rung for."""


class Look(StrEnum):
    """The moment at which a ticket that was rung for is looked at."""

    NOW = "now"
    SOON = "soon"  # after the run that goes on, or when the last one is APART_S ago
    MINUTE = "minute"


class Rings:
    """Rings that wait for a run. ``clock``: seconds, monotonic. ``to_minute``: until a billing's scheduled run."""

    def __init__(self, clock: Callable[[], float], to_minute: Callable[[str], float]) -> None:
        self._clock, self._to_minute = clock, to_minute
        self._waiting: dict[str, dict[str, None]] = {}
        self._going: set[str] = set()
        self._began: dict[str, float] = {}
        self._runs = 0

    def ring(self, billing: str, ticket: str) -> Look:
        """Remember it, once, and say when it is looked at."""
        tickets = self._waiting.setdefault(billing, {})
        if len(tickets) < MOST_TICKETS:
            tickets[ticket] = None
        if self._held_back(billing) or self._runs >= MOST_RUNS:
            return Look.SOON
        return Look.MINUTE if self._to_minute(billing) < MINUTE_NEAR_S else Look.NOW

    def due(self) -> Batch:
        """Take what a run is to begin for now; empty when nothing is. Its end is to be told by ``ended``."""
        ready = [billing for billing in self._waiting if not self._held_back(billing)]
        if not ready or self._runs >= MOST_RUNS:
            return {}
        taken = {billing: tuple(self._waiting.pop(billing)) for billing in ready}
        batch = {billing: tickets for billing, tickets in taken.items() if self._to_minute(billing) >= MINUTE_NEAR_S}
        if not batch:
            return {}
        self._runs += 1
        self._going.update(batch)
        self._began.update(dict.fromkeys(batch, self._clock()))
        return batch

    def ended(self, billings: Iterable[str]) -> None:
        """The run for them is over."""
        self._runs -= 1
        self._going.difference_update(billings)

    def again(self, batch: Batch) -> None:
        """The run for them could not begin: they wait for another one."""
        for billing, tickets in batch.items():
            self._waiting[billing] = dict.fromkeys((*tickets, *self._waiting.get(billing, ()))[:MOST_TICKETS])

    def pause(self) -> float | None:
        """Seconds until something is due; None when only a ring or the end of a run can bring it."""
        if self._runs >= MOST_RUNS:
            return None
        waits = [max(SHORTEST_S, self._to_go(b)) for b in self._waiting if b not in self._going]
        return min(waits, default=None)

    def _held_back(self, billing: str) -> bool:
        return billing in self._going or self._to_go(billing) > 0

    def _to_go(self, billing: str) -> float:
        began = self._began.get(billing)
        return 0.0 if began is None else max(0.0, began + APART_S - self._clock())
