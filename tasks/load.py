"""Load as a Prefect task: one by name for each connection that has changes. It writes, so Prefect never retries it."""

from __future__ import annotations

from typing import Any

from prefect import task
from prefect.utilities.annotations import quote

from remotesupport.bootstrap import Context
from remotesupport.core.model import Lease
from remotesupport.core.plan import Plan
from remotesupport.steps import load as steps
from remotesupport.steps.values import Loaded
from tasks.policy import ONCE


@task(name="load", task_run_name="load {name}", **ONCE)
async def load_by_name(name: str, given: Any) -> Loaded:  # noqa: ARG001 - the name is the task run's
    """``given``: context, plan, lease, run."""
    return await steps.load(*given)


async def load(ctx: Context, plan: Plan, lease: Lease, run: str) -> Loaded:
    """Write one connection's plan."""
    return await load_by_name(plan.connection, quote((ctx, plan, lease, run)))
