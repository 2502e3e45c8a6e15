"""The right to write, for as long as a run works: taken, kept alive while reading takes its time, given back.

A lease that has lapsed may be used again only when nobody had it in between (its token is the next one).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from remotesupport.bootstrap import Context
from remotesupport.core.model import Lease
from remotesupport.core.report import RunKind, RunRequest
from remotesupport.store.errors import LeaseLost, StoreError

LEASE_SECONDS = 45.0  # less than a minute, so that the next run can take over from a dead one
ASK_EVERY = 1.0  # seconds between two questions whether a lease is free
AT_A_TIME = 20  # connections whose leases an audit or a backfill holds at once: a minute's sync soon gets them back
MINUTE_PATIENCE = 15.0  # seconds that a sync waits for an audit's lease: longer than that usually has it
PATIENCE = 300.0  # the same for every other run: five minutes, in which the syncs give it back five times


def patience(kind: RunKind) -> float:
    """Seconds that a run of ``kind`` waits for a lease that another run holds."""
    return MINUTE_PATIENCE if kind is RunKind.SYNC else PATIENCE


def take(ctx: Context, names: Iterable[str], most: int | None = None, kind: RunKind | None = None) -> dict[str, Lease]:
    """A lease for each connection that no other run works on; by name, so that two runs never wait for each other.

    At most ``most`` of them. ``kind``: of the run that takes them, for whoever waits.
    """
    holder = f"{ctx.holder}/{kind}" if kind else ctx.holder
    taken: dict[str, Lease] = {}
    with ctx.store.together():
        for name in sorted(names):
            if len(taken) == most:
                break
            if lease := ctx.store.acquire_lease(name, holder, LEASE_SECONDS):
                taken[name] = lease
    return taken


async def turns(ctx: Context, request: RunRequest, names: Iterable[str]) -> AsyncGenerator[dict[str, Lease], None]:
    """The leases of ``names`` as they become free: those that are, at once; the others are waited for.

    Each set is kept alive while the caller works with it, and given back before the next. Ends when each had its turn,
    or when what is left is not free in ``patience`` seconds. To be closed (``aclosing``) by its caller.
    """
    left, until = set(names), ctx.clock() + timedelta(seconds=patience(request.kind))
    most = AT_A_TIME if request.reads_first else None
    while left:
        leases = take(ctx, left, most, request.kind)
        left -= set(leases)
        if leases:
            async with kept_alive(ctx, leases):
                yield leases
            continue
        left = {name for name in left if _worth_waiting(ctx, name, request)}
        if not left or ctx.clock() >= until:
            return
        await ctx.sleep(ASK_EVERY)


def _worth_waiting(ctx: Context, name: str, request: RunRequest) -> bool:
    """A sync does not wait for another one: that one does its work. After a bell it does: the other began before it."""
    if request.hints:
        return True
    held = ctx.store.lease_holder(name)
    return request.kind is not RunKind.SYNC or held is None or held.holder.rpartition("/")[2] != RunKind.SYNC


@asynccontextmanager
async def kept_alive(ctx: Context, leases: dict[str, Lease]) -> AsyncIterator[None]:
    """Renew ``leases`` (in place) while the run works, and release them at its end."""
    beat = asyncio.create_task(_beat(ctx, leases))
    try:
        yield
    finally:
        beat.cancel()
        with suppress(asyncio.CancelledError):
            await beat
        with suppress(StoreError), ctx.store.together():
            for name in sorted(leases):
                ctx.store.release_lease(leases[name])


async def _beat(ctx: Context, leases: dict[str, Lease]) -> None:
    while leases:
        await asyncio.sleep(LEASE_SECONDS / 3)
        for name, lease in list(leases.items()):
            with suppress(StoreError):  # the next write says what is wrong
                renewed = await asyncio.to_thread(ctx.store.renew_lease, lease, LEASE_SECONDS)
                if leases[name].token == renewed.token:
                    leases[name] = renewed


def regain(ctx: Context, lease: Lease) -> Lease:
    """The lease with its full time, also when it has lapsed and nobody has had it since. Raises LeaseLost."""
    try:
        return ctx.store.renew_lease(lease, LEASE_SECONDS)
    except LeaseLost:
        fresh = ctx.store.acquire_lease(lease.connection, lease.holder, LEASE_SECONDS)
        if fresh is not None and fresh.token == lease.token + 1:
            return fresh
        if fresh is not None:
            ctx.store.release_lease(fresh)
        raise
