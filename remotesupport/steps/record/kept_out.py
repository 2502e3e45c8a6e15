"""Tickets that are not carried though their billing answers: each waits alone, parked with its reason, and says so.

A login may not see it, which a person has to mend; or it cannot be read, or a validation rule keeps it out, and each
run looks again. What must stay out: telling a denied ticket from a refused login (the connectors do), the rules
(``checks``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from remotesupport.bootstrap import Context
from remotesupport.core.model import ChangeKind, Direction, Side
from remotesupport.core.plan.change_keys import intent_key
from remotesupport.core.records import Beside, ParkedChange
from remotesupport.steps.framing import Rows
from remotesupport.steps.read.side_reader import is_nameless, place_of
from remotesupport.steps.values import PERMITTED, UNDERSTOOD, Snapshot

AGAIN = timedelta(minutes=1)  # every run looks again
NAMED = 3  # tickets that the words of a line name; the rest is counted


@dataclass(frozen=True, slots=True)
class KeptOut:
    """One ticket. ``ticket``: the external one, None where a main ticket belongs to none that is known."""

    ticket: str | None
    why: str
    denied: bool = False


def kept_out_tickets(ctx: Context, snapshot: Snapshot, quarantined: Rows) -> list[KeptOut]:
    """Each ticket of ``quarantined`` once, denied ones first; without those that a person has given up.

    What is not understood is left out: it has its own reason and count.
    """
    rows = [row for row in quarantined if row["ticket"] and row["check"] != UNDERSTOOD]
    if not rows:
        return []
    external = _external_of(ctx, snapshot, [row["ticket"] for row in rows if row["side"] == Side.MAIN])
    found: dict[str, KeptOut] = {}
    for row in sorted(rows, key=lambda row: row["check"] != PERMITTED):
        ticket = row["ticket"] if row["side"] == Side.EXTERNAL else external.get(row["ticket"])
        ticket = None if is_nameless(row["ticket"]) else ticket
        one = KeptOut(ticket, f"{_where(row['side'], row['ticket'])}: {row['reason']}", row["check"] == PERMITTED)
        found.setdefault(ticket or f"main {row['ticket']}", one)
    given_up = ctx.store.dropped([snapshot.name])
    return [one for one in found.values() if (snapshot.name, one.ticket) not in given_up]


def _where(side: str, ticket: str) -> str:
    if not is_nameless(ticket):
        return f"{side} ticket {ticket}"
    listing, page = place_of(ticket)
    return f"a row without an id on page {page} of {listing} ({side})"


def _external_of(ctx: Context, snapshot: Snapshot, mains: list[str]) -> dict[str, str]:
    """Main ticket → the external one that it is linked to, or whose origin it carries."""
    linked = {main: ext for ext, main in ctx.store.linked(snapshot.name, main_tickets=mains).items()} if mains else {}
    return {row["ticket"]: row["origin"] for row in snapshot.main.tickets if row["origin"]} | linked


def park_kept_out(
    ctx: Context, run: str, snapshot: Snapshot, waiting: list[KeptOut], parked: list[ParkedChange]
) -> list[ParkedChange]:
    """``parked`` with a row for each of ``waiting``, and without those that were read again in this run."""
    mine = [change for change in parked if change.beside in (Beside.DENIED, Beside.KEPT_OUT)]
    rows = {change.key: change for one in waiting if one.ticket for change in [_row(ctx, run, snapshot.name, one)]}
    read = _read(ctx, snapshot, mine)
    over = [change for change in mine if change.key not in rows and change.ext_ticket in read]
    for change in over:
        ctx.store.unpark(change.id or 0, run)
    left = [change for change in parked if change not in over and change.key not in rows]
    return left + [ctx.store.park(change) for change in rows.values()]


def _read(ctx: Context, snapshot: Snapshot, mine: list[ParkedChange]) -> set[str]:
    """External tickets that were read in this run, or are gone; or of which a main ticket was read."""
    if not mine:
        return set()
    of_main = _external_of(ctx, snapshot, sorted(snapshot.main.fresh))
    read = {row["ticket"] for row in snapshot.external.tickets} | set(snapshot.external.gone)
    return read | {external for main, external in of_main.items() if main in snapshot.main.fresh}


def _row(ctx: Context, run: str, name: str, one: KeptOut) -> ParkedChange:
    ticket = one.ticket or ""
    cause = f"{one.why}. Or give it up: `remotesupport parked drop` leaves the whole ticket alone"
    act = f"{ChangeKind.POST}{Beside.DENIED if one.denied else Beside.KEPT_OUT}"
    again = None if one.denied else ctx.clock() + AGAIN
    key = intent_key(name, Direction.TO_MAIN, ticket, act)
    return ParkedChange(name, ticket, None, ChangeKind.POST, key, cause, ctx.clock(), 1, again, run)


def in_words(name: str, waiting: list[KeptOut]) -> str:
    """Name the first tickets that are kept out, each with its reason, and count the rest."""
    first = "; ".join(one.why for one in waiting[:NAMED])
    more = f" and {len(waiting) - NAMED} more" if len(waiting) > NAMED else ""
    what = "may not be seen" if all(one.denied for one in waiting) else "kept out"
    return f"{len(waiting)} ticket(s) {what}: {first}{more}. See `remotesupport parked --billing {name}`"
