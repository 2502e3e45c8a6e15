"""Every minute: read what changed on both sides of every connection of the shard, and carry it over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run as this_run

from flows.running import FLOW, asked, run_cycle, run_name, skipped, stale
from flows.shard import ALL, ShardName
from remotesupport.core.connections.shards import Shard
from remotesupport.core.run import RunKind, RunRequest
from tasks.policy import SYNC_BUDGET_S

TOO_LATE = timedelta(seconds=60)


@flow(name="sync", flow_run_name=lambda: run_name("bell" if this_run.parameters.get("rung") else "sync"), **FLOW)
async def sync(
    billings: list[str] | None = None, rung: dict[str, list[str]] | None = None, shard: ShardName = ALL
) -> State[Any]:
    """One run for all its connections, isolated from each other. ``billings``: only these, whatever their shard.

    ``rung``: only those billings whose bell was rung, and for which of their tickets.
    """
    if late := stale(TOO_LATE):
        return skipped(late)
    return await run_cycle(_request(billings or [], rung or {}, shard), SYNC_BUDGET_S)


def _request(billings: list[str], rung: dict[str, list[str]], shard: str) -> RunRequest:
    hints = tuple((name, ticket) for name, tickets in rung.items() for ticket in tickets)
    named = tuple(dict.fromkeys((*billings, *rung)))
    return RunRequest(RunKind.SYNC, named, hints=hints, shard=Shard.parse(shard), asked=asked())
