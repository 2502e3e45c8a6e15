"""Extract: read both sides of each connection, isolated from each other, and hand on each as soon as it is read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace

from connectors.errors import ConnectorError, Fatal, OutOfTime, Retriable
from remotesupport.bootstrap import Connection, Context
from remotesupport.core.connections.habits import HabitEvidence
from remotesupport.core.model import Side
from remotesupport.core.run import RunKind, RunRequest
from remotesupport.steps.learned.habits import hand_in, keep
from remotesupport.steps.learned.versions import note_versions
from remotesupport.steps.read.beginning import Beginning, beginnings
from remotesupport.steps.read.bounded_starts import BoundedStarts
from remotesupport.steps.read.budget import Most
from remotesupport.steps.read.canary import unreadable_canary
from remotesupport.steps.read.department_mapping import Departments, departments_of, names_of
from remotesupport.steps.read.scope import Scopes
from remotesupport.steps.read.side_reader import FullyRead, fully_read_listings, is_fully_read, read_side
from remotesupport.steps.read.sides import said_by, silent_side
from remotesupport.steps.read.watch_main import has_moved, watch_main
from remotesupport.steps.values import Read, SideRead, Snapshot
from remotesupport.store.errors import StoreError

MINUTE_BUDGET = 30.0  # seconds that one connection may take of the minute
# Of one side; more has changed only when all has.
IN_A_MINUTE = Most(rows=3_000, pages=50, megabytes=100, requests=5_000, cpu_seconds=10, pause=0.8)
# Of a side that was never read to its end.
FIRST_IN_A_MINUTE = Most(rows=20_000, pages=200, megabytes=100, requests=25_000, cpu_seconds=20, pause=0.4)
STORE = "store"  # the kind of an error that is no billing's but our own store's
LONG_BUDGET = 2400.0  # the same for a complete comparison, a first read or a window that a person chose: what is left
# of an audit's deadline (``deployments.catalog``) is for its turn to write


async def extract(ctx: Context, names: tuple[str, ...], request: RunRequest) -> AsyncGenerator[tuple[str, Read], None]:
    """Every connection beside the others, each as soon as it is read; its error is its value, so none stops another."""
    known: dict[str, Beginning] = {}
    starts = BoundedStarts()

    async def one(name: str) -> tuple[str, Read]:
        try:
            async with starts.started():
                return name, await extract_one(ctx, name, request, known.get(name))
        except Exception as error:
            return name, as_connector_error(ctx, name, error)

    with suppress(StoreError):  # each asks for itself then, and says what is wrong
        known = beginnings(ctx, names)
        await watch_main(ctx, request, known)
    reading = [asyncio.create_task(one(name)) for name in names]
    try:
        for read in asyncio.as_completed(reading):
            yield await read
    finally:
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)


def time_to_read(request: RunRequest) -> float:
    """Seconds that one connection may take to be read, to be read again, to be read back."""
    return MINUTE_BUDGET if request.kind is RunKind.SYNC else LONG_BUDGET


def as_connector_error(ctx: Context, name: str, error: Exception) -> ConnectorError:
    """``error`` as this connection's own; what nobody foresaw is logged whole and stops nobody else."""
    if isinstance(error, ConnectorError):
        return error
    if isinstance(error, StoreError):
        return Retriable(str(error), billing=name, kind=STORE)
    ctx.log.error("%s: unexpected", name, exc_info=error)
    return Fatal(
        f"unexpected {type(error).__name__}: {error}", billing=name, cure="See remotesupport.log and report it"
    )


async def extract_one(ctx: Context, name: str, request: RunRequest, beginning: Beginning | None = None) -> Snapshot:
    """Both sides of one connection within its own time budget. Raises ConnectorError.

    ``beginning``: what the store knows of it, where that was asked for already.
    """
    connection = ctx.connections[name]
    started, before = time.monotonic(), requests_of(connection)
    connection.silent.clear()
    beginning = beginning or beginnings(ctx, [name])[name]
    await introduced(ctx, connection, beginning.evidence)
    same_dialect(ctx, connection, beginning.dialects)
    both = (connection.external, connection.main)
    known = beginning.fully_read
    known = fully_read_listings(ctx.store, *both) if known is None else known
    usual = all(is_fully_read(billing, known) for billing in both)
    quick = request.kind is RunKind.SYNC and (usual or not first_read(ctx, request))
    budget = MINUTE_BUDGET if quick else LONG_BUDGET
    most = most_of(connection, (IN_A_MINUTE if usual else FIRST_IN_A_MINUTE) if quick else None)
    try:
        async with asyncio.timeout(budget):
            reading = _both_sides(ctx, connection, request, known, most, beginning)
            snapshot = await observed(ctx, connection, reading, beginning.evidence)
    except TimeoutError:
        raise out_of_time(
            connection,
            f"reading did not end within {budget:.0f} s",
            f"The next run tries again; a first read of a big billing: `remotesupport audit --billing {name}`",
        ) from None
    took = time.monotonic() - started
    return replace(snapshot, requests=requests_of(connection) - before, seconds=took)


