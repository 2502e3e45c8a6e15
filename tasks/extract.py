"""Extract and settle as Prefect tasks: one for the whole shard, and one by name for a connection that failed.

The one for the whole shard ends when the slowest billing has been read; what was read goes on long before.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

from prefect import task
from prefect.utilities.annotations import quote

from connectors.errors import Retriable
from remotesupport.bootstrap import Context
from remotesupport.core.model import Lease
from remotesupport.core.report import RunRequest
from remotesupport.steps import extract as steps
from remotesupport.steps import readback
from remotesupport.steps.values import Read, Snapshot
from tasks.policy import LEAST_S, ONCE, READS, time_left


@task(name="extract", task_run_name="extract all billings", **ONCE)
async def extract_all(given: Any) -> None:
    """``given``: context, names, request, and the queue that gets each (name, what was read)."""
    *what, queue = given
    async for read in steps.extract(*what):
        queue.put_nowait(read)


@task(name="extract again", task_run_name="extract {name}", **READS)
async def extract_by_name(name: str, given: Any) -> Snapshot:
    """``given``: context, request. Raises ConnectorError; Retriable is retried."""
    context, request = given
    left = time_left()
    if left is not None and left < LEAST_S:
        raise Retriable("no time was left to try again in this minute", billing=name, cure="The next run tries again")
    try:
        async with asyncio.timeout(left):
            return await steps.extract_one(context, name, request)
    except TimeoutError:
        raise steps.out_of_time(context.connections[name], "reading did not end within this minute") from None


@task(name="settle", task_run_name="settle {name}", **ONCE)
async def settle_by_name(name: str, given: Any) -> Snapshot:  # noqa: ARG001 - the name is the task run's
    """``given``: context, snapshot, lease, run."""
    return await readback.settle(*given)


async def extract(ctx: Context, names: tuple[str, ...], request: RunRequest) -> AsyncGenerator[tuple[str, Read], None]:
    """One task run for the whole shard, which hands on each connection as soon as it is read."""
    queue: asyncio.Queue[tuple[str, Read] | None] = asyncio.Queue()
    reading = asyncio.ensure_future(extract_all(quote((ctx, names, request, queue))))
    reading.add_done_callback(lambda _: queue.put_nowait(None))
    try:
        while (read := await queue.get()) is not None:
            yield read
        await reading
    finally:
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading


async def extract_one(ctx: Context, name: str, request: RunRequest) -> Snapshot:
    """A task run of its own for a connection that failed: its retries are seen by name."""
    return await extract_by_name(name, quote((ctx, request)))


async def settle(ctx: Context, snapshot: Snapshot, lease: Lease, run: str) -> Snapshot:
    """A task run of its own: an earlier run left a write open."""
    return await settle_by_name(snapshot.name, quote((ctx, snapshot, lease, run)))
