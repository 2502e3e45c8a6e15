"""One run: leases, extract, settle, validate, reconcile, judge, load, books, report. Only the order is in here.

A sync takes the leases first: two of them must not do the same work. An audit and a backfill read for long, so they
read first, and take the leases for the rest; what has moved in between, and what an audit is about to write, is looked
at again under them. The steps are passed in, so that the same cycle runs plainly (``PLAIN``) or as Prefect tasks.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from functools import reduce
from operator import or_

from connectors.errors import ConnectorError, Retriable
from remotesupport.bootstrap import Context
from remotesupport.core.frames import by_connection
from remotesupport.core.model import Lease
from remotesupport.core.plan import Plan
from remotesupport.core.report import RunKind, RunReport, RunRequest
from remotesupport.steps.applying import Applying
from remotesupport.steps.board import note_left_out
from remotesupport.steps.extract import MINUTE_BUDGET, as_connector_error, extract, extract_one
from remotesupport.steps.leases import regain, turns
from remotesupport.steps.load import load
from remotesupport.steps.looking_again import look_again, tickets_of
from remotesupport.steps.no_turn import without_turn
from remotesupport.steps.outcome import Books
from remotesupport.steps.readback import settle
from remotesupport.steps.reconcile import reconcile
from remotesupport.steps.report import report
from remotesupport.steps.sync_departments import sync_departments
from remotesupport.steps.taking_part import taking_part
from remotesupport.steps.validate import validate, verify
from remotesupport.steps.values import Findings, Loaded, Reads, Snapshot, Steps

RETRY_DELAYS = (1.0, 3.0)  # seconds; a connection that failed is read again within its minute


async def patient_extract_one(ctx: Context, name: str, request: RunRequest) -> Snapshot:
    """``extract_one`` again after short waits; the plain counterpart of a task with retries."""
    for delay in RETRY_DELAYS:
        await ctx.sleep(delay)
        try:
            return await extract_one(ctx, name, request)
        except Retriable:
            continue
    return await extract_one(ctx, name, request)


PLAIN = Steps(extract, patient_extract_one, settle, validate, sync_departments, reconcile, load, verify, report)


async def cycle(ctx: Context, request: RunRequest, steps: Steps = PLAIN) -> RunReport:
    """One whole run. A billing's fault ends in its line of the report, never in an exception.

    Raises PlanNotApplicable for an apply without a plan to apply, and the store's errors.
    """
    applying = Applying(ctx, request)
    run = ctx.new_id()
    done = RunReport(run, request.kind, ctx.clock())
    names, left_out = taking_part(ctx, applying.request)
    ctx.store.begin_run(run, str(request.kind), ctx.flow_run, done.started, names)
    done.billings.extend(left_out)
    note_left_out(ctx, applying.request, left_out)
    findings = await _in_turns(ctx, applying, steps, names, done)
    await steps.report(ctx, done, findings)
    ctx.store.finish_run(run, done.headline, done.to_json())
    return done


async def _in_turns(
    ctx: Context, applying: Applying, steps: Steps, names: tuple[str, ...], done: RunReport
) -> Findings | None:
    """Each connection as soon as its lease is free; what only reads needs none. None when none was free in time."""
    request = applying.request
    read = await _read(ctx, steps, request, names) if request.reads_first else {}
    if request.plan_only or not names:
        return await _work(ctx, applying, steps, read, {}, done)
    findings, left = list[Findings](), dict.fromkeys(names)
    async with aclosing(turns(ctx, request, names)) as them:
        async for leases in them:
            mine = {n: read[n] for n in leases if n in read}
            reads = mine or await _read(ctx, steps, request, (*leases,))
            findings.append(await _work(ctx, applying, steps, reads, leases, done))
            left = {n: None for n in left if n not in leases}
    without_turn(ctx, done, left)
    return reduce(or_, findings) if findings else None


async def _read(ctx: Context, steps: Steps, request: RunRequest, names: tuple[str, ...]) -> Reads:
    """Both sides of these connections. What moved while they were read is looked at again."""
    reads = await steps.extract(ctx, names, request) if names else {}
    reads = await _again_by_name(ctx, request, steps, reads)
    return await look_again(ctx, request, reads) if request.reads_first else reads


async def _work(
    ctx: Context, applying: Applying, steps: Steps, reads: Reads, leases: dict[str, Lease], done: RunReport
) -> Findings:
    request = applying.request
    reads = await _settled(ctx, steps, reads, leases, done.run)
    reads = await look_again(ctx, request, reads)
    accepted = await steps.validate(ctx, _snapshots(reads))
    departments = await steps.sync_departments(ctx, request, done, accepted.departments)
    proposal = await steps.reconcile(ctx, request, _snapshots(reads), accepted)
    if request.kind is RunKind.AUDIT and (planned := tickets_of(proposal.plans)):
        reads = await look_again(ctx, request, reads, planned)
        accepted = await steps.validate(ctx, _snapshots(reads))
        proposal = await steps.reconcile(ctx, request, _snapshots(reads), accepted)
    books = Books(ctx, done, reads)
    proposal = applying.approve(proposal, _snapshots(reads).keys() - set(accepted.rejected))
    loaded = await asyncio.gather(
        *(
            _load(ctx, steps, plan, leases, done.run)
            for name, plan in proposal.plans.items()
            if not request.plan_only and proposal.verdicts[name].ok and len(plan.changes)
        )
    )
    wrong, receipts = await steps.verify(loaded)
    books.close(request, accepted, proposal, {one.name: one for one in loaded}, wrong)
    moved = by_connection(departments)
    for line in done.billings:
        line.departments = moved.get(line.name, line.departments)
    validations = (*accepted.reports, *proposal.reports, *((receipts,) if receipts else ()))
    return Findings(proposal.plans, proposal.verdicts, validations)


def _snapshots(reads: Reads) -> dict[str, Snapshot]:
    return {n: r for n, r in reads.items() if isinstance(r, Snapshot)}


async def _again_by_name(ctx: Context, request: RunRequest, steps: Steps, reads: Reads) -> Reads:
    """A connection that failed in a way that may pass is read again under its own name."""

    async def again(name: str, first: Retriable) -> Snapshot | ConnectorError:
        try:
            return await steps.extract_one(ctx, name, request)
        except Exception as error:
            return _telling(first, as_connector_error(ctx, name, error))

    failed = {n: r for n, r in reads.items() if isinstance(r, Retriable)}
    return reads | dict(zip(failed, await asyncio.gather(*(again(*each) for each in failed.items())), strict=True))


def _telling(first: Retriable, second: ConnectorError) -> ConnectorError:
    """The error that says more: when no time was left to try again, the first one knows which side did not answer."""
    return first if isinstance(second, Retriable) and second.side is None and first.side is not None else second


async def _settled(ctx: Context, steps: Steps, reads: Reads, leases: dict[str, Lease], run: str) -> Reads:
    """Open intents of earlier runs first; a connection where that fails is not written to in this run."""

    async def one(name: str, read: Snapshot) -> Snapshot | ConnectorError:
        try:
            async with asyncio.timeout(MINUTE_BUDGET):
                return await steps.settle(ctx, read, leases[name], run)
        except TimeoutError:
            return Retriable(f"reading back did not end within {MINUTE_BUDGET:.0f} s", billing=name)
        except Exception as error:
            return as_connector_error(ctx, name, error)

    left_open = {intent.connection for intent in ctx.store.open_intents(*leases)}
    due = {n: r for n, r in reads.items() if n in left_open and isinstance(r, Snapshot)}
    settled = await asyncio.gather(*(one(n, r) for n, r in due.items()))
    return reads | dict(zip(due, settled, strict=True))


async def _load(ctx: Context, steps: Steps, plan: Plan, leases: dict[str, Lease], run: str) -> Loaded:
    """Load under a lease that is surely ours; what nobody foresaw is this connection's, and no other's."""
    name = plan.connection
    try:
        leases[name] = regain(ctx, leases[name])  # it is what is given back at the end
        return await steps.load(ctx, plan, leases[name], run)
    except Exception as error:
        return Loaded(name, stopped=str(as_connector_error(ctx, name, error)))
