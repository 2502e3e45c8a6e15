"""The part of ``check`` that says how each side's server answers the open questions about BILLmanager, and from what.

Reads the first page of each listing, and a few tickets whose rows do not say their department; stores nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from connectors.contract import Billing
from connectors.errors import ConnectorError
from remotesupport.bootstrap import Connection
from remotesupport.core.connections.habits import Habit, HabitEvidence, in_words, learn, merged
from remotesupport.core.model import RejectedRow, Side, TicketRow, TicketState
from remotesupport.core.text.compose import origin_of
from remotesupport.steps.operator.check_row import CheckRow

_PAGE = 50
_ASKED = 3  # tickets whose own form is asked for their department


@dataclass(slots=True)
class FirstPages:
    """Rows of the first page of each listing of one billing."""

    rows: list[TicketRow] = field(default_factory=list)
    rejected: list[RejectedRow] = field(default_factory=list)


async def first_pages(billing: Billing, known: Sequence[HabitEvidence]) -> FirstPages:
    """Read the first page of each listing, as the server is ``known`` to show it. Raises ConnectorError."""
    billing.learned(learn(billing.habits, _of(billing, known)).answers)
    found = FirstPages()
    for listing in billing.capabilities.listings:
        async for page in billing.pages(listing, page_size=_PAGE):
            found.rows += page.rows
            found.rejected += page.rejected
            break
    return found


async def read_threads(
    connection: Connection, pages: Mapping[Side, FirstPages], remote: Collection[str], most: int
) -> None:
    """Read the conversations of a few open tickets that a sync reads, on each side, for what they show.

    ``remote``: ids of the external departments that correspond; in others no ticket is opened. ``most``: on each side.
    One that cannot be read shows nothing.
    """
    for billing in (connection.external, connection.main):
        rows = [row for row in pages[billing.side].rows if row.state is TicketState.OPEN and not row.partial]
        for row in [row for row in rows if _crosses(row, connection.name, billing.side, remote)][:most]:
            with suppress(ConnectorError):
                await billing.thread(row.ticket)


def _crosses(row: TicketRow, connection: str, side: Side, remote: Collection[str]) -> bool:
    return origin_of(row.subject, connection) is not None if side is Side.MAIN else row.department in remote


async def habit_rows(
    connection: Connection, pages: Mapping[Side, FirstPages], evidence: Sequence[HabitEvidence], now: datetime
) -> list[CheckRow]:
    """List one row for each habit of each side, after one on how many are known. Raises ConnectorError.

    ``pages``: what ``first_pages`` read of each side. ``evidence``: what the store has of this connection.
    """
    rows: list[CheckRow] = []
    for billing in (connection.external, connection.main):
        if not billing.habits:
            continue
        found = pages[billing.side]
        untold = await _without_department(billing, found.rows) if billing.side is Side.EXTERNAL else []
        seen, before = billing.observations(), _of(billing, evidence)
        known = merged(before, seen, connection=connection.name, side=billing.side, now=now)
        rows += _of_side(billing, known, found.rejected, untold)
    return rows


def _of(billing: Billing, evidence: Sequence[HabitEvidence]) -> list[HabitEvidence]:
    return [one for one in evidence if one.side is billing.side]


async def _without_department(billing: Billing, rows: Sequence[TicketRow]) -> list[str]:
    """Open tickets of which neither the row nor the ticket itself says the department, of the first few asked."""
    untold = []
    hidden = [row for row in rows if row.department is None and not row.partial and row.state is TicketState.OPEN]
    for row in hidden[:_ASKED]:
        try:
            told = await billing.ticket(row.ticket)
        except ConnectorError:
            continue
        if told.department is None:
            untold.append(row.ticket)
    return untold


def _of_side(
    billing: Billing, known: Sequence[HabitEvidence], rejected: Sequence[RejectedRow], untold: Sequence[str]
) -> list[CheckRow]:
    unclear = {bad.habit: f"ticket {bad.ticket}: {bad.reason}" for bad in reversed(rejected) if bad.habit}
    if untold:
        unclear["responsible"] = f"ticket {untold[0]}: neither its row nor its form says its department"
    rows = [habit_row(billing.name, billing.side, h, known, unclear.get(h.name, "")) for h in billing.habits]
    seen = {one.habit for one in known}
    summary = f"{len(seen)} of {len(billing.habits)} are known; the others are learned from the first tickets"
    return [CheckRow(f"{billing.side} habits", True, summary), *rows]


def habit_row(connection: str, side: Side, habit: Habit, known: Sequence[HabitEvidence], unclear: str = "") -> CheckRow:
    """Say one habit of one side's server. ``known``: of all its habits; ``unclear``: a ticket that does not tell it."""
    check = f"{side} habit {habit.name}"
    if wrong := learn([habit], known).contradictions:
        told = f"contradictory: was {wrong[0].before}, is now {wrong[0].now}"
        accept = f"`remotesupport habits accept {habit.name}=ANSWER --billing {connection}`"
        return CheckRow(check, False, told, f"Look at the examples; {accept} says what holds")
    if unclear:
        cure = f"Its tickets wait. `remotesupport habits --billing {connection}` shows what was seen; report it"
        return CheckRow(check, False, f"cannot be told: {unclear}", cure)
    seen = [in_words(one) for one in known if one.habit == habit.name]
    if seen and habit.counted:
        cure = f"None of them crosses. If people write so, report it: `remotesupport habits --billing {connection}`"
        return CheckRow(check, True, "; ".join(seen), cure)
    if seen:
        return CheckRow(check, True, "; ".join(seen), minor=True)
    return CheckRow(check, True, _not_seen(side, habit), minor=True)


def _not_seen(side: Side, habit: Habit) -> str:
    taken = f" (until then: {habit.default})" if habit.default else ""
    now = "; `remotesupport check --rehearse BILLING` shows it now" if habit.by_writing and side is Side.MAIN else ""
    return f"not seen yet{taken}; told by {habit.told_by}{now}"
