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
from remotesupport.core.guard import Facts, Verdict, judge
from remotesupport.core.model import ChangeKind, Reason
from remotesupport.core.plan import Plan, make_plans
from remotesupport.core.reconcile import Inputs, Outcome
from remotesupport.core.reconcile import reconcile as three_way_diff
from remotesupport.core.report import READING, RunKind, RunRequest
from remotesupport.core.status import CLOSE_EXTERNAL, CLOSE_MAIN, REOPEN_EXTERNAL, REOPEN_MAIN
from remotesupport.steps.longest import longest
from remotesupport.steps.looking_again import moved
from remotesupport.steps.parking import closes_of_departed
from remotesupport.steps.reaction import answers_may_close
from remotesupport.steps.values import Accepted, Proposal, Snapshot


async def reconcile(ctx: Context, request: RunRequest, snapshots: dict[str, Snapshot], accepted: Accepted) -> Proposal:
    """One pass over the connections that are ready; the plan of each is judged before it is written."""
    inputs = await asyncio.to_thread(_inputs, ctx, request, snapshots, accepted)
    outcome = without_dropped(await asyncio.to_thread(three_way_diff, inputs), ctx.store.dropped(snapshots))
    broken, reports = await _checked(outcome, accepted)
    plans = make_plans(outcome.changes, outcome.altered)
    verdicts = _judge(ctx, snapshots, plans)
    verdicts |= {name: Verdict(False, why) for name, why in broken.items()}
    moving = inputs.moving
    return Proposal(plans, verdicts, outcome.reasons, outcome.agreed, outcome.unfinished, broken, reports, moving)


def without_dropped(outcome: Outcome, dropped: dict[tuple[str, str], str]) -> Outcome:
    """The same without the tickets of which a person has said that nothing is to be written any more."""
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
    linked: dict[str, list[str]] = {}
    for name, ticket in zip(links["connection"].tolist(), links["ext_ticket"].tolist(), strict=True):
        linked.setdefault(name, []).append(ticket)
    settings = {n: ctx.connections[n].settings for n in kept}
    inputs = Inputs(
        tickets=accepted.tickets[accepted.tickets["connection"].isin(kept)],
        messages=accepted.messages[accepted.messages["connection"].isin(kept)],
        links=links,
        carried=frames.build(
            frames.CARRIED, (row for n, tickets in linked.items() for row in ctx.store.carried_rows(n, tickets))
        ),
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
        unproven=_pairs_of({n: s.unproven for n, s in kept.items()}) | frozenset(ctx.store.dropped(kept)),
        patient=frozenset(closes_of_departed(ctx, kept, due=False)),
        unasked=_pairs_of({n: s.external.unasked for n, s in kept.items()}),
        answers_may_close=answers_may_close(ctx.store, kept),
        unable=unable(ctx, kept),
        longest=longest(ctx, kept),
    )
    moving = _pairs_of(moved(ctx, kept))  # asked last, so that it knows of whatever came while the rest was read
    return replace(inputs, moving=moving, unproven=inputs.unproven | moving) if moving else inputs


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
    """→ LINKS of the tickets of either side."""
    shown: dict[tuple[str, str], list[str]] = {}
    for name, side, ticket in zip(*(tickets[c].tolist() for c in ("connection", "side", "ticket")), strict=True):
        shown.setdefault((name, side), []).append(ticket)
    sides = {n: (shown.get((n, "external"), []), shown.get((n, "main"), [])) for n in names}
    return frames.build(frames.LINKS, (row for n, both in sides.items() for row in ctx.store.link_rows(n, *both)))


def reads_of(snapshots: dict[str, Snapshot]) -> pd.DataFrame:
    """→ READS of what could be read."""
    return frames.build(
        frames.READS,
        (
            {"connection": s.name, "side": side, "outcome": "ok", "complete": read.complete, "detail": ""}
            for s in snapshots.values()
            for side, read in (("external", s.external), ("main", s.main))
        ),
    )


def gone(snapshots: dict[str, Snapshot]) -> pd.DataFrame:
    """→ GONE."""
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
             "cause": f"{row.side} ticket {row.ticket} could not be read: {row.reason}", "kind": ""}
            for row in pd.concat([hit, outside]).drop_duplicates(["connection", "ext_ticket"]).itertuples()
            for direction in ("to_main", "to_external")
        ),
    )  # fmt: skip


def _lately(ctx: Context, plans: dict[str, Plan], within: timedelta) -> dict[str, dict[str, int]]:
    """What runs without a person's word have written for those that have something to write, as the guard counts it."""
    names = [name for name, plan in plans.items() if len(plan.changes)]
    found = ctx.store.written_since(names, ctx.clock() - within, READING) if names else {}
    return {
        name: {"creates": n[ChangeKind.CREATE], "posts": n[ChangeKind.POST] + n[ChangeKind.REOPEN]}
        for name, n in found.items()
    }


def _judge(ctx: Context, snapshots: dict[str, Snapshot], plans: dict[str, Plan]) -> dict[str, Verdict]:
    linked = ctx.store.link_counts(list(snapshots))
    linked |= {n: ctx.store.present_links(n) for n, s in snapshots.items() if s.external.listed == 0 and linked.get(n)}
    hour, day = (_lately(ctx, plans, timedelta(hours=hours)) for hours in (1, 24))
    facts = {
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
    limits = {n: ctx.settings.limits(n) for n in snapshots}
    return judge(plans, facts, limits)
