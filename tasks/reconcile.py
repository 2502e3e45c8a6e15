"""Reconcile as a Prefect task: the diff of all that are ready, their plans and the guard's verdicts."""

from __future__ import annotations

from typing import Any

from prefect import task
from prefect.utilities.annotations import quote

from remotesupport.bootstrap import Context
from remotesupport.core.report import RunRequest
from remotesupport.steps import reconcile as steps
from remotesupport.steps.values import Accepted, Proposal, Snapshot
from tasks.policy import ONCE, whom


@task(name="reconcile", task_run_name="reconcile {whom}", **ONCE)
async def reconcile_them(whom: str, given: Any) -> Proposal:  # noqa: ARG001 - the name is the task run's
    """``given``: context, request, snapshots, accepted."""
    return await steps.reconcile(*given)


async def reconcile(ctx: Context, request: RunRequest, snapshots: dict[str, Snapshot], accepted: Accepted) -> Proposal:
    """One task run for all that are ready."""
    return await reconcile_them(whom(ctx, snapshots), quote((ctx, request, snapshots, accepted)))
