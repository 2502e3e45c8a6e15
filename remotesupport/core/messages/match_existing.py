"""Finds messages that are on the other side though the ledger does not know it: lost ledger, backup, lost receipt.

Towards main the header line tells (``match_in_main``). Towards clients nothing was added, so equal text in equal order
tells (``match_in_external``), and for a pair that was linked all along also that our own login wrote it. What must stay
out: writing.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from remotesupport.core.messages.match_in_external import match_in_external
from remotesupport.core.messages.match_in_main import match_in_main
from remotesupport.core.messages.matches import Difference, Matches, matches_frame
from remotesupport.core.messages.pending import PendingMessages, of_our_login
from remotesupport.core.model import PEOPLE, Direction, MessageKind, Side, TicketState
from remotesupport.core.pairs.phases import Phase
from remotesupport.core.tables.joins import is_in

_MESSAGE = ["pair", "message"]


def match_existing(
    found: PendingMessages, pairs: pd.DataFrame
) -> tuple[PendingMessages, pd.DataFrame, list[Difference]]:
    """Find what has arrived already → the rest of the pending messages, and what was found: pair (label), direction,
    message (the source, ``<message>/edit/<n>`` for a follow-up), body_hash (of the text as told), target (missing:
    given up), ordinal; and what of it a server shows otherwise than it was sent.

    Only pairs whose two threads were read, and only the directions in which nothing waits (a pair that is not linked
    yet waits as a whole). By the order of writing, what was not found though a later message was is never sent any
    more: a person gave it up.
    """
    inward, outward = _recognisable(pairs)
    inbound = found.edited["direction"].eq(Direction.TO_MAIN)
    sources, replies = _of(found.to_main, inward), _of(found.to_external, outward)
    told, told_back = _of(found.edited[inbound], inward), _of(found.edited[~inbound], outward)
    if sources.empty and replies.empty and told.empty and told_back.empty:
        return replace(found, to_main=_of_others(found.to_main)), matches_frame([]), []
    there = match_in_main(sources, told, _of(found.main, inward))
    unlinked = set(pairs.index[~pairs["linked"]])
    mine = _mine(_of(found.to_main, outward), there, unlinked)
    back = match_in_external(replies, told_back, mine)
    _give_up(sources, there, back, unlinked)
    known = matches_frame([*there.rows, *back.rows])
    return _without(found, there, back), known, [*there.differences, *back.differences]


def opened_by_us(pairs: pd.DataFrame, known: pd.DataFrame, messages: pd.DataFrame) -> pd.Series:
    """Linked pairs (bool) with a side that is open though no person has opened it: the last thing that was said there
    is ours and was recognised just now. ``known`` as ``match_existing`` returns it, ``messages`` are MESSAGES."""
    return _ours_stands_last(pairs, known, messages, Side.MAIN, TicketState.OPEN) | _ours_stands_last(
        pairs, known, messages, Side.EXTERNAL, TicketState.OPEN
    )


def closed_by_answer(
    pairs: pd.DataFrame, known: pd.DataFrame, messages: pd.DataFrame, answers_may_close: frozenset[str]
) -> pd.Series:
    """Linked pairs (bool) of ``answers_may_close`` whose external ticket is closed though no person has closed it.

    The last thing that was said there is our own answer, recognised just now. ``known``, ``messages``: as for
    ``opened_by_us``.
    """
    there = pairs["connection"].isin(answers_may_close)
    if not there.any():
        return there
    return there & _ours_stands_last(pairs, known, messages, Side.EXTERNAL, TicketState.CLOSED)


def _ours_stands_last(
    pairs: pd.DataFrame, known: pd.DataFrame, messages: pd.DataFrame, side: Side, state: TicketState
) -> pd.Series:
    found = pd.Series(False, index=pairs.index)
    if known.empty:
        return found
    said = messages[messages["kind"].isin(PEOPLE) & messages["side"].eq(side)].sort_values("ordinal")
    last = said.drop_duplicates(["connection", "ticket"], keep="last")
    direction, number, now = _THERE[side]
    ours = known[known["direction"].eq(direction) & known["target"].notna()]
    there = pairs.loc[ours["pair"], ["connection", number, now, "linked"]].assign(message=ours["target"].array)
    spoke = is_in(there, last, ["connection", number, "message"], _LAST)
    return found | found.index.isin(there.index[spoke & there["linked"] & there[now].eq(state)])


_LAST = ["connection", "ticket", "message"]
_THERE = {
    Side.MAIN: (Direction.TO_MAIN, "main_ticket", "now_main"),
    Side.EXTERNAL: (Direction.TO_EXTERNAL, "ext_ticket", "now_ext"),
}


def _recognisable(pairs: pd.DataFrame) -> tuple[pd.Index, pd.Index]:
    """Pairs of which something may be recognised in main, and at the clients'."""
    read = pairs["main_fresh"] & pairs["fresh"]
    read &= pairs["phase"].isin([Phase.ACTIVE, Phase.RETURNING, Phase.ADOPTABLE])
    to_main, to_external = pairs["wait_to_main"].isna(), pairs["wait_to_external"].isna()
    inward = read & to_main & (to_external | pairs["linked"])
    outward = read & to_external & (to_main | pairs["linked"])
    return pairs.index[inward], pairs.index[outward]


