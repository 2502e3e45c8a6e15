"""Tickets that enter: a new one in main with the conversation so far, or the adoption of one that is there already.

What must stay out: which tickets enter (``phases``), later messages (``posts``).
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from remotesupport.core.compose import closed_notice, opening, subject_with_origin, to_main, unclosable_note
from remotesupport.core.model import ChangeKind, Direction, TicketState
from remotesupport.core.pairs import EXT
from remotesupport.core.posts import headers
from remotesupport.core.rows import NO_CHANGES, Rank, all_files, bare, changes, covers, none_from_none


@none_from_none
def creates(pairs: pd.DataFrame, messages: pd.DataFrame, unclosable: frozenset[str] = frozenset()) -> pd.DataFrame:
    """Pairs to create and their external messages in source order → CHANGES; a pair without messages gives no row.

    ``unclosable``: connections whose external tickets we cannot close; that is said once, at the top of the opening.
    """
    told = messages[messages["pair"].isin(pairs.index)]
    told = told.assign(
        said=[to_main(h, b) for h, b in zip(headers(told), told["body"], strict=True)],
        triple=_triples(told, None),
    )
    if told.empty:
        return NO_CHANGES
    grouped = told.groupby("pair", sort=True)
    rows = pairs.loc[list(grouped.groups)]
    return changes(
        bare(rows).assign(
            subject=[
                subject_with_origin(*one)
                for one in zip(rows["connection"], rows["ext_ticket"], rows["subject"], strict=True)
            ],
            department=rows["main_department"],
            body=[
                opening([*([unclosable_note(name)] if name in unclosable else []), *texts.tolist()])
                for name, (_, texts) in zip(rows["connection"], grouped["said"], strict=True)
            ],
            files=[all_files(files) for _, files in grouped["files"]],
            covers=[covers(triples) for _, triples in grouped["triple"]],
            detail=grouped.size().astype("str") + " message(s) so far",
        ),
        kind=str(ChangeKind.CREATE),
        direction=str(Direction.TO_MAIN),
        rank=int(Rank.CREATE),
        act="create",
        ext_state=str(TicketState.OPEN),
        main_state=str(TicketState.OPEN),
    )


@none_from_none
def closes_of_created(pairs: pd.DataFrame) -> pd.DataFrame:
    """For what is created although closed over there: closed again afterwards; its main ticket is not known yet."""
    return changes(
        pairs[EXT].assign(body=[closed_notice(*one) for one in zip(*(pairs[c] for c in EXT), strict=True)]),
        kind=str(ChangeKind.CLOSE),
        direction=str(Direction.TO_MAIN),
        rank=int(Rank.STATUS),
        act="create/close",
        ext_state=str(TicketState.CLOSED),
        main_state=str(TicketState.CLOSED),
        detail="it was closed before it was carried over",
    )


@none_from_none
def adoptions(pairs: pd.DataFrame, recognised: pd.DataFrame) -> pd.DataFrame:
    """Pairs to link without a write, and what was recognised of linked ones → CHANGES.

    One row to main for each ticket, one to external where replies were recognised (``covers`` has one direction).
    A link that is new agrees on the states that both sides show.
    """
    listed = recognised.sort_values(["pair", "direction", "ordinal", "message"])
    grouped = listed.assign(triple=_triples(listed, "target")).groupby(["pair", "direction"], sort=True)["triple"]
    found = pd.DataFrame({"covers": grouped.agg(covers), "known": grouped.size()}).reset_index()
    inbound = found.loc[found["direction"].eq(Direction.TO_MAIN), "pair"]
    blank = pairs.index[~pairs.index.isin(inbound) & (~pairs["linked"] | pairs["was_away"])]
    empty = pd.DataFrame({"covers": "[]", "known": 0, "pair": blank, "direction": str(Direction.TO_MAIN)})
    every = pd.concat([part for part in (found, empty) if len(part)] or [empty])
    rows = pairs.loc[every["pair"]]
    return changes(
        bare(rows).assign(
            covers=every["covers"].to_numpy(),
            direction=every["direction"].to_numpy(),
            ext_state=rows["agreed_ext"],
            main_state=rows["agreed_main"],
            detail=[
                f"{n} message(s) recognised in main ticket {t}"
                for n, t in zip(every["known"], rows["main_ticket"], strict=True)
            ],
        ),
        kind=str(ChangeKind.ADOPT),
        rank=int(Rank.REPLY),
        act="adopt",
    )


def _triples(rows: pd.DataFrame, target: str | None) -> pd.Series:
    targets = [None] * len(rows) if target is None else [None if pd.isna(t) else t for t in rows[target]]
    triples: list[Any] = list(zip(rows["message"], rows["body_hash"], targets, strict=True))
    return pd.Series(triples, index=rows.index, dtype=object)
