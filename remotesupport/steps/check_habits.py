"""The part of ``check`` that says how each side's server answers the open questions about BILLmanager, and from what.

Reads the first page of each listing and a few tickets whose rows do not say their department; stores nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime

from connectors.contract import Billing
from connectors.errors import ConnectorError
from remotesupport.bootstrap import Connection
from remotesupport.core.habits import Habit, HabitEvidence, Lesson, in_words, learn, merged
from remotesupport.core.model import RejectedRow, Side, TicketRow, TicketState
from remotesupport.steps.check_row import CheckRow

_PAGE = 50
_ASKED = 3  # tickets whose own form is asked for their department


async def habit_rows(
    connection: Connection, evidence: Sequence[HabitEvidence], now: datetime, threads: int = 0
) -> list[CheckRow]:
    """One row for each habit of each side, and one on how many tickets correspond. Raises ConnectorError.

    ``evidence``: what the store has of this connection. ``threads``: how many open tickets' conversations are read on
    each side.
    """
    rows: list[CheckRow] = []
    for billing in (connection.external, connection.main):
        if not billing.habits and not threads:
            continue
        known = [one for one in evidence if one.side is billing.side]
        _teach(billing, known)
        found, rejected = await _first_pages(billing)
        await _read_threads(billing, found, threads)
        if not billing.habits:
            continue
        untold = await _without_department(billing, found) if billing.side is Side.EXTERNAL else []
        known = merged(known, billing.observations(), connection=connection.name, side=billing.side, now=now)
        rows += _of_side(billing, known, rejected, untold)
    return rows


def _teach(billing: Billing, known: Iterable[HabitEvidence]) -> Lesson:
    lesson = learn(billing.habits, known)
    billing.learned(lesson.answers)
    return lesson


async def _first_pages(billing: Billing) -> tuple[list[TicketRow], list[RejectedRow]]:
    rows: list[TicketRow] = []
    rejected: list[RejectedRow] = []
    for listing in billing.capabilities.listings:
        async for page in billing.pages(listing, page_size=_PAGE):
            rows += page.rows
            rejected += page.rejected
            break
    return rows, rejected


async def _read_threads(billing: Billing, rows: Sequence[TicketRow], most: int) -> None:
    """For what reading them shows; one that cannot be read shows nothing."""
    for row in [row for row in rows if row.state is TicketState.OPEN and not row.partial][:most]:
        with suppress(ConnectorError):
            await billing.thread(row.ticket)


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
    lesson = learn(billing.habits, known)
    wrong = {c.habit.name: f"was {c.before}, is now {c.now}" for c in lesson.contradictions}
    unclear = {bad.habit: f"ticket {bad.ticket}: {bad.reason}" for bad in reversed(rejected) if bad.habit}
    if untold:
        unclear["responsible"] = f"ticket {untold[0]}: neither its row nor its form says its department"
    rows = [_row(billing, h, known, wrong.get(h.name, ""), unclear.get(h.name, "")) for h in billing.habits]
    seen = {one.habit for one in known}
    summary = f"{len(seen)} of {len(billing.habits)} are known; the others are learned from the first tickets"
    return [CheckRow(f"{billing.side} habits", True, summary), *rows]


def _row(billing: Billing, habit: Habit, known: Sequence[HabitEvidence], wrong: str, unclear: str) -> CheckRow:
    check = f"{billing.side} habit {habit.name}"
    seen = [in_words(one) for one in known if one.habit == habit.name]
    if wrong:
        accept = f"`remotesupport habits accept {habit.name}=ANSWER --billing {billing.name}`"
        return CheckRow(check, False, f"contradictory: {wrong}", f"Look at the examples; {accept} says what holds")
    if unclear:
        cure = f"Its tickets wait. `remotesupport habits --billing {billing.name}` shows what was seen; report it"
        return CheckRow(check, False, f"cannot be told: {unclear}", cure)
    if seen:
        return CheckRow(check, True, "; ".join(seen), minor=True)
    taken = f" (until then: {habit.default})" if habit.default else ""
    return CheckRow(check, True, f"not seen yet{taken}; told by {habit.told_by}", minor=True)
