"""A run's request and its report: the values behind ``--json``, the Prefect state and the artifacts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from remotesupport.core.connections.connection_state import ConnectionState, Failure, standing
from remotesupport.core.connections.shards import WHOLE, Shard
from remotesupport.core.estimate import Estimate
from remotesupport.core.model import Side

TOO_MANY_SKIPPED = 2
"""Audits of one connection in a row that had no turn: so many are a warning."""

NAMED = 3
"""So many billings out of order stand in a run's name; more are counted."""

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
    """The result of a run for one connection."""

    OK = "ok"
    FAILED = "failed"
    STOPPED = "stopped"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class RunRequest:
    """An order for a run. ``billings`` empty: every enabled connection. ``since``/``until``/``tickets`` only for a
    backfill.

    ``plan_only`` writes to no billing. ``quiet``: old conversations come as one opening message, nothing goes to the
    external side. ``plan_id`` only for apply. ``hints``: (billing, external ticket) that somebody rang the bell for,
    only for a sync: the linked ones among them are looked at however their rows look. ``shard``: the connections that
    it is about where it names none. ``asked``: a person wants it now; the schedule does not.
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
    shard: Shard = WHOLE
    asked: bool = False

    def about(self, names: Iterable[str]) -> tuple[str, ...]:
        """Choose the connections that it is about: those that it names, else those of ``names`` in its shard."""
        return self.billings or tuple(name for name in names if self.shard.has(name))

    @property
    def may_rest(self) -> bool:
        """Tell whether it leaves alone who gave no answer: only the schedule's minutes do, nobody's wish."""
        return self.kind is RunKind.SYNC and not (self.asked or self.billings or self.plan_only)

    @property
    def skims(self) -> bool:
        """Tell whether it leaves out what can hardly be new: only the schedule's minutes do, unless a bell rang."""
        return self.may_rest and not (self.hints or self.tickets)

    @property
    def reads_long(self) -> bool:
        """Tell whether reading takes its time beside syncs: few requests at once, and what moved meanwhile is looked at
        again before it is this run's turn to write."""
        return self.plan_only or self.kind in (RunKind.AUDIT, RunKind.BACKFILL)


@dataclass(slots=True)
class BillingResult:
    """One connection's line of a run (``--json``). ``departments``: rows of DEPARTMENT_CHANGES.

    ``failure``, ``side``: what went wrong as machine values, the side None where it was on none or is not known.
    ``not_understood``: external tickets that wait because a habit of a server is not understood. ``unknown_types``: how
    often which type of message was met that we do not know. ``open_lately``: open external tickets whose row changed
    within a day, as far as they were seen, ``open_corresponding`` of them in a department that corresponds.
    ``no_turn``: nothing was done for it, because other runs held the right to write, or it came too late.
    ``audits_skipped``: in an audit's line, how many in a row had no turn, this one included. ``estimate``: what a
    backfill that has written nothing would do. Not part of the JSON: ``failures``, for the log, each on its own, and
    ``person``, whether what is parked waits for somebody to act.
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
    estimate: Estimate | None = None
    failures: list[str] = field(default_factory=list)
    person: bool = False

    def to_json(self) -> dict[str, Any]:
        """The documented shape."""
        row = asdict(self)
        del row["failures"], row["person"]
        row["state"], row["failure"] = str(self.state), str(self.failure)
        row["read"] = {"tickets": row.pop("tickets_read"), "messages": row.pop("messages_read")}
        row["seconds"] = round(self.seconds, 3)
        return row


@dataclass(slots=True)
class RunReport:
    """A whole run. ``skipped`` says why nothing was done at all (lease taken, a newer run is due).

    ``step_seconds``: what each step took, of all connections together. ``warnings``: what did not work beside carrying
    tickets, in words.
    """

    run: str
    kind: RunKind
    started: datetime
    billings: list[BillingResult] = field(default_factory=list)
    skipped: str = ""
    step_seconds: dict[str, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The documented shape."""
        return {
            "run": self.run,
            "kind": str(self.kind),
            "skipped": self.skipped,
            "billings": [b.to_json() for b in self.billings],
            "step_seconds": {step: round(seconds, 3) for step, seconds in self.step_seconds.items()},
            "warnings": list(self.warnings),
        }

    @property
    def exit_status(self) -> int:
        """0 done, 1 something failed and will be retried, 3 a person is needed (guard, conflict, access, parked).

        A sync that had no turn is done all the same: whoever had it does its work.
        """
        lines = self.billings
        if any(b.state is BillingState.STOPPED or b.access or b.person or b.changes.get("conflict") for b in lines):
            return 3
        undone = self.kind is not RunKind.SYNC and any(b.no_turn for b in self.billings)
        return 1 if undone or any(b.state is BillingState.FAILED for b in self.billings) else 0

    @property
    def headline(self) -> str:
        """One line for the Prefect state: names what failed and why, or the counts."""
        warned = [f"{b.name}: {b.reason}" for b in self.billings if b.audits_skipped >= TOO_MANY_SKIPPED]
        if self.skipped:
            return "; ".join([self.skipped, *warned])
        bad = [f"{b.name}: {b.reason}" for b in self.bad]
        written = sum(b.written for b in self.billings)
        waiting = sum(b.no_turn for b in self.billings)
        good = f"{len(self.billings) - len(bad) - waiting} of {len(self.billings)} billings in order, {written} written"
        good += f", {waiting} had no turn" if waiting else ""
        return "; ".join([*bad, *warned, good])

    @property
    def bad(self) -> list[BillingResult]:
        """The lines of connections that failed or were stopped."""
        return [line for line in self.billings if line.state in (BillingState.FAILED, BillingState.STOPPED)]

    @property
    def ailing(self) -> str:
        """Return what is out of order, in a few words for the run's name: "acme unreachable, globex stopped"; "" for
        nothing.

        Where the main billing fails several connections it is named once, instead of them.
        """
        mains = [line for line in self.bad if line.side is Side.MAIN and not line.access]
        by_main = mains if len(mains) > 1 else []
        words = [f"main {_state_word(line, self.started)}" for line in by_main[:1]]
        words += [f"{line.name} {_state_word(line, self.started)}" for line in self.bad if line not in by_main]
        more = [f"{len(words) - NAMED} more"] if len(words) > NAMED else []
        return ", ".join(words[:NAMED] + more)


def _state_word(line: BillingResult, at: datetime) -> str:
    """The state of ``status`` that this line leads to; a plan, which changes no state, has one all the same."""
    known = ConnectionState(line.name, last_read=at, failure=line.failure)
    return standing(line.name, known, at, at).state.words if line.failure else str(line.state)
