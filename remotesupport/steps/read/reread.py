"""Look again at tickets that another run wrote to while they were read.

A run reads without the right to write, so it sees each side, and the ledger, at another moment, and would take the
difference for a conflict.

The ledger is read last, so it knows at least what both sides showed. A ticket whose rows in it have moved since the
reading began is read again, on both sides; one that moves each time is ``pending`` (``reconcile``), never a conflict.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from connectors.contract import Billing
from remotesupport.bootstrap import Context
from remotesupport.core.run import RunRequest
from remotesupport.steps.read.extract import as_connector_error, out_of_time, requests_of, time_to_read
from remotesupport.steps.read.side_reader import Scope, Wanted, read_side
from remotesupport.steps.values import Read, SideRead, Snapshot

LOOKS = 3  # at a ticket that moves each time; after that it is left to the next run


def moved(ctx: Context, snapshots: Mapping[str, Snapshot]) -> dict[str, set[str]]:
    """Connection → external tickets that another run has changed in the ledger since they were read."""
    return ctx.store.moved_after({n: s.mark for n, s in snapshots.items()})


async def look_again(ctx: Context, request: RunRequest, snapshot: Snapshot, also: Collection[str] = ()) -> Read:
    """``snapshot`` with the tickets that moved, and ``also`` these, as they are now."""
    name, tickets = snapshot.name, {*also, *_moved(ctx, snapshot)}
    try:
        async with asyncio.timeout(time_to_read(request)):
            for _ in range(LOOKS):
                if not tickets:
                    break
                snapshot = await _look(ctx, snapshot, tickets)
                tickets = _moved(ctx, snapshot)
            return snapshot
    except TimeoutError:
        return out_of_time(ctx.connections[name], "looking again at what had moved took too long")
    except Exception as error:
        return as_connector_error(ctx, name, error)


def _moved(ctx: Context, snapshot: Snapshot) -> set[str]:
    return moved(ctx, {snapshot.name: snapshot}).get(snapshot.name, set())


async def _look(ctx: Context, snapshot: Snapshot, tickets: set[str]) -> Snapshot:
    """The snapshot with those of ``tickets`` that it is about, and their main tickets, as they are now."""
    mark, connection = ctx.store.ledger_mark(), ctx.connections[snapshot.name]
    outside, inside = _pairs(snapshot, tickets, ctx.store.linked(snapshot.name, tickets))
    if not outside:
        return replace(snapshot, mark=mark)
    before, there = requests_of(connection), snapshot.corresponding
    main = await _side(ctx, connection.main, snapshot.main, inside, lambda rows: {r.ticket for r in rows})
    external = await _side(
        ctx, connection.external, snapshot.external, outside,
        lambda rows: {r.ticket for r in rows if r.department in there},
    )  # fmt: skip
    requests = snapshot.requests + requests_of(connection) - before
    return replace(snapshot, main=main, external=external, mark=mark, requests=requests)


def _pairs(snapshot: Snapshot, tickets: set[str], links: Mapping[str, str]) -> tuple[set[str], set[str]]:
    """External and main tickets to look at: of ``tickets``, those of which either side showed something."""
    mains = {row["ticket"] for row in snapshot.main.tickets} | {*snapshot.main.gone, *snapshot.main.unreadable}
    claims = {row["ticket"]: row["origin"] for row in snapshot.main.tickets if row["origin"] in tickets}
    shown = {row["ticket"] for row in snapshot.external.tickets}
    shown |= {*snapshot.external.gone, *snapshot.external.unreadable, *claims.values()}
    outside = {t for t in tickets if t in shown or links.get(t) in mains}
    return outside, {links[t] for t in outside if t in links} | {*claims}


async def _side(ctx: Context, billing: Billing, old: SideRead, tickets: Iterable[str], wants: Wanted) -> SideRead:
    only = tuple(sorted(tickets))
    scope = Scope(wants=wants, force=lambda _rows, _recent: set(), only=only)
    return _with(old, await read_side(ctx.store, billing, old.departments, scope, ctx.clock()), {*only})


def _with(old: SideRead, new: SideRead, tickets: set[str]) -> SideRead:
    """``old`` with ``tickets`` as ``new`` shows them. Their rows in the lists stay as they were seen: where they have
    changed since, the next run reads them once more.

    One that cannot be read now keeps its row, without its thread: it is there, and says to whom it belongs.
    """
    lost = (tickets & new.unreadable.keys()) - {row["ticket"] for row in new.tickets}
    kept = [row | {"fresh": False} for row in old.tickets if row["ticket"] in lost]
    return replace(
        old,
        tickets=[row for row in old.tickets if row["ticket"] not in tickets] + kept + new.tickets,
        messages=[row for row in old.messages if row["ticket"] not in tickets] + new.messages,
        complete=old.complete and not new.unreadable,
        unreadable={t: why for t, why in old.unreadable.items() if t not in tickets} | new.unreadable,
        not_understood=(old.not_understood - tickets) | new.not_understood,
        gone=(*(t for t in old.gone if t not in tickets), *new.gone),
    )
