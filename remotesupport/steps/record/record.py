"""Record what becomes true once a run is done: sightings, agreed states, reasons, the connection's line on the board.

Nothing here writes to a billing. It runs after loading, so an interrupted run simply reads the same again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from connectors.errors import AccessDenied, ConnectorError, ContradictoryHabit, Fatal, Retriable, TooOld
from remotesupport.bootstrap import Context
from remotesupport.core import frames
from remotesupport.core.connections.connection_state import Failure
from remotesupport.core.model import ChangeKind, Reason, Side, TicketState
from remotesupport.core.plan.change_keys import ACTS, follows_departure, is_edit
from remotesupport.core.plan.plan import Plan
from remotesupport.core.records import Beside, ParkedChange, Sighting
from remotesupport.core.run import BillingResult, BillingState
from remotesupport.steps.framing import Rows
from remotesupport.steps.read.department_mapping import remember
from remotesupport.steps.read.extract import STORE
from remotesupport.steps.read.side_reader import mark_fully_read, settled_sightings
from remotesupport.steps.values import PERMITTED, UNDERSTOOD, Accepted, Loaded, Proposal, Snapshot

# The reason of a ticket that could not be read; of one that failed both, the later.
_BY_CHECK = {PERMITTED: Reason.ACCESS_DENIED, UNDERSTOOD: Reason.NOT_UNDERSTOOD}


@dataclass(frozen=True, slots=True)
class ConnectionRows:
    """The rows that validation and the diff have of one connection; ``reasons`` are of REASONS."""

    reasons: Rows = field(default_factory=list)
    agreed: Rows = field(default_factory=list)
    unfinished: Rows = field(default_factory=list)
    quarantined: Rows = field(default_factory=list)

    def not_understood(self, side: Side) -> dict[str, str]:
        """Tickets of ``side`` that were kept out because a habit of the server is not understood."""
        unclear = self.kept_out_by(UNDERSTOOD, side)
        return {ticket: why for ticket, why in self.bad(side).items() if ticket in unclear}

    def kept_out_by(self, check: str, side: Side) -> set[str]:
        """Tickets of ``side`` that failed this check."""
        return {row["ticket"] for row in self.quarantined if row["side"] == side and row["check"] == check}

    @classmethod
    def of_shard(cls, accepted: Accepted, proposal: Proposal) -> dict[str, ConnectionRows]:
        """Split the frames of the shard by connection, in one pass over each."""
        shard = (proposal.reasons, proposal.agreed, proposal.unfinished, accepted.quarantined)
        parts = [frames.by_connection(frame) for frame in shard]
        return {name: cls(*(part.get(name, []) for part in parts)) for name in set().union(*parts)}

    def bad(self, side: Side) -> dict[str, str]:
        """Tickets of ``side`` that validation kept out, each with the first reason."""
        wrong = [row for row in reversed(self.quarantined) if row["side"] == side and row["ticket"] is not None]
        return {row["ticket"]: row["reason"] for row in wrong}


def not_understood(
    ctx: Context, snapshot: Snapshot, found: ConnectionRows, reasons: Rows, kept: Mapping[str, str]
) -> dict[str, str]:
    """External ticket → why, of all that wait because something is not understood: seen in this run, or before.

    ``kept``: those of which the store says so. ``reasons``, of this run, are told of those whose main ticket is not
    understood.
    """
    name, mains = snapshot.name, found.not_understood(Side.MAIN)
    pairs = {main: ext for ext, main in ctx.store.linked(name, main_tickets=list(mains)).items()} if mains else {}
    pairs |= {row["ticket"]: row["origin"] for row in snapshot.main.tickets if row["ticket"] in mains and row["origin"]}
    hidden = {ext: f"main ticket {main}: {mains[main]}" for main, ext in pairs.items()}
    for row in reasons:
        if row["ticket"] in hidden and row["reason"] in (Reason.PENDING, Reason.IN_SYNC):
            row["reason"], row["detail"] = str(Reason.NOT_UNDERSTOOD), hidden[row["ticket"]]
    known = {row["ticket"]: row for row in reasons}
    before = {t: why for t, why in kept.items() if t not in known}
    now = {t: row["detail"] for t, row in known.items() if row["reason"] == Reason.NOT_UNDERSTOOD}
    unseen = {t: why for t, why in hidden.items() if t not in known}
    return {t: why for t, why in (before | now | unseen).items() if t not in snapshot.external.gone}


def final_reasons(
    name: str, found: ConnectionRows, proposal: Proposal, loaded: Loaded | None, stopped: bool, parked: set[str]
) -> Rows:
    """Build rows of REASONS of one connection: exactly one per external ticket read."""
    reasons = [dict(row) for row in found.reasons]
    if stopped:
        for row in reasons:
            if row["reason"] == Reason.PENDING:
                row["reason"], row["detail"] = str(Reason.GUARD_STOPPED), proposal.verdicts[name].why
    elif loaded is not None and not loaded.stopped:
        _after_loading(reasons, found, proposal.plans[name], _departed(proposal, name, loaded), loaded, parked)
    known = {row["ticket"] for row in reasons}
    because = {t: r for check, r in _BY_CHECK.items() for t in found.kept_out_by(check, Side.EXTERNAL)}
    bad = [(t, why) for t, why in found.bad(Side.EXTERNAL).items() if t not in known]
    return reasons + [_reason(name, t, because.get(t, Reason.INVALID_ROW), why) for t, why in bad]


def _after_loading(
    reasons: Rows, found: ConnectionRows, plan: Plan, departed: set[str], loaded: Loaded, parked: set[str]
) -> None:
    written = set(plan.changes["ext_ticket"]) - {row["ext_ticket"] for row in found.unfinished}
    for row in reasons:
        ticket = row["ticket"]
        if ticket in departed:
            row["reason"], row["detail"] = str(Reason.DEPARTED), ""
        elif ticket in loaded.failed:
            if row["reason"] != Reason.CONFLICT:
                row["reason"] = str(Reason.PARKED if ticket in parked else Reason.PENDING)
            row["detail"] = loaded.failed[ticket]
        elif row["reason"] == Reason.PENDING and ticket in written:
            row["reason"], row["detail"] = str(Reason.IN_SYNC), ""


def _reason(name: str, ticket: str, reason: Reason, why: str) -> dict[str, Any]:
    return {"connection": name, "ticket": ticket, "reason": str(reason), "detail": why, "main_ticket": None}


def unseen_not_understood(name: str, reasons: Rows, waiting: dict[str, str], gone: Collection[str]) -> Rows:
    """Build rows of REASONS of tickets that this run did not show: not understood, or gone since they were not."""
    known = {row["ticket"] for row in reasons}
    rows = [_reason(name, t, Reason.NOT_UNDERSTOOD, why) for t, why in waiting.items() if t not in known]
    return rows + [_reason(name, t, Reason.DEPARTED, "it is gone there") for t in gone if t not in known]


def record_outcome(
    ctx: Context, run: str, snapshot: Snapshot, reasons: Rows, found: ConnectionRows, unwritten: set[str]
) -> None:
    """Record what this run established for one connection. ``unwritten``: external tickets with changes that are not
    written, or not surely.

    ``reasons``: of every ticket that was read, and of those that were not but have something to be said of.
    """
    with ctx.store.together():
        _record_outcome(ctx, run, snapshot, reasons, found, unwritten)


def _record_outcome(
    ctx: Context, run: str, snapshot: Snapshot, reasons: Rows, found: ConnectionRows, unwritten: set[str]
) -> None:
    name, store = snapshot.name, ctx.store
    fresh = snapshot.main.fresh
    links = store.linked(name, sorted(unwritten), [row["ticket"] for row in snapshot.main.tickets])
    open_ext, open_main = _still_open(snapshot, reasons, found, unwritten, links)

    def done(side: Side, ticket: str) -> bool:
        return ticket not in (open_ext if side is Side.EXTERNAL else open_main)

    unread = _only_seen(ctx, snapshot)
    seen = [s for side in (snapshot.external, snapshot.main) for s in settled_sightings(side, done, unread)]
    store.save_sightings(run, seen)
    if answered := [ticket for ticket, main in links.items() if main in fresh]:
        store.mark_unread(name, answered, outside=snapshot.corresponding)
    for row in found.agreed:
        store.set_states(
            name, row["ext_ticket"], row["ext_state"], row["main_state"], row["department"], row["departed"], run
        )
    store.record_reasons(run, reasons)
    store.record_quarantine(run, found.quarantined)
    remember(ctx, name, snapshot.resolved)
    _prime(ctx, snapshot)


def _departed(proposal: Proposal, name: str, loaded: Loaded | None) -> set[str]:
    """Name the external tickets whose departure this run has told, or ended."""
    plan = proposal.plans.get(name)
    if plan is None or loaded is None or loaded.stopped:
        return set()
    rows = zip(*(plan.changes[c].tolist() for c in ("ext_ticket", "kind", "act")), strict=True)
    told = {t for t, kind, act in rows if kind == ChangeKind.DEPARTURE or follows_departure(kind, act)}
    return told - set(loaded.failed)


def unwritten(proposal: Proposal, name: str, loaded: Loaded | None, stopped: bool) -> dict[str, str]:
    """Map external tickets to why their changes were not written; of tickets that only main showed, too."""
    plan = proposal.plans.get(name)
    rows = dict.fromkeys(plan.changes["ext_ticket"], "") if plan is not None else {}
    if stopped or loaded is None:
        return dict.fromkeys(rows, proposal.verdicts[name].why if stopped else "not written in this run")
    if loaded.stopped:
        return dict.fromkeys(rows, loaded.stopped) | loaded.failed
    return dict(loaded.failed)


def unseen_reasons(
    name: str, reasons: Rows, proposal: Proposal, loaded: Loaded | None, stopped: bool, parked: set[str]
) -> Rows:
    """Build rows of REASONS of tickets that the external side did not show: with unwritten changes, or found to be
    gone. ``parked``: external tickets with a parked change; what else is unwritten is pending."""
    told = {
        ticket: (Reason.GUARD_STOPPED if stopped else Reason.PARKED if ticket in parked else Reason.PENDING, why)
        for ticket, why in unwritten(proposal, name, loaded, stopped).items()
    }
    told |= dict.fromkeys(_departed(proposal, name, loaded), (Reason.DEPARTED, "it is gone there"))
    known = {row["ticket"] for row in reasons}
    return [_reason(name, ticket, *what) for ticket, what in told.items() if ticket not in known]


def with_conflicts(reasons: Rows, parked: list[ParkedChange]) -> Rows:
    """A ticket whose conflict waits for a person keeps that reason until it is resolved."""
    waiting = {p.ext_ticket: p.cause for p in parked if p.kind is ChangeKind.CONFLICT}
    for row in reasons:
        if row["ticket"] in waiting:
            row["reason"], row["detail"] = str(Reason.CONFLICT), waiting[row["ticket"]]
    return reasons


def unpark_resolved(
    ctx: Context, run: str, snapshot: Snapshot, found: ConnectionRows, parked: list[ParkedChange], moving: set[str]
) -> list[ParkedChange]:
    """Take off the list what nobody wants any more; returns what stays parked.

    Conflicts that a person has resolved in the billings (the ticket goes on in the next run, by itself), only where
    both sides were looked at in this run and nothing was unreadable. Closes, reopens and edits of tickets on which
    both sides agree by now, and closes and reopens of tickets that have left since or are gone there. ``found``: as the
    diff gave it. ``moving``: tickets that another run wrote to meanwhile.
    """
    if not parked:
        return parked
    ended = _departed_of(ctx, snapshot.name, parked) | set(snapshot.external.gone)
    parked = _without_reopened(ctx, run, snapshot, parked, ended)
    solved = _without_conflict(snapshot, found) - moving
    agreed = {row["ticket"] for row in found.reasons if row["reason"] == Reason.IN_SYNC}
    agreed |= {row["ext_ticket"] for row in found.agreed}
    left = []
    for change in parked:
        taken_back = is_edit(change.key) and change.ext_ticket in solved
        moot = (change.kind in ACTS or taken_back) and change.next_try is not None and change.ext_ticket in agreed
        moot |= change.ext_ticket in ended and change.kind in ACTS and not change.ends_departure
        moot &= not change.is_told
        if change.id is not None and (moot or (change.key.endswith("/conflict") and change.ext_ticket in solved)):
            ctx.store.unpark(change.id, run)
        else:
            left.append(change)
    return left


def _departed_of(ctx: Context, name: str, parked: list[ParkedChange]) -> set[str]:
    """External tickets that have left, of those for whose state something is parked."""
    acts = [change.ext_ticket for change in parked if change.kind in ACTS and not change.ends_departure]
    return {row["ext_ticket"] for row in ctx.store.link_rows(name, acts) if row["departed"]} if acts else set()


def _without_reopened(
    ctx: Context, run: str, snapshot: Snapshot, parked: list[ParkedChange], ended: set[str]
) -> list[ParkedChange]:
    """Take off the list the main tickets that stayed closed and that somebody has opened since.

    Those of external tickets that have left or are gone (``ended``), too.
    """
    closed = [p for p in parked if p.beside is Beside.STAYS_CLOSED]
    if not closed:
        return parked
    links = ctx.store.linked(snapshot.name, [p.ext_ticket for p in closed])
    opened = {row["ticket"] for row in snapshot.main.tickets if row["state"] == TicketState.OPEN}
    gone = [p for p in closed if p.id is not None and (links.get(p.ext_ticket) in opened or p.ext_ticket in ended)]
    for change in gone:
        why = "the ticket has left" if change.ext_ticket in ended else "the main ticket is open again"
        ctx.store.drop(change.id or 0, why, run)
    return [p for p in parked if p not in gone]


def _without_conflict(snapshot: Snapshot, found: ConnectionRows) -> set[str]:
    """External tickets in which this run would have seen a conflict, and saw none."""
    if snapshot.external.unreadable.keys() - snapshot.external.denied or snapshot.main.unreadable:
        return set()
    inside, outside = snapshot.main.fresh, snapshot.external.fresh
    rest = ((row["ticket"], row["main_ticket"]) for row in found.reasons if row["reason"] != Reason.CONFLICT)
    return {ticket for ticket, main in rest if not main or (main in inside and ticket in outside)}


def _still_open(
    snapshot: Snapshot, reasons: Rows, found: ConnectionRows, unwritten: set[str], links: dict[str, str]
) -> tuple[set[str], set[str]]:
    """External and main tickets that the next run must look at again although their rows may look the same.

    ``links``: external → main ticket, of ``unwritten`` and of all that main showed.
    """
    open_ext = {row["ext_ticket"] for row in found.unfinished} | set(found.bad(Side.EXTERNAL)) | unwritten
    open_ext |= {row["ticket"] for row in reasons if row["reason"] in _WAITING}
    open_main = {row["main_ticket"] for row in found.unfinished if row["main_ticket"] is not None}
    open_main |= set(found.bad(Side.MAIN)) | {main for ext, main in links.items() if ext in open_ext}
    return open_ext, open_main | _unlinked_claims(snapshot, set(links.values()))


def _only_seen(ctx: Context, snapshot: Snapshot) -> Callable[[Sighting], bool]:
    """Make the test whether a ticket would cross if its department corresponded: it is open, or linked."""
    seen = snapshot.external.sightings
    outside = [s for s in seen if s.department and s.department not in snapshot.corresponding]
    cross = {s.ticket for s in outside if s.state == TicketState.OPEN}
    cross |= set(ctx.store.linked(snapshot.name, {s.ticket for s in outside} - cross))
    only_seen = {(s.listing, s.ticket) for s in outside if s.ticket in cross}
    return lambda seen: seen.side is Side.EXTERNAL and (seen.listing, seen.ticket) in only_seen


_WAITING = {
    str(r)
    for r in (
        Reason.PENDING, Reason.PARKED, Reason.GUARD_STOPPED, Reason.CONFLICT, Reason.INVALID_ROW, Reason.ACCESS_DENIED
    )
}  # fmt: skip


def _unlinked_claims(snapshot: Snapshot, linked: set[str]) -> set[str]:
    claims = {row["ticket"] for row in snapshot.main.tickets if row["origin"] is not None and row["fresh"]}
    return claims - linked


def _prime(ctx: Context, snapshot: Snapshot) -> None:
    """A listing counts as read to its end when it was; unreadable tickets are kept as pending sightings."""
    connection = ctx.connections[snapshot.name]
    for side, billing in ((snapshot.external, connection.external), (snapshot.main, connection.main)):
        if side.fully_listed and not side.fully_read_once:
            mark_fully_read(ctx.store, billing)


def kept_out_lines(found: ConnectionRows) -> list[str]:
    """One line for each ticket that validation kept out, for the log."""
    first = {(row["side"], row["ticket"]): row for row in reversed(found.quarantined)}
    return [f"{r['side']} side: ticket {r['ticket']}: kept out by {r['check']}: {r['reason']}" for r in first.values()]


def failed_result(name: str, error: ConnectorError) -> BillingResult:
    """The line of a connection that could not be read."""
    stopped = isinstance(error, ContradictoryHabit)
    return BillingResult(
        name,
        state=BillingState.STOPPED if stopped else BillingState.FAILED,
        reason=str(error),
        access=isinstance(error, AccessDenied),
        failure=failure_of(error),
        side=error.side,
    )


# The narrower class first.
_FAILURES = (
    (AccessDenied, Failure.ACCESS),
    (TooOld, Failure.VERSION),
    (Fatal, Failure.FATAL),
    (Retriable, Failure.UNREACHABLE),
)


def failure_of(error: ConnectorError) -> Failure:
    """The kind of an error that kept a connection from being read."""
    if error.kind == STORE:
        return Failure.STORE
    return next((failure for kind, failure in _FAILURES if isinstance(error, kind)), Failure.UNREADABLE)


def outcome_of(error: ConnectorError | None) -> str:
    """The word for the board: ok, unreachable, access_denied, too_old."""
    if error is None:
        return "ok"
    if isinstance(error, AccessDenied):
        return "access_denied"
    return "too_old" if isinstance(error, TooOld) else "unreachable"


def with_counts(result: BillingResult, snapshot: Snapshot, reasons: Rows) -> BillingResult:
    """Fill in what was read and why."""
    return replace(
        result,
        tickets_read=len(reasons),
        messages_read=len(snapshot.external.messages) + len(snapshot.main.messages),
        unknown_types=snapshot.unknown_types,
        open_lately=len(snapshot.external.open_lately),
        open_corresponding=sum(d in snapshot.corresponding for d in snapshot.external.open_lately),
        requests=snapshot.requests,
        seconds=snapshot.seconds,
        reasons=dict(Counter(row["reason"] for row in reasons)),
    )
