"""Load: write one connection's plan in order, then read back what was written.

Within a run replies to customers go first, creates next, statuses last; within a ticket and direction strictly one
after the other; a change that fails holds back the later ones of its own ticket and direction only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import groupby
from operator import attrgetter
from typing import TypeAlias

from connectors.errors import ConnectorError, ContradictoryHabit
from remotesupport.bootstrap import Connection, Context
from remotesupport.core.model import ChangeKind, Direction
from remotesupport.core.plan.change import Change, parse_changes
from remotesupport.core.plan.plan import Plan
from remotesupport.core.records import Lease, LinkRow
from remotesupport.steps.learned.altered_texts import keep_recognised
from remotesupport.steps.learned.habits import keep, untold
from remotesupport.steps.values import Loaded
from remotesupport.steps.write.attachments import FETCH_SECONDS
from remotesupport.steps.write.readback import read_back
from remotesupport.steps.write.writer import WRITE_SECONDS, Stop, Writer, Written
from remotesupport.store.errors import StoreError

IN_FLIGHT = 5  # tickets written at a time per connection
LAST_CHANGE_S = FETCH_SECONDS + WRITE_SECONDS + 30.0  # what one may take: its files, its write, the looks at it


Told: TypeAlias = Callable[[int], None]


def _nobody(_done: int) -> None:
    """Nobody wants to know how far it is."""


async def load(ctx: Context, plan: Plan, lease: Lease, run: str, told: Told = _nobody) -> Loaded:
    """Write exactly the plan's changes. Never raises for a billing's fault: what failed is in the result.

    ``told`` is called with how many changes are done. A pause of the connection ends it before the next change. What
    cannot be done before the run has to be over waits for the next run; the first changes are begun in any case, so
    that every run comes further.
    """
    connection = ctx.connections[plan.connection]
    loaded = Loaded(plan.connection)
    writer = Writer(ctx, connection, lease, run)
    keep_recognised(ctx, plan.connection, plan.altered, run)
    sent: list[Written] = []
    way = _Way(ctx, plan.connection, len(plan.changes), told)
    try:
        for _, stage in groupby(parse_changes(plan.changes), key=attrgetter("rank")):
            left = await _after_first(ctx, writer, [*stage], loaded, run, way)
            await _stage(ctx, writer, left, loaded, sent, run, way)
    except ContradictoryHabit as contradiction:
        loaded.stopped, loaded.contradicts = str(contradiction), True
    except Stop as stop:
        loaded.stopped = stop.why
        loaded.access = stop.why if stop.access else ""
    try:
        async with asyncio.timeout_at(ctx.ends_at):
            loaded.receipts += await read_back(ctx, connection, sent, loaded.failed)
        keep(ctx.store, connection, ctx.clock())
    except TimeoutError:
        loaded.stopped = loaded.stopped or f"written, but not read back yet: {_OVER}"
    except (ConnectorError, StoreError) as error:
        loaded.contradicts = loaded.contradicts or isinstance(error, ContradictoryHabit)
        loaded.stopped = loaded.stopped or f"written, but not read back yet: {error}"
    return loaded


_OVER = "this run has to be over; the next one goes on"


class _Way:
    """How far a plan is written; a person may end it, or the end of the run."""

    def __init__(self, ctx: Context, name: str, total: int, told: Told) -> None:
        self._ctx, self._name, self._total, self._told, self._done = ctx, name, total, told, 0
        self._begun = 0

    def begin_another(self) -> bool:
        """Tell whether there is time for one more change. Raises Stop where the connection has been paused."""
        self._go_on()
        late = self._ctx.ends_at is not None and self._ctx.ends_at < asyncio.get_running_loop().time() + LAST_CHANGE_S
        if late and self._begun >= IN_FLIGHT:
            return False
        self._begun += 1
        return True

    def _go_on(self) -> None:
        if self._ctx.store.is_paused(self._name):
            raise Stop(
                f"paused by a person when {self._done} of {self._total} changes were done. "
                f"`remotesupport resume {self._name}`, then start the same again: what is done is not done twice "
                "(a plan that the guard stops then is written by `remotesupport apply`)"
            )

    def one_more(self) -> None:
        """A change is done, or has failed."""
        self._done += 1
        self._told(self._done)


async def _after_first(
    ctx: Context, writer: Writer, stage: list[Change], loaded: Loaded, run: str, way: _Way
) -> list[Change]:
    """Return the changes of a stage that are left when what only a write to main reveals was learned from one of them.

    As long as that is not known, one write to main goes alone and is read back; where it reveals nothing, the others
    wait for the next run. Raises Stop, ContradictoryHabit.
    """
    inward = [one for one in stage if one.direction is Direction.TO_MAIN and one.writes]
    if not inward or not untold(ctx.store, writer.connection):
        return stage
    if not loaded.tried_first:
        loaded.tried_first, first = True, inward.pop(0)
        stage = [change for change in stage if change is not first]
        if not await _carry_out(ctx, writer, replace(first, followed=True), loaded, [], run):
            loaded.held.add((first.ext_ticket, first.direction))
        way.one_more()
        keep(ctx.store, writer.connection, ctx.clock())
    if questions := untold(ctx.store, writer.connection):
        for change in inward:
            loaded.held.add((change.ext_ticket, change.direction))
            loaded.failed.setdefault(change.ext_ticket, f"it waits until a write to main has shown: {questions[0]}")
    return stage


async def _stage(
    ctx: Context, writer: Writer, stage: Iterable[Change], loaded: Loaded, sent: list[Written], run: str, way: _Way
) -> None:
    gate = asyncio.Semaphore(IN_FLIGHT)

    async def one_after_the_other(changes: list[Change]) -> None:
        async with gate:
            for change in changes:
                if (change.ext_ticket, change.direction) in loaded.held:
                    continue
                if not way.begin_another():
                    loaded.held.add((change.ext_ticket, change.direction))
                    loaded.failed.setdefault(change.ext_ticket, f"its turn did not come: {_OVER}")
                    continue
                if not await _carry_out(ctx, writer, change, loaded, sent, run):
                    loaded.held.add((change.ext_ticket, change.direction))
                way.one_more()

    groups: dict[tuple[str, str], list[Change]] = {}
    for change in stage:
        groups.setdefault((change.ext_ticket, change.direction), []).append(change)
    results = await asyncio.gather(*map(one_after_the_other, groups.values()), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result


async def _carry_out(
    ctx: Context, writer: Writer, change: Change, loaded: Loaded, sent: list[Written], run: str
) -> bool:
    """Do what a change says. False: the later ones of its ticket and direction have to wait.

    Nothing waits for its second write, the close of a departed ticket: where it is refused it is offered again.
    """
    if change.kind is ChangeKind.CONFLICT:
        loaded.failed[change.ext_ticket] = change.detail
        writer.park_conflict(change)
        loaded.parked += 1
        return False
    if change.kind is ChangeKind.ADOPT:
        ctx.store.link(change.connection, _link(change), change.covers, run, change.direction)
        return True
    if change.kind is not ChangeKind.CREATE and change.main_ticket is None:
        change = replace(change, main_ticket=_created_before(ctx, change))
    first, *others = change.writes
    written = await writer.write(first)
    if not written.ok:
        _note_failure(loaded, first, written)
        return False
    loaded.written += 1
    for other in others:
        if not (after := await writer.write(other)).ok:
            _note_failure(loaded, other, after)
    if not change.followed:
        sent.append(written)
        return True
    return await confirmed(ctx, writer.connection, change, written, loaded)


async def confirmed(ctx: Context, connection: Connection, change: Change, written: Written, loaded: Loaded) -> bool:
    """Read a change back: nothing later of its ticket and direction is sent before it is there (semantics, section 6).

    False, with the reason in ``loaded``, where it is not there yet.
    """
    unread: dict[str, str] = {}
    try:
        receipts = await read_back(ctx, connection, [written], unread)
    except ConnectorError as error:
        loaded.failed[change.ext_ticket] = f"written, but not read back yet: {error}"
        return False
    loaded.receipts += receipts
    if not unread and all(receipt["found_hash"] is not None for receipt in receipts):
        return True
    missing = "written, but it is not there yet; what comes after it waits"
    loaded.failed[change.ext_ticket] = unread.get(change.ext_ticket, missing)
    return False


def _note_failure(loaded: Loaded, change: Change, written: Written) -> None:
    """Note what was not written. A departed ticket whose close is refused has still departed: it is only parked."""
    loaded.parked += written.parked
    if not (written.parked and change.ends_departure):
        loaded.failed[change.ext_ticket] = written.cause


def _created_before(ctx: Context, change: Change) -> str:
    """Return the main ticket that an earlier change of this plan has created."""
    return ctx.store.linked(change.connection, [change.ext_ticket])[change.ext_ticket]


def _link(change: Change) -> LinkRow:
    ext_state, main_state = str(change.ext_state), str(change.main_state)
    return LinkRow(change.connection, change.ext_ticket, change.known_main_ticket, ext_state, main_state, None)
