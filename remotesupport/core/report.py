"""What a run was asked to do and what it did: the values behind ``--json``, the Prefect state and the artifacts."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from remotesupport.core.connection_state import Failure
from remotesupport.core.model import Side

TOO_MANY_SKIPPED = 2
"""Audits of one connection in a row that had no turn: so many are a warning."""

CHANGE_COUNTS = ("create", "post", "close", "reopen", "departure", "adopt", "conflict")


class RunKind(StrEnum):
    """The flows."""

    SYNC = "sync"
    AUDIT = "audit"
    BACKFILL = "backfill"
    PLAN = "plan"
    APPLY = "apply"


READING = (RunKind.SYNC, RunKind.AUDIT)
"""The runs that read whole connections. Only they show that the product runs: a person's plan or backfill does not."""


class BillingState(StrEnum):
    """How a connection came out of a run."""

    OK = "ok"
    FAILED = "failed"
    STOPPED = "stopped"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What to do. ``billings`` empty: every enabled connection. ``since``/``until``/``tickets`` only for a backfill.

    ``plan_only`` writes to no billing. ``quiet``: old conversations come as one opening message, nothing goes to the
    external side. ``plan_id`` only for apply. ``hints``: (billing, external ticket) that somebody rang the bell for,
    only for a sync: the linked ones among them are looked at however their rows look.
    """

    kind: RunKind
    billings: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    tickets: tuple[str, ...] = ()
    plan_only: bool = False
    quiet: bool = False
    plan_id: str | None = None
    hints: tuple[tuple[str, str], ...] = ()

    @property
    def reads_long(self) -> bool:
        """Whether reading takes its time beside syncs: few requests at once, and what moved meanwhile is looked at
        again before it is this run's turn to write."""
        return self.plan_only or self.kind in (RunKind.AUDIT, RunKind.BACKFILL)


@dataclass(slots=True)
class BillingResult:
    """One connection's line of a run (interface.md, JSON shapes). ``departments``: rows of DEPARTMENT_CHANGES.

    ``failure``, ``side``: what went wrong as machine values, the side None where it was on none or is not known.
    ``not_understood``: external tickets that wait because a habit of a server is not understood. ``unknown_types``: how
    often which type of message was met that we do not know. ``open_lately``: open external tickets whose row changed
    within a day, as far as they were seen, ``open_corresponding`` of them in a department that corresponds.
    ``no_turn``: nothing was done for it, because other runs held the right to write, or it came too late.
    ``audits_skipped``: in an audit's line, how many in a row had no turn, this one included. ``failures``: for the log,
    each on its own; not part of the JSON.
    """

    name: str
    plan_id: str | None = None
    state: BillingState = BillingState.OK
    reason: str = ""
    tickets_read: int = 0
    messages_read: int = 0
    changes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CHANGE_COUNTS, 0))
    written: int = 0
    parked: int = 0
    quarantined: int = 0
    not_understood: int = 0
    unknown_types: dict[str, int] = field(default_factory=dict)
    open_lately: int | None = None
    open_corresponding: int | None = None
    requests: int = 0
    seconds: float = 0.0
    access: bool = False
    failure: Failure = Failure.NONE
    side: Side | None = None
    no_turn: bool = False
    audits_skipped: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    departments: list[dict[str, Any]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The documented shape."""
        row = asdict(self)
        del row["failures"]
        row["state"], row["failure"] = str(self.state), str(self.failure)
        row["read"] = {"tickets": row.pop("tickets_read"), "messages": row.pop("messages_read")}
        row["seconds"] = round(self.seconds, 3)
        return row


@dataclass(slots=True)
class RunReport:
    """A whole run. ``skipped`` says why nothing was done at all (lease taken, a newer run is due)."""

    run: str
    kind: RunKind
    started: datetime
    billings: list[BillingResult] = field(default_factory=list)
    skipped: str = ""

    def to_json(self) -> dict[str, Any]:
        """The documented shape."""
        return {
            "run": self.run,
            "kind": str(self.kind),
            "skipped": self.skipped,
            "billings": [b.to_json() for b in self.billings],
        }

    @property
    def exit_status(self) -> int:
        """0 done, 1 something failed and will be retried, 3 a person is needed (guard, conflict, access).

        A sync that had no turn is done all the same: whoever had it does its work.
        """
        if any(b.state is BillingState.STOPPED or b.access or b.changes.get("conflict") for b in self.billings):
            return 3
        undone = self.kind is not RunKind.SYNC and any(b.no_turn for b in self.billings)
        return 1 if undone or any(b.state is BillingState.FAILED for b in self.billings) else 0

    @property
    def headline(self) -> str:
        """One line for the Prefect state: names what failed and why, or the counts."""
        warned = [f"{b.name}: {b.reason}" for b in self.billings if b.audits_skipped >= TOO_MANY_SKIPPED]
        if self.skipped:
            return "; ".join([self.skipped, *warned])
        bad = [f"{b.name}: {b.reason}" for b in self.billings if b.state in (BillingState.FAILED, BillingState.STOPPED)]
        written = sum(b.written for b in self.billings)
        waiting = sum(b.no_turn for b in self.billings)
        good = f"{len(self.billings) - len(bad) - waiting} of {len(self.billings)} billings in order, {written} written"
        good += f", {waiting} had no turn" if waiting else ""
        return "; ".join([*bad, *warned, good])
