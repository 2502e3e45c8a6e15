"""What becomes true once a run is done: sightings, agreed states, reasons, the connection's line on the board.

Nothing here writes to a billing. It runs after loading, so an interrupted run simply reads the same again.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from connectors.errors import AccessDenied, ConnectorError, TooOld
from remotesupport.bootstrap import Context
from remotesupport.core import frames
from remotesupport.core.acts import follows_departure
from remotesupport.core.model import ChangeKind, ParkedChange, Reason, Side
from remotesupport.core.report import BillingResult, BillingState
from remotesupport.steps.correspond import remember
from remotesupport.steps.parking import ACTS
from remotesupport.steps.reading import mark_primed, settled_sightings
from remotesupport.steps.values import Accepted, Loaded, Proposal, Snapshot


def final_reasons(
    name: str,
    accepted: Accepted,
    proposal: Proposal,
    loaded: Loaded | None,
    stopped: bool,
    parked: set[str],
) -> pd.DataFrame:
    """→ REASONS of one connection: exactly one row per external ticket read."""
    reasons = proposal.reasons[proposal.reasons["connection"] == name].copy()
    pending = reasons["reason"] == str(Reason.PENDING)
    if stopped:
        reasons.loc[pending, ["reason", "detail"]] = [str(Reason.GUARD_STOPPED), proposal.verdicts[name].why]
    elif loaded is not None and not loaded.stopped:
        failed = reasons["ticket"].isin(loaded.failed)
        written = reasons["ticket"].isin(proposal.plans[name].changes["ext_ticket"])
        left = reasons["ticket"].isin(_of(proposal.unfinished, name)["ext_ticket"])
        reasons.loc[pending & written & ~failed & ~left, ["reason", "detail"]] = [str(Reason.IN_SYNC), ""]
        departed = reasons["ticket"].isin(_departed(proposal, name, loaded))
        reasons.loc[departed, ["reason", "detail"]] = [str(Reason.DEPARTED), ""]
        hit = failed & (reasons["reason"] != str(Reason.CONFLICT))
        reasons.loc[hit, "reason"] = str(Reason.PENDING)
        reasons.loc[hit & reasons["ticket"].isin(parked), "reason"] = str(Reason.PARKED)
        reasons.loc[failed, "detail"] = reasons.loc[failed, "ticket"].map(loaded.failed)
    bad = accepted.quarantined
    bad = bad[(bad["connection"] == name) & (bad["side"] == str(Side.EXTERNAL))].drop_duplicates("ticket")
    bad = bad[~bad["ticket"].isin(reasons["ticket"])]
    invalid = frames.build(
        frames.REASONS,
        (
            {"connection": name, "ticket": r.ticket, "reason": str(Reason.INVALID_ROW), "detail": r.reason,
             "main_ticket": None}
            for r in bad.itertuples()
        ),
    )  # fmt: skip
    return frames.concat(frames.REASONS, [reasons, invalid])


def settle_books(
    ctx: Context, run: str, snapshot: Snapshot, reasons: pd.DataFrame, accepted: Accepted, proposal: Proposal,
    undone: set[str],
) -> None:  # fmt: skip
    """Record what this run established for one connection. ``undone``: external tickets with unwritten changes."""
    name, store = snapshot.name, ctx.store
    open_ext, open_main = _still_open(ctx, snapshot, reasons, accepted, proposal, undone)

    def done(side: Side, ticket: str) -> bool:
        return ticket not in (open_ext if side is Side.EXTERNAL else open_main)

    for side in (snapshot.external, snapshot.main):
        store.save_sightings(run, settled_sightings(side, done))
    for row in frames.records(_of(proposal.agreed, name)):
        store.set_states(
            name, row["ext_ticket"], row["ext_state"], row["main_state"], row["department"], row["departed"], run
        )
    store.record_reasons(run, reasons)
    store.record_quarantine(run, frames.records(_of(accepted.quarantined, name)))
    remember(ctx, name, snapshot.resolved)
    _prime(ctx, snapshot)


def _departed(proposal: Proposal, name: str, loaded: Loaded | None) -> set[str]:
    """External tickets whose departure this run has told, or ended."""
    plan = proposal.plans.get(name)
    if plan is None or loaded is None or loaded.stopped:
        return set()
    rows = zip(*(plan.changes[c].astype(str) for c in ("ext_ticket", "kind", "act")), strict=True)
    told = {t for t, kind, act in rows if kind == ChangeKind.DEPARTURE or follows_departure(kind, act)}
    return told - set(loaded.failed)


def undone(proposal: Proposal, name: str, loaded: Loaded | None, stopped: bool) -> dict[str, str]:
    """External tickets of the plan that were not written, and why; of tickets that only main showed, too."""
    plan = proposal.plans.get(name)
    rows = dict.fromkeys(plan.changes["ext_ticket"], "") if plan is not None else {}
    if stopped or loaded is None:
        return dict.fromkeys(rows, proposal.verdicts[name].why if stopped else "not written in this run")
    if loaded.stopped:
        return dict.fromkeys(rows, loaded.stopped) | loaded.failed
    return dict(loaded.failed)


def unseen_reasons(
    name: str, reasons: pd.DataFrame, proposal: Proposal, loaded: Loaded | None, stopped: bool
) -> pd.DataFrame:
    """→ REASONS of tickets that the external side did not show: with unwritten changes, or found to be gone."""
    word = str(Reason.GUARD_STOPPED if stopped else Reason.PARKED)
    told = {ticket: (word, why) for ticket, why in undone(proposal, name, loaded, stopped).items()}
    told |= {ticket: (str(Reason.DEPARTED), "it is gone there") for ticket in _departed(proposal, name, loaded)}
    known = set(reasons["ticket"])
    return frames.build(
        frames.REASONS,
        (
            {"connection": name, "ticket": ticket, "reason": reason, "detail": why, "main_ticket": None}
            for ticket, (reason, why) in told.items()
            if ticket not in known
        ),
    )


def with_conflicts(reasons: pd.DataFrame, parked: list[ParkedChange]) -> pd.DataFrame:
    """A ticket whose conflict waits for a person keeps that reason until it is resolved."""
    waiting = {p.ext_ticket: p.cause for p in parked if p.kind is ChangeKind.CONFLICT}
    hit = reasons["ticket"].isin(waiting)
    reasons.loc[hit, "reason"] = str(Reason.CONFLICT)
    reasons.loc[hit, "detail"] = reasons.loc[hit, "ticket"].map(waiting)
    return reasons


def let_go(
    ctx: Context, run: str, snapshot: Snapshot, proposal: Proposal, parked: list[ParkedChange]
) -> list[ParkedChange]:
    """Take off the list what nobody wants any more; returns what stays parked.

    Conflicts that a person has resolved in the billings (the ticket goes on in the next run, by itself), only where
    both sides were looked at in this run and nothing was unreadable. And closes, reopens and edits of tickets on which
    both sides agree by now.
    """
    known = _of(proposal.reasons, snapshot.name)
    solved = _without_conflict(snapshot, known)
    agreed = set(known.loc[known["reason"] == str(Reason.IN_SYNC), "ticket"])
    agreed |= set(_of(proposal.agreed, snapshot.name)["ext_ticket"])
    left = []
    for change in parked:
        taken_back = "/edit/" in change.key and change.ext_ticket in solved
        moot = (change.kind in ACTS or taken_back) and change.next_try is not None and change.ext_ticket in agreed
        if change.id is not None and (moot or (change.key.endswith("/conflict") and change.ext_ticket in solved)):
            ctx.store.unpark(change.id, run)
        else:
            left.append(change)
    return left


def _without_conflict(snapshot: Snapshot, known: pd.DataFrame) -> set[str]:
    """External tickets in which this run would have seen a conflict, and saw none."""
    if snapshot.external.unreadable or snapshot.main.unreadable:
        return set()
    fresh = set(snapshot.main.tickets.loc[snapshot.main.tickets["fresh"], "ticket"])
    read = set(snapshot.external.tickets.loc[snapshot.external.tickets["fresh"], "ticket"])
    rest = known[known["reason"] != str(Reason.CONFLICT)]
    pairs = zip(rest["ticket"], rest["main_ticket"].fillna(""), strict=True)
    return {ticket for ticket, main in pairs if not main or (main in fresh and ticket in read)}


def _of(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    return frame[frame["connection"] == name]


def _still_open(
    ctx: Context, snapshot: Snapshot, reasons: pd.DataFrame, accepted: Accepted, proposal: Proposal, undone: set[str]
) -> tuple[set[str], set[str]]:
    """External and main tickets that the next run must look at again although their rows may look the same."""
    name = snapshot.name
    left = _of(proposal.unfinished, name)
    bad = _of(accepted.quarantined, name)
    outside = bad["side"] == str(Side.EXTERNAL)
    open_ext = set(left["ext_ticket"]) | set(bad.loc[outside, "ticket"])
    unproven = {intent.ext_ticket for intent in ctx.store.open_intents(name)}
    open_ext |= set(reasons.loc[reasons["reason"].isin(_WAITING), "ticket"]) | undone | unproven
    links = ctx.store.links(name, sorted(undone | unproven), [str(t) for t in snapshot.main.tickets["ticket"]])
    open_main = set(left["main_ticket"].dropna()) | set(bad.loc[~outside, "ticket"])
    open_main |= set(links.loc[links["ext_ticket"].isin(open_ext), "main_ticket"])
    return open_ext, open_main | _unlinked_claims(snapshot, links)


_WAITING = {str(r) for r in (Reason.PENDING, Reason.PARKED, Reason.GUARD_STOPPED, Reason.CONFLICT, Reason.INVALID_ROW)}


def _unlinked_claims(snapshot: Snapshot, links: pd.DataFrame) -> set[str]:
    main = snapshot.main.tickets
    claims = main.loc[main["origin"].notna() & main["fresh"], "ticket"]
    return set(claims) - set(links["main_ticket"])


def _prime(ctx: Context, snapshot: Snapshot) -> None:
    """A listing counts as read to its end when it was; unreadable tickets are kept as pending sightings."""
    connection = ctx.connections[snapshot.name]
    for side, billing in ((snapshot.external, connection.external), (snapshot.main, connection.main)):
        if side.to_the_end:
            mark_primed(ctx.store, billing)


def kept_out(name: str, accepted: Accepted) -> list[str]:
    """One line for each ticket that validation kept out, for the log."""
    rows = _of(accepted.quarantined, name).drop_duplicates(["side", "ticket"])
    return [f"{row.side} side: ticket {row.ticket}: kept out by {row.check}: {row.reason}" for row in rows.itertuples()]


def failed_result(name: str, error: ConnectorError) -> BillingResult:
    """The line of a connection that could not be read."""
    return BillingResult(name, state=BillingState.FAILED, reason=str(error), access=isinstance(error, AccessDenied))


def outcome_of(error: ConnectorError | None) -> str:
    """The word for the board: ok, unreachable, access_denied, too_old."""
    if error is None:
        return "ok"
    if isinstance(error, AccessDenied):
        return "access_denied"
    return "too_old" if isinstance(error, TooOld) else "unreachable"


def with_counts(result: BillingResult, snapshot: Snapshot, accepted: Accepted, reasons: pd.DataFrame) -> BillingResult:
    """Fill in what was read and why."""
    bad = accepted.quarantined
    return replace(
        result,
        tickets_read=len(reasons),
        messages_read=len(snapshot.external.messages) + len(snapshot.main.messages),
        quarantined=int(bad.loc[bad["connection"] == snapshot.name, "ticket"].nunique()),
        requests=snapshot.requests,
        seconds=snapshot.seconds,
        reasons={str(k): int(v) for k, v in reasons["reason"].value_counts().items()},
    )
