"""A ledger that was made anew from the billings: what is added and what is taken out, in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, update

from remotesupport.core.plan.change_keys import EDIT, edited_message, intent_key, is_edit
from remotesupport.core.records import Carried, IntentState, LinkRow
from remotesupport.store.database import Part
from remotesupport.store.notes import note
from remotesupport.store.pairs import count_links, put_carried, put_link, this_link
from remotesupport.store.tables import carried, connections, intents, links

Rows = Sequence[Mapping[str, Any]]


class Relink(Part):
    """Rows as plain dictionaries of LINKS and CARRIED."""

    def relink(self, connection: str, run: str, *, removed: Rows, forgotten: Rows, new: Rows, found: Rows) -> None:
        """All of one connection, or nothing. Raises LinkConflict.

        ``removed``: links that do not hold, with ``why``; ``forgotten``: carried rows that are not there any more;
        ``new``: links, also such as are there already, with their states; ``found``: carried rows.
        """
        with self._db.write() as conn:
            for row in removed:
                conn.execute(delete(links).where(*this_link(connection, row["ext_ticket"])))
                here = (carried.c.connection == connection, carried.c.ext_ticket == row["ext_ticket"])
                conn.execute(delete(carried).where(*here))
                may_repeat(conn, connection, row["ext_ticket"])
                words = f"main ticket {row['main_ticket']}: {row['why']}"
                note(self._db, conn, connection, row["ext_ticket"], "unlinked", run, words)
            _forget(conn, connection, forgotten)
            for row in new:
                put_link(self._db, conn, LinkRow(**row), departed=row["departed"])
            self._put_found(conn, connection, run, found, {row["ext_ticket"]: row["main_ticket"] for row in new})
            count = count_links(conn, connection)
            conn.execute(update(connections).where(connections.c.name == connection).values(linked=count))

    def _put_found(self, conn: Connection, connection: str, run: str, found: Rows, new: dict[str, str]) -> None:
        groups: dict[tuple[str, str], list[Carried]] = {}
        for row in found:
            one = Carried(row["source_message"], row["body_hash"], row["target_message"])
            groups.setdefault((row["ext_ticket"], row["direction"]), []).append(one)
        known: Counter[str] = Counter()
        for (ticket, direction), rows in groups.items():
            put_carried(self._db, conn, connection, direction, ticket, rows)
            known[ticket] += len(rows)
        for ticket in dict.fromkeys([*new, *known]):
            words = f"{known[ticket]} message(s) recognised" + (f", main ticket {new[ticket]}" if ticket in new else "")
            note(self._db, conn, connection, ticket, "linked again" if ticket in new else "recognised", run, words)


def _forget(conn: Connection, connection: str, rows: Iterable[Mapping[str, Any]]) -> None:
    t = carried.c
    for row in rows:
        here = (t.connection == connection, t.ext_ticket == row["ext_ticket"], t.direction == row["direction"])
        conn.execute(delete(carried).where(*here, t.source_message == row["source_message"]))
        source = row["source_message"]
        key = intent_key(connection, row["direction"], row["ext_ticket"], edited_message(source))
        edits = intents.c.key.startswith(f"{key}{EDIT}", autoescape=True)
        may_repeat(conn, connection, row["ext_ticket"], edits if is_edit(source) else intents.c.key == key)


def may_repeat(conn: Connection, connection: str, ext_ticket: str, *which: ColumnElement[bool]) -> None:
    """Let what was written once be written again: a person has said that what is there is the truth."""
    here = (intents.c.connection == connection, intents.c.ext_ticket == ext_ticket, *which)
    conn.execute(update(intents).where(*here).values(state=str(IntentState.ABSENT), settled=True))
