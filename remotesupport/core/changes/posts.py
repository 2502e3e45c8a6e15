"""Posts: new messages and follow-ups on edits, both directions, in source order.

What must stay out: which tickets may be written to (``reconcile`` decides), statuses (``states`` gives the states).
"""

from __future__ import annotations

import pandas as pd

from remotesupport.core.model import ChangeKind, Direction
from remotesupport.core.plan.change_keys import EDIT
from remotesupport.core.plan.change_rows import Rank, changes, covers, none_from_none
from remotesupport.core.text.carrying import NO_LIMITS, Longest, in_length
from remotesupport.core.text.compose import header_lines, to_external, to_main


@none_from_none
def posts_to_main(rows: pd.DataFrame, longest: Longest = NO_LIMITS) -> pd.DataFrame:
    """External messages with their pair's states after it (``ext_state``, ``main_state``, ``note``) → CHANGES."""
    said = [to_main(h, b) for h, b in zip(header_lines(rows), rows["body"], strict=True)]
    return _posts(in_length(rows, said, Direction.TO_MAIN, longest), rows["message"], Direction.TO_MAIN, Rank.POST)


@none_from_none
def posts_to_external(rows: pd.DataFrame) -> pd.DataFrame:
    """Main replies with ``sent`` and their pair's states after it → CHANGES."""
    return _posts(rows.assign(body=rows["sent"]), rows["message"], Direction.TO_EXTERNAL, Rank.REPLY)


def _posts(rows: pd.DataFrame, acts: pd.Series, direction: Direction, rank: Rank) -> pd.DataFrame:
    triples = zip(rows["message"], rows["body_hash"], strict=True)
    return changes(
        rows.assign(
            act=acts,
            covers=[covers([(m, h, None)]) for m, h in triples],
            detail="message " + rows["message"] + rows["note"],
        ),
        kind=str(ChangeKind.POST),
        direction=str(direction),
        rank=int(rank),
    )


@none_from_none
def follow_ups(rows: pd.DataFrame, named: frozenset[str], longest: Longest = NO_LIMITS) -> pd.DataFrame:
    """Edited messages of both directions (with ``direction``, ``edits`` and their pair's states) → CHANGES.

    The follow-up covers ``<message>/edit/<n>``, so the first carrier of the message stays known as ours.
    """
    return pd.concat(
        [_follow(rows[rows["direction"].eq(d)], d, named, longest) for d in Direction if rows["direction"].eq(d).any()],
        ignore_index=True,
    )


def _follow(rows: pd.DataFrame, direction: Direction, named: frozenset[str], longest: Longest) -> pd.DataFrame:
    inbound = direction is Direction.TO_MAIN
    said = (
        [to_main(h, b, edited=True) for h, b in zip(header_lines(rows), rows["body"], strict=True)]
        if inbound
        else [
            to_external(b, [], a if c in named else None, edited=True)
            for c, b, a in zip(rows["connection"], rows["body"], rows["author"], strict=True)
        ]
    )
    nth = (rows["edits"] + 1).astype("str")
    again = ("/" + nth).where(rows["edits"] > 0, "")
    told = rows["message"] + EDIT + nth
    found = _posts(
        in_length(rows.assign(files="[]", note=" was edited" + rows["note"]), said, direction, longest),
        rows["message"] + EDIT + rows["body_hash"].str[:8] + again,
        direction,
        Rank.POST if inbound else Rank.REPLY,
    )
    return found.assign(covers=[covers([(t, h, None)]) for t, h in zip(told, rows["body_hash"], strict=True)])
