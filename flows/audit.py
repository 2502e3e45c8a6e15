"""Every hour: the complete comparison. It finds departures, drift, and what a quiet minute cannot see.

It reads without the right to write, and waits for that up to five minutes; an hour in which it has no turn is counted.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.running import FLOW, asked, run_cycle, run_missed, run_name, stale
from flows.shard import ALL, ShardName
from remotesupport.core.connections.shards import Shard
from remotesupport.core.run import RunKind, RunRequest

TOO_LATE = timedelta(hours=1)


@flow(name="audit", flow_run_name=lambda: run_name("audit"), **FLOW)
async def audit(billings: list[str] | None = None, shard: ShardName = ALL) -> State[Any]:
    """Read everything on both sides and compare. ``billings``: only these, whatever their shard."""
    request = RunRequest(RunKind.AUDIT, tuple(billings or ()), shard=Shard.parse(shard), asked=asked())
    if late := stale(TOO_LATE):
        return await run_missed(request, late)
    return await run_cycle(request)
