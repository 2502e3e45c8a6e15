"""Receipts: what came back from a write becomes receipt and ledger rows in one transaction. Intents: journal.py."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, delete, select, update

from remotesupport.core.model import ChangeKind, Direction, Side, TicketState
from remotesupport.core.plan.change_keys import follows_departure
from remotesupport.core.records import Carried, Intent, IntentState, LinkRow
from remotesupport.store.crossings import note_crossed
from remotesupport.store.database import Part
from remotesupport.store.intents import WAITING, covers_json, is_settled, unsettled
from remotesupport.store.notes import note
from remotesupport.store.pairs import both_open, change_link, count_links, link_of, put_carried, put_link, this_link
from remotesupport.store.tables import carried as carried_rows
from remotesupport.store.tables import connections, intents, links, parked

DONE = {
    ChangeKind.CREATE: "created", ChangeKind.ADOPT: "adopted", ChangeKind.POST: "posted", ChangeKind.CLOSE: "closed",
    ChangeKind.REOPEN: "reopened", ChangeKind.DEPARTURE: "departed", ChangeKind.CONFLICT: "conflict",
}  # fmt: skip

_this = intents.c.id == bindparam("its_id")
_STATE = select(intents.c.state).where(_this)
_SETTLE = update(intents).where(_this)
_NO_LONGER_PARKED = delete(parked).where(
    parked.c.connection == bindparam("connection"), parked.c.key == bindparam("key")
)


class Receipts(Part):
    """Needs no lease: the write did happen, and what happened must be known."""

    def receive(
        self,
        intent: Intent,
        *,
        main_ticket: str | None,
        carried: Sequence[Carried],
        ext_state: str,
        main_state: str,
        department: str | None,
        state: IntentState = IntentState.ACKED,
        departed: bool | None = None,
    ) -> None:
        """Receipt, link, carried messages and a timeline line, all or none. May be repeated.

        ``main_ticket`` None: the one that the ledger has. ``department`` None: as it was. ``departed`` None: a
        departure sets it, a reopening in the main billing clears it, the rest keeps it. Raises LinkConflict (nothing
        is stored then; the intent stays open), StoreUnavailable.
        """
        with self._db.write() as conn:
            main = main_ticket or _linked_to(conn, intent)
            link = LinkRow(intent.connection, intent.ext_ticket, main, ext_state, main_state, department)
            put_link(self._db, conn, link, departed=_departs(intent) if departed is None else departed)
            self._settle(conn, intent, state, carried, main)
            words = _words(intent, main, carried, state)
            note(self._db, conn, intent.connection, intent.ext_ticket, DONE[intent.kind], intent.run, words)

    def confirm(
        self,
        intent: Intent,
        carried: Sequence[Carried],
        main_ticket: str | None = None,
        state: IntentState = IntentState.ADOPTED,
        target_state: TicketState | None = None,
    ) -> None:
        """A read-back found it: fill in the target messages' ids, all or none. May be repeated.

        With ``main_ticket`` the pair is linked (open, open) if it was not. A message of unknown outcome has opened both
        sides, which is no person's doing. ``target_state``: the state to which the write led on the side where it was
        written, where that was read. Raises LinkConflict, StoreUnavailable.
        """
        with self._db.write() as conn:
            if main_ticket is not None:
                self._link_if_new(conn, intent, main_ticket)
            before = conn.execute(_STATE, {"its_id": intent.id}).scalar()
            self._settle(conn, intent, state, carried, main_ticket)
            if before in WAITING:
                if intent.kind is ChangeKind.POST:
                    both_open(conn, intent.connection, intent.ext_ticket)
                words = _words(intent, main_ticket or intent.main_ticket or "", carried, state)
                note(self._db, conn, intent.connection, intent.ext_ticket, DONE[intent.kind], intent.run, words)
            elif any(c.target_message for c in carried) and any(c.target_message is None for c in intent.covers):
                words = _words(intent, main_ticket or intent.main_ticket or "", carried, state)
                note(self._db, conn, intent.connection, intent.ext_ticket, "confirmed", intent.run, words)
            if target_state is not None:
                column = "main_state" if intent.side is Side.MAIN else "ext_state"
                change_link(conn, intent.connection, intent.ext_ticket, {column: str(target_state)})

    def take_back(self, intent: Intent, cause: str) -> bool:
        """The server said yes, and it is not there: its messages are not carried after all and may be written again.

        False, and nothing is changed, when its target is known meanwhile.
        """
        sources = [c.source_message for c in intent.covers]
        with self._db.write() as conn:
            now = {"state": str(IntentState.ABSENT), "cause": cause, "settled": True, "changed_at": self._db.now(conn)}
            taken = update(intents).where(*unsettled(intent)).values(now).returning(intents.c.id)
            if conn.execute(taken).first() is None:
                return False
            c = carried_rows.c
            ticket = (c.connection == intent.connection, c.ext_ticket == intent.ext_ticket)
            unseen = (c.direction == str(intent.direction), c.target_message.is_(None), c.source_message.in_(sources))
            conn.execute(delete(carried_rows).where(*ticket, *unseen))
            if intent.kind is ChangeKind.CREATE:
                lost = (*this_link(intent.connection, intent.ext_ticket), links.c.main_ticket == intent.main_ticket)
                gone = conn.execute(delete(links).where(*lost).returning(links.c.ext_ticket)).first()
                if gone is not None:
                    count = count_links(conn, intent.connection)
                    conn.execute(
                        update(connections).where(connections.c.name == intent.connection).values(linked=count)
                    )
            words = f"{intent.kind} {intent.direction}: {cause}"
            note(self._db, conn, intent.connection, intent.ext_ticket, "lost there", intent.run, words)
        return True

    def _link_if_new(self, conn: Connection, intent: Intent, main_ticket: str) -> None:
        old, departed = link_of(conn, intent.connection, intent.ext_ticket), _departs(intent)
        if old is not None and old["main_ticket"] == main_ticket and departed is None:
            return
        ext_state, main_state = (old["ext_state"], old["main_state"]) if old else ("open", "open")
        link = LinkRow(intent.connection, intent.ext_ticket, main_ticket, ext_state, main_state, None)
        put_link(self._db, conn, link, departed=departed)

    def _settle(
        self, conn: Connection, intent: Intent, state: IntentState, carried: Sequence[Carried], main_ticket: str | None
    ) -> None:
        if intent.id is None:
            raise ValueError(f"{intent.key} was never intended: only what `intend` returned can have a receipt")
        known = put_carried(self._db, conn, intent.connection, str(intent.direction), intent.ext_ticket, carried)
        note_crossed(self._db, conn, intent, known)
        settled = is_settled(state, known)
        values = {
            "state": str(state), "covers": covers_json([] if settled else known), "settled": settled, "cause": "",
            "main_ticket": main_ticket or intent.main_ticket, "subject": "", "changed_at": self._db.now(conn),
        }  # fmt: skip
        conn.execute(_SETTLE, {**values, "its_id": intent.id})
        conn.execute(_NO_LONGER_PARKED, {"connection": intent.connection, "key": intent.key})


def _linked_to(conn: Connection, intent: Intent) -> str:
    old = link_of(conn, intent.connection, intent.ext_ticket)
    if old is None:
        raise ValueError(f"{intent.key}: a receipt for a ticket that is not linked needs its main ticket")
    return str(old["main_ticket"])


def _departs(intent: Intent) -> bool | None:
    if intent.kind is ChangeKind.DEPARTURE:
        return True
    return False if intent.kind is ChangeKind.REOPEN and intent.direction is Direction.TO_MAIN else None


def _words(intent: Intent, main_ticket: str, carried: Sequence[Carried], state: IntentState) -> str:
    """Ids only: "to_main 88: 77 → 1234"; long lists are counted. What was closed or opened says where a person did."""
    if follows_departure(intent.kind, intent.act):
        return f"{intent.direction} {main_ticket}: after it had left"
    if intent.kind in (ChangeKind.CLOSE, ChangeKind.REOPEN):
        there = "main" if intent.direction is Direction.TO_EXTERNAL else intent.connection
        done = "closed" if intent.kind is ChangeKind.CLOSE else "opened"
        return f"{intent.direction} {main_ticket}: somebody {done} it in {there}, whose lists do not say who"
    pairs = ", ".join(f"{c.source_message} → {c.target_message or 'not seen there yet'}" for c in carried[:3])
    more = f" and {len(carried) - 3} more" if len(carried) > 3 else ""
    found = " (found by reading back)" if state is IntentState.ADOPTED else ""
    return f"{intent.direction} {main_ticket}{': ' if pairs else ''}{pairs}{more}{found}"
