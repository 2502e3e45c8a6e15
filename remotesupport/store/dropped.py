"""Drop what a person has decided never to carry: a message, an act, or a whole ticket. Never undone by itself."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, delete, select, update

from remotesupport.core.model import ChangeKind, Direction, TicketState
from remotesupport.core.records import Beside, Carried, ParkedChange
from remotesupport.store.database import Part
from remotesupport.store.errors import StoreError
from remotesupport.store.intents import by_key
from remotesupport.store.keys import among
from remotesupport.store.notes import note
from remotesupport.store.pairs import put_carried, this_link
from remotesupport.store.parked import change_of
from remotesupport.store.tables import dropped, intents, links, parked

_DROPPED = select(dropped).where(among(dropped.c.connection, "names"))
WHOLE = (ChangeKind.CREATE, ChangeKind.CONFLICT)
_OF_TICKETS = (Beside.BRAKE, Beside.DENIED, Beside.KEPT_OUT)


class NotDroppable(StoreError):
    """Nothing was changed: why, and what to do."""


class Dropped(Part):
    """``parked drop``: each kind of parked change ends in its own way, in one transaction with its timeline line."""

    def drop(self, parked_id: int, why: str, who: str) -> ParkedChange | None:
        """End a parked change for good. None when it is not there; raises NotDroppable.

        A message counts as carried, without a target, so that later ones go on. An act counts as done. A create, a
        conflict or a ticket that may not be seen ends the whole ticket: nothing of it is ever written again.
        """
        with self._db.write() as conn:
            row = conn.execute(select(parked).where(parked.c.id == parked_id)).mappings().first()
            if row is None:
                return None
            change = change_of(row)
            self._end(conn, change, why)
            conn.execute(delete(parked).where(parked.c.id == parked_id))
            words = f"{change.kind} {change.direction or ''}: {why} (was: {change.cause})"
            note(self._db, conn, change.connection, change.ext_ticket, "dropped", who, words)
        return change

    def dropped(self, connections: Iterable[str]) -> dict[tuple[str, str], str]:
        """Map (connection, external ticket) to why nothing of it is written any more."""
        with self._db.read() as conn:
            found = conn.execute(_DROPPED, {"names": connections}).mappings()
            return {(r["connection"], r["ext_ticket"]): r["why"] for r in found}

    def _end(self, conn: Connection, change: ParkedChange, why: str) -> None:
        if change.is_told:
            return
        if change.beside is Beside.UNPROVEN:
            conn.execute(update(intents).where(intents.c.key == change.write_key).values(settled=True))
        elif change.kind in WHOLE or change.beside in _OF_TICKETS:
            row = {"connection": change.connection, "ext_ticket": change.ext_ticket, "kind": str(change.kind)}
            self._db.upsert(conn, dropped, [{**row, "why": why, "at": self._db.now(conn)}])
        elif change.kind is ChangeKind.POST:
            self._end_message(conn, change)
        else:
            _end_act(conn, change)

    def _end_message(self, conn: Connection, change: ParkedChange) -> None:
        intent = by_key(conn, change.key)
        if intent is None or not intent.covers:
            raise NotDroppable(
                f"{change.connection} ticket {change.ext_ticket}: it is not known any more which message that was. "
                f"Offer it once more first: remotesupport parked retry {change.id}"
            )
        gone = [Carried(c.source_message, c.body_hash) for c in intent.covers]
        put_carried(self._db, conn, change.connection, str(intent.direction), change.ext_ticket, gone)


def _end_act(conn: Connection, change: ParkedChange) -> None:
    if change.kind is ChangeKind.DEPARTURE:
        values: dict[str, object] = {"departed": True}
    else:
        state = TicketState.CLOSED if change.kind is ChangeKind.CLOSE else TicketState.OPEN
        values = {"ext_state" if change.direction is Direction.TO_MAIN else "main_state": str(state)}
    conn.execute(update(links).where(*this_link(change.connection, change.ext_ticket)).values(values))
