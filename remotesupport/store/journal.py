"""The journal: what is about to be written, committed before; how uncertain outcomes stand. Receipts: receipts.py."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Executable, bindparam, func, or_, select, true, update

from remotesupport.core.model import ChangeKind, Direction
from remotesupport.core.records import Intent, IntentState, Lease
from remotesupport.store.database import Insert, Part
from remotesupport.store.errors import AlreadyIntended, WriteBlocked
from remotesupport.store.intents import REUSABLE, WAITING, by_key, is_settled, open_of, to_row, unsettled
from remotesupport.store.keys import among
from remotesupport.store.leases import require_lease
from remotesupport.store.notes import note
from remotesupport.store.pairs import carried_of, link_of
from remotesupport.store.states import is_silent
from remotesupport.store.tables import intents, runs

BYTES = "bytes"


class Journal(Part):
    """Exactly one effect (semantics, section 7): steps 1 and 2, and the states of what is unknown."""

    def intend(self, lease: Lease, intent: Intent) -> Intent:
        """Commit the intent durably, in one transaction with the checks; only then may the request be sent.

        Returns it with id and attempt. Raises LeaseLost (token passed on, or less time left than the request may
        take), AlreadyIntended (key known, or its messages are carried already), WriteBlocked (another write of this
        ticket and direction has an unknown outcome), StoreUnavailable (perhaps committed: do not send).
        """
        with self._db.write() as conn:
            require_lease(self._db, conn, lease, intent)
            _refuse_second(conn, intent)
            return self._insert(conn, intent)

    def _insert(self, conn: Connection, intent: Intent) -> Intent:
        row = {**to_row(intent), "changed_at": self._db.now(conn)}
        got = conn.execute(_intend(self._db.insert, tuple(row)), row).first()
        if got is None:
            raise _already(intent, by_key(conn, intent.key))
        state = IntentState.INTENT
        return replace(intent, id=got.id, attempt=got.attempt, state=state, absent_reads=0, cause="")

    def mark(self, intent: Intent, state: IntentState, cause: str = "") -> bool:
        """UNKNOWN, REFUSED or ABSENT with its cause, and a line in the timeline.

        False, and nothing is changed, when this attempt is over already: an outcome that was found out is never
        made uncertain again by somebody who comes late.
        """
        values = {"state": str(state), "cause": cause, "settled": is_settled(state, intent.covers)}
        with self._db.write() as conn:
            changed = _change_waiting(conn, intent, {**values, "changed_at": self._db.now(conn)})
            if changed:
                words = f"{intent.kind} {intent.direction}: {cause}"
                note(self._db, conn, intent.connection, intent.ext_ticket, str(state), intent.run, words)
        return changed

    def count_absent(self, intent: Intent) -> int:
        """One more complete read-back showed nothing; how many so far. 0 when this attempt is settled already."""
        with self._db.write() as conn:
            query = update(intents).where(*unsettled(intent)).values(absent_reads=intents.c.absent_reads + 1)
            return conn.execute(query.returning(intents.c.absent_reads)).scalar() or 0

    def intended(self, key: str) -> Intent | None:
        """The last attempt at this write, whatever became of it; None when there was none."""
        with self._db.read() as conn:
            return by_key(conn, key)

    def posted_since(self, connection: str, ext_ticket: str, direction: Direction, since: datetime) -> int:
        """Count the messages of that ticket that were written this way after ``since``, and were seen there."""
        asked = {"of": connection, "ticket": ext_ticket, "way": str(direction), "since": since}
        with self._db.read() as conn:
            return int(conn.execute(_POSTED, asked).scalar() or 0)

    def written_since(
        self, connections: Iterable[str], since: datetime, kinds: Iterable[str]
    ) -> dict[str, Counter[str]]:
        """Count by kind the writes that runs of these ``kinds`` made for each connection after ``since``, as far
        as they were seen there, and under ``BYTES`` their bytes."""
        found: dict[str, Counter[str]] = {}
        asked = {"names": list(connections), "since": since, "kinds": list(kinds)}
        with self._db.read() as conn:
            for row in conn.execute(_WRITTEN, asked):
                found.setdefault(row.connection, Counter()).update({row.kind: int(row.n), BYTES: int(row.bytes)})
        return found

    def open_intents(self, *connections: str) -> list[Intent]:
        """List the open intents of these connections: INTENT, UNKNOWN, and done ones whose target message is not known
        yet; oldest first."""
        with self._db.read() as conn:
            return open_of(conn, connections)


_SEEN_THERE = or_(intents.c.state == str(IntentState.ACKED), intents.c.state == str(IntentState.ADOPTED))
_DONE = (intents.c.settled == true(), _SEEN_THERE, intents.c.changed_at > bindparam("since"))
_POSTED = select(func.count()).where(
    intents.c.connection == bindparam("of"), intents.c.ext_ticket == bindparam("ticket"),
    intents.c.direction == bindparam("way"), intents.c.kind == str(ChangeKind.POST), *_DONE,
)  # fmt: skip
_WRITTEN = (
    select(intents.c.connection, intents.c.kind, func.count().label("n"), func.sum(intents.c.bytes).label("bytes"))
    .join(runs, runs.c.run == intents.c.run)
    .where(among(intents.c.connection, "names"), among(runs.c.kind, "kinds"), *_DONE)
    .group_by(intents.c.connection, intents.c.kind)
)


@cache
def _intend(insert: Insert, names: tuple[str, ...]) -> Executable:
    """A new intent, or one more attempt at one that is surely not done."""
    new = insert(intents)
    again = {name: new.excluded[name] for name in names if name not in ("key", "attempt")}
    reuse = new.on_conflict_do_update(
        index_elements=["key"],
        set_={**again, "attempt": intents.c.attempt + 1},
        where=intents.c.state.in_([str(s) for s in REUSABLE]),
    )
    return reuse.returning(intents.c.id, intents.c.attempt)


def _this_attempt(intent: Intent) -> tuple[Any, ...]:
    waiting = intents.c.state.in_([str(s) for s in WAITING])
    return intents.c.id == intent.id, intents.c.attempt == intent.attempt, waiting


def _change_waiting(conn: Connection, intent: Intent, values: dict[str, Any]) -> bool:
    found = conn.execute(update(intents).where(*_this_attempt(intent)).values(values).returning(intents.c.id))
    return found.first() is not None


def _refuse_second(conn: Connection, intent: Intent) -> None:
    """The lease's row is locked, so what is seen here stays true until the commit."""
    before = by_key(conn, intent.key)
    if before is not None and before.state not in REUSABLE:
        raise _already(intent, before)
    for other in open_of(conn, [intent.connection], intent.ext_ticket):
        if intent.kind is ChangeKind.POST and is_silent(other.kind, other.direction):
            continue
        if other.direction is intent.direction and other.key != intent.key:
            raise WriteBlocked(
                f"{intent.connection}: ticket {intent.ext_ticket}, {intent.direction}: {other.kind} ({other.key}) has "
                "not been seen on the other side yet, so nothing later is sent. It is read back in the next run.",
                other,
            )
    _refuse_done(conn, intent)


def _refuse_done(conn: Connection, intent: Intent) -> None:
    """Refuse what the ledger has: it is done, even when its intent was pruned long ago."""
    wanted = {c.source_message: c.body_hash for c in intent.covers}
    there = carried_of(conn, intent.connection, str(intent.direction), intent.ext_ticket, list(wanted))
    done = [c.source_message for c in there if wanted[c.source_message] == c.body_hash]
    if done or (intent.kind is ChangeKind.CREATE and _is_linked(conn, intent)):
        what = f"message {done[0]}" if done else "the ticket"
        raise AlreadyIntended(
            f"{intent.connection}: ticket {intent.ext_ticket}, {intent.direction}: {what} is on the other side "
            "already; nothing is sent. Make a new plan: this one is older than the ledger."
        )


def _is_linked(conn: Connection, intent: Intent) -> bool:
    return link_of(conn, intent.connection, intent.ext_ticket) is not None


def _already(intent: Intent, before: Intent | None) -> AlreadyIntended:
    state = f"{before.state} since attempt {before.attempt}" if before else "in another transaction"
    return AlreadyIntended(
        f"{intent.connection}: {intent.kind} {intent.key} was intended before ({state}); nothing is sent twice.", before
    )
