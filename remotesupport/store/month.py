"""Reads one connection's month from the tables, for a report. Only reads; nothing is counted here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, and_, bindparam, func, or_, select

from remotesupport.core.model import Direction, Reason, Side, TicketState
from remotesupport.core.plan.change_keys import is_edit
from remotesupport.core.report.facts import HeldTicket, LinkedTicket, MonthFacts, ParkedThing, SentText, Turn, Turned
from remotesupport.core.run import RunKind
from remotesupport.store.database import Part
from remotesupport.store.keys import among
from remotesupport.store.tables import carried, departments, events, links, parked, reasons, runs, sightings

_c, _e, _s = carried.c, events.c, sightings.c
_OF: BindParameter[str] = bindparam("of")
_SINCE = bindparam("since", type_=_c.at.type)
_TEXTS = (
    select(_c.ext_ticket, _c.direction, _c.source_message, _c.at, _c.said_at)
    .where(_c.connection == _OF, _c.at >= _SINCE)
    .order_by(_c.at)
)
_ARRIVED = (
    select(_c.ext_ticket, func.min(_c.at).label("at"), (func.count() - func.count(_c.at)).label("untimed"))
    .where(_c.connection == _OF, _c.direction == str(Direction.TO_MAIN))
    .group_by(_c.ext_ticket)
)
_UNTIMED = select(func.count()).where(_c.connection == _OF, _c.at.is_(None))
_BACKFILLED = (
    select(_c.ext_ticket)
    .distinct()
    .join(runs, runs.c.run == _c.run)
    .where(_c.connection == _OF, _c.direction == str(Direction.TO_MAIN), runs.c.kind == str(RunKind.BACKFILL))
    .where(_c.at >= _SINCE)
)
_LINKS = select(links).where(links.c.connection == _OF)
_EVENTS = (
    select(_e.ext_ticket, _e.at, _e.event, _e.detail)
    .where(_e.connection == _OF, _e.at >= _SINCE, among(_e.event, "kinds"))
    .order_by(_e.at, _e.id)
)
_HELD = select(reasons).where(
    reasons.c.connection == _OF,
    or_(
        reasons.c.reason.not_in([str(Reason.IN_SYNC), str(Reason.PENDING), str(Reason.DEPARTED)]),
        and_(reasons.c.reason == str(Reason.IN_SYNC), reasons.c.detail != ""),
    ),
)
_PARKED = select(parked).where(parked.c.connection == _OF).order_by(parked.c.since, parked.c.id)
_PLACES = (
    select(_s.ticket, func.max(_s.department).label("department"))
    .where(_s.connection == _OF, _s.side == str(Side.EXTERNAL))
    .group_by(_s.ticket)
)
_NAMES = select(departments.c.department, departments.c.name).where(
    departments.c.connection == _OF, departments.c.side == str(Side.EXTERNAL)
)
_KNOWN_FROM = select(func.min(runs.c.started))
_DROPPED = "dropped"


class Months(Part):
    """One transaction: all of a report is of the same moment."""

    def month_facts(self, connection: str, since: datetime) -> MonthFacts:
        """All that is known of this connection from ``since`` until now."""
        asked = {"of": connection, "since": since, "kinds": [*map(str, Turn), _DROPPED]}
        with self._db.read() as conn:
            noted = conn.execute(_EVENTS, asked).mappings().all()
            texts = [_text(row) for row in conn.execute(_TEXTS, asked).mappings()]
            places = {row.ticket: row.department for row in conn.execute(_PLACES, asked)}
            turns = [Turned(r["ext_ticket"], r["at"], Turn(r["event"])) for r in noted if r["event"] != _DROPPED]
            return MonthFacts(
                tickets=_tickets(conn, asked, turns, places),
                texts=tuple(texts),
                turns=tuple(turns),
                held=tuple(_held(row, places) for row in conn.execute(_HELD, asked).mappings()),
                parked=tuple(
                    ParkedThing(r["ext_ticket"], r["kind"], r["cause"], r["since"])
                    for r in conn.execute(_PARKED, asked).mappings()
                ),
                dropped=tuple(
                    ParkedThing(r["ext_ticket"], _DROPPED, r["detail"], r["at"])
                    for r in noted
                    if r["event"] == _DROPPED
                ),
                departments={row.department: row.name for row in conn.execute(_NAMES, asked)},
                untimed_texts=conn.execute(_UNTIMED, asked).scalar_one(),
                known_from=conn.execute(_KNOWN_FROM).scalar_one(),
            )


def _tickets(
    conn: Connection, asked: Mapping[str, Any], turns: list[Turned], places: Mapping[str, str | None]
) -> tuple[LinkedTicket, ...]:
    """Each link. A ticket of which some text has no time may have been there before: then its timeline has to say
    when it was created."""
    created = {turned.ticket: turned.at for turned in turns if turned.turn is Turn.CREATED}
    timed = {row.ext_ticket: row.at for row in conn.execute(_ARRIVED, asked) if not row.untimed}
    backfilled = set(conn.execute(_BACKFILLED, asked).scalars())
    found = []
    for row in conn.execute(_LINKS, asked).mappings():
        ticket = row["ext_ticket"]
        arrived = timed.get(ticket) or created.get(ticket)
        place = row["department"] or places.get(ticket) or ""
        is_open = row["main_state"] == TicketState.OPEN
        found.append(LinkedTicket(ticket, place, is_open, row["departed"], arrived, ticket in backfilled))
    return tuple(found)


def _text(row: Mapping[Any, Any]) -> SentText:
    return SentText(
        row["ext_ticket"], Direction(row["direction"]), row["at"], row["said_at"], is_edit(row["source_message"])
    )


def _held(row: Mapping[Any, Any], places: Mapping[str, str | None]) -> HeldTicket:
    return HeldTicket(row["ticket"], places.get(row["ticket"]) or "", row["reason"], row["detail"], row["since"])
