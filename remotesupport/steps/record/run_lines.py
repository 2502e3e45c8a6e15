"""Close the books of connections at the end of their ways: a line of the report, and what became true in the store."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from connectors.errors import ConnectorError
from remotesupport.bootstrap import Context
from remotesupport.core.connections.connection_state import NO_ANSWER, ConnectionState, Failure
from remotesupport.core.model import ChangeKind, Reason
from remotesupport.core.plan.plan import Plan, counts, to_json
from remotesupport.core.records import ParkedChange
from remotesupport.core.run import READING, BillingResult, BillingState, RunKind, RunRequest
from remotesupport.steps.framing import Rows
from remotesupport.steps.record import brake, kept_out
from remotesupport.steps.record.authors import name_authors
from remotesupport.steps.record.board import note_states, reads_all
from remotesupport.steps.record.estimates import estimate_of
from remotesupport.steps.record.record import (
    ConnectionRows,
    failed_result,
    final_reasons,
    kept_out_lines,
    not_understood,
    outcome_of,
    record_outcome,
    unpark_resolved,
    unseen_not_understood,
    unseen_reasons,
    unwritten,
    with_conflicts,
    with_counts,
)
from remotesupport.steps.values import Accepted, Loaded, Proposal, Snapshot
from remotesupport.store.errors import StoreError
from remotesupport.store.states import OPEN_PLANS, PlanState


@dataclass(frozen=True, slots=True)
class Judged:
    """One connection that was read and went through a pass: the pass's values, and what they say of this connection.

    ``loaded``: what was written, None where nothing was to be, or might be.
    """

    read: Snapshot
    accepted: Accepted
    proposal: Proposal
    found: ConnectionRows
    loaded: Loaded | None = None

    @property
    def plan(self) -> Plan | None:
        """The plan, where it has anything to write."""
        plan = self.proposal.plans.get(self.read.name)
        return plan if plan is not None and len(plan.changes) else None


End: TypeAlias = "Judged | ConnectorError"


class Books:
    """The lines of some connections in the report of ``run``."""

    def __init__(self, ctx: Context, run: str, ended: Mapping[str, End]) -> None:
        self.ctx, self.run, self.ended = ctx, run, ended
        self.waiting: dict[str, bool] = {}
        self.boards: dict[str, dict[str, object]] = {}
        self.parked: dict[str, list[ParkedChange]] = {}
        self.unconfirmed: dict[str, set[str]] = {}
        self.before = {s.name: s for s in ctx.store.connection_states()}
        self.unclear = ctx.store.not_understood_of(ended)

    def close(self, request: RunRequest, wrong: dict[str, str]) -> list[BillingResult]:
        """One line for each. ``wrong``: where the read-back is not what was meant."""
        now = self.ctx.clock()
        for change in self.ctx.store.parked(self.ended):
            self.parked.setdefault(change.connection, []).append(change)
        for intent in self.ctx.store.open_intents(*self.ended):
            self.unconfirmed.setdefault(intent.connection, set()).add(intent.ext_ticket)
        lines = self._close_all(request, wrong, now)
        if not request.plan_only:
            note_states(self.ctx, self.ended, now, self.before)
        return lines

    def _close_all(self, request: RunRequest, wrong: dict[str, str], now: datetime) -> list[BillingResult]:
        """One transaction for all; where it fails, one for each, so that only one connection's own fault is its own."""

        def close(name: str) -> BillingResult:
            return self._close_one(request, name, self.ended[name], wrong.get(name), now)

        names, store = sorted(self.ended), self.ctx.store  # in one order, so that two runs never wait for each other
        if request.plan_only:
            return [close(name) for name in names]
        with suppress(StoreError), store.together():
            lines = [close(name) for name in names]
            store.set_connections({name: self.boards[name] for name in names})
            return lines
        lines = []
        for name in names:
            with store.together():
                lines.append(close(name))
                store.set_connections({name: self.boards[name]})
        return lines

    def _close_one(self, request: RunRequest, name: str, ended: End, wrong: str | None, now: datetime) -> BillingResult:
        result, found = self._result(request, name, ended)
        self.ctx.connections[name].doubtful |= result.access
        if wrong is not None and result.state is BillingState.OK:
            result.state, result.reason, result.failure = BillingState.FAILED, wrong, Failure.INCOMPLETE
        result.failures = (result.failures or [result.reason][: bool(result.reason)]) + kept_out_lines(found)
        if not request.plan_only:
            error = ended if isinstance(ended, ConnectorError) else None
            self.boards[name] = self._board(request, result, error, now)
        return result

    def _result(self, request: RunRequest, name: str, ended: End) -> tuple[BillingResult, ConnectionRows]:
        if isinstance(ended, ConnectorError):
            return failed_result(name, ended), NOTHING
        if name in ended.accepted.rejected:
            why = ended.accepted.rejected[name]
            result = BillingResult(name, state=BillingState.FAILED, reason=why, failure=Failure.REJECTED)
            return result, ended.found
        return self._line(request, ended.read, ended.found, ended.proposal, ended.loaded), ended.found

    def _line(
        self, request: RunRequest, snapshot: Snapshot, found: ConnectionRows, proposal: Proposal, loaded: Loaded | None
    ) -> BillingResult:
        name, plan = snapshot.name, proposal.plans.get(snapshot.name)
        verdict = proposal.verdicts.get(name)
        stopped = verdict is not None and not verdict.ok
        parked = self.parked.get(name, [])
        if not (request.plan_only or request.tickets):
            moving = {ticket for connection, ticket in proposal.moving if connection == name}
            parked = unpark_resolved(self.ctx, self.run, snapshot, found, parked, moving)
        waiting = kept_out.kept_out_tickets(self.ctx, snapshot, found.quarantined)
        if not request.plan_only:
            parked = kept_out.park_kept_out(self.ctx, self.run, snapshot, waiting, parked)
            parked = brake.brake(self.ctx, self.run, snapshot, plan, loaded, parked)
        names = {p.ext_ticket for p in parked}
        left = unwritten(proposal, name, loaded, stopped)
        unconfirmed = self.unconfirmed.get(name, set())
        self.waiting[name] = bool(left or unconfirmed) or not all(change.ends_departure for change in parked)
        reasons = with_conflicts(final_reasons(name, found, proposal, loaded, stopped, names), parked)
        unclear = not_understood(self.ctx, snapshot, found, reasons, self.unclear.get(name, {}))
        result = BillingResult(name, not_understood=len(unclear), quarantined=len(waiting))
        result = with_counts(result, snapshot, reasons)
        if plan is not None and len(plan.changes):
            result.plan_id = plan.id
            result.changes |= {k: n for k, n in counts(plan).items() if n}
            written = loaded is not None and not loaded.stopped
            self._save_plan(name, proposal, _plan_state(request, stopped, written))
            if request.kind is RunKind.BACKFILL and loaded is None:
                result.estimate = estimate_of(self.ctx, snapshot, plan)
        if not request.plan_only:
            reasons += unseen_reasons(name, reasons, proposal, loaded, stopped, names)
            reasons += unseen_not_understood(name, reasons, unclear, self._gone(snapshot))
            record_outcome(self.ctx, self.run, snapshot, reasons, found, set(left) | unconfirmed)
            name_authors(self.ctx, snapshot, _sent(plan if loaded else None) | snapshot.unconfirmed)
        if waiting:
            result.state, result.reason = BillingState.FAILED, kept_out.in_words(name, waiting)
            result.failure = Failure.INCOMPLETE
        if braked := [change for change in parked if brake.is_braked(change)]:
            result.state, result.reason = BillingState.FAILED, brake.in_words(braked)
            result.failure = Failure.INCOMPLETE
        if conflicts := contradictions(reasons, parked, plan):
            result.changes["conflict"] = len(conflicts)
            result.state, result.reason = BillingState.FAILED, in_words(conflicts, parked)
            result.failure = Failure.CONFLICT
        self._judge(result, snapshot, loaded, verdict.why if verdict is not None and stopped else "")
        if unclear and result.state is BillingState.OK:
            result.state, result.reason = BillingState.FAILED, what_is_unclear(name, unclear)
            result.failure = Failure.INCOMPLETE
        if request.kind in READING and not request.plan_only:
            kept = bool(waiting or braked or unclear or snapshot.problems or (loaded is not None and loaded.stopped))
            tell_parked(result, [p for p in parked if p.waits], set() if loaded is None else set(loaded.failed), kept)
        return result

    def _gone(self, snapshot: Snapshot) -> list[str]:
        """Tickets that were not understood, and are not there any more."""
        if not snapshot.external.gone:
            return []
        return [t for t in self.ctx.store.not_understood(snapshot.name) if t in snapshot.external.gone]

    def _save_plan(self, name: str, proposal: Proposal, state: PlanState) -> None:
        verdict, plan = proposal.verdicts[name].why, proposal.plans[name]
        kept = to_json(plan) if state in OPEN_PLANS else {"id": plan.id}
        self.ctx.store.save_plan(self.run, name, kept, state, verdict)

    @staticmethod
    def _judge(result: BillingResult, snapshot: Snapshot, loaded: Loaded | None, guard: str) -> None:
        if loaded is not None:
            result.written, result.parked = loaded.written, loaded.parked
        if guard:
            result.state, result.reason, result.failure = BillingState.STOPPED, guard, Failure.GUARD
        elif loaded is not None and loaded.contradicts:
            result.state, result.reason, result.failure = BillingState.STOPPED, loaded.stopped, Failure.FATAL
        elif loaded is not None and loaded.stopped:
            result.state, result.reason, result.access = BillingState.FAILED, loaded.stopped, bool(loaded.access)
            result.failure = Failure.ACCESS if result.access else Failure.INCOMPLETE
        elif snapshot.problems or (loaded is not None and loaded.failed):
            failed = [f"ticket {t}: {why}" for t, why in _in_order(loaded)]
            result.state, result.reason = BillingState.FAILED, "; ".join([*snapshot.problems, *failed][:5])
            result.failures, result.failure = [*snapshot.problems, *failed], result.failure or Failure.INCOMPLETE

    def _board(
        self, request: RunRequest, result: BillingResult, error: ConnectorError | None, now: datetime
    ) -> dict[str, object]:
        """The connection's line for `status`: when it was last good, what stops it, which access problem is open."""
        good, before = result.state is BillingState.OK, self.before.get(result.name) or ConnectionState(result.name)
        fields: dict[str, object] = {
            "last_run": now,
            "read_outcome": outcome_of(error),
            "access": result.reason if result.access else "",
            "access_at": now if result.access else None,
            "stopped_plan": result.plan_id if result.state is BillingState.STOPPED else None,
            "stopped_why": "" if good else result.reason,
            "failure": result.failure,
            "failed_side": result.side,
        }
        if error is None and reads_all(request):
            fields |= {"last_read": now, "kept_out": result.quarantined}
            fields |= {"open_lately": result.open_lately, "open_corresponding": result.open_corresponding}
        if good:
            fields["last_good"] = now
        if before.in_vain and result.failure not in NO_ANSWER:
            fields |= {"in_vain": 0, "next_look": None}
        if result.side is not before.failed_side:
            fields["state"] = None  # so that it begins anew: the other side's trouble is another one
        if result.name in self.waiting:  # it was read, so it is known whether anything is left to be carried
            fields["pending_since"] = (before.pending_since or now) if self.waiting[result.name] else None
        return fields


