"""Reconcile as a Prefect task: the diff of all that are ready, their plans and the guard's verdicts."""

from __future__ import annotations

from prefect import task

from remotesupport.bootstrap import Context
from remotesupport.core.run import RunRequest
from remotesupport.steps.decide import reconcile as steps
from remotesupport.steps.values import Accepted, Proposal, Snapshot
from tasks.policy import ONCE, as_is, whom


@task(name="reconcile", task_run_name="reconcile {whom}", **ONCE)
async def reconcile_them(
    whom: str,  # noqa: ARG001 - the name is the task run's
    ctx: Context,
    request: RunRequest,
    snapshots: dict[str, Snapshot],
    accepted: Accepted,
) -> Proposal:
    """Make the plans of all that are ready; ``whom`` names them."""
    return await steps.reconcile(ctx, request, snapshots, accepted)


async def reconcile(ctx: Context, request: RunRequest, snapshots: dict[str, Snapshot], accepted: Accepted) -> Proposal:
    """One task run for all that are ready."""
    names = whom(ctx, snapshots)
    return await reconcile_them(names, as_is(ctx), as_is(request), as_is(snapshots), as_is(accepted))
