"""Reconcile: frames and ledger → plans, judged. The diff and the guard are pure and live in core."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta

import pandas as pd

from remotesupport.bootstrap import Context
from remotesupport.checks.gate import gate
from remotesupport.checks.report import ValidationReport
from remotesupport.core import frames
from remotesupport.core.changes.states import CLOSE_EXTERNAL, CLOSE_MAIN, REOPEN_EXTERNAL, REOPEN_MAIN
from remotesupport.core.changes.unmoved import unmoved
from remotesupport.core.model import MEGABYTE, ChangeKind, Reason, Side
from remotesupport.core.plan.guard import Facts, Verdict, judge
from remotesupport.core.plan.plan import Plan, make_plans
from remotesupport.core.reconcile import Inputs, Outcome
from remotesupport.core.reconcile import reconcile as three_way_diff
from remotesupport.core.run import READING, RunKind, RunRequest
from remotesupport.steps.learned.longest_text import longest
from remotesupport.steps.learned.reaction import answers_may_close
from remotesupport.steps.parking import closes_of_departed
from remotesupport.steps.read.reread import moved
from remotesupport.steps.values import Accepted, Basis, Proposal, Snapshot
from remotesupport.store.journal import BYTES


async def reconcile(ctx: Context, request: RunRequest, snapshots: dict[str, Snapshot], accepted: Accepted) -> Proposal:
    """One pass over the connections that are ready; the plan of each is judged before it is written."""
    inputs = await asyncio.to_thread(_inputs, ctx, request, snapshots, accepted)
    dropped = ctx.store.dropped(snapshots)
    outcome, plans = await asyncio.to_thread(planned, inputs, dropped)
    broken, reports = await _checked(outcome, accepted)
    facts = _facts(ctx, snapshots, plans)
    guard = judge(plans, facts, {n: ctx.settings.limits(n) for n in snapshots})
    verdicts = guard | {name: Verdict(False, why) for name, why in broken.items()}
    basis = Basis(inputs, dropped, facts, guard)
    moving, books = inputs.moving, (outcome.reasons, outcome.agreed, outcome.unfinished)
    return Proposal(plans, verdicts, *books, broken, reports, moving, basis)


def planned(inputs: Inputs, dropped: dict[tuple[str, str], str]) -> tuple[Outcome, dict[str, Plan]]:
    """Plan: the diff without what a person has given up, and what of it each connection has to write."""
    outcome = without_dropped(three_way_diff(inputs), dropped)
    return outcome, make_plans(outcome.changes, outcome.altered)


def without_dropped(outcome: Outcome, dropped: dict[tuple[str, str], str]) -> Outcome:
    """Return the same without the tickets of which a person has said that nothing is to be written any more."""
    if not dropped:
        return outcome

    def among(rows: pd.DataFrame, ticket: str) -> pd.Series:
        pairs = zip(rows["connection"], rows[ticket], strict=True)
        return pd.Series([pair in dropped for pair in pairs], index=rows.index, dtype=bool)

    reasons, hit = outcome.reasons.copy(), among(outcome.reasons, "ticket")
    reasons.loc[hit, "reason"] = str(Reason.PARKED)
    why = [f"dropped by a person: {dropped[c, t]}" for c, t in reasons.loc[hit, ["connection", "ticket"]].to_numpy()]
    reasons.loc[hit, "detail"] = why
    changes, unfinished = outcome.changes, outcome.unfinished
    return replace(
        outcome,
        changes=changes[~among(changes, "ext_ticket")].reset_index(drop=True),
        unfinished=unfinished[~among(unfinished, "ext_ticket")].reset_index(drop=True),
        reasons=reasons,
    )


async def _checked(outcome: Outcome, accepted: Accepted) -> tuple[dict[str, str], tuple[ValidationReport, ...]]:
    """The plan's own validation: a bad row stops that connection's plan."""
    if outcome.changes.empty:
        return {}, ()
    gated = await asyncio.to_thread(gate, "changes", outcome.changes, messages=accepted.messages)
    broken = dict(gated.rejected)
    for row in gated.quarantined.itertuples():
        broken.setdefault(str(row.connection), f"ticket {row.ticket}: the plan must not be written: {row.reason}")
    return broken, (gated.report,)


def _inputs(ctx: Context, request: RunRequest, snapshots: dict[str, Snapshot], accepted: Accepted) -> Inputs:
    kept = {n: s for n, s in snapshots.items() if n not in accepted.rejected}
    links = _links(ctx, kept, accepted.tickets)
    settings = {n: ctx.connections[n].settings for n in kept}
    inputs = Inputs(
        tickets=accepted.tickets[accepted.tickets["connection"].isin(kept)],
        messages=accepted.messages[accepted.messages["connection"].isin(kept)],
        links=links,
        carried=frames.empty(frames.CARRIED),
        correspondences=frames.build(frames.CORRESPONDENCES, (row for s in kept.values() for row in s.correspondences)),
        reads=reads_of(kept),
        blocked=frames.concat(
            frames.BLOCKED, [ctx.store.blocked(list(kept)), _behind_unreadable(kept, accepted.quarantined, links)]
        ).drop_duplicates(list(frames.BLOCKED.key), ignore_index=True),
        gone=gone(kept),
        departments=accepted.departments,
        quiet=request.quiet,
        create_closed=request.kind is RunKind.BACKFILL or bool(request.tickets),
        show_author=frozenset(n for n, s in settings.items() if s.show_author),
        flagged=frozenset((n, department) for n, s in kept.items() for department in s.flagged),
        unnumbered=unnumbered(ctx, kept),
        unconfirmed=_pairs_of({n: s.unconfirmed for n, s in kept.items()}) | frozenset(ctx.store.dropped(kept)),
        close_not_due=frozenset(closes_of_departed(ctx, kept, due=False)),
        unasked=_pairs_of({n: s.external.unasked for n, s in kept.items()}),
        answers_may_close=answers_may_close(ctx.store, kept),
        unable=unable(ctx, kept),
        longest=longest(ctx, kept),
    )
    inputs = replace(inputs, carried=_carried(ctx, inputs))
    moving = _pairs_of(moved(ctx, kept))  # asked last, so that it knows of whatever came while the rest was read
    return replace(inputs, moving=moving, unconfirmed=inputs.unconfirmed | moving) if moving else inputs


def _carried(ctx: Context, inputs: Inputs) -> pd.DataFrame:
    """Build CARRIED of the linked tickets of those connections of which a thread was read, or anything has moved."""
    links, read = inputs.links, inputs.tickets.loc[inputs.tickets["fresh"], "connection"]
    calm = unmoved(inputs).keys() - {*read.tolist()}
    pairs = zip(links["connection"].tolist(), links["ext_ticket"].tolist(), strict=True)
    return frames.build(frames.CARRIED, ctx.store.carried_rows_of(pair for pair in pairs if pair[0] not in calm))


def _pairs_of(tickets: Mapping[str, Iterable[str]]) -> frozenset[tuple[str, str]]:
    return frozenset((name, ticket) for name, found in tickets.items() for ticket in found)


def unnumbered(ctx: Context, names: Iterable[str]) -> frozenset[tuple[str, str]]:
    """(connection, side) whose messages have no ids of the server's own."""
    billings = [(n, b) for n in names for b in (ctx.connections[n].external, ctx.connections[n].main)]
    return frozenset((n, str(b.side)) for n, b in billings if not b.capabilities.message_ids)


