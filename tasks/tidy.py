"""What ``maintenance`` does: retention and parked changes in our store, and in Prefect what its vacuum never touches.

Prefect's vacuum deletes old flow runs with their task runs, logs and artifacts, and old events (settings of
``deployments.settings_env``). It never deletes a run that did not end; those get an end here.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

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
from prefect.utilities.annotations import quote

from remotesupport.bootstrap import Context
from remotesupport.steps import reoffer as steps
from remotesupport.steps.reoffer import Reoffered
from tasks.policy import ONCE

FLOWS = ("sync", "audit", "backfill", "apply_plan", "maintenance")
AT_ONCE = 200
MOST = 2000
_UNFINISHED = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING, StateType.PAUSED]


@task(name="prune", task_run_name="prune the store", tags=["maintenance"], **ONCE)
async def prune_store(given: Any) -> int:
    """``given``: context, moment. Returns how many rows went."""
    context, before = given
    return int(context.store.prune(before))


async def prune(ctx: Context, keep: timedelta) -> int:
    """Delete what is older than ``keep`` from our store."""
    return await prune_store(quote((ctx, ctx.clock() - keep)))


@task(name="re-offer", task_run_name="offer parked changes again", tags=["maintenance"], **ONCE)
async def reoffer_parked(given: Any) -> Reoffered:
    """``given``: context."""
    return steps.reoffer(given)


async def reoffer(ctx: Context) -> Reoffered:
    """What failed and waits is due at once."""
    return await reoffer_parked(quote(ctx))


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
