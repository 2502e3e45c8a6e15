"""Values that the store hands back and that are no words of the core: runs and saved plans."""

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


class Changed(StrEnum):
    """The subject of a line of the history. Stored: values never change."""

    CONFIGURATION = "configuration"
    DEPARTMENT = "department"
    HABIT = "habit"
    VERSION = "version"
    STATE = "state"


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One thing that changed. ``connection``: "" where it concerns all. ``subject``: a key, a department, a habit."""

    connection: str
    what: Changed
    subject: str
    before: str
    after: str
    why: str = ""
    at: datetime | None = None


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


def is_silent(kind: str, direction: str) -> bool:
    """Tell whether a write says nothing to anybody, so that no message has to wait until it is settled: a close towards
    the external billing. (Towards main it may have become a notice.)"""
    return kind == ChangeKind.CLOSE and direction == Direction.TO_EXTERNAL