def first_read(ctx: Context, request: RunRequest) -> bool:
    """Tell whether none of the connections was ever read to its end: then the run may take as long as it takes.

    Where one was, nobody may wait for the others' first read: they get the minute's budget, and the hourly audit.
    """
    asked = set(request.about(ctx.connections))
    sides = [(c.external, c.main) for name, c in ctx.connections.items() if name in asked]
    known = fully_read_listings(ctx.store, *(billing for both in sides for billing in both))
    return not any(all(is_fully_read(billing, known) for billing in both) for both in sides)


def requests_of(connection: Connection) -> int:
    """Requests made so far, to both sides."""
    return connection.external.stats.requests + connection.main.stats.requests


async def introduced(ctx: Context, connection: Connection, evidence: Iterable[HabitEvidence] | None = None) -> None:
    """Both sides have said who they are, and each client knows what was learned. Raises ConnectorError.

    ``evidence``: what was learned, where the store was asked already.
    """
    if not connection.identified:
        note_versions(ctx.store, connection.name, await _identified(connection))
    hand_in(connection, ctx.store.habit_evidence(connection.name) if evidence is None else evidence)


async def _identified(connection: Connection) -> dict[Side, str]:
    """Ask both sides who they are, and so which version they speak; its states lead there and back. → versions"""
    try:
        async with asyncio.timeout(MINUTE_BUDGET):
            both = (connection.external, connection.main)
            said = await asyncio.gather(*(said_by(connection, b, b.identify) for b in both))
    except TimeoutError:
        raise out_of_time(connection, f"logging in did not end within {MINUTE_BUDGET:.0f} s") from None
    for billing in (connection.external, connection.main):
        try:
            _ = billing.capabilities
        except ValueError as wrong:
            cure = "Nothing is read or written; this version of the program cannot work with that billing: report it"
            raise Fatal(
                f"{billing.side} side: {wrong}", billing=connection.name, cure=cure, side=billing.side
            ) from None
    connection.identified = True
    return {billing.side: identity.version for billing, identity in zip(both, said, strict=True)}


def out_of_time(connection: Connection, what: str, cure: str = "The next run tries again") -> OutOfTime:
    """The error of a wait that was ended; it names the side that had not answered, where it was one of them."""
    side = silent_side(connection)
    where = f"{connection.name} ({side})" if side else connection.name
    return OutOfTime(what, billing=where, cure=cure, side=side)


def same_dialect(ctx: Context, connection: Connection, known: Mapping[Side, str] | None = None) -> None:
    """Messages are keyed as a dialect names them, so in another one all of them would look new. Raises Fatal.

    A billing changes its dialect when it is updated, or when a version 4 login gains or loses the three functions.
    ``known``: the dialect of each side so far, where the store was asked already.
    """
    known = ctx.store.dialects(connection.name) if known is None else known
    for billing in (connection.external, connection.main):
        now = billing.capabilities.dialect
        if billing.side not in known:
            ctx.store.save_dialect(connection.name, billing.side, now)
            continue
        if known[billing.side] == now:
            continue
        connection.doubtful = True  # so that the next run asks anew, and does not keep what one strange answer said
        raise Fatal(
            f"{billing.side} side: it answers as {now}, and what was exchanged so far is known as "
            f"{known[billing.side]}; nothing is read or written, because every message would look "
            "new",
            billing=connection.name,
            kind="dialect",
            side=billing.side,
            cure="Was it updated, or did its login gain or lose rights? Undo that; or, if it is meant to stay: "
            f"`remotesupport links rebuild --billing {connection.name}`",
        )


