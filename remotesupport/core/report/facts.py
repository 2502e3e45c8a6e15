"""The store's facts of one billing's month: the material of a report. Nothing is counted here.

Times named ``at``, ``since`` and ``arrived`` are of the store's clock. ``said_at`` is of the clock of the side on which
the text was written, and is never compared with any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from remotesupport.core.model import Direction


class Turn(StrEnum):
    """An event of a ticket as a whole in its timeline. Stored as lines of it: values never change."""

    CREATED = "created"
    ADOPTED = "adopted"
    REOPENED = "reopened"
    CLOSED = "closed"
    DEPARTED = "departed"


@dataclass(frozen=True, slots=True)
class SentText:
    """One text that was sent to the other side. ``edit``: it tells of an edit of one that was sent before."""

    ticket: str
    direction: Direction
    at: datetime
    said_at: datetime | None = None
    edit: bool = False


@dataclass(frozen=True, slots=True)
class Turned:
    """One turn of a ticket."""

    ticket: str
    at: datetime
    turn: Turn


@dataclass(frozen=True, slots=True)
class LinkedTicket:
    """A pair of the ledger, as it is now. ``arrived``: when it was first sent to main, None: not known.

    ``backfilled``: a backfill brought it over, with whatever had been said in it by then.
    """

    ticket: str
    department: str
    open: bool
    departed: bool = False
    arrived: datetime | None = None
    backfilled: bool = False


@dataclass(frozen=True, slots=True)
class HeldTicket:
    """A ticket whose one reason is not that all of it is in sync, or that has a remark beside it."""

    ticket: str
    department: str
    reason: str
    detail: str
    since: datetime


@dataclass(frozen=True, slots=True)
class ParkedThing:
    """A change that waits now, or one that a person has given up (``at`` is then when)."""

    ticket: str
    kind: str
    cause: str
    at: datetime


@dataclass(frozen=True, slots=True)
class MonthFacts:
    """Everything of one billing from the beginning of the month until now.

    ``untimed_texts``: texts of the ledger without a time: found as a pair, given up, or from before times were kept.
    ``known_from``: the store's oldest run, before which timelines are not kept; None: there was no run.
    """

    tickets: tuple[LinkedTicket, ...] = ()
    texts: tuple[SentText, ...] = ()
    turns: tuple[Turned, ...] = ()
    held: tuple[HeldTicket, ...] = ()
    parked: tuple[ParkedThing, ...] = ()
    dropped: tuple[ParkedThing, ...] = ()
    departments: Mapping[str, str] = field(default_factory=dict)
    untimed_texts: int = 0
    known_from: datetime | None = None
