"""Figures for Prometheus, read from the store at the moment they are asked for. Names are a contract.

What concerns a billing has its name as ``billing``. Must stay out: HTTP, what is worth an alert.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, TypeAlias

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from deployments.monitoring.run_counts import RunCounts
from remotesupport.core.connections.board import Board, Row, board
from remotesupport.core.connections.connection_state import Failure, State
from remotesupport.core.run import READING
from remotesupport.settings import Settings
from remotesupport.steps.record.certificates import known_certificates
from remotesupport.store import Store
from remotesupport.store.errors import StoreError

P = "remotesupport"
Values: TypeAlias = Mapping[Any, float]  # a tuple of labels' values → the figure


class Figures(Collector):
    """``settings`` gives the configuration as it is now, ``clock`` the time in UTC."""

    def __init__(
        self,
        store: Store,
        settings: Callable[[], Settings],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store, self._settings, self._clock = store, settings, clock
        self._counts = RunCounts(clock())

    def collect(self) -> Iterator[Metric]:
        """Everything; where the store does not answer only that."""
        yield _gauge("info", "The version that runs", {(version("remotesupport"),): 1}, "version")
        settings = self._settings()
        names = [one.name for one in settings.enabled()]
        try:
            found = [
                *self._board(names, several=settings.scale.shards > 1),
                *self._certificates(names),
                *self._runs(names),
            ]
        except StoreError:
            found = []
        yield _gauge("store_up", "1 while the store answers", {(): int(bool(found))})
        yield from found

    def _board(self, names: list[str], *, several: bool) -> Iterator[Metric]:
        newest, now = self._store.newest_run(*READING), self._clock()
        began = newest.started if newest is not None else None
        shards = self._store.shards_began(*READING) if several else None
        found = board(names, self._store.connection_states(), began, now, self._store.parked(names), shards)
        stamp = {(): began.timestamp()} if began is not None else {}
        yield _gauge("last_run_timestamp_seconds", "When the newest run that reads began", stamp)
        yield _gauge("stands_still", "1 while no run has begun for three minutes", {(): int(found.stands_still)})
        yield _gauge("main_down", "1 while the main billing fails every connection", {(): int(found.main is not None)})
        yield from _of_rows(found)

    def _certificates(self, names: list[str]) -> Iterator[Metric]:
        now = self._clock()
        left = {
            ("external" if one.billing else "main", one.billing): (one.expires - now).total_seconds() / 86400
            for one in known_certificates(self._store, names)
        }
        yield _gauge("certificate_days_left", "Until the certificate ends, as last seen", left, "side", "billing")

    def _runs(self, names: list[str]) -> Iterator[Metric]:
        counts = self._counts
        counts.catch_up(self._store)
        zero = dict.fromkeys(((name,) for name in names), 0)
        errors = {(name, str(kind)): 0 for name in names for kind in Failure if kind} | dict(counts.errors)
        requests = zero | {(name,): n for name, n in counts.requests.items()}
        written = zero | {(name,): n for name, n in counts.written.items()}
        yield _counter("runs", "Runs that ended, by kind and outcome", dict(counts.runs), "kind", "outcome")
        yield _counter("run_seconds", "Time of runs, by kind", _seconds(counts.seconds), "kind")
        yield _counter("step_seconds", "Time of steps, beside each other too", _seconds(counts.step_seconds), "step")
        yield _counter("requests", "Requests to both sides of a connection", requests, "billing")
        yield _counter("written", "Changes written", written, "billing")
        yield _counter("errors", "Runs that did not finish a connection's work, by kind", errors, "billing", "failure")


def _of_rows(found: Board) -> Iterator[Metric]:
    rows = found.rows
    states = {(row.name, str(state)): int(row.state is state) for row in rows for state in State}
    yield _gauge("billing_state", "1 for the state that a connection is in", states, "billing", "state")
    for name, words, value in _BY_ROW:
        values = {(row.name,): n for row in rows if (n := value(row)) is not None}
        yield _gauge(name, words, values, "billing")


_BY_ROW: tuple[tuple[str, str, Callable[[Row], float | None]], ...] = (
    ("behind_seconds", "Since the oldest change not carried, or the last good run", lambda row: row.behind_s),
    (
        "oldest_unsynced_seconds", "Since the oldest change that is not carried, 0 when all is",
        lambda row: row.oldest_unsynced_s or 0,
    ),
    (
        "last_good_read_timestamp_seconds", "When both sides were last read",
        lambda row: row.last_read.timestamp() if row.last_read else None,
    ),
    (
        "last_good_run_timestamp_seconds", "When all there was to do was last done",
        lambda row: row.last_good.timestamp() if row.last_good else None,
    ),
    ("parked_changes", "Changes that wait", lambda row: row.parked),
    ("parked_for_person", "Those of them that are never tried by themselves", lambda row: row.parked_for_person),
    ("oldest_parked_seconds", "Since the oldest of them waits, 0 for none", lambda row: row.oldest_parked_s or 0),
    ("kept_out_tickets", "Tickets that validation kept out", lambda row: row.kept_out),
)  # fmt: skip


def _seconds(milliseconds: Mapping[str, int]) -> dict[tuple[str], float]:
    return {(key,): value / 1000 for key, value in milliseconds.items()}


def _gauge(name: str, words: str, values: Values, *labels: str) -> Metric:
    return _filled(GaugeMetricFamily(f"{P}_{name}", words, labels=labels), values)


def _counter(name: str, words: str, values: Values, *labels: str) -> Metric:
    return _filled(CounterMetricFamily(f"{P}_{name}", f"{words}, since this process began", labels=labels), values)


def _filled(family: GaugeMetricFamily | CounterMetricFamily, values: Values) -> GaugeMetricFamily | CounterMetricFamily:
    for labels, value in sorted(values.items()):
        family.add_metric(labels, value)
    return family
