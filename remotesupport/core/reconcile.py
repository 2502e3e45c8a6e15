"""The three-way diff (semantics sections 3 to 6): both sides and the ledger in, changes and reasons out.

Pure and vectorised: one pass over all connections of a shard, no clock, no I/O, nothing depends on the order of rows.
This module only connects the parts: facts (``pairs``, ``told``, ``strange``), their meaning (``phases``), messages
(``traffic``, ``recognise``), and what is written (``entries``, ``posts``, ``departures``, ``status``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from remotesupport.core import frames
from remotesupport.core.altered import AlteredText
from remotesupport.core.departures import closings, conflicts, departures, returns, to_be_closed
from remotesupport.core.entries import adoptions, closes_of_created, creates
from remotesupport.core.found import Difference
from remotesupport.core.frames import only
from remotesupport.core.inputs import Inputs, Outcome
from remotesupport.core.keys import is_in, look_up
from remotesupport.core.leftovers import agreed, left, unfinished
from remotesupport.core.model import ChangeKind, Direction, TicketState
from remotesupport.core.pairs import EXT, pair_up
from remotesupport.core.phases import CROSSING, Phase, phases
from remotesupport.core.plan import in_order
from remotesupport.core.posts import follow_ups, posts_to_external, posts_to_main
from remotesupport.core.reasons import reasons, waiting
from remotesupport.core.recognise import closed_by_answer, opened, recognise
from remotesupport.core.status import (
    CLOSE_EXTERNAL,
    CLOSE_MAIN,
    after_post_to_external,
    after_post_to_main,
    crossings,
    weigh,
)
from remotesupport.core.strange import strange
from remotesupport.core.told import caught_up, heard
from remotesupport.core.traffic import Traffic, traffic

__all__ = ["Inputs", "Outcome", "reconcile"]

_OPEN, _CLOSED = str(TicketState.OPEN), str(TicketState.CLOSED)


def reconcile(inputs: Inputs) -> Outcome:
    """What has to be written so that both sides tell the same story, and why each ticket is as it is.

    Raises ValueError when a frame's key is not unique.
    """
    pairs = strange(caught_up(heard(pair_up(inputs), inputs.messages)), inputs)
    pairs["phase"] = phases(pairs, create_closed=inputs.create_closed)
    found, known, shown = recognise(traffic(inputs, pairs), pairs)
    closed = closed_by_answer(pairs, known, inputs.messages, inputs.answers_may_close)
    pairs = _free(pairs, opened(pairs, known, inputs.messages), closed, inputs.quiet)
    sent = _sent(found, pairs)
    pairs = _weighed(pairs, found, sent, inputs.unable)
    pairs["waiting"], pairs["to_close"] = waiting(pairs), to_be_closed(pairs)
    changes = in_order(frames.concat(frames.CHANGES, _changes(inputs, pairs, found, sent, known)))
    pairs["planned"] = is_in(pairs, changes, EXT)
    pairs["written"] = is_in(pairs, changes[changes["kind"].ne(ChangeKind.ADOPT)], EXT)
    pairs["unasked"] = [key in inputs.unasked for key in zip(*(pairs[c] for c in EXT), strict=True)]
    pairs["open_why"] = left(pairs, quiet=inputs.quiet)
    return Outcome(
        changes,
        reasons(pairs, inputs.messages, inputs.unable),
        agreed(pairs),
        unfinished(pairs),
        altered_texts(shown, pairs),
    )


def altered_texts(shown: Iterable[Difference], pairs: pd.DataFrame) -> dict[str, list[AlteredText]]:
    """By connection, what ``recognise`` found in other words."""
    found: dict[str, list[AlteredText]] = {}
    for pair, direction, source, target, how in shown:
        name, ticket = pairs.loc[pair, "connection"], pairs.loc[pair, "ext_ticket"]
        found.setdefault(str(name), []).append(AlteredText(str(ticket), direction, source, target, how))
    return found


def _free(pairs: pd.DataFrame, ours: pd.Series, closed: pd.Series, quiet: bool) -> pd.DataFrame:
    """Adds free_main, free_external (may be written to now), enters (adopted now) and the states to start from: what a
    message of ours opened (``ours``), it opened on both sides; what our answer ``closed`` was closed by nobody."""
    to_main, to_external = pairs["wait_to_main"].isna(), pairs["wait_to_external"].isna()
    enters = pairs["phase"].eq(Phase.ADOPTABLE) & pairs["fresh"] & pairs["main_fresh"] & to_main & to_external
    crosses = pairs["phase"].isin(CROSSING) | enters
    returning = pairs["phase"].eq(Phase.RETURNING)
    both = returning | ours
    return pairs.assign(
        enters=enters,
        free_main=crosses & to_main & ~pairs["unplaced"],
        free_external=crosses & to_external & ~(returning & ~to_main) & (not quiet),
        now_main=pairs["now_main"].mask(returning, _OPEN),
        agreed_ext=pairs["agreed_ext"].where(~enters, pairs["now_ext"]).mask(both, _OPEN).mask(closed, _CLOSED),
        agreed_main=pairs["agreed_main"].where(~enters, pairs["now_main"]).mask(both, _OPEN),
    )


def _sent(found: Traffic, pairs: pd.DataFrame) -> Traffic:
    """The part of the traffic that is written now."""

    def part(rows: pd.DataFrame, free: str) -> pd.DataFrame:
        return rows[pairs[free].reindex(rows["pair"]).to_numpy(dtype=bool)]

    to_main = part(found.to_main, "free_main")
    inbound = found.edited["direction"].eq(Direction.TO_MAIN)
    edited = (part(found.edited[inbound], "free_main"), part(found.edited[~inbound], "free_external"))
    return replace(
        found,
        to_main=to_main[~to_main["waits"]],
        to_external=part(found.to_external, "free_external"),
        edited=pd.concat(edited),
    )


def _weighed(pairs: pd.DataFrame, found: Traffic, sent: Traffic, unable: frozenset[tuple[str, str]]) -> pd.DataFrame:
    """Adds what is sent and pending in each direction, and what section 5 makes of it (``status.weigh``)."""
    inbound, told = found.edited["direction"].eq(Direction.TO_MAIN), sent.edited["direction"].eq(Direction.TO_MAIN)
    columns = {
        "sends_main": [sent.to_main["pair"], sent.edited.loc[told, "pair"]],
        "sends_external": [sent.to_external["pair"], sent.edited.loc[~told, "pair"]],
        "pending_main": [found.to_main["pair"], found.edited.loc[inbound, "pair"]],
        "pending_external": [found.to_external["pair"], found.edited.loc[~inbound, "pair"]],
    }
    weighed = weigh(pairs.assign(**{c: pairs.index.isin(pd.concat(labels)) for c, labels in columns.items()}), unable)
    return weighed.assign(wait_close=_close_waits(weighed))


def _close_waits(pairs: pd.DataFrame) -> pd.Series:
    """Why the close that would cross now has to wait, in words; missing where none would, or it is free."""
    active = pairs["cross"].where(pairs["phase"].eq(Phase.ACTIVE), "")
    inbound, outbound = active.eq(CLOSE_MAIN), active.eq(CLOSE_EXTERNAL)
    return pairs["close_to_main"].where(inbound).fillna(pairs["close_to_external"].where(outbound))


def _changes(
    inputs: Inputs, pairs: pd.DataFrame, found: Traffic, sent: Traffic, known: pd.DataFrame
) -> list[pd.DataFrame]:
    free = pairs["wait_to_main"].isna()
    unclosable = frozenset(name for name, what in inputs.unable if what == CLOSE_EXTERNAL)
    entering = only(pairs, pairs["phase"].eq(Phase.CREATABLE) & free & pairs["fresh"])
    created = creates(entering, found.to_main, unclosable, inputs.longest)
    unheard = pairs["wait_to_external"].isna() & free
    adopted = pd.Series(pairs.index.isin(known["pair"]), pairs.index) | pairs["enters"] | (pairs["was_away"] & free)
    return [
        adoptions(only(pairs, adopted), known),
        created,
        closes_of_created(only(pairs, pairs["state"].eq(TicketState.CLOSED) & is_in(pairs, created, EXT))),
        conflicts(only(pairs, pairs["phase"].eq(Phase.CONFLICT) & unheard)),
        *_posts(inputs, pairs, sent),
        *_statuses(inputs, pairs, found),
    ]


def _posts(inputs: Inputs, pairs: pd.DataFrame, sent: Traffic) -> list[pd.DataFrame]:
    talking = only(pairs, pairs["sends_main"] | pairs["sends_external"])
    if talking.empty:
        return []
    into, out = after_post_to_main(talking), after_post_to_external(talking)
    told = sent.edited["direction"].eq(Direction.TO_MAIN)
    edited = pd.concat([_stated(sent.edited[told], into), _stated(sent.edited[~told], out)])
    return [
        posts_to_main(_stated(sent.to_main, into), inputs.longest),
        posts_to_external(_stated(sent.to_external, out)),
        follow_ups(edited, inputs.show_author, inputs.longest),
    ]


def _stated(rows: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Messages with the states that their pair has after them."""
    state = after.loc[rows["pair"]].set_axis(rows.index)
    return rows.assign(ext_state=state["ext_state"], main_state=state["main_state"], note=state["note"])


