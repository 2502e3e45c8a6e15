"""Look again at tickets that another run wrote to while they were read.

A run that reads without the right to write sees each side, and the ledger, at another moment, and would take the
difference for a conflict.

The ledger is read last, so it knows at least what both sides showed. A ticket whose rows in it have moved since the
reading began is read again, on both sides; one that moves each time is ``pending`` (``reconcile``), never a conflict.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from connectors.contract import Billing
from connectors.errors import ConnectorError, Retriable
from remotesupport.bootstrap import Context
from remotesupport.core.plan import Plan
from remotesupport.core.report import RunRequest
from remotesupport.steps.extract import LONG_BUDGET, as_connector_error, requests_of
from remotesupport.steps.reading import Scope, Wanted, read_side
from remotesupport.steps.values import Reads, SideRead, Snapshot

LOOKS = 3  # at a ticket that moves each time; after that it is left to the next run

Tickets = Mapping[str, Collection[str]]


def tickets_of(plans: Mapping[str, Plan]) -> dict[str, set[str]]:
    """Connection → external tickets that its plan writes to, or finds in conflict."""
    return {name: set(plan.changes["ext_ticket"]) for name, plan in plans.items() if len(plan.changes)}


def moved(ctx: Context, request: RunRequest, snapshots: Mapping[str, Snapshot]) -> dict[str, set[str]]:
    """Connection → external tickets that another run has changed in the ledger since they were read.

    Where the right to write is held from the beginning, the outcomes that were open then are this run's own to settle.
    """
    found = ctx.store.moved_after({n: s.mark for n, s in snapshots.items()})
    if request.reads_first:
        return found
    return {n: rest for n, tickets in found.items() if (rest := tickets - snapshots[n].unproven)}


async def look_again(ctx: Context, request: RunRequest, reads: Reads, also: Tickets | None = None) -> Reads:
    """``reads`` with the tickets that moved, and ``also`` these, as they are now."""
    snapshots = {n: r for n, r in reads.items() if isinstance(r, Snapshot)}
    due = {n: found for n, found in _due(moved(ctx, request, snapshots), also or {}).items() if n in snapshots}
    looked = await asyncio.gather(*(_patiently(ctx, request, snapshots[n], due[n]) for n in due))
    return reads | dict(zip(due, looked, strict=True))


def _due(*parts: Tickets) -> dict[str, set[str]]:
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: {ticket for part in parts for ticket in part.get(name, ())} for name in names}


async def _patiently(
    ctx: Context, request: RunRequest, snapshot: Snapshot, tickets: set[str]
) -> Snapshot | ConnectorError:
    try:
        async with asyncio.timeout(LONG_BUDGET):
            for _ in range(LOOKS):
                snapshot = await _look(ctx, snapshot, tickets)
                tickets = moved(ctx, request, {snapshot.name: snapshot}).get(snapshot.name, set())
                if not tickets:
                    break
            return snapshot
    except TimeoutError:
        return Retriable("looking again at what had moved took too long", billing=snapshot.name)
    except Exception as error:
        return as_connector_error(ctx, snapshot.name, error)


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
    changed since, the next run reads them once more."""
    return replace(
        old,
        tickets=[row for row in old.tickets if row["ticket"] not in tickets] + new.tickets,
        messages=[row for row in old.messages if row["ticket"] not in tickets] + new.messages,
        complete=old.complete and not new.unreadable,
        unreadable={t: why for t, why in old.unreadable.items() if t not in tickets} | new.unreadable,
        not_understood=(old.not_understood - tickets) | new.not_understood,
        gone=(*(t for t in old.gone if t not in tickets), *new.gone),
    )
