"""Departments as a Prefect task, in the minutes in which one of them changed."""

from __future__ import annotations

import pandas as pd
from prefect import task

from remotesupport.bootstrap import Context
from remotesupport.core.run import RunReport, RunRequest
from remotesupport.steps.decide import sync_departments as steps
from tasks.policy import ONCE, as_is, whom


@task(name="sync_departments", task_run_name="sync departments of {whom}", **ONCE)
async def sync_them(
    whom: str,  # noqa: ARG001 - the name is the task run's
    ctx: Context,
    request: RunRequest,
    done: RunReport,
    departments: pd.DataFrame,
) -> pd.DataFrame:
    """Record the departments that changed; ``whom`` names their connections."""
    return await steps.sync_departments(ctx, request, done, departments)


async def sync_departments(
    ctx: Context, request: RunRequest, done: RunReport, departments: pd.DataFrame
) -> pd.DataFrame:
    """One task run for those whose departments changed, or none."""
    changes, names = steps.reconcile_departments(ctx, departments)
    if not names:
        return changes
    return await sync_them(whom(ctx, names), as_is(ctx), as_is(request), as_is(done), as_is(departments))
