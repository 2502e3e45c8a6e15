"""Facts kept of each connection from run to run: its state, its departments, how far a long task has got."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from functools import cache
from typing import Any

import pandas as pd
from sqlalchemy import Executable, RowMapping, bindparam, func, not_, select, update

from remotesupport.core import frames
from remotesupport.core.connections.connection_state import ConnectionState, Failure, State
from remotesupport.core.departments import GONE
from remotesupport.core.model import Side
from remotesupport.store.database import Insert, Part
from remotesupport.store.history import add_lines
from remotesupport.store.keys import among
from remotesupport.store.pairs import blank_connection
from remotesupport.store.states import Changed, HistoryLine
from remotesupport.store.tables import connections, departments, parked, progress

SETTABLE = (
    "last_good", "last_run", "read_outcome", "stopped_plan", "stopped_why", "access", "access_at", "paused",
    "pending_since", "last_read", "failure", "failed_side", "kept_out", "state", "state_since", "paused_since",
    "open_lately", "open_corresponding", "in_vain", "next_look",
)  # fmt: skip

_counts = (func.count().label("n"), func.count().filter(parked.c.next_try.is_(None)).label("person"))
_waiting = select(parked.c.connection, *_counts).group_by(parked.c.connection).subquery()
_STATES = (
    select(connections.c.name, *(connections.c[name] for name in SETTABLE))
    .add_columns(func.coalesce(_waiting.c.n, 0).label("parked"))
    .add_columns(func.coalesce(_waiting.c.person, 0).label("parked_for_person"))
    .select_from(connections.outerjoin(_waiting, _waiting.c.connection == connections.c.name))
    .order_by(connections.c.name)
)
_d = departments.c
_DEPARTMENTS = select(departments).where(among(_d.connection, "names")).order_by(_d.connection, _d.side, _d.department)
_on_side = (_d.connection == bindparam("of"), _d.side == bindparam("on"))
_shown = among(_d.department, "shown")
_LOST = update(departments).where(*_on_side, not_(_shown)).values(active=False, change=GONE)
_BACK = update(departments).where(*_on_side, _shown, _d.change == GONE).values(change=None)
_PROGRESS = select(progress.c.value).where(progress.c.key == bindparam("key"))
_PAUSED = select(connections.c.paused).where(connections.c.name == bindparam("name"))
_PROGRESS_OF = select(progress.c.key, progress.c.value).where(among(progress.c.key, "keys"))


@cache
def _put(insert: Insert, given: tuple[str, ...]) -> Executable:
    new = insert(connections)
    changed = {name: new.excluded[name] for name in given or ("name",)}
    return new.on_conflict_do_update(index_elements=["name"], set_=changed)


def _state_of(row: RowMapping) -> ConnectionState:
    side, state = row["failed_side"], row["state"]
    words = {
        "failure": Failure(row["failure"]),
        "failed_side": Side(side) if side else None,
        "state": State(state) if state else None,
    }
    return ConnectionState(**{**row, **words})


def _department_line(connection: str, row: Mapping[str, Any]) -> HistoryLine:
    after = row["name"] if row["what"] != GONE else ""
    subject = f"{row['side']} {row['department']} {row['name']}"
    return HistoryLine(connection, Changed.DEPARTMENT, subject, row["was"], after, row["what"])


def _spelt(value: Any) -> Any:
    """A machine word as it is stored: not every driver takes the member of an enum for its text."""
    return value.value if isinstance(value, StrEnum) else value


def _dialect(connection: str, side: Side) -> str:
    return f"dialect/{connection}/{side}"


class Connections(Part):
    """One row per connection that was ever heard of."""

    def connection_states(self) -> list[ConnectionState]:
        """Every known connection by name, with the numbers of parked changes."""
        with self._db.read() as conn:
            return [_state_of(row) for row in conn.execute(_STATES).mappings()]

    def set_connection(self, name: str, **fields: Any) -> None:
        """Set some of ``SETTABLE``, keep the others; None empties a text. Raises TypeError for an unknown field."""
        self.set_connections({name: fields})

    def set_connections(self, lines: Mapping[str, Mapping[str, Any]]) -> None:
        """Do the same for several, each with its own fields; those with the same ones are one statement."""
        alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for name, fields in lines.items():
            blank = blank_connection(name)
            given = {k: _spelt(blank[k] if v is None else v) for k, v in fields.items() if k in SETTABLE}
            if unknown := sorted(set(fields) - set(given)):
                raise TypeError(f"a connection has no {', '.join(unknown)}; it has {', '.join(SETTABLE)}")
            alike.setdefault(tuple(sorted(given)), []).append({**blank, **given})
        with self._db.write() as conn:
            for names, rows in alike.items():
                conn.execute(_put(self._db.insert, names), rows)

    def save_departments(self, connection: str, frame: pd.DataFrame, changes: Sequence[Mapping[str, Any]] = ()) -> None:
        """Replace what is known of each side that DEPARTMENTS has rows of; a side without rows keeps its own.

        ``changes``: rows of DEPARTMENT_CHANGES, remembered with their departments; those that are gone stay as such.
        """
        rows = frames.records(frame[frame["connection"] == connection])
        t = departments.c
        with self._db.write() as conn:
            now = self._db.now(conn)
            for side in sorted({str(r["side"]) for r in rows}):
                shown = [r["department"] for r in rows if r["side"] == side]
                conn.execute(_LOST, {"of": connection, "on": side, "shown": shown})
                conn.execute(_BACK, {"of": connection, "on": side, "shown": shown})
            self._db.upsert(conn, departments, rows)
            for row in changes:
                one = (t.connection == connection, t.side == row["side"], t.department == row["department"])
                conn.execute(update(departments).where(*one).values(change=row["what"], changed_at=now))
            add_lines(self._db, conn, [_department_line(connection, row) for row in changes])

    def departments(self, *names: str) -> pd.DataFrame:
        """DEPARTMENTS of these connections as last saved, both sides; without those that are gone."""
        here = [row for row in self.department_history(*names) if row["change"] != GONE]
        return frames.build(frames.DEPARTMENTS, here)

    def department_history(self, *names: str) -> list[dict[str, Any]]:
        """Every department that was ever read, with ``change`` (in words, None: none) and ``changed_at``."""
        with self._db.read() as conn:
            return [dict(row) for row in conn.execute(_DEPARTMENTS, {"names": names}).mappings()]

    def dialects(self, connection: str) -> dict[Side, str]:
        """The dialect in which each side's messages are keyed; empty before the first run."""
        return self.dialects_of([connection]).get(connection, {})

    def dialects_of(self, names: Iterable[str]) -> dict[str, dict[Side, str]]:
        """Return the same of each of these connections that has any."""
        keys = {_dialect(name, side): (name, side) for name in names for side in Side}
        found: dict[str, dict[Side, str]] = {}
        for key, value in self.progress_of(keys).items():
            name, side = keys[key]
            found.setdefault(name, {})[side] = str(value["dialect"])
        return found

    def save_dialect(self, connection: str, side: Side, dialect: str) -> None:
        """Record the dialect by which its messages are keyed from now on."""
        self.save_progress(_dialect(connection, side), {"dialect": dialect})

    def is_paused(self, name: str) -> bool:
        """Tell whether a person has paused that connection."""
        with self._db.read() as conn:
            return bool(conn.execute(_PAUSED, {"name": name}).scalar())

    def progress(self, key: str) -> dict[str, Any] | None:
        """Return how far a long task (a backfill, an audit) has got; None when it has not begun."""
        with self._db.read() as conn:
            value = conn.execute(_PROGRESS, {"key": key}).scalar()
        return None if value is None else dict(json.loads(value))

    def progress_of(self, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return the same for each of ``keys`` that has begun."""
        with self._db.read() as conn:
            return {key: dict(json.loads(value)) for key, value in conn.execute(_PROGRESS_OF, {"keys": keys})}

    def save_progress(self, key: str, value: Mapping[str, Any]) -> None:
        """Remember it durably."""
        with self._db.write() as conn:
            row = {"key": key, "value": json.dumps(value, default=str), "changed_at": self._db.now(conn)}
            self._db.upsert(conn, progress, [row])
