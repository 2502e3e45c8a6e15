"""Load: write one connection's plan in order, then read back what was written.

Within a run replies to customers go first, creates next, statuses last; within a ticket and direction strictly one
after the other; a row that fails holds back the later rows of its own ticket and direction only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter
from typing import Any

import pandas as pd

from connectors.errors import ConnectorError, ContradictoryHabit
from remotesupport.bootstrap import Connection, Context
from remotesupport.core.acts import follows_departure
from remotesupport.core.model import ChangeKind, Direction, Lease, LinkRow
from remotesupport.core.plan import Plan
from remotesupport.steps.altered_texts import keep_recognised
from remotesupport.steps.habits import keep, untold
from remotesupport.steps.readback import read_back
from remotesupport.steps.values import Loaded
from remotesupport.steps.writing import Stop, Writer, Written, covers_of
from remotesupport.store.errors import StoreError

_NO_WRITES = (ChangeKind.ADOPT, ChangeKind.CONFLICT)
IN_FLIGHT = 5  # tickets written at a time per connection


async def load(ctx: Context, plan: Plan, lease: Lease, run: str) -> Loaded:
    """Write exactly the plan's rows. Never raises for a billing's fault: what failed is in the result."""
    connection = ctx.connections[plan.connection]
    loaded = Loaded(plan.connection)
    writer = Writer(ctx, connection, lease, run)
    keep_recognised(ctx, plan.connection, plan.altered, run)
    sent: list[Any] = []
    more = plan.changes.duplicated(["ext_ticket", "direction"], keep="last")
    try:
        rows = sorted(plan.changes.assign(more=more).itertuples(), key=attrgetter("rank"))
        for _, stage in groupby(rows, key=attrgetter("rank")):
            await _stage(ctx, writer, await _after_first(ctx, writer, [*stage], loaded, run), loaded, sent, run)
    except ContradictoryHabit as contradiction:
        loaded.stopped, loaded.contradicts = str(contradiction), True
    except Stop as stop:
        loaded.stopped = stop.why
        loaded.access = stop.why if stop.access else ""
    try:
        loaded.receipts += await read_back(ctx, connection, sent, loaded.failed)
        keep(ctx.store, connection, ctx.clock())
    except (ConnectorError, StoreError) as error:
        loaded.contradicts = loaded.contradicts or isinstance(error, ContradictoryHabit)
        loaded.stopped = loaded.stopped or f"written, but not read back yet: {error}"
    return loaded


async def _after_first(ctx: Context, writer: Writer, stage: list[Any], loaded: Loaded, run: str) -> list[Any]:
    """The rows of a stage that are left when what only a write to main reveals was learned from one of them.

    As long as that is not known, one write to main goes alone and is read back; where it reveals nothing, the others
    wait for the next run. Raises Stop, ContradictoryHabit.
    """
    inward = [row for row in stage if row.direction == Direction.TO_MAIN and ChangeKind(row.kind) not in _NO_WRITES]
    if not inward or not untold(ctx.store, writer.connection):
        return stage
    if not loaded.tried_first:
        loaded.tried_first, first = True, inward.pop(0)
        stage = [row for row in stage if row is not first]
        if not await _row(ctx, writer, first._replace(more=True), loaded, [], run):
            loaded.held.add((first.ext_ticket, first.direction))
        keep(ctx.store, writer.connection, ctx.clock())
    if questions := untold(ctx.store, writer.connection):
        for row in inward:
            loaded.held.add((row.ext_ticket, row.direction))
            loaded.failed.setdefault(row.ext_ticket, f"it waits until a write to main has shown: {questions[0]}")
    return stage


async def _stage(ctx: Context, writer: Writer, stage: Iterable[Any], loaded: Loaded, sent: list[Any], run: str) -> None:
    gate = asyncio.Semaphore(IN_FLIGHT)

    async def ticket(rows: list[Any]) -> None:
        async with gate:
            for row in rows:
                if (row.ext_ticket, row.direction) in loaded.held:
                    continue
                if not await _row(ctx, writer, row, loaded, sent, run):
                    loaded.held.add((row.ext_ticket, row.direction))

    groups: dict[tuple[str, str], list[Any]] = {}
    for row in stage:
        groups.setdefault((row.ext_ticket, row.direction), []).append(row)
    results = await asyncio.gather(*(ticket(rows) for rows in groups.values()), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result


async def _row(ctx: Context, writer: Writer, row: Any, loaded: Loaded, sent: list[Any], run: str) -> bool:
    kind = ChangeKind(row.kind)
    if kind is ChangeKind.CONFLICT:
        loaded.failed[row.ext_ticket] = row.detail
        writer.park_conflict(row)
        loaded.parked += 1
        return False
    if kind is ChangeKind.ADOPT:
        ctx.store.link(row.connection, _link(row), covers_of(row), run, Direction(row.direction))
        return True
    if kind is not ChangeKind.CREATE and pd.isna(row.main_ticket):
        row = row._replace(main_ticket=_main_ticket(ctx, row))
    written = await writer.write(row)
    if not written.ok:
        _failed(loaded, row, written)
        return False
    loaded.written += 1
    if kind is ChangeKind.DEPARTURE:
        await _close_departed(writer, row, loaded)
    if not row.more:
        sent.append((row, written))
        return True
    return await confirmed(ctx, writer.connection, row, written, loaded)


async def confirmed(ctx: Context, connection: Connection, row: Any, written: Written, loaded: Loaded) -> bool:
    """Whether it is really there: nothing later of this ticket and direction is sent before (semantics, section 6)."""
    unread: dict[str, str] = {}
    try:
        receipts = await read_back(ctx, connection, [(row, written)], unread)
    except ConnectorError as error:
        loaded.failed[row.ext_ticket] = f"written, but not read back yet: {error}"
        return False
    loaded.receipts += receipts
    if not unread and all(receipt["found_hash"] is not None for receipt in receipts):
        return True
    missing = "written, but it is not there yet; what comes after it waits"
    loaded.failed[row.ext_ticket] = unread.get(row.ext_ticket, missing)
    return False


def _failed(loaded: Loaded, row: Any, written: Written) -> None:
    """What was not written. A departed ticket whose close is refused has still departed: it is only parked."""
    loaded.parked += written.parked
    if not (written.parked and follows_departure(row.kind, row.act)):
        loaded.failed[row.ext_ticket] = written.cause


async def _close_departed(writer: Writer, row: Any, loaded: Loaded) -> None:
    """After the note: close in main. While staff hold the ticket that is refused, and offered again later."""
    closing = row._replace(kind="close", act=f"{row.act}/close", body="", files="[]", covers="[]")
    written = await writer.write(closing)
    if not written.ok:
        _failed(loaded, closing, written)


def _main_ticket(ctx: Context, row: Any) -> str:
    """Of a ticket that was created earlier in this plan."""
    return ctx.store.linked(row.connection, [row.ext_ticket])[row.ext_ticket]


def _link(row: Any) -> LinkRow:
    return LinkRow(row.connection, row.ext_ticket, row.main_ticket, row.ext_state, row.main_state, None)
