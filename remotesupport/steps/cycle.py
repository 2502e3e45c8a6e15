"""One run: read, and let each connection go its own way as soon as it is read. Only the order is in here.

A way (``way``) is: judge, the right to write, load, books. Nobody's way waits for another's billing; what has moved
while a connection was read is looked at again under its lease. The steps are passed in, so that the same cycle runs
plainly (``PLAIN``) or as Prefect tasks.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from connectors.errors import OutOfTime, Retriable
from remotesupport.bootstrap import Context
from remotesupport.core.run import RunReport, RunRequest
from remotesupport.steps.decide.approval import Applying
from remotesupport.steps.decide.reconcile import reconcile
from remotesupport.steps.decide.sync_departments import sync_departments
from remotesupport.steps.decide.validate import validate, verify
from remotesupport.steps.pipeline.connection_way import go_its_way
from remotesupport.steps.pipeline.no_turn import add_lines_without_turn
from remotesupport.steps.pipeline.shared import Run
from remotesupport.steps.pipeline.step_times import timed
from remotesupport.steps.read.extract import extract, extract_one, out_of_time, time_to_read
from remotesupport.steps.read.watch_main import said_of_watch
from remotesupport.steps.record.board import note_left_out
from remotesupport.steps.record.configuration import note_configuration
from remotesupport.steps.record.looks_in_vain import note_looks_in_vain
from remotesupport.steps.record.run_traces import report
from remotesupport.steps.selection import taking_part
from remotesupport.steps.values import Snapshot, Steps
from remotesupport.steps.write.load import load
from remotesupport.steps.write.readback import resolve_open_intents

RETRY_DELAYS = (1.0, 3.0)  # seconds; a connection that failed is read again within its minute


async def patient_extract_one(ctx: Context, name: str, request: RunRequest) -> Snapshot:
    """``extract_one`` again after short waits; the plain counterpart of a task with retries."""
    try:
        async with asyncio.timeout(time_to_read(request)):
            for delay in RETRY_DELAYS:
                await ctx.sleep(delay)
                try:
                    return await extract_one(ctx, name, request)
                except OutOfTime:
                    raise
                except Retriable:
                    continue
            return await extract_one(ctx, name, request)
    except TimeoutError:
        raise out_of_time(ctx.connections[name], "it did not answer in the time of this run") from None


PLAIN = Steps(
    extract, patient_extract_one, resolve_open_intents, validate, sync_departments, reconcile, load, verify, report
)  # fmt: skip


async def cycle(ctx: Context, request: RunRequest, steps: Steps = PLAIN) -> RunReport:
    """One whole run. A billing's fault ends in its line of the report, never in an exception.

    Raises PlanNotApplicable for an apply without a plan to apply, and the store's errors.
    """
    applying = Applying(ctx, request)
    done = RunReport(ctx.new_id(), request.kind, ctx.clock())
    names, left_out = taking_part(ctx, applying.request)
    shard = None if request.billings else request.shard
    ctx.store.begin_run(done.run, str(request.kind), ctx.flow_run, done.started, names, shard)
    note_left_out(ctx, applying.request, left_out)
    note_configuration(ctx)
    steps = timed(steps, done.step_seconds)
    run = Run(ctx, applying, steps, names, done)
    await _each_its_own_way(run, names)
    done.warnings += said_of_watch(ctx, request)
    place = {name: number for number, name in enumerate(names)}
    done.billings = [*left_out, *sorted(done.billings, key=lambda line: place[line.name])]
    add_lines_without_turn(ctx, done, sorted(run.without_turn, key=names.index))
    note_looks_in_vain(ctx, request, done, names)
    await steps.report(ctx, done, run.findings)
    ctx.store.finish_run(done.run, done.headline, done.to_json())
    return done


async def _each_its_own_way(run: Run, names: tuple[str, ...]) -> None:
    """Begin each connection's way when it has been read; return when all are through. Raises the store's errors."""
    if not names:
        return
    async with run.open(), aclosing(run.steps.extract(run.ctx, names, run.request)) as reads:
        ways = list[asyncio.Task[None]]()
        try:
            async for name, read in reads:
                ways.append(asyncio.create_task(go_its_way(run, name, read)))
            await asyncio.gather(*ways)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
    if run.errors:
        raise run.errors[0]
