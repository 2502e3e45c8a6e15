"""Estimates what a backfill would do and how long it would take, in numbers and words, before anything is written.

What must stay out: measuring how long writes take, and whatever nobody outside a billing can know: whether it mails
its customer or charges for a ticket.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from remotesupport.core.model import ChangeKind
from remotesupport.core.text.durations import span


@dataclass(frozen=True, slots=True)
class Estimate:
    """``customer``: the user of main who opens the tickets. ``messages``: of people, that they bring. ``first``: one of
    the tickets, to try it with. ``seconds``: of reading and writing; ``measured`` by what earlier writes took, else
    guessed from how quickly both billings answered.
    """

    customer: str
    tickets: int
    messages: int
    closes: int
    others: int
    first: str
    seconds: float
    measured: bool

    def sentences(self, name: str) -> list[str]:
        """Say what would come to whom. ``name``: the connection's."""
        how = "by what the last writes took" if self.measured else "guessed from how quickly both billings answered"
        more = f", and {self.others} other writes" if self.others else ""
        return [
            f"{name}: {self.tickets} new ticket(s) with {self.messages} message(s) of people in them, {self.closes} of "
            f"them closed again{more}; about {span(max(self.seconds, 1.0))}, {how}",
            f"{name}: nothing is written to that billing and its clients",
            f"{name}: in main the user {self.customer} opens them. Main may mail that user {self._mails} time(s), and "
            f"count {self.tickets} ticket(s) as paid ones, if it is set up so; a customer's login is not shown that. "
            f"Try one first: remotesupport backfill --billing {name} --ticket {self.first}",
        ]

    @property
    def _mails(self) -> int:
        return self.tickets + self.closes + self.others


def estimate(
    rows: Iterable[tuple[str, str, str]], customer: str, reading: float, a_write: float, *, measured: bool
) -> Estimate | None:
    """Estimate what a plan would do; None where it would write nothing.

    ``rows``: kind, external ticket and ``covers`` of each change. ``reading``, ``a_write``: seconds.
    """
    listed = [row for row in rows if row[0] not in (ChangeKind.ADOPT, ChangeKind.CONFLICT)]
    if not listed:
        return None
    kinds = Counter(kind for kind, _, _ in listed)
    created = [(ticket, len(json.loads(covers))) for kind, ticket, covers in listed if kind == ChangeKind.CREATE]
    tickets, closes = kinds[ChangeKind.CREATE], kinds[ChangeKind.CLOSE]
    return Estimate(
        customer, tickets, sum(n for _, n in created), closes, len(listed) - tickets - closes,
        created[0][0] if created else listed[0][1], round(reading + len(listed) * a_write, 1), measured,
    )  # fmt: skip
