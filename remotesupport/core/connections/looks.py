"""The last look at each list of a connection, in this process: which list need not be read again in this minute.

Some lists show nothing new while another one stays as it was: a ticket comes into the archive by leaving the list of
open ones. Such a list is left out as long as the other, read whole, shows the same tickets with the same rows; but
never for longer than ``REST``, since a ticket that left and came back in between shows it in the first list no more.
Nor after anything was recorded: a server may put what was written a moment ago into the other list at once.
Pure. What must stay out: reading, and which list follows which (``Capabilities.follows``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

REST = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class ListLook:
    """One look at a list.

    ``shown``: its tickets, None where one page did not have them all; ``listed``: how many count as listed.
    ``calm``: every row was as the ledger last agreed, and no thread had to be read once more.
    """

    at: datetime
    shown: frozenset[str] | None
    listed: int
    calm: bool


def last_if_at_rest(
    before: Mapping[str, ListLook], leading: str | None, now: ListLook | None, listing: str
) -> ListLook | None:
    """Return the last look at ``listing`` where it still holds, None where it has to be read.

    ``before``: the last looks by list; ``leading``: the list that it follows, ``now`` as it was seen a moment ago.
    """
    mine, led = before.get(listing), before.get(leading) if leading is not None else None
    if mine is None or led is None or now is None:
        return None
    same = now.calm and now.shown is not None and now.shown == led.shown
    return mine if same and mine.calm and now.at - mine.at < REST else None
