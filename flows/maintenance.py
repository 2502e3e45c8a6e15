"""Every night: retention of our store, another try for what is parked, an end for lost runs. Writes to no billing."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed
from pydantic import Field

from flows.running import FLOW, in_log, opened, run_name
from tasks.maintenance import end_lost_runs, prune, reoffer

Days = Annotated[int, Field(ge=7, le=3650, description="Days that runs, timelines and closed plans are kept.")]
Hours = Annotated[int, Field(ge=24, le=720, description="Hours after which a run without an end counts as lost.")]


@flow(name="maintenance", flow_run_name=lambda: run_name("maintenance"), **FLOW)
async def maintenance(keep_days: Days = 90, lost_after_hours: Hours = 24) -> State[Any]:
    """Tidy up."""
    async with opened() as context:
        pruned = await prune(context, timedelta(days=keep_days))
        offered = await reoffer(context)
    lost = await end_lost_runs(timedelta(hours=lost_after_hours))
    return in_log(Completed(message=f"{pruned} old rows deleted, {lost} lost runs ended; {offered}"))