def unable(ctx: Context, names: Iterable[str]) -> frozenset[tuple[str, str]]:
    """(connection, crossing) that the billing to be written to has no way to do."""
    found: set[tuple[str, str]] = set()
    for name in names:
        outside, inside = ctx.connections[name].external.capabilities, ctx.connections[name].main.capabilities
        ways = {
            CLOSE_EXTERNAL: outside.closes, REOPEN_EXTERNAL: outside.reopens,
            CLOSE_MAIN: inside.closes, REOPEN_MAIN: inside.reopens,
        }  # fmt: skip
        found |= {(name, crossing) for crossing, way in ways.items() if not way}
    return frozenset(found)


def _links(ctx: Context, names: Iterable[str], tickets: pd.DataFrame) -> pd.DataFrame:
    """Build LINKS of the tickets of either side."""
    wanted, shown = {*names}, {str(side): list[tuple[str, str]]() for side in Side}
    for name, side, ticket in zip(*(tickets[c].tolist() for c in ("connection", "side", "ticket")), strict=True):
        if name in wanted:
            shown[side].append((name, ticket))
    return frames.build(frames.LINKS, ctx.store.link_rows_of(shown[Side.EXTERNAL], shown[Side.MAIN]))


def reads_of(snapshots: dict[str, Snapshot]) -> pd.DataFrame:
    """Build READS of what could be read."""
    return frames.build(
        frames.READS,
        (
            {"connection": s.name, "side": side, "outcome": "ok", "complete": read.complete, "detail": ""}
            for s in snapshots.values()
            for side, read in (("external", s.external), ("main", s.main))
        ),
    )