def _of(rows: pd.DataFrame, labels: pd.Index) -> pd.DataFrame:
    return rows[rows["pair"].isin(labels)]


def _mine(sources: pd.DataFrame, there: Matches, unlinked: set[int]) -> pd.DataFrame:
    """External messages that may be our own replies: by our login, or by an unknown one where no ledger is."""
    ours = sources["own"].eq("yes") | (sources["own"].isna() & sources["pair"].isin(unlinked))
    known = pd.Series(
        [key in there.sources for key in zip(sources["pair"], sources["message"], strict=True)], sources.index
    )
    return sources[ours & sources["kind"].eq(MessageKind.STAFF) & ~known.astype(bool)]


def _give_up(sources: pd.DataFrame, there: Matches, back: Matches, unlinked: set[int]) -> None:
    """Record as carried, without a target, what will never be sent.

    That is what stands before the last message that was recognised, and was not; and what our own login wrote to
    clients though main does not show it (any more): an answer that was edited or deleted since, of which no ledger
    knows. It is no message of the billing's own staff. What may still turn out to be our reply ``waits``.
    """
    recognised = sorted((r for r in there.rows if (r[0], r[2]) in there.sources), key=lambda r: r[5])
    last = {row[0]: row[5] for row in recognised}
    passed = sources["ordinal"] < sources["pair"].map(last).fillna(-1).astype("int64")
    ours = sources["own"].eq("yes") & sources["kind"].eq(MessageKind.STAFF) & sources["pair"].isin(unlinked)
    there.give_up(sources[(passed | ours) & ~sources["waits"]], unless=back.targets)


def _of_others(sources: pd.DataFrame) -> pd.DataFrame:
    return sources[~of_our_login(sources)]


def _without(found: PendingMessages, there: Matches, back: Matches) -> PendingMessages:
    """Leave out what was recognised on the other side, and whatever our own login wrote."""

    def left(rows: pd.DataFrame, gone: set[tuple[int, str]]) -> pd.DataFrame:
        if not gone:
            return rows
        keys = pd.DataFrame(sorted(gone), columns=_MESSAGE).astype({"message": "str"})
        return rows[~is_in(rows, keys, _MESSAGE)]

    inbound = found.edited["direction"].eq(Direction.TO_MAIN)
    edited = [left(found.edited[inbound], there.settled), left(found.edited[~inbound], back.settled)]
    return replace(
        found,
        to_main=left(left(_of_others(found.to_main), there.sources), back.targets),
        to_external=left(found.to_external, back.sources),
        edited=pd.concat([*edited, *there.edited, *back.edited]),
    )
