"""What the store hands back that is not a word of the core: runs and saved plans. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from remotesupport.core.model import ChangeKind, Direction


class PlanState(StrEnum):
    """The life of a saved plan. Only open ones keep their rows (and with them the texts to send)."""

    PLANNED = "planned"
    STOPPED = "stopped"
    APPLYING = "applying"
    APPLIED = "applied"
    STALE = "stale"
    EXPIRED = "expired"


OPEN_PLANS = (PlanState.PLANNED, PlanState.STOPPED, PlanState.APPLYING)


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """A plan as saved. ``plan_json`` is None once it was applied, is stale or has expired."""

    id: str
    connection: str
    run: str
    state: str
    verdict: str
    detail: str
    plan_json: str | None
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run; ``finished`` and ``state`` are None while it goes on (or when it died)."""

    run: str
    kind: str
    flow_run: str | None
    started: datetime
    finished: datetime | None = None
    state: str | None = None
    summary: dict[str, Any] = field(default_factory=dict)


# What is parked beside a write has the write's key with one of these behind it: its files, that it is not proven, that
# it did not open the main ticket, or that the server shows less of its text than was sent.
FILES, UNPROVEN, STAYS_CLOSED, ALTERED = "/files", "/unproven", "/stays-closed", "/altered"
# The key of a whole ticket that a login may not see ends in the first, of one that is kept out in the second.
DENIED, KEPT_OUT = "/denied", "/kept-out"
BRAKE = "/brake"  # the key of a ticket and direction in which too much was carried ends in this


def is_silent(kind: str, direction: str) -> bool:
    """Whether a write says nothing to anybody, so that no message has to wait until it is settled: a close towards the
    external billing. (Towards main it may have become a notice.)"""
    return kind == ChangeKind.CLOSE and direction == Direction.TO_EXTERNAL


def intent_key(connection: str, direction: Direction | str, ext_ticket: str, act: str) -> str:
    """The unique name of one write. ``act`` comes last, so a slash in it is harmless; one in the ticket is escaped."""
    ticket = ext_ticket.replace("%", "%25").replace("/", "%2F")
    return f"{connection}/{direction}/{ticket}/{act}"
