"""The three-way diff (semantics sections 3 to 6): both sides and the ledger in, changes and reasons out.

Pure and vectorised: one pass over all connections of a shard, no clock, no I/O, nothing depends on the order of rows.
This module only connects the rooms: facts (``pairs``), their meaning (``phases``), messages that wait or are there
already (``messages``), and what is written (``changes``). The columns of pairs are declared in ``pairs/columns``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from remotesupport.core import frames
from remotesupport.core.changes.creates import adoptions, closes_of_created, creates
from remotesupport.core.changes.departures import closings, conflicts, departures, returns, to_be_closed
from remotesupport.core.changes.posts import follow_ups, posts_to_external, posts_to_main
from remotesupport.core.changes.reasons import reasons, with_waiting
from remotesupport.core.changes.states import (
    CLOSE_EXTERNAL,
    CLOSE_MAIN,
    after_post_to_external,
    after_post_to_main,
    plan_state_changes,
    state_changes,
)
from remotesupport.core.changes.unfinished import ledger_updates, unfinished, unfinished_reason
from remotesupport.core.changes.unmoved import known_outcome, unmoved, without_connections
from remotesupport.core.frames import only
from remotesupport.core.messages.match_existing import closed_by_answer, match_existing, opened_by_us
from remotesupport.core.messages.matches import Difference
from remotesupport.core.messages.pending import PendingMessages, pending_messages
from remotesupport.core.model import ChangeKind, Direction, TicketState
from remotesupport.core.pairs.anomalies import add_anomalies
from remotesupport.core.pairs.columns import DECIDED, MATCHED, PHASED, WEIGHED, at
from remotesupport.core.pairs.main_evidence import add_last_notice, apply_main_evidence
from remotesupport.core.pairs.pairs import EXT, pair_up
from remotesupport.core.pairs.phases import CROSSING, Phase, phases
from remotesupport.core.plan.plan import in_order
from remotesupport.core.reconcile_io import Inputs, Outcome
from remotesupport.core.tables.joins import is_in, look_up
from remotesupport.core.text.altered import AlteredText

__all__ = ["Inputs", "Outcome", "reconcile"]

_OPEN, _CLOSED = str(TicketState.OPEN), str(TicketState.CLOSED)


def reconcile(inputs: Inputs) -> Outcome:
    """Decide what has to be written so that both sides tell the same story, and say why each ticket is as it is.

    Connections for which nothing has moved are not compared. Raises ValueError when a frame's key is not unique.
    """
    known = unmoved(inputs)
    if not known:
        return three_way_diff(inputs)
    rest = without_connections(inputs, known)
    still = known_outcome(known)
    if rest.tickets.empty and rest.links.empty:
        return still
    found = three_way_diff(rest)
    reasons = pd.concat([found.reasons, still.reasons])
    return replace(found, reasons=reasons.sort_values(["connection", "ticket"], ignore_index=True))


def three_way_diff(inputs: Inputs) -> Outcome:
    """Do the same for all connections alike, whether anything has moved or not."""
    pairs = add_anomalies(apply_main_evidence(add_last_notice(pair_up(inputs), inputs.messages)), inputs)
    pairs = at(PHASED, pairs.assign(phase=phases(pairs, create_closed=inputs.create_closed)))
    found, known, shown = match_existing(pending_messages(inputs, pairs), pairs)
    closed = closed_by_answer(pairs, known, inputs.messages, inputs.answers_may_close)
    pairs = _with_permissions(pairs, opened_by_us(pairs, known, inputs.messages), closed, inputs.quiet)
    sent = _sent(found, pairs)
    pairs = _weighed(pairs, found, sent, inputs.unable)
    pairs = with_waiting(pairs).assign(to_close=to_be_closed(pairs))
    changes = in_order(frames.concat(frames.CHANGES, _changes(inputs, pairs, found, sent, known)))
    asked_later = [key in inputs.unasked for key in zip(*(pairs[c] for c in EXT), strict=True)]
    pairs = pairs.assign(
        planned=is_in(pairs, changes, EXT),
        written=is_in(pairs, changes[changes["kind"].ne(ChangeKind.ADOPT)], EXT),
        department_unasked=pd.Series(asked_later, pairs.index, dtype="bool"),
    )
    pairs = at(DECIDED, pairs.assign(unfinished_reason=unfinished_reason(pairs, quiet=inputs.quiet)))
    return Outcome(
        changes,
        reasons(pairs, inputs.messages, inputs.unable),
        ledger_updates(pairs),
        unfinished(pairs),
        altered_texts(shown, pairs),
    )


def altered_texts(shown: Iterable[Difference], pairs: pd.DataFrame) -> dict[str, list[AlteredText]]:
    """Group by connection what ``match_existing`` found in other words."""
    found: dict[str, list[AlteredText]] = {}
    for pair, direction, source, target, how in shown:
        name, ticket = pairs.loc[pair, "connection"], pairs.loc[pair, "ext_ticket"]
        found.setdefault(str(name), []).append(AlteredText(str(ticket), direction, source, target, how))
    return found


def _with_permissions(pairs: pd.DataFrame, ours: pd.Series, closed: pd.Series, quiet: bool) -> pd.DataFrame:
    """Add may_write_main, may_write_external and adopted_now, and put right the states to start from: what a message of
    ours opened (``ours``), it opened on both sides; what our answer ``closed`` was closed by nobody."""
    to_main, to_external = pairs["wait_to_main"].isna(), pairs["wait_to_external"].isna()
    enters = pairs["phase"].eq(Phase.ADOPTABLE) & pairs["fresh"] & pairs["main_fresh"] & to_main & to_external
    crosses = pairs["phase"].isin(CROSSING) | enters
    returning = pairs["phase"].eq(Phase.RETURNING)
    both = returning | ours
    matched = pairs.assign(
        adopted_now=enters,
        may_write_main=crosses & to_main & ~pairs["department_unseen"],
        may_write_external=crosses & to_external & ~(returning & ~to_main) & (not quiet),
        now_main=pairs["now_main"].mask(returning, _OPEN),
        agreed_ext=pairs["agreed_ext"].where(~enters, pairs["now_ext"]).mask(both, _OPEN).mask(closed, _CLOSED),
        agreed_main=pairs["agreed_main"].where(~enters, pairs["now_main"]).mask(both, _OPEN),
    )
    return at(MATCHED, matched)


def _sent(found: PendingMessages, pairs: pd.DataFrame) -> PendingMessages:
    """The part of the traffic that is written now."""

    def part(rows: pd.DataFrame, free: str) -> pd.DataFrame:
        return rows[pairs[free].reindex(rows["pair"]).to_numpy(dtype=bool)]

    to_main = part(found.to_main, "may_write_main")
    inbound = found.edited["direction"].eq(Direction.TO_MAIN)
    edited = (part(found.edited[inbound], "may_write_main"), part(found.edited[~inbound], "may_write_external"))
    return replace(
        found,
        to_main=to_main[~to_main["waits"]],
        to_external=part(found.to_external, "may_write_external"),
        edited=pd.concat(edited),
    )


def _weighed(
    pairs: pd.DataFrame, found: PendingMessages, sent: PendingMessages, unable: frozenset[tuple[str, str]]
) -> pd.DataFrame:
    """Add what is sent and pending in each direction, and which state crosses then: pairs MATCHED → WEIGHED."""
    inbound, told = found.edited["direction"].eq(Direction.TO_MAIN), sent.edited["direction"].eq(Direction.TO_MAIN)
    columns = {
        "sends_main": [sent.to_main["pair"], sent.edited.loc[told, "pair"]],
        "sends_external": [sent.to_external["pair"], sent.edited.loc[~told, "pair"]],
        "pending_main": [found.to_main["pair"], found.edited.loc[inbound, "pair"]],
        "pending_external": [found.to_external["pair"], found.edited.loc[~inbound, "pair"]],
    }
    weighed = plan_state_changes(
        pairs.assign(**{c: pairs.index.isin(pd.concat(labels)) for c, labels in columns.items()}), unable
    )
    return at(WEIGHED, _with_close_waits(weighed))


def _with_close_waits(pairs: pd.DataFrame) -> pd.DataFrame:
    """Add ``wait_close``: why the close that would cross now has to wait, in words; missing where it has not to."""
    active = pairs["state_change"].where(pairs["phase"].eq(Phase.ACTIVE), "")
    inbound, outbound = active.eq(CLOSE_MAIN), active.eq(CLOSE_EXTERNAL)
    return pairs.assign(
        wait_close=pairs["close_to_main"].where(inbound).fillna(pairs["close_to_external"].where(outbound)),
        wait_close_parked=(inbound & pairs["close_to_main_parked"]) | (outbound & pairs["close_to_external_parked"]),
    )


def _changes(
    inputs: Inputs, pairs: pd.DataFrame, found: PendingMessages, sent: PendingMessages, known: pd.DataFrame
) -> list[pd.DataFrame]:
    free = pairs["wait_to_main"].isna()
    unclosable = frozenset(name for name, what in inputs.unable if what == CLOSE_EXTERNAL)
    entering = only(pairs, pairs["phase"].eq(Phase.CREATABLE) & free & pairs["fresh"])
    created = creates(entering, found.to_main, unclosable, inputs.longest)
    unheard = pairs["wait_to_external"].isna() & free
    adopted = (
        pd.Series(pairs.index.isin(known["pair"]), pairs.index) | pairs["adopted_now"] | (pairs["was_away"] & free)
    )
    return [
        adoptions(only(pairs, adopted), known),
        created,
        closes_of_created(only(pairs, pairs["state"].eq(TicketState.CLOSED) & is_in(pairs, created, EXT))),
        conflicts(only(pairs, pairs["phase"].eq(Phase.CONFLICT) & unheard)),
        *_posts(inputs, pairs, sent),
        *_statuses(inputs, pairs, found),
    ]


def _posts(inputs: Inputs, pairs: pd.DataFrame, sent: PendingMessages) -> list[pd.DataFrame]:
    talking = only(pairs, pairs["sends_main"] | pairs["sends_external"])
    if talking.empty:
        return []
    into, out = after_post_to_main(talking), after_post_to_external(talking)
    told = sent.edited["direction"].eq(Direction.TO_MAIN)
    edited = sent.edited
    if len(edited):
        edited = pd.concat([_stated(edited[told], into), _stated(edited[~told], out)])
    return [
        posts_to_main(_stated(sent.to_main, into), inputs.longest),
        posts_to_external(_stated(sent.to_external, out)),
        follow_ups(edited, inputs.show_author, inputs.longest),
    ]


def _stated(rows: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Messages with the states that their pair has after them."""
    if rows.empty:
        return rows
    state = after.loc[rows["pair"]].set_axis(rows.index)
    return rows.assign(ext_state=state["ext_state"], main_state=state["main_state"], note=state["note"])


