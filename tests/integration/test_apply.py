"""What a person's word does to a saved plan: written whole, kept while it cannot be, never forced past a check."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from connectors.errors import AccessDenied
from connectors.memory import MemoryCall
from remotesupport.core.plan.guard import Verdict
from remotesupport.core.run import BillingResult, BillingState, RunKind, RunReport, RunRequest
from remotesupport.steps.decide.approval import Applying
from remotesupport.steps.values import Proposal
from remotesupport.store.states import PlanState
from tests.cycle_fixtures import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path, "acme")
    yield desk
    desk.store.close()


def line(report: RunReport) -> BillingResult:
    """The only line."""
    [only] = report.billings
    return only


async def planned(desk: Desk) -> str:
    """The id of a plan that is saved and not written."""
    plan_id = line(await desk.run(RunKind.PLAN, plan_only=True)).plan_id
    assert plan_id is not None
    return plan_id


def state_of(desk: Desk, plan_id: str) -> PlanState | str:
    """What the store says about a plan."""
    saved = desk.store.plan(plan_id)
    assert saved is not None
    assert saved.plan_json is not None
    return saved.state


@pytest.mark.thorough("two seconds of CPU time; a plan that is applied by its id is in `make test`")
async def test_an_applied_plan_with_an_adoption_creates_no_second_copy(desk: Desk) -> None:
    """A plan that adopts one main ticket and creates fifty-one is written at once, one main ticket per origin."""
    acme = desk.externals["acme"]
    known = acme.client_opens("ivan", "Technical support", "known", "zero")
    desk.main.client_opens("acme", "Outsourced support", f"[acme #{known}] known", "something said")
    new = [acme.client_opens("ivan", "Technical support", f"Q{n}", "text") for n in range(51)]
    stopped = line(await desk.run())
    assert stopped.state is BillingState.STOPPED
    assert (stopped.changes["adopt"], stopped.changes["create"]) == (1, 51)
    done = line(await desk.run(RunKind.APPLY, plan_id=stopped.plan_id))
    assert done.state is BillingState.OK
    origins = sorted(desk.main.find(t).subject.split("]")[0] for t in desk.main_tickets("acme"))
    assert origins == sorted(f"[acme #{t}" for t in (known, *new))
    after = line(await desk.run())
    assert (after.state, after.written) == (BillingState.OK, 0)


async def test_a_plan_stays_while_its_connection_cannot_be_reached(desk: Desk) -> None:
    """An apply that could not read the connection leaves the plan as it was, and the same id works later."""
    acme = desk.externals["acme"]
    acme.client_opens("ivan", "Technical support", "Q", "zero")
    plan_id = await planned(desk)

    def refused(call: MemoryCall) -> None:
        raise AccessDenied("no right", billing="acme", function=call.function)

    acme.before["departments"] = refused
    failed = line(await desk.run(RunKind.APPLY, plan_id=plan_id))
    assert failed.state is BillingState.FAILED
    assert state_of(desk, plan_id) == PlanState.PLANNED
    acme.before.clear()
    desk.clock.advance(600)
    assert line(await desk.run(RunKind.APPLY, plan_id=plan_id)).written == 1


async def test_a_plan_stays_while_its_connection_is_paused(desk: Desk) -> None:
    """An apply to a paused connection writes nothing and leaves the plan as it was."""
    desk.externals["acme"].client_opens("ivan", "Technical support", "Q", "zero")
    plan_id = await planned(desk)
    desk.store.set_connection("acme", paused=True)
    assert line(await desk.run(RunKind.APPLY, plan_id=plan_id)).state is BillingState.SKIPPED
    assert state_of(desk, plan_id) == PlanState.PLANNED
    assert desk.writes() == []


async def test_a_plan_that_failed_its_validation_cannot_be_approved(desk: Desk) -> None:
    """A person's word lets the guard's stop through, but not a plan whose own validation failed."""
    desk.externals["acme"].client_opens("ivan", "Technical support", "Q", "zero")
    plan_id = await planned(desk)
    applying = Applying(desk.context, RunRequest(RunKind.APPLY, plan_id=plan_id))
    assert applying.saved is not None
    why, nothing = "ticket 3: the plan must not be written", pd.DataFrame()
    plans, stopped = {"acme": applying.saved}, {"acme": Verdict(False, why)}
    sound = Proposal(plans, stopped, nothing, nothing, nothing)
    broken = Proposal(plans, stopped, nothing, nothing, nothing, broken={"acme": why})
    assert applying.approve(broken, {"acme"}).verdicts == stopped
    assert state_of(desk, plan_id) == PlanState.PLANNED
    assert applying.approve(sound, {"acme"}).verdicts["acme"].ok
