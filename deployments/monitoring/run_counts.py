"""Counts of what runs have done since this process began, from the store's run book: any process can count them.

Must stay out: how it is shown (``figures``), what the store knows of this moment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from threading import Lock
from typing import Any

from remotesupport.core.connections.connection_state import Failure
from remotesupport.core.run import BillingState
from remotesupport.store import RunRecord, Store

_BAD = (BillingState.FAILED, BillingState.STOPPED)


class Outcome(StrEnum):
    """The end of a run, for figures."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


class RunCounts:
    """Counters that only grow, of runs that ended after ``since``. ``errors``: by billing and kind of failure."""

    def __init__(self, since: datetime) -> None:
        self._since, self._seen, self._lock = since, set[str](), Lock()
        self.runs: Counter[tuple[str, str]] = Counter()
        self.errors: Counter[tuple[str, str]] = Counter()
        self.requests: Counter[str] = Counter()
        self.written: Counter[str] = Counter()
        self.seconds: Counter[str] = Counter()
        self.step_seconds: Counter[str] = Counter()

    def catch_up(self, store: Store) -> None:
        """Count what has ended since the last time. Raises the store's errors."""
        with self._lock:
            # The moment itself is looked at again: two runs may have ended in it, and one may not have been there.
            found = [run for run in store.ended_after(self._since) if run.run not in self._seen]
            for run in found:
                self._count(run)
            newest = max((run.finished for run in found if run.finished), default=self._since)
            if newest > self._since:
                self._seen = {run.run for run in found if run.finished == newest}
                self._since = newest

    def _count(self, run: RunRecord) -> None:
        summary = run.summary
        self.runs[run.kind, outcome_of(summary)] += 1
        if run.finished is not None:
            self.seconds[run.kind] += int((run.finished - run.started).total_seconds() * 1000)
        for step, seconds in (summary.get("step_seconds") or {}).items():
            self.step_seconds[step] += int(seconds * 1000)
        for line in summary.get("billings") or ():
            self._count_line(line)

    def _count_line(self, line: Mapping[str, Any]) -> None:
        name = str(line["name"])
        self.requests[name] += int(line.get("requests") or 0)
        self.written[name] += int(line.get("written") or 0)
        failure = str(line.get("failure") or Failure.NONE)
        if failure:
            self.errors[name, failure] += 1


def outcome_of(summary: Mapping[str, Any]) -> Outcome:
    """Failed where a connection failed or was stopped; skipped where none had a turn."""
    states = [line.get("state") for line in summary.get("billings") or ()]
    if any(state in _BAD for state in states):
        return Outcome.FAILED
    skipped = summary.get("skipped") or (states and all(state == BillingState.SKIPPED for state in states))
    return Outcome.SKIPPED if skipped else Outcome.OK
