"""``links rebuild``: the ledger made anew from the origins on both sides. Nothing is written to a billing.

For a store that was lost or restored, and, as a person's word, after a billing was restored. What still holds stays as
it is, so that a second one changes nothing. The thinking is in ``core.rebuild``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import pandas as pd

from connectors.contract import Billing
from remotesupport.bootstrap import Connection, Context
from remotesupport.core import frames
from remotesupport.core.ledger.rebuild import Rebuilt, rebuild
from remotesupport.core.ledger.rekey import rekeyed
from remotesupport.core.model import TicketRow
from remotesupport.core.reconcile import Inputs
from remotesupport.core.records import Lease
from remotesupport.core.run import BillingState
from remotesupport.core.tables.joins import is_in
from remotesupport.core.text.compose import origin_of
from remotesupport.steps.decide.reconcile import gone, reads_of, unnumbered
from remotesupport.steps.decide.validate import validate
from remotesupport.steps.framing import Rows
from remotesupport.steps.learned.altered_texts import keep_recognised
from remotesupport.steps.learned.longest_text import longest
from remotesupport.steps.leases import kept_alive, regain, take
from remotesupport.steps.read.department_mapping import departments_of
from remotesupport.steps.read.extract import (
    LONG_BUDGET,
    as_connector_error,
    changed_dialects,
    introduced,
    most_of,
    observed,
)
from remotesupport.steps.read.side_reader import Scope, read_side
from remotesupport.steps.values import Accepted, SideRead, Snapshot

NAMED = 100  # so many lines of each kind are kept in the result


@dataclass(slots=True)
class LinksResult:
    """One connection. ``kept``: links as they were; ``linked``: new ones; ``recognised``: messages found again.

    ``ambiguous``: a person decides; ``removed``: links that do not hold; ``forgotten``: messages that are not there any
    more; ``alone``: origins without a partner; ``unread``: tickets that could not be read.
    """

    name: str
    state: BillingState = BillingState.OK
    reason: str = ""
    kept: int = 0
    linked: int = 0
    recognised: int = 0
    forgotten: int = 0
    unread: int = 0
    ambiguous: Rows = field(default_factory=list)
    removed: Rows = field(default_factory=list)
    alone: Rows = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The documented shape."""
        return {**asdict(self), "state": str(self.state)}


@dataclass(slots=True)
class LinksReport:
    """A whole rebuild. ``plan_only``: nothing was stored."""

    run: str
    plan_only: bool
    billings: list[LinksResult]

    def to_json(self) -> dict[str, Any]:
        """The documented shape."""
        return {"run": self.run, "plan_only": self.plan_only, "billings": [b.to_json() for b in self.billings]}

    @property
    def exit_status(self) -> int:
        """0 done, 1 something could not be read, 3 a person is needed."""
        if any(b.ambiguous or b.removed or b.forgotten for b in self.billings):
            return 3
        return 1 if any(b.state is not BillingState.OK or b.unread for b in self.billings) else 0


async def rebuild_links(ctx: Context, names: tuple[str, ...] = (), *, plan_only: bool = False) -> LinksReport:
    """Rebuild the ledger of these connections (none named: all), one after the other. A billing's fault is its line."""
    wanted = names or (*ctx.connections, *ctx.broken)
    report = LinksReport(ctx.new_id(), plan_only, [])
    if not plan_only:
        ctx.store.begin_run(report.run, "links", ctx.flow_run, ctx.clock())
    for name in wanted:
        report.billings.append(await _one(ctx, name, report))
    if not plan_only:
        done = sum(b.linked for b in report.billings)
        ctx.store.finish_run(report.run, f"{done} tickets linked again", report.to_json())
    return report


async def _one(ctx: Context, name: str, report: LinksReport) -> LinksResult:
    if name not in ctx.connections:
        why = ctx.broken.get(name, "there is no such connection (or it is switched off); see remotesupport.toml")
        return LinksResult(name, BillingState.FAILED, why)
    leases = {} if report.plan_only else take(ctx, (name,))
    if not report.plan_only and not leases:
        why = "another run holds the right to write for it; try again in a minute"
        return LinksResult(name, BillingState.FAILED, why)
    try:
        async with kept_alive(ctx, leases), asyncio.timeout(LONG_BUDGET):
            return await _rebuilt(ctx, ctx.connections[name], leases, report.run)
    except Exception as error:
        return LinksResult(name, BillingState.FAILED, str(as_connector_error(ctx, name, error)))


async def _rebuilt(ctx: Context, connection: Connection, leases: dict[str, Lease], run: str) -> LinksResult:
    await introduced(ctx, connection)
    snapshot = await _understood(ctx, connection)
    accepted = await validate(ctx, {connection.name: snapshot})
    if connection.name in accepted.rejected:
        return LinksResult(connection.name, BillingState.FAILED, accepted.rejected[connection.name])
    inputs = _inputs(ctx, snapshot, accepted)
    renamed = await asyncio.to_thread(rekeyed, inputs, changed_dialects(ctx, connection))
    found = await asyncio.to_thread(rebuild, replace(inputs, carried=renamed))
    if leases:
        regain(ctx, leases[connection.name])
        await asyncio.to_thread(_store, ctx, connection, run, found, _differences(inputs.carried, renamed))
    return _result(connection.name, found, snapshot)


