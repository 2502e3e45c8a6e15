"""Say when a billing that gives no answer is looked at again: after 1, 2, 5, then each 15 minutes. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 15))
SLACK = timedelta(seconds=30)
"""Runs come once a minute, some seconds early or late: the one that is nearest to the time looks."""


def pause_after(in_vain: int) -> timedelta:
    """Give the time from a look to the next one, after so many looks in a row without an answer (1 or more)."""
    return PAUSES[min(in_vain, len(PAUSES)) - 1]


def rests(in_vain: int, next_look: datetime | None, now: datetime) -> bool:
    """Tell whether the schedule leaves it alone ``now``. After one look in vain it never does: the next run looks.

    A time that lies further ahead than any pause was noted by a clock that went wrong, and does not count.
    """
    if next_look is None or in_vain < 2:
        return False
    return SLACK < next_look - now <= PAUSES[-1]
