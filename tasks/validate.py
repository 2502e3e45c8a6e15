"""Validate and verify as Prefect tasks, where there is something to see: a quiet minute spends no task run on it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from prefect import task

from remotesupport.bootstrap import Context
from remotesupport.checks.report import ValidationReport
from remotesupport.steps.decide import validate as steps
from remotesupport.steps.values import Accepted, Loaded, Snapshot
from tasks.policy import ONCE, as_is, whom

Verified: TypeAlias = tuple[dict[str, str], ValidationReport | None]


@task(name="validate", task_run_name="validate {whom}", **ONCE)
async def validate_them(
    whom: str,  # noqa: ARG001 - the name is the task run's
    ctx: Context,
    snapshots: dict[str, Snapshot],
) -> Accepted:
    """Split what was read into accepted and quarantined; ``whom`` names its connections."""
    return await steps.validate(ctx, snapshots)


async def validate(ctx: Context, snapshots: dict[str, Snapshot]) -> Accepted:
    """One task run for all that are ready, or none."""
    if any_rows(snapshots):
        return await validate_them(whom(ctx, snapshots), as_is(ctx), as_is(snapshots))
    return await steps.validate(ctx, snapshots)


@task(name="verify", task_run_name="verify what was written", **ONCE)
async def verify_all(done: list[Loaded]) -> Verified:
    """Compare what was read back with what was written."""
    return await steps.verify(done)


async def verify(loaded: Iterable[Loaded]) -> Verified:
    """Verify what was read back after writing: one task run for all that have been loaded, or none."""
    done = list(loaded)
    if any(one.receipts for one in done):
        return await verify_all(as_is(done))
    return await steps.verify(done)


def any_rows(snapshots: dict[str, Snapshot]) -> bool:
    """True where any thread was read, or any row could not be."""
    sides = [side for s in snapshots.values() for side in (s.external, s.main)]
    return any(bool(len(side.messages)) or bool(side.unreadable) for side in sides)
