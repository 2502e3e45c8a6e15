"""The right to write for one connection: taken, kept alive, given back.

A lease that has lapsed may be used again only when nobody had it in between (its token is the next one).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

from remotesupport.bootstrap import Context
from remotesupport.core.records import Lease
from remotesupport.core.run import RunKind
from remotesupport.store.errors import LeaseLost, StoreError

LEASE_SECONDS = 45.0  # less than a minute, so that the next run can take over from a dead one


def take(ctx: Context, names: Iterable[str], kind: RunKind | None = None) -> dict[str, Lease]:
    """A lease for each connection that no other run works on, in one transaction.

    ``kind``: of the run that takes them, for whoever waits.
    """
    holder = f"{ctx.holder}/{kind}" if kind else ctx.holder
    with ctx.store.together():
        asked = {name: ctx.store.acquire_lease(name, holder, LEASE_SECONDS) for name in sorted(names)}
    return {name: lease for name, lease in asked.items() if lease}


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
    while True:
        await asyncio.sleep(LEASE_SECONDS / 3)
        for name, lease in list(leases.items()):
            with suppress(StoreError):  # the next write says what is wrong
                renewed = await asyncio.to_thread(ctx.store.renew_lease, lease, LEASE_SECONDS)
                if name in leases and leases[name].token == renewed.token:
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
