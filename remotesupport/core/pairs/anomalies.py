"""Signs that a billing was restored from a backup, or that an id is another ticket's by now.

What the ledger knows is not there any more, or is not what it was. Such a pair is a conflict: nothing is written to it
until a person has looked. Where the server gives messages no ids of its own, an edited message looks vanished, so there
only subjects tell. What must stay out: claims of one ticket by several (``claims``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd

from remotesupport.core.frames import only
from remotesupport.core.model import Direction, MessageKind, Side
from remotesupport.core.pairs.columns import WITH_ANOMALIES, at
from remotesupport.core.pairs.main_evidence import told_texts
from remotesupport.core.pairs.pairs import EXT
from remotesupport.core.plan.change_keys import EDIT
from remotesupport.core.reconcile_io import Inputs
from remotesupport.core.tables.joins import is_in, look_up
from remotesupport.core.text.compose import subject_with_origin
from remotesupport.core.text.remedies import rebuild_advice

_DERIVED = rf"{EDIT}|@"  # names of carried rows that are not messages of their own
_COMPARE = "all that was carried reads differently now: both threads are compared first"
_CURE = "nothing is written to this ticket. Was a billing restored from a backup? Compare both tickets; if so, "


class Anomaly(NamedTuple):
    """One sign on one pair (its label), in words. ``unsure``: both threads have to be compared before it counts."""

    pair: int
    words: str
    unsure: bool = False


def add_anomalies(pairs: pd.DataFrame, inputs: Inputs) -> pd.DataFrame:
    """Add what is odd with linked pairs: pairs WITH_MAIN_EVIDENCE → WITH_ANOMALIES."""
    found = [*_vanished(pairs, inputs), *reused_ids(pairs, inputs)]
    unsure = [one.pair for one in found if one.unsure]
    names = pairs["connection"]
    said = {a.pair: f"{a.words}; {_CURE}{rebuild_advice(names[a.pair])}" for a in reversed(found) if not a.unsure}
    words = _renamed(pairs, inputs).fillna(pd.Series(said, dtype="str").reindex(pairs.index)).astype("str")
    first = pairs.index.isin(unsure)
    waits = {f"wait_{d}": pairs[f"wait_{d}"].mask(first, _COMPARE) for d in Direction}
    parked = {f"wait_{d}_parked": pairs[f"wait_{d}_parked"] & ~first for d in Direction}
    suspect = pairs["connection"].isin(pairs.loc[words.notna(), "connection"])
    return at(WITH_ANOMALIES, pairs.assign(anomaly=words, suspect=suspect, **waits, **parked))


def _renamed(pairs: pd.DataFrame, inputs: Inputs) -> pd.Series:
    """The linked main ticket's subject has lost its origin: its id is perhaps another ticket's now."""
    other = pairs["linked"] & pairs["main_seen"] & pairs["main_origin"].isna() & ~_left_alone(pairs, inputs)
    tag = "[" + pairs["connection"] + " #" + pairs["ext_ticket"] + "]"
    said = (
        "main ticket " + pairs["main_ticket"] + " does not begin with " + tag + " any more, so it may be another one; "
    )
    said = said[other] + "nothing is written to it. Put the origin back; or, if it is another one: "
    return (said + pairs.loc[other, "connection"].map(rebuild_advice)).reindex(pairs.index).astype("str")


def _checked(pairs: pd.DataFrame, inputs: Inputs, side: Side, fresh: str) -> pd.DataFrame:
    """Linked pairs whose thread on that side was read, has ids, and was not written to since."""
    rows = only(pairs[[*EXT, "main_ticket"]], pairs["linked"] & pairs[fresh])
    skip = {c for c, s in inputs.unnumbered if s == side}
    return rows[~rows["connection"].isin(skip) & ~_left_alone(rows, inputs)]


def _left_alone(pairs: pd.DataFrame, inputs: Inputs) -> pd.Series:
    keys = zip(pairs["connection"], pairs["ext_ticket"], strict=True)
    return pd.Series([key in inputs.unconfirmed for key in keys], pairs.index, dtype=bool)


def _carried(pairs: pd.DataFrame, inputs: Inputs, direction: Direction) -> pd.DataFrame:
    """CARRIED rows of these pairs in one direction, with ``pair`` and ``main_ticket``."""
    rows = inputs.carried[inputs.carried["direction"].eq(direction)]
    rows = rows[is_in(rows, pairs, EXT)]
    return look_up(rows, pairs.assign(pair=pairs.index), EXT, {"pair": "pair", "main_ticket": "main_ticket"})


def missing_targets(pairs: pd.DataFrame, inputs: Inputs) -> dict[Side, pd.DataFrame]:
    """CARRIED rows (with ``pair``) whose target is not in the thread any more, or not ours, by the side it was on."""
    found = {}
    for direction, side, fresh, ticket, kind in (
        (Direction.TO_MAIN, Side.MAIN, "main_fresh", "main_ticket", MessageKind.CLIENT),
        (Direction.TO_EXTERNAL, Side.EXTERNAL, "fresh", "ext_ticket", MessageKind.STAFF),
    ):
        rows = _carried(_checked(pairs, inputs, side, fresh), inputs, direction)
        rows = rows[rows["target_message"].notna()]
        ours = inputs.messages["kind"].eq(kind) & inputs.messages["own"].ne("no")
        there = inputs.messages[inputs.messages["side"].eq(side) & ours]
        at, to = ["connection", ticket, "target_message"], ["connection", "ticket", "message"]
        found[side] = rows[~is_in(rows, there, at, to)]
    return found


def _vanished(pairs: pd.DataFrame, inputs: Inputs) -> list[Anomaly]:
    """Return the pairs in which a thread does not show our own messages any more."""
    found: list[Anomaly] = []
    if inputs.carried.empty:
        return found
    for side, rows in missing_targets(pairs, inputs).items():
        for label, group in _groups(rows):
            ids = dict.fromkeys(group["target_message"])
            shown = ", ".join([*ids][:3])
            words = f"{len(ids)} message(s) that were carried to the {side} side are not there any more ({shown})"
            found.append(Anomaly(label, words))
    return found


def _groups(rows: pd.DataFrame) -> Iterator[tuple[int, pd.DataFrame]]:
    for label in sorted(set(rows["pair"])):
        yield int(label), rows[rows["pair"].eq(label)]


def reused_ids(pairs: pd.DataFrame, inputs: Inputs) -> list[Anomaly]:
    """Return the pairs in which no carried message is what it was: the id may be another ticket's by now."""
    if inputs.carried.empty:
        return []
    checked = _checked(pairs, inputs, Side.EXTERNAL, "fresh")
    rows = _carried(checked, inputs, Direction.TO_MAIN)
    rows = rows[~rows["source_message"].str.contains(_DERIVED)]
    if rows.empty:
        return []
    there = inputs.messages[inputs.messages["side"].eq(Side.EXTERNAL)]
    on, to = ["connection", "ext_ticket", "source_message"], ["connection", "ticket", "message"]
    rows = look_up(rows, there, on, {"now": "body_hash", "at_text": "at_text"}, to)
    rows = rows.assign(same=rows["now"].eq(rows["body_hash"]))
    doubtful = rows[~rows.groupby("pair")["same"].transform("any")]
    found: list[Anomaly] = []
    for label, group in _groups(doubtful):
        shown = group[group["now"].notna()]
        if shown.empty:
            found.append(Anomaly(label, "none of the messages that were carried is in the external ticket any more"))
        elif (edited := _is_edited(label, pairs.loc[[label]].iloc[0], shown, inputs)) is not True:
            words = "the external ticket's messages are other ones than those that were carried"
            found.append(Anomaly(label, words, unsure=edited is None))
    return found


def _is_edited(label: int, pair: pd.Series, shown: pd.DataFrame, inputs: Inputs) -> bool | None:
    """Tell whether messages of another text are edited ones: main tells the time of each, else the subject is the same.

    None: main has to be read first.
    """
    if not pair["main_fresh"]:
        wanted = subject_with_origin(pair["connection"], pair["ext_ticket"], pair["subject"])
        return True if pair["main_seen"] and pair["main_subject"] == wanted else None
    mine = inputs.messages["side"].eq(Side.MAIN) & inputs.messages["ticket"].eq(pair["main_ticket"])
    thread = inputs.messages[mine & inputs.messages["connection"].eq(pair["connection"])]
    told = told_texts(thread.assign(pair=label, ext_ticket=pair["ext_ticket"]))
    for source, at_text in zip(shown["source_message"], shown["at_text"], strict=True):
        rest = [t.rest for t in told.get((label, source), [])]
        if not at_text.strip() or not rest or any(f"| {at_text.strip()}" in r for r in rest):
            return True
    return False
