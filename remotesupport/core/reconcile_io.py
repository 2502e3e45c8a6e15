"""The input and the output of a reconcile: frames, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from remotesupport.core import frames
from remotesupport.core.text.altered import AlteredText
from remotesupport.core.text.carrying import Longest

# Tickets for which something is left when the plan has been written: whoever reads must look at them again, though
# their rows may look the same. ``why``: in words for people.
UNFINISHED = frames.Schema(
    "unfinished",
    {
        "connection": frames.STR,
        "ext_ticket": frames.STR,
        "main_ticket": frames.STR,
        "why": frames.STR,
    },
    key=("connection", "ext_ticket"),
    nullable=frozenset({"main_ticket"}),
)


FRAMES = {
    "tickets": frames.TICKETS, "messages": frames.MESSAGES, "links": frames.LINKS, "carried": frames.CARRIED,
    "correspondences": frames.CORRESPONDENCES, "reads": frames.READS, "blocked": frames.BLOCKED, "gone": frames.GONE,
    "departments": frames.DEPARTMENTS,
}  # fmt: skip
"""The fields of ``Inputs`` that are frames, with their schemas."""


def _no_departments() -> pd.DataFrame:
    return frames.empty(frames.DEPARTMENTS)


@dataclass(frozen=True)
class Inputs:
    """Both sides, the ledger and the configuration, for all connections of a shard (schemas of ``frames``).

    ``departments``: names for texts, may be empty. ``quiet``: nothing is written to external sides. ``create_closed``:
    also tickets that were closed before they were ever linked (a backfill). ``show_author``: connections that want the
    name under staff replies. ``flagged``: (connection, department) marked as remote over there. ``unnumbered``:
    (connection, side) whose messages have no ids of the server's own. ``unconfirmed``: (connection, external ticket) of
    which a write may have been confirmed after the threads were read, or that a person gave up. ``close_not_due``: the
    same pairs, whose close after a departure was refused and is not due again yet. ``moving``: the same pairs, which
    another run wrote to while this one read: they wait. ``answers_may_close``: connections whose external billing
    closes a ticket when it is answered, or of which that is not known. ``unable``: (connection, words of
    ``states.CROSSINGS``) of states that the billing written to has no way to take over. ``unasked``: (connection,
    external ticket) whose department only a direct look may tell, which is for one of the next runs. ``longest``: bytes
    that a text may have where a billing was seen to take less than usual.
    """

    tickets: pd.DataFrame
    messages: pd.DataFrame
    links: pd.DataFrame
    carried: pd.DataFrame
    correspondences: pd.DataFrame
    reads: pd.DataFrame
    blocked: pd.DataFrame
    gone: pd.DataFrame
    departments: pd.DataFrame = field(default_factory=_no_departments)
    quiet: bool = False
    create_closed: bool = False
    show_author: frozenset[str] = frozenset()
    flagged: frozenset[tuple[str, str]] = frozenset()
    unnumbered: frozenset[tuple[str, str]] = frozenset()
    unconfirmed: frozenset[tuple[str, str]] = frozenset()
    close_not_due: frozenset[tuple[str, str]] = frozenset()
    unasked: frozenset[tuple[str, str]] = frozenset()
    moving: frozenset[tuple[str, str]] = frozenset()
    answers_may_close: frozenset[str] = frozenset()
    unable: frozenset[tuple[str, str]] = frozenset()
    longest: Longest = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """``changes``: CHANGES in plan order. ``reasons``: REASONS, one for each external ticket that was read.

    ``agreed``: LINKS rows whose ledger states moved with nothing to write (both sides came to look alike, a ticket went
    from one remote department to another): to be recorded as they are. ``unfinished``: UNFINISHED.
    ``altered``: by connection, messages of ours that were recognised in other words.
    """

    changes: pd.DataFrame
    reasons: pd.DataFrame
    agreed: pd.DataFrame
    unfinished: pd.DataFrame
    altered: dict[str, list[AlteredText]] = field(default_factory=dict)
