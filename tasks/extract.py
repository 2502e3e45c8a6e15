"""Reading as Prefect tasks: one for the whole shard, one by name for a connection that failed or has open writes.

The one for the whole shard ends when the slowest billing has been read; what was read goes on long before.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import TypeAlias

from prefect import get_run_logger, task

from connectors.errors import OutOfTime, Retriable
from remotesupport.bootstrap import Context
from remotesupport.core.run import RunRequest
from remotesupport.steps.read import extract as steps
from remotesupport.steps.values import Read, Snapshot
from remotesupport.steps.write import readback
from tasks.policy import LEAST_S, ONCE, READS, as_is, time_left

Queue: TypeAlias = "asyncio.Queue[tuple[str, Read] | None]"


@task(name="extract", task_run_name="extract all billings", **ONCE)
async def extract_all(ctx: Context, names: tuple[str, ...], request: RunRequest, reads: Queue) -> None:
    """Read all of ``names``; each goes into ``reads`` as soon as it is read."""
    async for read in steps.extract(ctx, names, request):
        reads.put_nowait(read)


@task(name="extract again", task_run_name="extract {name}", **READS)
async def extract_by_name(name: str, ctx: Context, request: RunRequest) -> Snapshot:
    """Read one connection. Raises ConnectorError; Retriable is retried."""
    left = time_left()
    if left is not None and left < LEAST_S:
        raise Retriable("no time was left to try again in this minute", billing=name, cure="The next run tries again")
    try:
        async with asyncio.timeout(left):
            return await steps.extract_one(ctx, name, request)
    except TimeoutError:
        raise steps.out_of_time(ctx.connections[name], "reading did not end within this minute") from None


@task(name="resolve open writes", task_run_name="resolve open writes of {snapshot.name}", **ONCE)
async def resolve_by_name(ctx: Context, snapshot: Snapshot) -> Snapshot:
    """Read back what earlier runs left open of one connection."""
    return await readback.resolve_open_intents(ctx, snapshot)


async def extract(ctx: Context, names: tuple[str, ...], request: RunRequest) -> AsyncGenerator[tuple[str, Read], None]:
    """One task run for the whole shard, which hands on each connection as soon as it is read."""
    reads: Queue = asyncio.Queue()
    reading = asyncio.ensure_future(extract_all(as_is(ctx), names, as_is(request), as_is(reads)))
    reading.add_done_callback(lambda _: reads.put_nowait(None))
    try:
        while (read := await reads.get()) is not None:
            _say(*read)
            yield read
        await reading
    finally:
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading


def _say(name: str, read: Read) -> None:
    """Put the words of a failure into the run's log, before Prefect's own lines about the tries that follow."""
    if isinstance(read, Retriable) and not isinstance(read, OutOfTime):
        get_run_logger().warning("%s: %s. It is read again under its own name: extract %s", name, read, name)


async def extract_one(ctx: Context, name: str, request: RunRequest) -> Snapshot:
    """A task run of its own for a connection that failed: its retries are seen by name."""
    return await extract_by_name(name, as_is(ctx), as_is(request))


async def resolve_open_intents(ctx: Context, snapshot: Snapshot) -> Snapshot:
    """A task run of its own: an earlier run left a write open."""
    return await resolve_by_name(as_is(ctx), as_is(snapshot))
