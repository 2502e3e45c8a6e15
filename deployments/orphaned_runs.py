"""Runs that a worker which is no more left behind. Prefect itself never heals them.

A run is a leftover when it carries the name of a worker that is known to be dead (ours, just after the start), or
when it has been pending far longer than a warm worker ever needs.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled, Crashed

WORKER_LABEL = "prefect.worker.name"
PENDING_TOO_LONG = timedelta(seconds=60)
_UNFINISHED = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]


def verdict(flow_run: FlowRun, dead: str | None, mine: Collection[UUID], now: datetime) -> State[None] | None:
    """The state that a leftover gets; None for a run that is not one. ``dead``: a worker that is no more."""
    state = flow_run.state
    if state is None or flow_run.id in mine:
        return None
    orphan = dead is not None and flow_run.labels.get(WORKER_LABEL) == dead
    if orphan and state.type == StateType.PENDING:
        return Cancelled(message="The worker ended before it could start this run")
    if state.type == StateType.PENDING and now - state.timestamp > PENDING_TOO_LONG:
        seconds = PENDING_TOO_LONG.total_seconds()
        return Cancelled(message=f"No worker has started this run within {seconds:.0f} s; the next one takes over")
    if orphan and state.type == StateType.CANCELLING:
        return Cancelled(message="The worker ended while it cancelled this run")
    if orphan and state.type == StateType.RUNNING:
        return Crashed(message="The worker ended while this run was going on; the next run takes over")
    return None


async def settle_leftovers(client: PrefectClient, pool: str, dead: str | None, mine: Collection[UUID]) -> list[UUID]:
    """Give every leftover of ``pool`` its final state; returns their ids. One page (200) a call."""
    runs = await client.read_flow_runs(
        flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=_UNFINISHED))),
        work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=[pool])),
    )
    now = datetime.now(UTC)
    settled = []
    for flow_run in runs:
        state = verdict(flow_run, dead, mine, now)
        if state is not None:
            try:
                await client.set_flow_run_state(flow_run.id, state, force=True)
            except ObjectNotFound:
                continue
            settled.append(flow_run.id)
    return settled
