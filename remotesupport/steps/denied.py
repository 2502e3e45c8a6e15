"""Tickets that a login may not see though it is let in elsewhere: each waits alone, for a person, until it is readable.

What must stay out: telling that from a refused login (the connectors do).
"""

from __future__ import annotations

from collections.abc import Mapping

from remotesupport.bootstrap import Context
from remotesupport.core.model import ChangeKind, Direction, ParkedChange
from remotesupport.steps.values import Snapshot
from remotesupport.store.states import DENIED, intent_key


def denied_tickets(ctx: Context, snapshot: Snapshot) -> dict[str, str]:
    """External ticket → why it, or its main ticket, may not be read; without those that a person has given up."""
    outside, inside, name = snapshot.external, snapshot.main, snapshot.name
    found = {ticket: outside.unreadable[ticket] for ticket in outside.denied}
    if inside.denied:
        links = ctx.store.linked(name, main_tickets=sorted(inside.denied))
        found |= {ticket: inside.unreadable[main] for ticket, main in links.items() if main in inside.denied}
    given_up = ctx.store.dropped([name]) if found else {}
    return {ticket: why for ticket, why in found.items() if (name, ticket) not in given_up}


def park_denied(
    ctx: Context, run: str, snapshot: Snapshot, denied: Mapping[str, str], parked: list[ParkedChange]
) -> list[ParkedChange]:
    """``parked`` with a row for each of ``denied``, and without those that were read again in this run."""
    mine = {change.ext_ticket: change for change in parked if change.key.endswith(DENIED)}
    read = {row["ticket"] for row in snapshot.external.tickets} | set(snapshot.external.gone)
    links = ctx.store.linked(snapshot.name, sorted(mine)) if mine else {}
    read |= {ticket for ticket, main in links.items() if main in snapshot.main.fresh}
    over = [change for ticket, change in mine.items() if ticket not in denied and ticket in read]
    for change in over:
        ctx.store.unpark(change.id or 0, run)
    new = [_row(ctx, run, snapshot.name, *one) for one in denied.items() if one[0] not in mine]
    return [change for change in parked if change not in over] + [ctx.store.park(change) for change in new]


def _row(ctx: Context, run: str, name: str, ticket: str, why: str) -> ParkedChange:
    cause = f"{why}. Or give it up: `remotesupport parked drop` leaves the whole ticket alone"
    key = intent_key(name, Direction.TO_MAIN, ticket, f"{ChangeKind.POST}{DENIED}")
    return ParkedChange(name, ticket, None, ChangeKind.POST, key, cause, ctx.clock(), 1, None, run)
