"""A ticket's one current reason, its timeline, and what was quarantined of it. No ticket text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
from sqlalchemy import Connection, bindparam, insert, select

from remotesupport.core.records import Event
from remotesupport.store.database import Part
from remotesupport.store.keys import among
from remotesupport.store.tables import events, quarantine, reasons, runs

QUARANTINE_LIMIT = 1000
_EVENT = ("at", "connection", "ext_ticket", "event", "run", "detail")
_EVENTS = insert(events)
_REASONS = select(reasons).where(reasons.c.connection == bindparam("connection"), among(reasons.c.ticket, "tickets"))


class Timeline(Part):
    """Exactly one reason per ticket that was ever read (semantics, section 11)."""

    def record_reasons(self, run: str, rows: Sequence[Mapping[str, Any]]) -> int:
        """Make these rows of REASONS the current ones; only those that differ are written, a changed reason enters
        the timeline. Returns how many rows changed.
        """
        if not rows:
            return 0
        with self._db.write() as conn:
            now = self._db.now(conn)
            olds = _current(conn, rows)
            changed = [r for r in rows if olds.get((r["connection"], r["ticket"])) != _content(r)]
            fresh = [{**r, "reason": str(r["reason"]), "run": run, "since": now} for r in changed]
            self._db.upsert(conn, reasons, fresh)
            moved = [
                {"at": now, "connection": r["connection"], "ext_ticket": r["ticket"], "event": str(r["reason"]),
                 "run": run, "detail": r["detail"]}
                for r in changed if _moved(olds.get((r["connection"], r["ticket"])), r)
            ]  # fmt: skip
            if moved:
                conn.execute(_EVENTS, moved)
        return len(changed)

    def reason_of(self, connection: str, ticket: str) -> tuple[str, str, str | None] | None:
        """(reason, detail, main ticket) of an external ticket; None when it was never read."""
        t = reasons.c
        query = select(t.reason, t.detail, t.main_ticket).where(t.connection == connection, t.ticket == ticket)
        with self._db.read() as conn:
            row = conn.execute(query).first()
        return (row.reason, row.detail, row.main_ticket) if row else None

    def add_events(self, new: Sequence[Event]) -> None:
        """Lines that no other method of the store writes by itself."""
        if new:
            with self._db.write() as conn:
                conn.execute(_EVENTS, [{name: getattr(e, name) for name in _EVENT} for e in new])

    def timeline(self, connection: str, ticket: str) -> list[Event]:
        """Everything noted of an external ticket, oldest first, with the flow runs that are still known."""
        columns = [*(events.c[name] for name in _EVENT), runs.c.flow_run]
        both = events.outerjoin(runs, runs.c.run == events.c.run)
        here = (events.c.connection == connection, events.c.ext_ticket == ticket)
        with self._db.read() as conn:
            found = conn.execute(select(*columns).select_from(both).where(*here).order_by(events.c.at, events.c.id))
            return [Event(*row) for row in found]

    def record_quarantine(self, run: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Rows that validation refused: connection, side, ticket (or None), check, reason."""
        if not rows:
            return
        names = ("connection", "side", "ticket", "check", "reason")
        with self._db.write() as conn:
            now = self._db.now(conn)
            conn.execute(insert(quarantine), [
                {**{n: _plain(row[n]) for n in names}, "run": run, "at": now} for row in rows
            ])  # fmt: skip

    def quarantine(self, run: str | None = None) -> list[dict[str, Any]]:
        """The quarantined rows of a run (None: of any run), newest first, at most ``QUARANTINE_LIMIT``."""
        query = select(quarantine).order_by(quarantine.c.id.desc()).limit(QUARANTINE_LIMIT)
        if run is not None:
            query = query.where(quarantine.c.run == run)
        with self._db.read() as conn:
            return [{k: v for k, v in row.items() if k != "id"} for row in conn.execute(query).mappings()]


def _current(conn: Connection, rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], tuple[object, ...]]:
    found: dict[tuple[str, str], tuple[object, ...]] = {}
    tickets: dict[str, list[str]] = {}
    for row in rows:
        tickets.setdefault(row["connection"], []).append(row["ticket"])
    for connection, names in tickets.items():
        olds = conn.execute(_REASONS, {"connection": connection, "tickets": names}).mappings()
        found.update({(connection, r["ticket"]): _content(dict(r)) for r in olds})
    return found


def _content(row: Mapping[str, Any]) -> tuple[object, ...]:
    return str(row["reason"]), row["detail"], row["main_ticket"]


def _moved(old: tuple[object, ...] | None, row: Mapping[str, Any]) -> bool:
    return old is not None and old[0] != str(row["reason"])


def _plain(value: Any) -> str | None:
    return None if value is None or value is pd.NA or value != value else str(value)  # noqa: PLR0124 - NaN
