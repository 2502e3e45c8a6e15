"""Tell of each run of the every-minute schedule once, when it has ended.

Must stay out: what follows from it. That runs come at all is watched elsewhere (``minding``).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from deployments.prefect_api import NoAnswer, PrefectApi, RunSeen

LOOK_EVERY_S = 1.0
_ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class EndedRuns:
    """Gives each scheduled run that ends after ``since`` to ``told``, the earliest first."""

    def __init__(self, api: PrefectApi, since: datetime, told: Callable[[RunSeen], None]) -> None:
        self._api, self._since, self._told = api, since, told
        self._known: set[str] = set()
        self._next = 0.0

    def tend(self, now: float) -> None:
        """Look when it is time to (``now``: seconds, monotonic). A server that does not answer is asked again."""
        if now < self._next:
            return
        self._next = now + LOOK_EVERY_S
        try:
            seen = self._api.runs(_ENDED, sort="END_TIME_DESC")
        except NoAnswer:
            return
        for run in sorted(filter(self._is_new, seen), key=lambda run: run.end or _LONG_AGO):
            self._known.add(run.id)
            self._told(run)

    def _is_new(self, run: RunSeen) -> bool:
        return run.scheduled and run.id not in self._known and run.end is not None and run.end >= self._since