def _statuses(inputs: Inputs, pairs: pd.DataFrame, found: Traffic) -> list[pd.DataFrame]:
    """Closes, reopens, departures with their closes, and returns, of the pairs that are free in that direction."""
    to_main = pairs["cross"].str.endswith(Direction.TO_MAIN)
    free = pairs["wait_to_main"].isna() & ~pairs["doubtful"]
    open_now = pairs["free_main"].where(to_main, pairs["free_external"]) & ~pairs["doubtful"]
    crossing = pairs["phase"].eq(Phase.ACTIVE) & pairs["cross"].ne("") & open_now & pairs["wait_close"].isna()
    leaving = departing(pairs) & free
    back = returning(pairs) & free
    patient = pd.MultiIndex.from_frame(pairs[EXT]).isin(inputs.patient)
    left_open = pairs["to_close"] & free & ~patient
    rows = _counted(only(pairs, crossing | leaving | back | left_open), inputs.carried)
    late = found.to_external.groupby("pair").size()
    return [
        crossings(rows[crossing.reindex(rows.index)]),
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
    """Adds ``carried``: how many messages have crossed so far, both ways."""
    if pairs.empty:
        return pairs.assign(carried=0)
    sizes = carried[is_in(carried, pairs, EXT)].groupby(EXT).size().rename("n").reset_index()
    counted = look_up(pairs, sizes, EXT, {"carried": "n"})
    return counted.assign(carried=counted["carried"].fillna(0).astype("int64"))
