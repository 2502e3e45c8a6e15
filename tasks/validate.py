"""Validate as a Prefect task, where there is something to validate: a quiet minute spends no task run on it."""

from __future__ import annotations

from typing import Any

from prefect import task
from prefect.utilities.annotations import quote

from remotesupport.bootstrap import Context
from remotesupport.steps import validate as steps
from remotesupport.steps.values import Accepted, Snapshot
from tasks.policy import ONCE


@task(name="validate", task_run_name="validate all billings", tags=["validate"], **ONCE)
async def validate_all(given: Any) -> Accepted:
    """``given``: context, snapshots, run."""
    return await steps.validate(*given)


async def validate(ctx: Context, snapshots: dict[str, Snapshot], run: str) -> Accepted:
    """One task run for the whole shard, or none."""
    if any_rows(snapshots):
        return await validate_all(quote((ctx, snapshots, run)))
    return await steps.validate(ctx, snapshots, run)


def any_rows(snapshots: dict[str, Snapshot]) -> bool:
    """Whether any thread was read or any row could not be."""
    sides = [side for s in snapshots.values() for side in (s.external, s.main)]
    return any(bool(len(side.messages)) or bool(side.unreadable) for side in sides)
