"""Maintenance as Prefect tasks: retention and parked changes in our store, and what Prefect's vacuum never touches.

Prefect's vacuum deletes old flow runs with their task runs, logs and artifacts, and old events (settings of
``deployments.settings_env``). It never deletes a run that did not end; those get an end here.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from prefect import task
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.exceptions import ObjectNotFound
from prefect.states import Crashed

from remotesupport.bootstrap import Context
from remotesupport.steps.operator import reoffer as steps
from remotesupport.steps.operator.reoffer import Reoffered
from tasks.policy import ONCE, as_is

FLOWS = ("sync", "audit", "backfill", "apply_plan", "maintenance", "monthly_report")
AT_ONCE = 200
MOST = 2000
_UNFINISHED = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING, StateType.PAUSED]


@task(name="prune", task_run_name="prune the store", tags=["maintenance"], **ONCE)
async def prune_store(ctx: Context, before: datetime) -> int:
    """Delete what is older than ``before`` from our store, and inputs of runs older than `[keep]` says.

    Returns how many rows went.
    """
    keep = timedelta(days=ctx.settings.keep.inputs_days)
    return int(ctx.store.prune(before)) + int(ctx.store.forget_inputs(ctx.clock() - keep))


async def prune(ctx: Context, keep: timedelta) -> int:
    """Delete what is older than ``keep`` from our store."""
    return await prune_store(as_is(ctx), ctx.clock() - keep)


@task(name="re-offer", task_run_name="offer parked changes again", tags=["maintenance"], **ONCE)
async def reoffer_parked(ctx: Context) -> Reoffered:
    """Make every parked change due that has a next try."""
    return steps.reoffer(ctx)


async def reoffer(ctx: Context) -> Reoffered:
    """Offer at once what failed and waits."""
    return await reoffer_parked(as_is(ctx))


@task(name="end lost runs", task_run_name="end lost runs", tags=["maintenance"], **ONCE)
async def end_lost_runs(older_than: timedelta) -> int:
    """Runs of ours that began so long ago and never ended become Crashed. Returns how many; at most ``MOST``."""
    ended = 0
    async with get_client() as client:
        while ended < MOST:
            now_ended = await _end_some(client, datetime.now(UTC) - older_than)
            ended += now_ended
            if now_ended < AT_ONCE:
                break
    return ended


async def _end_some(client: PrefectClient, before: datetime) -> int:
    runs = await client.read_flow_runs(
        flow_filter=FlowFilter(name=FlowFilterName(any_=list(FLOWS))),
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=_UNFINISHED)),
            expected_start_time=FlowRunFilterExpectedStartTime(before_=before),
        ),
        limit=AT_ONCE,
    )
    for run in runs:
        try:
            await client.set_flow_run_state(
                run.id, Crashed(message="It never ended; its worker is no more"), force=True
            )
        except ObjectNotFound:
            continue
    return len(runs)
