"""The list that an employee of main is shown, and when it says that a connection's own lists there need not be read.

The employee's list says what moved; what it is, only the customer's own view says. So main's lists of a connection are
left out only while each of its tickets is on the employee's list and is as it was when those lists were last read, and
never for longer than ``REST``. Whatever is doubtful is read. Times of a server are compared for equality only.
Pure. What must stay out: asking anybody, and which columns a server has (``connectors.billmanager.v6_watch``).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from remotesupport.core.connections.looks import REST, ListLook

NOTED = "watch_login"  # the store's key of what is wrong with the list
_WITHIN_THE_QUARTER = re.compile(r":(\d\d):(\d\d)$")


@dataclass(frozen=True, slots=True)
class WatchedRow:
    """All that is known of a row of the employee's list.

    ``mark``: a digest of its id, times and state; ``at``: the time of its last message as the server writes it.
    """

    mark: str
    at: str


@dataclass(frozen=True, slots=True)
class WatchedLook:
    """One look at the employee's list. ``whole``: to its end; else to a page on which all was as it was known."""

    rows: Mapping[str, WatchedRow]
    whole: bool


@dataclass(slots=True)
class WatchedTickets:
    """The main tickets of one connection, as this process has seen them on the employee's list.

    ``tickets``: those that the ledger links, None where they are to be asked for. ``since``: our time at which they
    were first seen as they are, None while one of them is not shown. ``same``: whether the customer's own list said the
    same of tickets with these ids.
    """

    tickets: frozenset[str] | None = None
    rows: dict[str, WatchedRow] = field(default_factory=dict)
    since: datetime | None = None
    same: bool = False

    def see(self, shown: Mapping[str, WatchedRow], now: datetime) -> None:
        """Take a look at the employee's list, which ended ``now``."""
        wanted = self.tickets or frozenset()
        rows = {ticket: shown[ticket] for ticket in wanted if ticket in shown}
        if not rows or len(rows) < len(wanted):
            self.since = None
        elif self.since is None or rows != self.rows:
            self.since = now
        self.rows = rows

    def compare(self, customers: Mapping[str, str]) -> None:
        """Compare with the customer's own list (ticket → time of its last message), where it showed any of them."""
        told = same_tickets(customers, self.rows)
        self.same = self.same if told is None else told

    def at_rest(
        self, looks: Mapping[str, ListLook], listings: Collection[str], led: Collection[str], now: datetime,
        settle: timedelta,
    ) -> bool:  # fmt: skip
        """Tell whether none of main's ``listings`` need be read ``now``. ``looks``: the last ones; ``led``: lists that
        follow another one.

        The lists were read at least ``settle`` after the tickets were first seen as they are: two changes within one
        second of the server look the same on a list.
        """
        last = [looks[listing] for listing in listings if listing in looks]
        if self.since is None or not self.same or not last or len(last) < len(listings):
            return False
        begun = [looks[listing].at for listing in listings if listing not in led]
        return (
            all(look.calm and timedelta(0) <= now - look.at < REST for look in last)
            and bool(begun)
            and min(begun) >= self.since + settle
        )


def same_tickets(customers: Mapping[str, str], watched: Mapping[str, WatchedRow]) -> bool | None:
    """Tell whether the same ids mean the same tickets on the customer's list and on the employee's; None: no ticket is
    on both.

    Most of them must say the same time of their last message: one may have moved between two looks, and another kind of
    ids, which are small numbers as well, would agree by chance only.
    """
    both = customers.keys() & watched.keys()
    agreed = sum(same_moment(customers[ticket], watched[ticket].at) for ticket in both)
    return 2 * agreed > len(both) if both else None


def same_moment(one: str, other: str) -> bool:
    """Tell whether two times may be one moment in two time zones, which differ by quarters of an hour."""
    if one == other:
        return bool(one)
    parts = [_WITHIN_THE_QUARTER.search(text.strip()) for text in (one, other)]
    seconds = [(int(part[1]) % 15, part[2]) for part in parts if part is not None]
    return len(seconds) == len(parts) and seconds[0] == seconds[1]


def in_words(problem: str) -> str:
    """Say what is wrong with the employee's list as an operator is told."""
    return f"watch login: {problem}"
