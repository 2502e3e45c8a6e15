"""The life of one ticket for the report: when it arrived, was answered and closed, and how it stood at a moment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from remotesupport.core.model import Direction
from remotesupport.core.report.facts import LinkedTicket, MonthFacts, SentText, Turn, Turned

_Row = TypeVar("_Row", SentText, Turned)


class Stood(StrEnum):
    """A ticket's state at a moment. ABSENT: it was not in main yet."""

    OPEN = "open"
    CLOSED = "closed"
    DEPARTED = "departed"
    ABSENT = "absent"
    UNKNOWN = "unknown"


_AFTER = {
    Turn.CREATED: Stood.OPEN, Turn.ADOPTED: Stood.OPEN, Turn.REOPENED: Stood.OPEN, Turn.CLOSED: Stood.CLOSED,
    Turn.DEPARTED: Stood.DEPARTED,
}  # fmt: skip
_BEFORE = {
    Turn.CREATED: Stood.ABSENT, Turn.ADOPTED: Stood.ABSENT, Turn.REOPENED: Stood.CLOSED, Turn.CLOSED: Stood.OPEN,
    Turn.DEPARTED: Stood.OPEN,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Life:
    """One ticket with its texts (edits left out) and turns, the oldest first. A text opens a ticket again."""

    ticket: LinkedTicket
    texts: tuple[SentText, ...] = ()
    turns: tuple[Turned, ...] = ()

    @property
    def first_answer(self) -> datetime | None:
        """Return the moment of the first answer for the client after the ticket's arrival; None: there is none."""
        if (arrived := self.ticket.arrived) is None:
            return None
        answers = [text.at for text in self.texts if text.direction is Direction.TO_EXTERNAL and text.at >= arrived]
        return min(answers, default=None)

    @property
    def closed_at(self) -> datetime | None:
        """Return when it was closed for good; None: it is open, has left, or was closed on both sides by hand."""
        if self.ticket.open or self.ticket.departed:
            return None
        last = self._moves[-1] if self._moves else None
        return last[0] if last is not None and last[1] is Turn.CLOSED else None

    @property
    def _moves(self) -> list[tuple[datetime, Turn | None]]:
        """Turns, and texts as None; of the same moment the text first, because it was written before its ticket was
        closed."""
        texts: list[tuple[datetime, Turn | None]] = [(text.at, None) for text in self.texts]
        moves = texts + [(turned.at, turned.turn) for turned in self.turns]
        return sorted(moves, key=lambda move: (move[0], move[1] is not None))

    def stood(self, moment: datetime) -> Stood:
        """Tell how it stood just before ``moment``: as the ledger has it where nothing has happened since."""
        if self.ticket.arrived is not None and self.ticket.arrived >= moment:
            return Stood.ABSENT
        later = [turn for at, turn in self._moves if at >= moment]
        if not later:
            return _now(self.ticket)
        earlier = [turn for at, turn in self._moves if at < moment]
        if earlier:
            return Stood.OPEN if earlier[-1] is None else _AFTER[earlier[-1]]
        return Stood.UNKNOWN if later[0] is None else _BEFORE[later[0]]


def _now(ticket: LinkedTicket) -> Stood:
    if ticket.departed:
        return Stood.DEPARTED
    return Stood.OPEN if ticket.open else Stood.CLOSED


def lives(facts: MonthFacts) -> list[Life]:
    """One for each linked ticket."""
    texts, turns = _by_ticket(t for t in facts.texts if not t.edit), _by_ticket(facts.turns)
    return [Life(one, tuple(texts[one.ticket]), tuple(turns[one.ticket])) for one in facts.tickets]


def _by_ticket(rows: Iterable[_Row]) -> dict[str, list[_Row]]:
    found: dict[str, list[_Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.at):
        found[row.ticket].append(row)
    return found
