"""``history``: what changed, hour by hour how much was carried, and when no run began. From the store alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from remotesupport.cli import output, session
from remotesupport.cli.options import AsJson, Billings
from remotesupport.cli.since import Since, moment_of
from remotesupport.core.run import RunKind

if TYPE_CHECKING:
    from remotesupport.store import HistoryLine, Store

GAP = timedelta(minutes=2)  # a sync begins every minute: so long without one is at least one that did not come
_KINDS = ("created", "adopted", "posted", "closed", "reopened", "departed", "conflict")


@dataclass(frozen=True, slots=True)
class Missed:
    """No sync began between these two moments; ``until`` None: and none has since."""

    since: datetime
    until: datetime | None
    minutes: int


@dataclass(frozen=True, slots=True)
class Past:
    """The content of ``history``. ``counts``: rows of hour, connection and a number for each kind."""

    since: datetime
    changes: list[HistoryLine] = field(default_factory=list)
    missed: list[Missed] = field(default_factory=list)
    counts: list[dict[str, Any]] = field(default_factory=list)


def history(since: Since = "yesterday", billing: Billings = None, as_json: AsJson = False) -> None:
    """Show what changed: configuration, departments, habits, versions, states; what was carried by the hour; missed
    runs."""
    settings, now = session.configuration(), datetime.now(UTC)
    begin = moment_of(since, now)
    names = session.chosen(settings, billing)
    with session.store_if_any(settings) as (_, store):
        past = look_back(store, begin, now, names) if store is not None else Past(begin)
    if as_json:
        output.document(to_json(past))
    else:
        show(past)


def look_back(store: Store, since: datetime, now: datetime, names: tuple[str, ...] = ()) -> Past:
    """The past of the connections ``names`` (empty: of all)."""
    begun = store.runs_begun(since, [RunKind.SYNC], names)
    return Past(since, store.history(since, names), list(missed(begun, since, now)), store.hourly_counts(since, names))


def missed(begun: Iterable[datetime], since: datetime, now: datetime) -> Iterator[Missed]:
    """The times in which no sync began, where one did before: by hand or not, nothing was carried then."""
    moments = list(begun)
    for before, after in pairwise(moments):
        if after - before > GAP and after > since:
            yield Missed(before, after, _minutes(after - before))
    if moments and now - moments[-1] > GAP:
        yield Missed(moments[-1], None, _minutes(now - moments[-1]))


def _minutes(gap: timedelta) -> int:
    """Count the minutes whose runs did not come in it."""
    return max(1, round(gap.total_seconds() / 60) - 1)


def to_json(past: Past) -> dict[str, Any]:
    """The documented shape."""
    return {
        "since": past.since,
        "changes": [
            {
                "at": line.at, "billing": line.connection or None, "what": line.what, "subject": line.subject,
                "before": line.before or None, "after": line.after or None, "why": line.why,
            }
            for line in past.changes
        ],
        "missed": [{"since": m.since, "until": m.until, "runs": m.minutes} for m in past.missed],
        "counts": [
            {"hour": c["hour"], "billing": c["connection"], **{kind: c.get(kind, 0) for kind in _KINDS}}
            for c in past.counts
        ],
    }  # fmt: skip


def show(past: Past) -> None:
    """For people: the changes, the gaps, then the counts."""
    if not (past.changes or past.missed or past.counts):
        output.line(f"Nothing changed since {output.moment(past.since)}, nothing was carried, no run was missed.")
        return
    if past.changes:
        output.table("What changed", ("At", "Billing", "What", "Before", "After", "Why"), map(_row, past.changes))
    for gap in past.missed:
        output.line(_words(gap))
    if past.counts:
        rows = [(c["hour"], c["connection"], *(c.get(kind, 0) for kind in _KINDS)) for c in past.counts]
        output.table("Carried, by the hour", ("Hour", "Billing", *(k.capitalize() for k in _KINDS)), rows)


def _row(line: HistoryLine) -> tuple[object, ...]:
    what = str(line.what) if line.subject == line.what else f"{line.what} {line.subject}"
    return (line.at, line.connection or "all", what, line.before or None, line.after or None, line.why)


def _words(gap: Missed) -> str:
    until = f"until {output.moment(gap.until)}" if gap.until else "and none has since"
    runs = "1 run" if gap.minutes == 1 else f"{gap.minutes} runs"
    return f"No sync began after {output.moment(gap.since)} {until}: {runs} missed. remotesupport.log says why."
