"""Tickets that enter: a new one in main with the conversation so far, or the adoption of one that is there already.

What must stay out: which tickets enter (``phases``), later messages (``posts``).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from remotesupport.core.model import ChangeKind, Direction, TicketState
from remotesupport.core.pairs.pairs import EXT
from remotesupport.core.plan.change_rows import NO_CHANGES, Rank, all_files, bare, changes, covers, none_from_none
from remotesupport.core.text.carrying import NO_LIMITS, Longest, in_length, most
from remotesupport.core.text.compose import (
    RULE,
    closed_notice,
    header_lines,
    opening,
    subject_with_origin,
    to_main,
    unclosable_note,
)
from remotesupport.core.text.lengths import groups, size


@none_from_none
def creates(
    pairs: pd.DataFrame,
    messages: pd.DataFrame,
    unclosable: frozenset[str] = frozenset(),
    longest: Longest = NO_LIMITS,
) -> pd.DataFrame:
    """Pairs to create and their external messages in source order → CHANGES; a pair without messages gives no row.

    A conversation that is too long for one message goes in parts: the ticket with the first, posts for the rest.
    ``unclosable``: connections whose external tickets we cannot close; that is said once, at the top of the opening.
    """
    told = messages[messages["pair"].isin(pairs.index)]
    if told.empty:
        return NO_CHANGES
    said = [to_main(h, b) for h, b in zip(header_lines(told), told["body"], strict=True)]
    told = in_length(told.assign(triple=_triples(told, None)), said, Direction.TO_MAIN, longest)
    told = told.assign(part=_parts(told, unclosable, longest)).sort_values("pair", kind="stable")
    parts = told.groupby(["pair", "part"], sort=True)
    first = parts.head(1)
    rows = pairs.loc[first["pair"]].reset_index(drop=True)
    opens = first["part"].eq(0).to_numpy()
    beside = [_beside(name, unclosable) if new else [] for name, new in zip(rows["connection"], opens, strict=True)]
    texts = [opening([*before, *part["body"]]) for before, (_, part) in zip(beside, parts, strict=True)]
    written = bare(rows).assign(
        kind=np.where(opens, str(ChangeKind.CREATE), str(ChangeKind.POST)),
        act=first["message"].mask(opens, "create").array,
        ordinal=first["ordinal"].mask(opens, 0).array,
        subject=[subject_with_origin(*one) if new else "" for new, one in zip(opens, _origins(rows), strict=True)],
        department=rows["main_department"].where(opens),
        body=texts,
        files=[all_files(files) for _, files in parts["files"]],
        covers=[covers(triples) for _, triples in parts["triple"]],
        detail=(parts.size().astype("str") + " message(s) so far").array,
    )
    return changes(
        written,
        direction=str(Direction.TO_MAIN),
        rank=int(Rank.CREATE),
        ext_state=str(TicketState.OPEN),
        main_state=str(TicketState.OPEN),
    )


def _origins(rows: pd.DataFrame) -> Iterable[tuple[str, str, str]]:
    return zip(rows["connection"], rows["ext_ticket"], rows["subject"], strict=True)


def _beside(connection: str, unclosable: frozenset[str]) -> list[str]:
    return [unclosable_note(connection)] if connection in unclosable else []


def _parts(told: pd.DataFrame, unclosable: frozenset[str], longest: Longest) -> pd.Series:
    """Number the part of its conversation that each message goes in, from 0 on."""
    found: dict[int, int] = {}
    for _, rows in told.groupby("pair", sort=False):
        name = str(rows["connection"].iloc[0])
        first, *more = rows["body"].tolist()
        texts = [opening([*_beside(name, unclosable), first]), *more]
        parts = groups(texts, most(longest, name, Direction.TO_MAIN), size(RULE))
        found |= zip(rows.index, (part for part, group in enumerate(parts) for _ in group), strict=True)
    return pd.Series(found, dtype="int64").reindex(told.index)


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