def _statuses(inputs: Inputs, pairs: pd.DataFrame, found: PendingMessages) -> list[pd.DataFrame]:
    """Closes, reopens, departures with their closes, and returns, of the pairs that are free in that direction."""
    to_main = pairs["state_change"].str.endswith(Direction.TO_MAIN)
    free = pairs["wait_to_main"].isna() & ~pairs["suspect"]
    open_now = pairs["may_write_main"].where(to_main, pairs["may_write_external"]) & ~pairs["suspect"]
    crossing = pairs["phase"].eq(Phase.ACTIVE) & pairs["state_change"].ne("") & open_now & pairs["wait_close"].isna()
    leaving = departing(pairs) & free
    back = returning(pairs) & free
    close_not_due = pd.MultiIndex.from_frame(pairs[EXT]).isin(inputs.close_not_due)
    left_open = pairs["to_close"] & free & ~close_not_due
    if not (any_of := crossing | leaving | back | left_open).any():
        return []
    rows = _counted(only(pairs, any_of), inputs.carried)
    late = found.to_external.groupby("pair").size()
    return [
        state_changes(rows[crossing.reindex(rows.index)]),
        departures(rows[leaving.reindex(rows.index)], late, inputs.departments),
        returns(rows[back.reindex(rows.index)]),
        closings(rows[left_open.reindex(rows.index)]),
    ]


def departing(pairs: pd.DataFrame) -> pd.Series:
    """Pairs whose leaving main must be told: a ticket that is closed there is not opened again by a note."""
    return pairs["phase"].eq(Phase.DEPARTING) & pairs["now_main"].eq(TicketState.OPEN)


def returning(pairs: pd.DataFrame) -> pd.Series:
    """Pairs whose return opens main again: those that are open, or have something to say."""
    return pairs["phase"].eq(Phase.RETURNING) & (pairs["now_ext"].eq(TicketState.OPEN) | pairs["pending_main"])


def _counted(pairs: pd.DataFrame, carried: pd.DataFrame) -> pd.DataFrame:
    """Add ``carried``: how many messages have crossed so far, both ways."""
    if pairs.empty:
        return pairs.assign(carried=0)
    sizes = carried[is_in(carried, pairs, EXT)].groupby(EXT).size().rename("n").reset_index()
    counted = look_up(pairs, sizes, EXT, {"carried": "n"})
    return counted.assign(carried=counted["carried"].fillna(0).astype("int64"))
