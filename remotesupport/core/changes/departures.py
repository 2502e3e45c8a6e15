"""Tickets that leave their remote department, come back, or whose claims contradict.

What must stay out: telling which these are (``phases``).
"""

from __future__ import annotations

import pandas as pd

from remotesupport.core.model import ChangeKind, Direction, Side, TicketState
from remotesupport.core.pairs.main_evidence import DEPARTED
from remotesupport.core.pairs.phases import Phase
from remotesupport.core.plan.change_keys import AFTER_DEPARTURE, DEPARTURE, act_of
from remotesupport.core.plan.change_rows import Rank, bare, changes, none_from_none
from remotesupport.core.tables.joins import look_up
from remotesupport.core.text.compose import departure_notice, returned_notice
from remotesupport.core.text.remedies import rebuild_advice, reused_number_advice

_TO_MAIN = str(Direction.TO_MAIN)
_TOO_LONG = r"^(.{118}).{3,}$"  # claims; what to do about them comes behind


@none_from_none
def departures(pairs: pd.DataFrame, late: pd.Series, departments: pd.DataFrame) -> pd.DataFrame:
    """Departing pairs → CHANGES: the note to main. ``late``: replies per pair that cannot be delivered any more."""
    why = _why(pairs, departments)
    lost = late.reindex(pairs.index, fill_value=0)
    return changes(
        bare(pairs).assign(
            body=[
                departure_notice(c, t, w, int(n))
                for c, t, w, n in zip(pairs["connection"], pairs["ext_ticket"], why, lost, strict=True)
            ],
            ext_state=pairs["now_ext"],
            act=act_of(pairs, DEPARTURE),
            detail=why,
        ),
        kind=str(ChangeKind.DEPARTURE),
        direction=_TO_MAIN,
        rank=int(Rank.DEPARTURE),
        main_state=str(TicketState.CLOSED),
    )


def _why(pairs: pd.DataFrame, departments: pd.DataFrame) -> pd.Series:
    named = departments[departments["side"].eq(Side.EXTERNAL)]
    names = look_up(pairs, named, ["connection", "department_now"], {"called": "name"}, ["connection", "department"])[
        "called"
    ]
    left = "has left the remote department"
    moved = left + " (now in " + names.fillna(pairs["department_now"]) + ")"
    return ("is gone there (" + pairs["ext_gone"] + ")").fillna(moved).fillna(left).astype("str")


def half_departed(pairs: pd.DataFrame) -> pd.Series:
    """Pairs of which main was told that they left, and whose main ticket was not closed after that."""
    told = pairs["phase"].eq(Phase.DEPARTED) & pairs["linked"] & pairs["departed"]
    return told & pairs["agreed_main"].eq(TicketState.OPEN)


def to_be_closed(pairs: pd.DataFrame) -> pd.Series:
    """Return those of ``half_departed`` that main shows open, with our note as the last word: nobody there has gone on
    with it."""
    last = pairs["main_fresh"] & pairs["notice"].eq(DEPARTED) & pairs["last_word"]
    return half_departed(pairs) & last & pairs["now_main"].eq(TicketState.OPEN)


def ended_by_people(pairs: pd.DataFrame) -> pd.Series:
    """Return those of ``half_departed`` that staff in main have closed, or gone on with: nothing is left to close."""
    read = pairs["main_fresh"] & ~(pairs["notice"].eq(DEPARTED) & pairs["last_word"])
    return half_departed(pairs) & (read | pairs["now_main"].eq(TicketState.CLOSED))


@none_from_none
def closings(pairs: pd.DataFrame) -> pd.DataFrame:
    """Pairs of ``to_be_closed`` → CHANGES: the close alone, without a word, since main was told already."""
    return changes(
        bare(pairs).assign(ext_state=pairs["now_ext"], act=act_of(pairs, AFTER_DEPARTURE)),
        kind=str(ChangeKind.CLOSE),
        direction=_TO_MAIN,
        rank=int(Rank.STATUS),
        main_state=str(TicketState.CLOSED),
        detail="it has left; its main ticket is still open",
    )


@none_from_none
def returns(pairs: pd.DataFrame) -> pd.DataFrame:
    """Returning pairs → CHANGES: the same main ticket is opened again, before the messages that it missed."""
    return changes(
        bare(pairs).assign(
            body=[returned_notice(*one) for one in zip(pairs["connection"], pairs["ext_ticket"], strict=True)],
            act=act_of(pairs, "return"),
            detail="back in department " + pairs["department_now"],
        ),
        kind=str(ChangeKind.REOPEN),
        direction=_TO_MAIN,
        rank=int(Rank.REPLY),
        ext_state=str(TicketState.OPEN),
        main_state=str(TicketState.OPEN),
    )


@none_from_none
def conflicts(pairs: pd.DataFrame) -> pd.DataFrame:
    """Contested pairs and pairs whose main ticket is gone → CHANGES that write nothing: a person decides."""
    return changes(
        bare(pairs).assign(
            detail=conflict_in_words(pairs),
            ext_state=pairs["now_ext"].fillna(TicketState.OPEN),
            main_state=pairs["now_main"].fillna(TicketState.OPEN),
        ),
        kind=str(ChangeKind.CONFLICT),
        direction=_TO_MAIN,
        rank=int(Rank.CONFLICT),
        act="conflict",
    )


def conflict_in_words(pairs: pd.DataFrame) -> pd.Series:
    """Say what is wrong with each contested pair and what to do, in words that the store keeps whole."""
    cures = {of: pairs["connection"].map(of).astype("str") for of in (reused_number_advice, rebuild_advice)}
    claims = "more than one claim: " + pairs["claims"].str.replace(_TOO_LONG, r"\1 …", regex=True)
    claims += ". " + cures[reused_number_advice]
    gone = "main ticket " + pairs["main_ticket"] + " is gone (" + pairs["main_gone"] + "); it is not created again. "
    gone += "To have it created again: " + cures[rebuild_advice]
    return claims.fillna(pairs["anomaly"]).fillna(gone).astype("str")
