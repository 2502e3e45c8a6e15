"""Every text that was sent to the other side: from which source message, of whom, in which department, by which run.

It stands with the carried messages of the ledger, and is kept as long. Must stay out: the texts themselves, and reading
the sources again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, case, func, or_, select, true, update

from remotesupport.core.model import ChangeKind, Direction, Side
from remotesupport.core.plan.change_keys import edited_message
from remotesupport.core.records import Carried, Intent, IntentState
from remotesupport.store.columns import EPOCH
from remotesupport.store.database import Database, Part
from remotesupport.store.keys import among
from remotesupport.store.pairs import link_of
from remotesupport.store.tables import carried, intents, links, runs, sightings


@dataclass(frozen=True, slots=True)
class Crossing:
    """One text on the other side. ``source``: as the ledger names it, "" where it is a notice of our own.

    ``run``, ``at``: None where only the ledger has it: found as a pair, or sent before this was kept. ``confirmed_at``:
    when it was first seen there. ``author``, ``said_at``: as the source's own side shows them. ``began``: when ``run``
    did, which read it.
    """

    connection: str
    direction: Direction
    ext_ticket: str
    source: str
    body_hash: str
    main_ticket: str | None
    target: str | None = None
    run: str | None = None
    at: datetime | None = None
    confirmed_at: datetime | None = None
    author: str | None = None
    said_at: datetime | None = None
    department: str | None = None
    flow_run: str | None = None
    began: datetime | None = None
    notice: ChangeKind | None = None

    @property
    def message(self) -> str:
        """The id of the source message on its own side; an edit that was told is a part of it."""
        return edited_message(self.source).partition("@")[0]

    @property
    def ticket(self) -> str:
        """The source message's ticket on its own side."""
        return self.ext_ticket if self.direction.source is Side.EXTERNAL else self.main_ticket or ""


_c, _i = carried.c, intents.c
_PLAIN = (
    "connection", "ext_ticket", "body_hash", "run", "at", "confirmed_at", "author", "said_at", "department",
)  # fmt: skip
_CARRIED = (
    select(*(_c[name] for name in _PLAIN), _c.direction, _c.source_message, _c.target_message)
    .add_columns(links.c.main_ticket, runs.c.flow_run, runs.c.started)
    .select_from(
        carried.outerjoin(
            links, and_(links.c.connection == _c.connection, links.c.ext_ticket == _c.ext_ticket)
        ).outerjoin(runs, runs.c.run == _c.run)
    )
    .where(_c.connection == bindparam("of"))
)
_OF_TICKET = _CARRIED.where(_c.ext_ticket == bindparam("ticket"))
_SINCE = _CARRIED.where(_c.at >= bindparam("since"))
_UNNAMED = _CARRIED.where(_c.author.is_(None), _c.run.is_not(None), among(_c.ext_ticket, "tickets"))
_DONE = _i.state.in_([str(IntentState.ACKED), str(IntentState.ADOPTED)])
_NOTICES = (
    select(_i.connection, _i.direction, _i.ext_ticket, _i.main_ticket, _i.kind, _i.run, _i.changed_at, runs.c.flow_run)
    .select_from(intents.outerjoin(runs, runs.c.run == _i.run))
    .where(_i.connection == bindparam("of"), _i.changed_at >= bindparam("since"), _i.settled == true(), _DONE)
    .where(_i.direction == str(Direction.TO_MAIN))
    .where(_i.kind.in_([str(k) for k in (ChangeKind.DEPARTURE, ChangeKind.CLOSE, ChangeKind.REOPEN)]))
)
_SEEN_IN = (
    select(sightings.c.ticket, func.max(sightings.c.department).label("department"))
    .where(sightings.c.connection == bindparam("of"), sightings.c.side == str(Side.EXTERNAL))
    .where(among(sightings.c.ticket, "tickets"))
    .group_by(sightings.c.ticket)
)
_this = (
    _c.connection == bindparam("its_connection"), _c.direction == bindparam("its_direction"),
    _c.ext_ticket == bindparam("its_ticket"), _c.source_message == bindparam("its_source"),
)  # fmt: skip
_again = or_(_c.run.is_(None), _c.run != bindparam("by"))  # a new write of it, and not one more look at the same
_SENT = (
    update(carried)
    .where(*_this)
    .values(
        run=bindparam("by"),
        at=case((_again, bindparam("now", type_=_c.at.type)), else_=_c.at),
        confirmed_at=case(
            (or_(_again, _c.confirmed_at.is_(None)), bindparam("seen", type_=_c.at.type)), else_=_c.confirmed_at
        ),
        author=case((_again, None), else_=_c.author),
        department=case((_again, bindparam("place", type_=_c.department.type)), else_=_c.department),
    )
)
_NAME = (
    update(carried)
    .where(*_this)
    .values(
        author=bindparam("who"), said_at=bindparam("said"), department=func.coalesce(bindparam("place"), _c.department)
    )
)


