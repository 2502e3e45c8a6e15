"""A request as a flow run of this process, for the command line: the UI shows it, the caller gets the report."""

from __future__ import annotations

from typing import Any

from prefect.client.schemas.objects import State

from flows.apply_plan import apply_plan
from flows.audit import audit
from flows.backfill import backfill
from flows.sync import sync
from flows.window import BackfillWindow
from remotesupport.core.report import RunKind, RunReport, RunRequest


async def as_flow_run(request: RunRequest) -> RunReport:
    """Run it here as a flow run. Raises what a plain run would raise (SettingsError, PlanNotApplicable, …)."""
    state = await _start(request)
    result = await state.aresult(raise_on_failure=False)
    if isinstance(result, RunReport):
        return result
    if isinstance(result, Exception):
        raise result
    raise RuntimeError(f"the flow run ended as {state.name}: {state.message}")


async def _start(request: RunRequest) -> State[Any]:
    names = list(request.billings) or None
    if request.kind is RunKind.SYNC:
        return await sync(names, return_state=True)
    if request.kind is RunKind.AUDIT:
        return await audit(names, return_state=True)
    if request.kind is RunKind.APPLY:
        return await apply_plan(request.plan_id or "", return_state=True)
    if request.kind is RunKind.BACKFILL:
        return await backfill(window_of(request), return_state=True)
    raise ValueError(f"a {request.kind} is not a flow run")


def window_of(request: RunRequest) -> BackfillWindow:
    """The request as the form of the UI."""
    return BackfillWindow(
        billings=list(request.billings),
        since=request.since,
        until=request.until,
        tickets=list(request.tickets),
        plan_only=request.plan_only,
    )
