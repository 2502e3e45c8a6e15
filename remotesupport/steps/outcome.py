"""Close the books of a run: one line per connection in the report, and everything that became true in the store."""

from __future__ import annotations

from connectors.errors import ConnectorError
from remotesupport.bootstrap import Context
from remotesupport.core.model import ChangeKind, ParkedChange
from remotesupport.core.plan import counts, to_json
from remotesupport.core.report import BillingResult, BillingState, RunReport, RunRequest
from remotesupport.steps.bookkeeping import (
    Found,
    failed_result,
    final_reasons,
    kept_out,
    let_go,
    outcome_of,
    settle_books,
    undone,
    unseen_reasons,
    with_conflicts,
    with_counts,
)
from remotesupport.steps.denied import denied_tickets, park_denied
from remotesupport.steps.parking import ends_departure
from remotesupport.steps.values import Accepted, Loaded, Proposal, Reads, Snapshot
from remotesupport.store.states import OPEN_PLANS, PlanState


class Books:
    """The lines of one run's report."""

    def __init__(self, ctx: Context, done: RunReport, reads: Reads) -> None:
        self.ctx, self.done, self.reads = ctx, done, reads
        self.waiting: dict[str, bool] = {}
        self.parked: dict[str, list[ParkedChange]] = {}
        self.unproven: dict[str, set[str]] = {}
        self.behind_since = {s.name: s.pending_since for s in ctx.store.connection_states()}

    def close(
        self,
        request: RunRequest,
        accepted: Accepted,
        proposal: Proposal,
        loaded: dict[str, Loaded],
        wrong: dict[str, str],
    ) -> None:
        """One line per connection that took part. ``wrong``: where the read-back is not what was meant."""
        shard = Found.of_shard(accepted, proposal)
        for change in self.ctx.store.parked(self.reads):
            self.parked.setdefault(change.connection, []).append(change)
        for intent in self.ctx.store.open_intents(*self.reads):
            self.unproven.setdefault(intent.connection, set()).add(intent.ext_ticket)
        for name, read in self.reads.items():
            found = shard.get(name, NOTHING)
            if isinstance(read, ConnectorError):
                result = failed_result(name, read)
            elif name in accepted.rejected:
                result = BillingResult(name, state=BillingState.FAILED, reason=accepted.rejected[name])
            else:
                result = self._line(request, read, found, proposal, loaded.get(name))
            self.ctx.connections[name].doubtful |= result.access
            if name in wrong and result.state is BillingState.OK:
                result.state, result.reason = BillingState.FAILED, wrong[name]
            result.failures = (result.failures or [result.reason][: bool(result.reason)]) + kept_out(found)
            if not request.plan_only:
                self._board(result, read if isinstance(read, ConnectorError) else None)
            self.done.billings.append(result)

    def _line(
        self, request: RunRequest, snapshot: Snapshot, found: Found, proposal: Proposal, loaded: Loaded | None
    ) -> BillingResult:
        name, plan = snapshot.name, proposal.plans.get(snapshot.name)
        verdict = proposal.verdicts.get(name)
        stopped = verdict is not None and not verdict.ok
        parked = self.parked.get(name, [])
        if not (request.plan_only or request.tickets):
            parked = let_go(self.ctx, self.done.run, snapshot, found, parked)
        denied = denied_tickets(self.ctx, snapshot)
        if not request.plan_only:
            parked = park_denied(self.ctx, self.done.run, snapshot, denied, parked)
        names = {p.ext_ticket for p in parked}
        left = undone(proposal, name, loaded, stopped)
        self.waiting[name] = bool(left) or not all(map(ends_departure, parked))
        reasons = with_conflicts(final_reasons(name, found, proposal, loaded, stopped, names), parked)
        result = with_counts(BillingResult(name), snapshot, found, reasons)
        result.changes["conflict"] = sum(p.kind is ChangeKind.CONFLICT for p in parked)
        if plan is not None and len(plan.changes):
            result.plan_id = plan.id
            result.changes |= {k: n for k, n in counts(plan).items() if n}
            written = loaded is not None and not loaded.stopped
            self._save_plan(name, proposal, _plan_state(request, stopped, written))
        if not request.plan_only:
            reasons += unseen_reasons(name, reasons, proposal, loaded, stopped)
            settle_books(self.ctx, self.done.run, snapshot, reasons, found, set(left) | self.unproven.get(name, set()))
        if denied:
            result.state, result.reason = BillingState.FAILED, _not_to_be_seen(denied)
        if result.changes["conflict"]:
            result.state, result.reason = BillingState.FAILED, _CONFLICTS
        self._judge(result, snapshot, loaded, verdict.why if verdict is not None and stopped else "")
        return result

    def _save_plan(self, name: str, proposal: Proposal, state: PlanState) -> None:
        verdict, plan = proposal.verdicts[name].why, proposal.plans[name]
        kept = to_json(plan) if state in OPEN_PLANS else {"id": plan.id}
        self.ctx.store.save_plan(self.done.run, name, kept, state, verdict)

    @staticmethod
    def _judge(result: BillingResult, snapshot: Snapshot, loaded: Loaded | None, guard: str) -> None:
        if loaded is not None:
            result.written, result.parked = loaded.written, loaded.parked
        if guard:
            result.state, result.reason = BillingState.STOPPED, guard
        elif loaded is not None and loaded.stopped:
            result.state, result.reason, result.access = BillingState.FAILED, loaded.stopped, bool(loaded.access)
        elif snapshot.problems or (loaded is not None and loaded.failed):
            failed = [f"ticket {t}: {why}" for t, why in (loaded.failed if loaded else {}).items()]
            result.state, result.reason = BillingState.FAILED, "; ".join([*snapshot.problems, *failed][:5])
            result.failures = [*snapshot.problems, *failed]

    def _board(self, result: BillingResult, error: ConnectorError | None) -> None:
        """The connection's line for `status`: when it was last good, what stops it, which access problem is open."""
        now = self.ctx.clock()
        good = result.state is BillingState.OK
        fields: dict[str, object] = {
            "last_run": now,
            "read_outcome": outcome_of(error),
            "access": result.reason if result.access else "",
            "access_at": now if result.access else None,
            "stopped_plan": result.plan_id if result.state is BillingState.STOPPED else None,
            "stopped_why": "" if good else result.reason,
        }
        if good:
            fields["last_good"] = now
        if result.name in self.waiting:  # it was read, so it is known whether anything is left to be carried
            fields["pending_since"] = (self.behind_since.get(result.name) or now) if self.waiting[result.name] else None
        self.ctx.store.set_connection(result.name, **fields)


NOTHING = Found()
_CONFLICTS = "tickets contradict each other and wait for a person: `remotesupport parked` names them"


def _not_to_be_seen(denied: dict[str, str]) -> str:
    ticket, why = next(iter(denied.items()))
    return f"{len(denied)} ticket(s) may not be seen: ticket {ticket}: {why}. See `remotesupport parked`"


def _plan_state(request: RunRequest, stopped: bool, written: bool) -> PlanState:
    if stopped:
        return PlanState.STOPPED
    return PlanState.APPLIED if written and not request.plan_only else PlanState.PLANNED