def gone(snapshots: dict[str, Snapshot]) -> pd.DataFrame:
    """Build GONE."""
    return frames.build(
        frames.GONE,
        (
            {"connection": s.name, "side": side, "ticket": ticket, "detail": "not found by a direct look"}
            for s in snapshots.values()
            for side, read in (("external", s.external), ("main", s.main))
            for ticket in dict.fromkeys(read.gone)
        ),
    )


def _behind_unreadable(snapshots: dict[str, Snapshot], quarantined: pd.DataFrame, links: pd.DataFrame) -> pd.DataFrame:
    """BLOCKED rows for external tickets that, or whose main ticket, could not be read: nothing may be created or posted
    blind, since a ledger that was put back may not know what is there already."""
    rows = quarantined[quarantined["ticket"].notna()]
    if rows.empty:
        return frames.empty(frames.BLOCKED)
    bad = rows.loc[rows["side"] == "main", ["connection", "ticket", "reason"]]
    main = frames.build(frames.TICKETS, (row for s in snapshots.values() for row in s.main.tickets))
    claims = main[["connection", "ticket", "origin"]].rename(columns={"origin": "ext_ticket"})
    known = links[["connection", "main_ticket", "ext_ticket"]].rename(columns={"main_ticket": "ticket"})
    hit = pd.concat([known, claims]).dropna().merge(bad, on=["connection", "ticket"]).assign(side="main")
    outside = rows[rows["side"] == "external"].assign(ext_ticket=rows["ticket"])
    return frames.build(
        frames.BLOCKED,
        (
            {"connection": row.connection, "ext_ticket": row.ext_ticket, "direction": direction,
             "cause": f"{row.side} ticket {row.ticket} could not be read: {row.reason}",
             "kind": "", "parked": False}
            for row in pd.concat([hit, outside]).drop_duplicates(["connection", "ext_ticket"]).itertuples()
            for direction in ("to_main", "to_external")
        ),
    )  # fmt: skip


def _lately(ctx: Context, plans: dict[str, Plan], within: timedelta) -> dict[str, dict[str, int]]:
    """Count what runs without a person's word have written for those that have something to write, as the guard counts
    it."""
    names = [name for name, plan in plans.items() if len(plan.changes)]
    found = ctx.store.written_since(names, ctx.clock() - within, READING) if names else {}
    return {
        name: {
            "creates": n[ChangeKind.CREATE],
            "posts": n[ChangeKind.POST] + n[ChangeKind.REOPEN],
            "megabytes": n[BYTES] // MEGABYTE,
        }
        for name, n in found.items()
    }


def _facts(ctx: Context, snapshots: dict[str, Snapshot], plans: dict[str, Plan]) -> dict[str, Facts]:
    """Find what the guard has to know of each connection."""
    linked = ctx.store.link_counts(list(snapshots))
    linked |= {n: ctx.store.present_links(n) for n, s in snapshots.items() if s.external.listed == 0 and linked.get(n)}
    hour, day = (_lately(ctx, plans, timedelta(hours=hours)) for hours in (1, 24))
    return {
        n: Facts(
            linked=linked.get(n, 0) if s.linked is None else min(linked.get(n, 0), s.linked),
            listed=s.external.listed,
            canary=s.canary,
            main_listed=s.main.listed,
            in_an_hour=hour.get(n, {}),
            in_a_day=day.get(n, {}),
        )
        for n, s in snapshots.items()
    }
