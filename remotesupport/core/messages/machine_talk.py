"""Two machines that answer each other: told from one thread, by the clock of its own host alone.

A round is one message of ours and the answer to it within seconds; the next message of ours follows within the time
that a machine on the other side and our own runs need. Pure. What must stay out: what is done about it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from remotesupport.core.model import PEOPLE, MessageKind, Side

AT_ONCE = timedelta(seconds=10)  # no person reads and answers in less
COMES_BACK = timedelta(seconds=180)  # two runs, and what the other machine needs
ROUNDS = 6  # so many in a row are no coincidence


def rounds(thread: Iterable[Mapping[str, Any]], side: Side) -> int:
    """Count the rounds that the thread ends with: rows of MESSAGES of one ticket, in any order.

    0 where the last message is ours, or a person answered it, or its dates cannot be read.
    """
    said = [row for row in sorted(thread, key=lambda row: row["ordinal"]) if row["kind"] in PEOPLE]
    count, later = 0, None
    for ours, theirs in zip(said[-2::-2], said[-1::-2], strict=False):
        if not _is_ours(ours, side) or _is_ours(theirs, side) or not _within(ours, theirs, AT_ONCE):
            break
        if later is not None and not _within(theirs, later, COMES_BACK):
            break
        count, later = count + 1, ours
    return count


def _is_ours(row: Mapping[str, Any], side: Side) -> bool:
    if side is Side.MAIN:
        return bool(row["kind"] == MessageKind.CLIENT)
    return bool(row["kind"] == MessageKind.STAFF and row["own"] != "no")


def _within(first: Mapping[str, Any], then: Mapping[str, Any], limit: timedelta) -> bool:
    try:
        took = datetime.fromisoformat(then["at_text"]) - datetime.fromisoformat(first["at_text"])
    except (ValueError, TypeError):
        return False
    return timedelta() <= took <= limit