def changed_dialects(ctx: Context, connection: Connection) -> frozenset[tuple[str, Side]]:
    """Sides whose messages have other keys now than those in the ledger."""
    known = ctx.store.dialects(connection.name)
    return frozenset(
        (connection.name, billing.side)
        for billing in (connection.external, connection.main)
        if known.get(billing.side) not in (None, billing.capabilities.dialect)
    )


async def observed(
    ctx: Context, connection: Connection, reading: Awaitable[Snapshot], evidence: Iterable[HabitEvidence] | None = None
) -> Snapshot:
    """``reading``'s result; what it showed of the servers is kept, also where it failed. Raises ContradictoryHabit."""
    try:
        snapshot = await reading
    finally:
        unknown = keep(ctx.store, connection, ctx.clock(), evidence)
    return replace(snapshot, unknown_types=unknown)


def most_of(connection: Connection, quick: Most | None = None) -> Most:
    """Return what reading a side of the connection may cost; ``quick``: in a run that has but a minute."""
    own = connection.settings.reading
    cure = f"If it is right, raise {{limit}} in [external.reading] of {connection.name}"
    most = Most(own.rows, own.pages, own.megabytes, own.requests, own.cpu_seconds, cure=cure)
    cure = f"The next audit reads all of it; at once: `remotesupport audit --billing {connection.name}`"
    return most if quick is None else most.at_most(replace(quick, cure=cure))


async def _both_sides(
    ctx: Context, connection: Connection, request: RunRequest, known: FullyRead, most: Most, beginning: Beginning
) -> Snapshot:
    found = await departments_of(ctx, connection, beginning.resolved, skims=request.skims)
    scopes = Scopes(ctx.store, connection, request, found.correspondences, beginning, most)
    inside, outside = connection.main, connection.external

    async def read_main() -> SideRead:
        scope, now = scopes.main(), ctx.clock()
        return await said_by(connection, inside, lambda: read_side(ctx.store, inside, found.main, scope, now, known))

    main = await read_main()
    scope, now = scopes.external(main), ctx.clock()
    external = await said_by(
        connection, outside, lambda: read_side(ctx.store, outside, found.external, scope, now, known)
    )
    if beginning.main_rests and has_moved(external):  # what goes with it is wanted as it is now
        return await _both_sides(ctx, connection, request, known, most, replace(beginning, main_rests=False))
    if found.remembered and _may_create(ctx, external):  # whoever opens a ticket in main knows where to
        now_said = await departments_of(ctx, connection, beginning.resolved)
        if now_said.correspondences != found.correspondences:
            connection.main_departments = None
            return await _both_sides(ctx, connection, request, known, most, beginning)
        found, main = now_said, replace(main, departments=now_said.main)
        external = replace(external, departments=now_said.external)
    connection.looks = {
        Side.EXTERNAL: connection.looks[Side.EXTERNAL] | external.looks,
        Side.MAIN: connection.looks[Side.MAIN] | main.looks,
    }
    connection.looked_at = beginning.mark
    connection.watched.compare({row["ticket"]: row["activity"] for row in main.tickets})
    if not beginning.linked and external.messages:  # of an empty ledger only main's list knows what is there already
        main = max(main, await read_main(), key=lambda side: side.listed or 0)
    canary = await _canary(connection, found)
    resolved = found.resolved if found.resolved != beginning.resolved else {}
    return Snapshot(
        connection.name, external, main, found.correspondences, found.problems, canary, 0, 0.0, found.flagged,
        frozenset(beginning.unconfirmed), resolved, beginning.mark, linked=beginning.linked,
    )  # fmt: skip


def _may_create(ctx: Context, external: SideRead) -> bool:
    """Tell whether a ticket was read that is not linked."""
    fresh = external.fresh
    return bool(fresh) and not fresh <= ctx.store.linked(external.tickets[0]["connection"], fresh).keys()


async def _canary(connection: Connection, found: Departments) -> bool | None:
    """Tell whether the canary is readable; None when none is configured. A corresponding department is one, too."""
    settings = connection.settings
    if any(d.enabled and d.remote not in found.resolved for d in settings.departments):
        return False
    if settings.canary_department is None and settings.canary_ticket is None:
        return None
    return not await unreadable_canary(connection, names_of(found.external))
