"""Every minute: read what changed on both sides of every connection of the shard, and carry it over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.running import FLOW, run_cycle, run_name, skipped, stale
from remotesupport.core.report import RunKind, RunRequest
from tasks.policy import SYNC_BUDGET_S

TOO_LATE = timedelta(seconds=60)


@flow(name="sync", flow_run_name=lambda: run_name("sync"), **FLOW)
async def sync(billings: list[str] | None = None) -> State[Any]:
    """One run for all its connections, isolated from each other. ``billings``: only these."""
    if late := stale(TOO_LATE):
        return skipped(late)
    return await run_cycle(RunRequest(RunKind.SYNC, tuple(billings or ())), SYNC_BUDGET_S)