NOTHING = ConnectionRows()
NAMED = 3  # tickets that the words of a line name; the rest is counted


def contradictions(reasons: Rows, parked: list[ParkedChange], plan: Plan | None) -> dict[str, str]:
    """External ticket → what contradicts: what waits for a person, what this run found, also where it could not park
    it (an earlier write of the ticket is open, or it is only a plan)."""
    found = {p.ext_ticket: p.cause for p in parked if p.kind is ChangeKind.CONFLICT}
    found |= {row["ticket"]: row["detail"] for row in reasons if row["reason"] == Reason.CONFLICT}
    if plan is not None:
        rows = plan.changes[plan.changes["kind"].eq(ChangeKind.CONFLICT)]
        found |= dict(zip(rows["ext_ticket"].tolist(), rows["detail"].tolist(), strict=True))
    return found


def in_words(conflicts: dict[str, str], parked: list[ParkedChange]) -> str:
    """Put conflicts into words: those that are parked by their number, the others with what is wrong."""
    listed = [p.ext_ticket for p in parked if p.kind is ChangeKind.CONFLICT]
    others = [f"ticket {ticket}: {why}" for ticket, why in conflicts.items() if ticket not in listed]
    numbers = ", ".join(listed[:NAMED]) + (f" and {len(listed) - NAMED} more" if len(listed) > NAMED else "")
    known = [f"tickets contradict each other ({numbers}) and wait for a person: `remotesupport parked` names them"]
    more = [f"and {len(others) - NAMED} more" for _ in others[NAMED : NAMED + 1]]
    return "; ".join([*known[: bool(listed)], *others[:NAMED], *more])


