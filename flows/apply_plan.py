"""A saved plan by its id: written exactly as a person saw it, or refused."""

from __future__ import annotations

from typing import Annotated, Any

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic import Field

from flows.running import FLOW, run_cycle
from remotesupport.core.run import RunKind, RunRequest

PlanId = Annotated[
    str, Field(pattern="^p-[0-9a-f]{12}$", description="As `remotesupport plan` or a stopped run shows it.")
]


@flow(name="apply_plan", flow_run_name="apply {plan_id}", **FLOW)
async def apply_plan(plan_id: PlanId) -> State[Any]:
    """Apply the plan ``plan_id``."""
    return await run_cycle(RunRequest(RunKind.APPLY, plan_id=plan_id))
