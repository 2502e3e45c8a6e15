"""Reconcile as a Prefect task: the diff of the whole shard, the plans and the guard's verdicts."""

from __future__ import annotations

from typing import Any

from prefect import task
from prefect.utilities.annotations import quote

from remotesupport.bootstrap import Context
from remotesupport.core.report import RunRequest
from remotesupport.steps import reconcile as steps
from remotesupport.steps.values import Accepted, Proposal, Snapshot
from tasks.policy import ONCE


@task(name="reconcile", task_run_name="reconcile all billings", **ONCE)
async def reconcile_all(given: Any) -> Proposal:
    """``given``: context, request, snapshots, accepted."""
    return await steps.reconcile(*given)


async def reconcile(ctx: Context, request: RunRequest, snapshots: dict[str, Snapshot], accepted: Accepted) -> Proposal:
    """One task run for the whole shard."""
    return await reconcile_all(quote((ctx, request, snapshots, accepted)))