def what_is_unclear(name: str, tickets: dict[str, str]) -> str:
    """Name tickets that are not understood for a person, one of each cause."""
    first = {why: ticket for ticket, why in reversed(tickets.items())}
    causes = [f"ticket {ticket}: {why}" for why, ticket in [*first.items()][:NAMED]]
    return f"{len(tickets)} ticket(s) are not understood: {'; '.join(causes)} (`remotesupport why {name} TICKET`)"


def unknown_types(read: Snapshot) -> str:
    """Name the types of messages that we do not know and that this run met; "" where it met none."""
    met = ", ".join(f"{name} ({count})" for name, count in sorted(read.unknown_types.items()))
    return f"{read.name}: messages of types that are not known do not cross: {met}" if met else ""


def tell_parked(result: BillingResult, parked: list[ParkedChange], failed: set[str], kept: bool) -> None:
    """Nothing is green while something parked waits; its own kind of failure, where nothing else failed.

    ``failed``: tickets of which something could not be written; ``kept``: whether anything else keeps a ticket out.
    """
    if parked and result.state is BillingState.OK:
        result.state, result.failure = BillingState.FAILED, Failure.PARKED
        more = f" and {len(parked) - 1} more" if len(parked) > 1 else ""
        result.reason = (
            f"parked: ticket {parked[0].ext_ticket}: {parked[0].cause}{more} "
            f"(`remotesupport parked --billing {result.name}`)"
        )
    elif parked and result.failure is Failure.INCOMPLETE and not kept and failed <= {p.ext_ticket for p in parked}:
        result.failure = Failure.PARKED
    result.person = result.failure is Failure.PARKED and any(p.next_try is None for p in parked)


def _sent(plan: Plan | None) -> set[str]:
    """The external tickets of which a plan that was written had anything."""
    return set() if plan is None else set(plan.changes["ext_ticket"])


def _plan_state(request: RunRequest, stopped: bool, written: bool) -> PlanState:
    if stopped:
        return PlanState.STOPPED
    return PlanState.APPLIED if written and not request.plan_only else PlanState.PLANNED


def _in_order(loaded: Loaded | None) -> list[tuple[str, str]]:
    """List the tickets that failed, with why, by their number: they are written at the same time."""
    return sorted(loaded.failed.items(), key=lambda one: (len(one[0]), one[0])) if loaded else []
