"""The ledger: which ticket is which on the other side, in which state both were, and which messages have crossed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pandas as pd
from sqlalchemy import ColumnElement, Connection, Select, Table, delete, false, func, select, true, update

from remotesupport.core.frames import CARRIED, LINKS, Schema, build
from remotesupport.core.model import Carried, Direction, LinkRow
from remotesupport.store.database import Part, chunks
from remotesupport.store.notes import note
from remotesupport.store.pairs import put_carried, put_link, this_link
from remotesupport.store.states import intent_key
from remotesupport.store.tables import carried, connections, links, parked

_Lists = list[tuple[ColumnElement[str], Iterable[str]]]


class Ledger(Part):
    """Reads by key lists; the rows that a write earns are added by ``receive`` (receipts)."""

    def links(
        self, connection: str, ext_tickets: Iterable[str] | None = None, main_tickets: Iterable[str] | None = None
    ) -> pd.DataFrame:
        """LINKS of the tickets named on either side; both None: all of the connection (an audit)."""
        return build(LINKS, self._rows(LINKS, links, connection, _either(ext_tickets, main_tickets)))

    def linked(
        self, connection: str, ext_tickets: Iterable[str] | None = None, main_tickets: Iterable[str] | None = None
    ) -> dict[str, str]:
        """External ticket → main ticket, of the same links as ``links``."""
        rows = self._rows(LINKS, links, connection, _either(ext_tickets, main_tickets))
        return {row["ext_ticket"]: row["main_ticket"] for row in rows}

    def carried(self, connection: str, ext_tickets: Iterable[str] | None = None) -> pd.DataFrame:
        """CARRIED of these external tickets; None: all of the connection (an audit)."""
        lists: _Lists = [(carried.c.ext_ticket, ext_tickets)] if ext_tickets is not None else []
        return build(CARRIED, self._rows(CARRIED, carried, connection, lists))

    def targets(self, connection: str, direction: Direction, ext_ticket: str) -> set[str]:
        """Ids of all messages in the target thread that are known to be our own writes."""
        with self._db.read() as conn:
            return {target for _, target in _crossed(conn, connection, ext_ticket, direction) if target is not None}

    def last_target(self, connection: str, direction: Direction, ext_ticket: str) -> str | None:
        """The last message that the ledger knows in the target thread, ours or carried the other way.

        None when it knows none, or when the ids are not numbers: then their order says nothing.
        """
        other = Direction.TO_MAIN if direction is Direction.TO_EXTERNAL else Direction.TO_EXTERNAL
        with self._db.read() as conn:
            known = {target for _, target in _crossed(conn, connection, ext_ticket, direction) if target is not None}
            known |= {source.split("@")[0] for source, _ in _crossed(conn, connection, ext_ticket, other)}
        return max(known, key=int) if known and all(k.isdecimal() for k in known) else None

    def link_counts(self, connections_asked: Iterable[str]) -> dict[str, int]:
        """How many tickets are linked, per connection asked for (0 for an unknown one). Does not count rows."""
        counts = dict.fromkeys(connections_asked, 0)
        query = select(connections.c.name, connections.c.linked).where(connections.c.name.in_(list(counts)))
        with self._db.read() as conn:
            counts.update((name, linked) for name, linked in conn.execute(query))
        return counts

    def present_links(self, connection: str) -> int:
        """How many linked tickets have not departed. Counts rows."""
        here = (links.c.connection == connection, links.c.departed == false())
        with self._db.read() as conn:
            return conn.execute(select(func.count()).select_from(links).where(*here)).scalar_one()

    def link(
        self,
        connection: str,
        row: LinkRow,
        carried_rows: Sequence[Carried],
        run: str,
        direction: Direction = Direction.TO_MAIN,
    ) -> None:
        """Adopt a pair that exists on both sides, without a write. May be repeated. Raises LinkConflict.

        What was parked of the messages that are there no longer waits.
        """
        if row.connection != connection:
            raise ValueError(f"a link of {row.connection} was given for {connection}")
        with self._db.write() as conn:
            put_link(self._db, conn, row, departed=row.departed)
            put_carried(self._db, conn, connection, str(direction), row.ext_ticket, carried_rows)
            acts = ["create", *(c.source_message for c in carried_rows)]
            keys = [intent_key(connection, direction, row.ext_ticket, act) for act in acts]
            for some in chunks(keys):
                conn.execute(delete(parked).where(parked.c.connection == connection, parked.c.key.in_(some)))
            note(self._db, conn, connection, row.ext_ticket, "adopted", run, f"main ticket {row.main_ticket}")

    def set_states(
        self,
        connection: str,
        ext_ticket: str,
        ext_state: str | None = None,
        main_state: str | None = None,
        department: str | None = None,
        departed: bool | None = None,
        run: str = "",
    ) -> None:
        """What both sides look like now, seen without a write; None keeps. The timeline gets what differs."""
        given = {"ext_state": ext_state, "main_state": main_state, "department": department, "departed": departed}
        wanted = {k: v if isinstance(v, bool) else str(v) for k, v in given.items() if v is not None}
        with self._db.write() as conn:
            old = conn.execute(select(links).where(*this_link(connection, ext_ticket))).mappings().first()
            moved = {k: v for k, v in wanted.items() if old is not None and old[k] != v}
            if old is None or not moved:
                return
            conn.execute(update(links).where(*this_link(connection, ext_ticket)).values(moved))
            words = ", ".join(f"{k}: {old[k]} → {v}" for k, v in moved.items())
            note(self._db, conn, connection, ext_ticket, "state", run, words)

    def _rows(self, schema: Schema, table: Table, connection: str, lists: _Lists) -> list[dict[str, Any]]:
        columns = [table.c[name] for name in schema.columns]
        query = select(*columns).where(table.c.connection == connection)
        found: dict[tuple[str, ...], dict[str, Any]] = {}
        with self._db.read() as conn:
            for part in _by_keys(query, lists):
                found.update({tuple(row[k] for k in schema.key): dict(row) for row in conn.execute(part).mappings()})
        return list(found.values())


def _either(ext_tickets: Iterable[str] | None, main_tickets: Iterable[str] | None) -> _Lists:
    asked = ((links.c.ext_ticket, ext_tickets), (links.c.main_ticket, main_tickets))
    return [(column, keys) for column, keys in asked if keys is not None]


def _crossed(conn: Connection, connection: str, ext_ticket: str, direction: Direction) -> list[tuple[str, str | None]]:
    t = carried.c
    here = (t.connection == connection, t.direction == str(direction), t.ext_ticket == ext_ticket)
    return [(row[0], row[1]) for row in conn.execute(select(t.source_message, t.target_message).where(*here))]


def _by_keys(query: Select[Any], lists: _Lists) -> Iterator[Select[Any]]:
    if not lists:
        yield query.where(true())
    for column, keys in lists:
        for some in chunks(keys):
            yield query.where(column.in_(some))