def _differences(before: pd.DataFrame, after: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows that are no more, and the rows that are new."""
    both = before.merge(after, how="outer", indicator="in_")
    columns = list(frames.CARRIED.columns)
    return both.loc[both["in_"].eq("left_only"), columns], both.loc[both["in_"].eq("right_only"), columns]


def _store(
    ctx: Context, connection: Connection, run: str, found: Rebuilt, renamed: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    keep_recognised(ctx, connection.name, found.altered.get(connection.name, ()), run)
    before, after = renamed
    kept = after[~is_in(after, found.forgotten, list(frames.CARRIED.key))]
    ctx.store.relink(
        connection.name,
        run,
        removed=frames.records(found.removed),
        forgotten=frames.records(pd.concat([before, found.forgotten])),
        new=frames.records(pd.concat([found.links, found.restated])),
        found=frames.records(pd.concat([kept, found.carried])),
    )
    for billing in (connection.external, connection.main):
        ctx.store.save_dialect(connection.name, billing.side, billing.capabilities.dialect)


def _result(name: str, found: Rebuilt, snapshot: Snapshot) -> LinksResult:
    return LinksResult(
        name,
        kept=found.kept,
        linked=len(found.links),
        recognised=len(found.carried),
        forgotten=len(found.forgotten),
        unread=len(snapshot.external.unreadable) + len(snapshot.main.unreadable),
        ambiguous=_named(found.ambiguous),
        removed=_named(found.removed),
        alone=_named(found.alone),
    )


def _named(rows: pd.DataFrame) -> Rows:
    shown = rows.head(NAMED).drop(columns="connection").rename(columns={"ext_ticket": "ticket"})
    return frames.records(shown)


async def _understood(ctx: Context, connection: Connection) -> Snapshot:
    """Read both sides; once more where the first reading taught what the server does (a lost store knows nothing)."""
    snapshot = await observed(ctx, connection, _snapshot(ctx, connection))
    if snapshot.main.not_understood or snapshot.external.not_understood:
        return await observed(ctx, connection, _snapshot(ctx, connection))
    return snapshot


async def _snapshot(ctx: Context, connection: Connection) -> Snapshot:
    """Both sides completely, with the threads of everything that is claimed or linked."""
    listed = await departments_of(ctx, connection)
    pairs = listed.correspondences
    mapped = {pair["department"] for pair in pairs}
    links = ctx.store.linked(connection.name)
    inside = await _read(ctx, connection.main, listed.main, _claimed(connection.name), list(links.values()))
    origins = [row["origin"] for row in inside.tickets if row["origin"] is not None]
    names = list(dict.fromkeys([*origins, *links]))
    known = set(names)

    def remote(rows: list[TicketRow]) -> set[str]:
        return {r.ticket for r in rows if r.ticket in known and r.department in mapped}

    outside = await _read(ctx, connection.external, listed.external, remote, names)
    return Snapshot(connection.name, outside, inside, pairs, listed.problems, None, 0, 0.0)


def _claimed(name: str) -> Callable[[list[TicketRow]], set[str]]:
    """Main tickets whose subjects carry an origin of this connection."""

    def claimed(rows: list[TicketRow]) -> set[str]:
        return {r.ticket for r in rows if origin_of(r.subject, name) is not None}

    return claimed


def _read(
    ctx: Context, billing: Billing, departments: Rows, wants: Callable[[list[TicketRow]], set[str]],
    names: list[str],
) -> Awaitable[SideRead]:  # fmt: skip
    """Every listing to its end, and direct looks at what no listing shows."""
    only = None if billing.capabilities.exhaustive else tuple(names)
    scope = Scope(
        wants=wants,
        force=lambda rows, _recent: wants(rows),
        complete=True,
        only=only,
        linked=tuple(names),
        most=most_of(ctx.connections[billing.name]),
        pending=tuple(ctx.store.pending_sightings(billing.name, billing.side)),
    )
    return read_side(ctx.store, billing, departments, scope, ctx.clock())


def _inputs(ctx: Context, snapshot: Snapshot, accepted: Accepted) -> Inputs:
    name, snapshots = snapshot.name, {snapshot.name: snapshot}
    return Inputs(
        tickets=accepted.tickets,
        messages=accepted.messages,
        links=ctx.store.links(name),
        carried=ctx.store.carried(name),
        correspondences=frames.build(frames.CORRESPONDENCES, snapshot.correspondences),
        reads=reads_of(snapshots),
        blocked=ctx.store.blocked([name]),
        gone=gone(snapshots),
        unnumbered=unnumbered(ctx, snapshots),
        unconfirmed=frozenset((name, intent.ext_ticket) for intent in ctx.store.open_intents(name)),
        show_author=frozenset([name] if ctx.connections[name].settings.show_author else []),
        longest=longest(ctx, [name]),
    )
