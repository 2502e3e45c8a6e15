"""The history: a line for each change; and what other tables tell of it: counts by hour, runs begun.

Must stay out: finding out that something has changed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    RowMapping,
    bindparam,
    func,
    insert,
    or_,
    select,
    type_coerce,
)

from remotesupport.store.columns import EPOCH
from remotesupport.store.database import Database, Part
from remotesupport.store.keys import among
from remotesupport.store.receipts import DONE
from remotesupport.store.states import Changed, HistoryLine
from remotesupport.store.tables import events, habits, history, runs

_ADD = insert(history)
_LINES = select(history).where(history.c.at >= bindparam("since")).order_by(history.c.at, history.c.id)
_LEARNED = select(habits).where(habits.c.first_seen >= bindparam("since"))
_HOUR_US = 3_600_000_000
_COUNTED = tuple(DONE.values())


def add_lines(db: Database, conn: Connection, lines: Iterable[HistoryLine]) -> None:
    """Append inside somebody else's transaction; a line without a time is of now."""
    rows = [_row(line, db.now(conn)) for line in lines]
    if rows:
        conn.execute(_ADD, rows)


class History(Part):
    """Appended to when something changes, and never otherwise."""

    def add_history(self, lines: Sequence[HistoryLine]) -> None:
        """Append ``lines``, all or none."""
        if lines:
            with self._db.write() as conn:
                add_lines(self._db, conn, lines)

    def history(self, since: datetime, names: Collection[str] = ()) -> list[HistoryLine]:
        """Return what changed since then, the oldest first. ``names``: only of these connections, and what concerns
        all."""
        with self._db.read() as conn:
            noted = [_line(row) for row in conn.execute(_LINES, {"since": since}).mappings()]
            learned = [_learned(row) for row in conn.execute(_LEARNED, {"since": since}).mappings()]
        wanted = [line for line in (*noted, *learned) if not names or line.connection in ("", *names)]
        return sorted(wanted, key=lambda line: line.at or EPOCH)

    def hourly_counts(self, since: datetime, names: Collection[str] = ()) -> list[dict[str, Any]]:
        """For each hour and connection in which something was written: how much of which kind; the oldest first."""
        hour = _hour(self._db)
        done = (events.c.at >= since, events.c.event.in_(_COUNTED))
        query = select(hour.label("hour"), events.c.connection, events.c.event, func.count().label("n")).where(*done)
        query = query.group_by(hour, events.c.connection, events.c.event)
        found: dict[tuple[datetime, str], dict[str, Any]] = {}
        with self._db.read() as conn:
            for row in conn.execute(query):
                if names and row.connection not in names:
                    continue
                at = _moment(row.hour)
                line = found.setdefault((at, row.connection), {"hour": at, "connection": row.connection})
                line[row.event] = int(row.n)
        return [found[key] for key in sorted(found)]

    def runs_begun(self, since: datetime, kinds: Collection[str], names: Collection[str] = ()) -> list[datetime]:
        """Tell when runs of these kinds began: the last one before ``since`` and all from then on, the oldest first.
        ``names``: only runs in which one of them took part."""
        asked = [among(runs.c.kind, "kinds"), *([or_(*map(took_part, names))] if names else [])]
        last = select(func.max(runs.c.started)).where(runs.c.started < since, *asked).scalar_subquery()
        query = select(runs.c.started).where(or_(runs.c.started >= since, runs.c.started == last), *asked)
        with self._db.read() as conn:
            return list(conn.execute(query.order_by(runs.c.started), {"kinds": kinds}).scalars())


def took_part(name: str) -> ColumnElement[bool]:
    """Tell whether a connection took part in a run: its name stands in the run's record as the run book writes it."""
    return runs.c.summary.contains(f'"name": "{name}"', autoescape=True)


def _hour(db: Database) -> ColumnElement[Any]:
    if db.is_sqlite:
        return type_coerce(events.c.at, BigInteger) // _HOUR_US
    return func.date_trunc("hour", events.c.at, "UTC")


def _moment(hour: Any) -> datetime:
    return hour.astimezone(UTC) if isinstance(hour, datetime) else EPOCH + timedelta(hours=int(hour))


def _row(line: HistoryLine, now: datetime) -> dict[str, Any]:
    return {
        "at": line.at or now, "connection": line.connection, "what": str(line.what), "subject": line.subject,
        "before": line.before, "after": line.after, "why": line.why,
    }  # fmt: skip


def _line(row: RowMapping) -> HistoryLine:
    return HistoryLine(**{**{k: v for k, v in row.items() if k != "id"}, "what": Changed(row["what"])})


def _learned(row: RowMapping) -> HistoryLine:
    """A habit, from where its evidence is kept: what was learned last is not written twice."""
    times = "once" if row["count"] == 1 else f"{row['count']} times"
    how = "a person said so" if row["accepted"] else f"seen {times}"
    subject = f"{row['side']} {row['habit']}"
    return HistoryLine(row["connection"], Changed.HABIT, subject, "", row["answer"], how, row["first_seen"])
