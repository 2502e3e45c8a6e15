"""Departments as a Prefect task, in the minutes in which one of them changed."""

from __future__ import annotations

from typing import Any

import pandas as pd
from prefect import task
from prefect.utilities.annotations import quote

from remotesupport.bootstrap import Context
from remotesupport.core.report import RunReport, RunRequest
from remotesupport.steps import sync_departments as steps
from tasks.policy import ONCE


@task(name="sync_departments", task_run_name="sync departments of all billings", **ONCE)
async def sync_all(given: Any) -> pd.DataFrame:
    """``given``: context, request, run report, departments."""
    return await steps.sync_departments(*given)


async def sync_departments(
    ctx: Context, request: RunRequest, done: RunReport, departments: pd.DataFrame
) -> pd.DataFrame:
    """One task run for the whole shard, or none."""
    changes, names = steps.reconcile_departments(ctx, departments)
    if not names:
        return changes
    return await sync_all(quote((ctx, request, done, departments)))
