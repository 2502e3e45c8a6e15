"""Validate and verify as Prefect tasks, where there is something to see: a quiet minute spends no task run on it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from prefect import task
from prefect.utilities.annotations import quote

from remotesupport.bootstrap import Context
from remotesupport.checks.report import ValidationReport
from remotesupport.steps import validate as steps
from remotesupport.steps.values import Accepted, Loaded, Snapshot
from tasks.policy import ONCE, whom

Verified: TypeAlias = tuple[dict[str, str], ValidationReport | None]


@task(name="validate", task_run_name="validate {whom}", **ONCE)
async def validate_them(whom: str, given: Any) -> Accepted:  # noqa: ARG001 - the name is the task run's
    """``given``: context, snapshots."""
    return await steps.validate(*given)


async def validate(ctx: Context, snapshots: dict[str, Snapshot]) -> Accepted:
    """One task run for all that are ready, or none."""
    if any_rows(snapshots):
        return await validate_them(whom(ctx, snapshots), quote((ctx, snapshots)))
    return await steps.validate(ctx, snapshots)


@task(name="verify", task_run_name="verify what was written", **ONCE)
async def verify_all(given: Any) -> Verified:
    """``given``: what was loaded."""
    return await steps.verify(given)


async def verify(loaded: Iterable[Loaded]) -> Verified:
    """What was read back after writing: one task run for all that have been loaded, or none."""
    done = list(loaded)
    if any(one.receipts for one in done):
        return await verify_all(quote(done))
    return await steps.verify(done)


def any_rows(snapshots: dict[str, Snapshot]) -> bool:
    """Whether any thread was read or any row could not be."""
    sides = [side for s in snapshots.values() for side in (s.external, s.main)]
    return any(bool(len(side.messages)) or bool(side.unreadable) for side in sides)
