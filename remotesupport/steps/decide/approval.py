"""Apply by id: the saved plan's tickets are read again, and the plan is written only if the same plan comes out.

The person's word replaces the guard's; nothing replaces the comparison.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from remotesupport.bootstrap import Context
from remotesupport.core.plan.guard import Verdict
from remotesupport.core.plan.plan import Plan, difference, from_json
from remotesupport.core.run import RunKind, RunRequest
from remotesupport.steps.values import Proposal
from remotesupport.store.states import PlanState


class PlanNotApplicable(Exception):
    """No such plan, or it was applied already: what is the case and what to do."""


class Applying:
    """For kind APPLY: narrows the request to the plan's tickets, and approves or refuses. Else changes nothing."""

    def __init__(self, ctx: Context, request: RunRequest) -> None:
        self.ctx = ctx
        self.saved: Plan | None = None
        self.request = request
        if request.kind is RunKind.APPLY:
            self.saved = saved_plan(ctx, request.plan_id or "")
            tickets = tuple(dict.fromkeys(self.saved.changes["ext_ticket"]))
            quiet = not (self.saved.changes["direction"] == "to_external").any()
            self.request = replace(request, billings=(self.saved.connection,), tickets=tickets, quiet=quiet)

    def approve(self, proposal: Proposal, compared: Collection[str]) -> Proposal:
        """Return the same proposal with the saved plan let through, or stopped as stale with what moved.

        ``compared``: connections that were read and accepted; a plan of another one stays saved as it is. What failed
        the plan's own validation is not a person's to approve.
        """
        if self.saved is None or self.saved.connection not in compared or self.saved.connection in proposal.broken:
            return proposal
        name = self.saved.connection
        fresh = proposal.plans.get(name)
        if fresh is not None and fresh.id == self.saved.id:
            self.ctx.store.set_plan_state(self.saved.id, PlanState.APPLYING, "approved by a person")
            return replace(proposal, verdicts=proposal.verdicts | {name: Verdict(True, "applied by a person")})
        moved = difference(self.saved, fresh)
        self.ctx.store.set_plan_state(self.saved.id, PlanState.STALE, moved)
        why = (
            f"plan {self.saved.id} is stale, nothing was written: {moved}. "
            f"Make a new one: `remotesupport plan --billing {name}`"
        )
        return replace(proposal, verdicts=proposal.verdicts | {name: Verdict(False, why)})


def saved_plan(ctx: Context, plan_id: str) -> Plan:
    """The saved plan. Raises PlanNotApplicable."""
    record = ctx.store.plan(plan_id)
    if record is None:
        raise PlanNotApplicable(f"there is no plan {plan_id}; `remotesupport plan` makes one and prints its id")
    if record.plan_json is None:
        raise PlanNotApplicable(f"plan {plan_id} is {record.state}; `remotesupport plan` shows what is left to do")
    return from_json(record.plan_json)