class Crossings(Part):
    """Written in the transaction of each receipt (``note_crossed``); named when their sources are at hand."""

    def crossings(self, connection: str, since: datetime | None = None) -> list[Crossing]:
        """Return what was sent since then, the oldest first; None: all that the ledger has, first what has no time.

        Notices of our own are known as long as their writes are (``retention``).
        """
        asked = {"of": connection, "since": since or EPOCH}
        with self._db.read() as conn:
            query = _CARRIED if since is None else _SINCE
            found = [_crossing(row) for row in conn.execute(query, asked).mappings()]
            found += [_notice(row) for row in conn.execute(_NOTICES, asked).mappings()]
            seen = _places(conn, connection, {one.ext_ticket for one in found if one.department is None})
        placed = [_in_place(one, seen) for one in found]
        return sorted(placed, key=lambda one: (one.at or EPOCH, one.ext_ticket, one.source))

    def crossings_of(self, connection: str, ext_ticket: str) -> list[Crossing]:
        """Return what was sent of one ticket, either way, the oldest first."""
        with self._db.read() as conn:
            rows = conn.execute(_OF_TICKET, {"of": connection, "ticket": ext_ticket}).mappings()
            return sorted((_crossing(row) for row in rows), key=lambda one: (one.at or EPOCH, one.source))

    def unnamed_crossings(self, connection: str, ext_tickets: Iterable[str]) -> list[Crossing]:
        """Return those of these tickets that were sent, and whose author is not known yet."""
        with self._db.read() as conn:
            rows = conn.execute(_UNNAMED, {"of": connection, "tickets": ext_tickets}).mappings()
            return [_crossing(row) for row in rows]

    def name_crossings(self, named: Sequence[Crossing]) -> None:
        """Keep of each its author, when it was said, and the ticket's department where it is known."""
        rows = [{**_key(one), "who": one.author, "said": one.said_at, "place": one.department} for one in named]
        if rows:
            with self._db.write() as conn:
                conn.execute(_NAME, rows)


def note_crossed(db: Database, conn: Connection, intent: Intent, known: Iterable[Carried]) -> None:
    """Inside the receipt's transaction: which run sent these carried messages and when, and when they were seen there.

    A text that one more look finds keeps the time at which it was sent.
    """
    now, place = db.now(conn), _department(conn, intent)
    for c in known:
        key = {"its_connection": intent.connection, "its_direction": str(intent.direction)}
        key |= {"its_ticket": intent.ext_ticket, "its_source": c.source_message}
        seen = now if c.target_message is not None else None
        conn.execute(_SENT, {**key, "by": intent.run, "now": now, "seen": seen, "place": place})


def _department(conn: Connection, intent: Intent) -> str | None:
    """Find the department where the ticket was last seen in the external billing; None of one that is new."""
    link = link_of(conn, intent.connection, intent.ext_ticket)
    if link is not None and link["department"] is not None:
        return str(link["department"])
    return _places(conn, intent.connection, {intent.ext_ticket}).get(intent.ext_ticket)


def _places(conn: Connection, connection: str, tickets: Iterable[str]) -> dict[str, str]:
    asked = {"of": connection, "tickets": list(tickets)}
    found = conn.execute(_SEEN_IN, asked) if asked["tickets"] else ()
    return {row.ticket: row.department for row in found if row.department is not None}


def _in_place(one: Crossing, seen: Mapping[str, str]) -> Crossing:
    """Add the department in which its ticket was last seen, where none is recorded."""
    if one.department is not None or one.ext_ticket not in seen:
        return one
    return replace(one, department=seen[one.ext_ticket])


def _key(one: Crossing) -> dict[str, str]:
    return {
        "its_connection": one.connection, "its_direction": str(one.direction), "its_ticket": one.ext_ticket,
        "its_source": one.source,
    }  # fmt: skip


def _crossing(row: Mapping[Any, Any]) -> Crossing:
    return Crossing(
        **{name: row[name] for name in _PLAIN}, direction=Direction(row["direction"]), source=row["source_message"],
        target=row["target_message"], main_ticket=row["main_ticket"], flow_run=row["flow_run"],
        began=row["started"],
    )  # fmt: skip


def _notice(row: Mapping[Any, Any]) -> Crossing:
    """An act towards main may leave a notice there; one towards the external billing says nothing to anybody."""
    return Crossing(
        row["connection"], Direction(row["direction"]), row["ext_ticket"], "", "", row["main_ticket"], run=row["run"],
        at=row["changed_at"], flow_run=row["flow_run"], notice=ChangeKind(row["kind"]),
    )  # fmt: skip
