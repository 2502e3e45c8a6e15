"""Load as a Prefect task: one by name for each connection that has changes. It writes, so Prefect never retries it."""

from __future__ import annotations

from prefect import task

from remotesupport.bootstrap import Context
from remotesupport.core.plan.plan import Plan
from remotesupport.core.records import Lease
from remotesupport.steps.values import Loaded
from remotesupport.steps.write import load as steps
from tasks import progress
from tasks.policy import ONCE, as_is


@task(name="load", task_run_name="load {plan.connection}", **ONCE)
async def load_plan(ctx: Context, plan: Plan, lease: Lease, run: str) -> Loaded:
    """Write one connection's plan, as a task run that is seen by its name."""
    async with progress.shown(ctx, plan) as told:
        return await steps.load(ctx, plan, lease, run, told)


async def load(ctx: Context, plan: Plan, lease: Lease, run: str) -> Loaded:
    """Write one connection's plan."""
    return await load_plan(as_is(ctx), as_is(plan), as_is(lease), run)
