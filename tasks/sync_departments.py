"""Departments as a Prefect task, in the minutes in which one of them changed."""

from __future__ import annotations

from typing import Any

import pandas as pd
from prefect import task
from prefect.utilities.annotations import quote

from remotesupport.bootstrap import Context
from remotesupport.core.report import RunReport, RunRequest
from remotesupport.steps import sync_departments as steps
from tasks.policy import ONCE, whom


@task(name="sync_departments", task_run_name="sync departments of {whom}", **ONCE)
async def sync_them(whom: str, given: Any) -> pd.DataFrame:  # noqa: ARG001 - the name is the task run's
    """``given``: context, request, run report, departments."""
    return await steps.sync_departments(*given)


async def sync_departments(
    ctx: Context, request: RunRequest, done: RunReport, departments: pd.DataFrame
) -> pd.DataFrame:
    """One task run for those whose departments changed, or none."""
    changes, names = steps.reconcile_departments(ctx, departments)
    if not names:
        return changes
    return await sync_them(whom(ctx, names), quote((ctx, request, done, departments)))
