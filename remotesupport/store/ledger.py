"""The ledger: which ticket is which on the other side, in which state both were, and which messages have crossed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Select, bindparam, delete, false, func, select

from remotesupport.core.frames import CARRIED, LINKS, Schema, build
from remotesupport.core.model import Direction
from remotesupport.core.plan.change_keys import intent_key
from remotesupport.core.records import Carried, LinkRow
from remotesupport.store.database import Part
from remotesupport.store.keys import among, among_pairs
from remotesupport.store.notes import note
from remotesupport.store.pairs import change_link, link_of, put_carried, put_link
from remotesupport.store.tables import carried, connections, links, parked

_Asked = Sequence[tuple[Select[Any], Iterable[str] | None]]  # statements with their tickets; None: needs none

_LINKS = select(*(links.c[name] for name in LINKS.columns)).where(links.c.connection == bindparam("connection"))
_LINKS_OF = _LINKS.where(among(links.c.ext_ticket, "tickets"))
_LINKS_OF_MAIN = _LINKS.where(among(links.c.main_ticket, "tickets"))
_CARRIED = select(*(carried.c[name] for name in CARRIED.columns)).where(carried.c.connection == bindparam("connection"))
_CARRIED_OF = _CARRIED.where(among(carried.c.ext_ticket, "tickets"))
_ROWS_OF_LINKS = select(*(links.c[name] for name in LINKS.columns))
_LINKS_OF_ALL = _ROWS_OF_LINKS.where(among_pairs(links.c.connection, links.c.ext_ticket, "pairs"))
_LINKS_OF_ALL_MAIN = _ROWS_OF_LINKS.where(among_pairs(links.c.connection, links.c.main_ticket, "pairs"))
_CARRIED_OF_ALL = select(*(carried.c[name] for name in CARRIED.columns)).where(
    among_pairs(carried.c.connection, carried.c.ext_ticket, "pairs")
)
_CROSSED = select(carried.c.source_message, carried.c.target_message).where(
    carried.c.connection == bindparam("connection"),
    carried.c.ext_ticket == bindparam("ext_ticket"),
    carried.c.direction == bindparam("direction"),
)
_COUNTS = select(connections.c.name, connections.c.linked).where(among(connections.c.name, "names"))
_NO_LONGER_PARKED = delete(parked).where(parked.c.connection == bindparam("connection"), among(parked.c.key, "keys"))
_PRESENT = (
    select(func.count())
    .select_from(links)
    .where(links.c.connection == bindparam("connection"), links.c.departed == false())
)


class Ledger(Part):
    """Reads by key lists; the rows that a write earns are added by ``receive`` (receipts)."""

    def links(
        self, connection: str, ext_tickets: Iterable[str] | None = None, main_tickets: Iterable[str] | None = None
    ) -> pd.DataFrame:
        """LINKS of the tickets named on either side; both None: all of the connection (an audit)."""
        return build(LINKS, self.link_rows(connection, ext_tickets, main_tickets))

    def link_rows(
        self, connection: str, ext_tickets: Iterable[str] | None = None, main_tickets: Iterable[str] | None = None
    ) -> list[dict[str, Any]]:
        """Return the same as plain rows."""
        asked = [(_LINKS_OF, ext_tickets), (_LINKS_OF_MAIN, main_tickets)]
        return self._rows(LINKS, connection, [a for a in asked if a[1] is not None] or [(_LINKS, None)])

    def linked(
        self, connection: str, ext_tickets: Iterable[str] | None = None, main_tickets: Iterable[str] | None = None
    ) -> dict[str, str]:
        """External ticket → main ticket, of the same links as ``links``."""
        rows = self.link_rows(connection, ext_tickets, main_tickets)
        return {row["ext_ticket"]: row["main_ticket"] for row in rows}

    def carried(self, connection: str, ext_tickets: Iterable[str] | None = None) -> pd.DataFrame:
        """CARRIED of these external tickets; None: all of the connection (an audit)."""
        return build(CARRIED, self.carried_rows(connection, ext_tickets))

    def carried_rows(self, connection: str, ext_tickets: Iterable[str] | None = None) -> list[dict[str, Any]]:
        """Return the same as plain rows."""
        query = _CARRIED if ext_tickets is None else _CARRIED_OF
        return self._rows(CARRIED, connection, [(query, ext_tickets)])

    def link_rows_of(
        self, ext_tickets: Iterable[tuple[str, str]], main_tickets: Iterable[tuple[str, str]]
    ) -> list[dict[str, Any]]:
        """Rows of LINKS of these (connection, ticket) on either side, of however many connections."""
        found: dict[tuple[str, str], dict[str, Any]] = {}
        with self._db.read() as conn:
            for query, pairs in ((_LINKS_OF_ALL, [*ext_tickets]), (_LINKS_OF_ALL_MAIN, [*main_tickets])):
                rows = conn.execute(query, {"pairs": pairs}).mappings() if pairs else ()
                found.update({(row["connection"], row["ext_ticket"]): dict(row) for row in rows})
        return list(found.values())

    def carried_rows_of(self, ext_tickets: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
        """Rows of CARRIED of these (connection, external ticket), of however many connections."""
        if not (pairs := [*ext_tickets]):
            return []
        with self._db.read() as conn:
            return [dict(row) for row in conn.execute(_CARRIED_OF_ALL, {"pairs": pairs}).mappings()]

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
        """Count the linked tickets, per connection asked for (0 for an unknown one). Does not count rows."""
        counts = dict.fromkeys(connections_asked, 0)
        with self._db.read() as conn:
            counts.update((name, linked) for name, linked in conn.execute(_COUNTS, {"names": list(counts)}))
        return counts

    def present_links(self, connection: str) -> int:
        """Count the linked tickets that have not departed. Counts rows."""
        with self._db.read() as conn:
            return int(conn.execute(_PRESENT, {"connection": connection}).scalar_one())

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
            conn.execute(_NO_LONGER_PARKED, {"connection": connection, "keys": keys})
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
        """Record what both sides look like now, seen without a write; None keeps. The timeline gets what differs."""
        given = {"ext_state": ext_state, "main_state": main_state, "department": department, "departed": departed}
        wanted = {k: v if isinstance(v, bool) else str(v) for k, v in given.items() if v is not None}
        with self._db.write() as conn:
            old = link_of(conn, connection, ext_ticket)
            moved = {k: v for k, v in wanted.items() if old is not None and old[k] != v}
            if old is None or not moved:
                return
            change_link(conn, connection, ext_ticket, moved)
            words = ", ".join(f"{k}: {old[k]} → {v}" for k, v in moved.items())
            note(self._db, conn, connection, ext_ticket, "state", run, words)

    def _rows(self, schema: Schema, connection: str, asked: _Asked) -> list[dict[str, Any]]:
        wanted = [(query, None if tickets is None else list(tickets)) for query, tickets in asked]
        wanted = [(query, tickets) for query, tickets in wanted if tickets != []]
        if not wanted:
            return []
        found: dict[tuple[str, ...], dict[str, Any]] = {}
        with self._db.read() as conn:
            for query, tickets in wanted:
                rows = conn.execute(query, {"connection": connection, "tickets": tickets}).mappings()
                found.update({tuple(row[k] for k in schema.key): dict(row) for row in rows})
        return list(found.values())


def _crossed(conn: Connection, connection: str, ext_ticket: str, direction: Direction) -> list[tuple[str, str | None]]:
    thread = {"connection": connection, "ext_ticket": ext_ticket, "direction": str(direction)}
    return [(row[0], row[1]) for row in conn.execute(_CROSSED, thread)]
