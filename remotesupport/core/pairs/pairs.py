"""One row per external ticket that is linked or was shown: all that is known of it and of its main ticket.

The columns (``columns.PAIRED``) are facts, for the whole shard; what they mean is decided in ``phases``. What must stay
out: messages, changes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from remotesupport.core.frames import only
from remotesupport.core.model import ChangeKind, Direction, Side
from remotesupport.core.pairs.claims import contested_tickets, unlinked_claims
from remotesupport.core.pairs.columns import PAIRED, at
from remotesupport.core.reconcile_io import Inputs
from remotesupport.core.tables.joins import look_up, positions, taken

EXT = ["connection", "ext_ticket"]
MAIN = ["connection", "main_ticket"]
MOVING = "another run was writing to it at that moment; the next look tells"
_AGREED = {"ext_state": "agreed_ext", "main_state": "agreed_main", "department": "agreed_department"}


def pair_up(inputs: Inputs) -> pd.DataFrame:
    """Join both sides and the ledger: Inputs → pairs at the stage PAIRED, sorted by connection and external ticket."""
    mains = tickets_of_side(inputs.tickets, Side.MAIN)
    links = inputs.links.rename(columns=_AGREED)
    pairs = _both(links, tickets_of_side(inputs.tickets, Side.EXTERNAL))
    pairs = _claimed(pairs, links, mains)
    pairs = look_up(
        pairs,
        mains,
        MAIN,
        {f"main_{c}": c for c in ("seen", "fresh", "state", "activity", "subject", "origin")},
    )
    pairs["now_ext"] = pairs["state"].fillna(pairs["agreed_ext"])
    pairs["now_main"] = pairs["main_state"].fillna(pairs["agreed_main"])
    pairs = _waits(_gone(_reads(_places(pairs, inputs), inputs), inputs), inputs)
    return at(PAIRED, _moving(pairs, inputs))


def tickets_of_side(tickets: pd.DataFrame, side: Side) -> pd.DataFrame:
    """One side's TICKETS with its ticket column called ext_ticket or main_ticket, and ``seen`` True."""
    name = "ext_ticket" if side is Side.EXTERNAL else "main_ticket"
    rows = tickets[tickets["side"] == side].drop(columns=["side", "author"])
    return rows.rename(columns={"ticket": name}).assign(seen=True)


def _both(links: pd.DataFrame, external: pd.DataFrame) -> pd.DataFrame:
    pairs = links.merge(
        external.drop(columns="origin"), on=EXT, how="outer", validate="1:1", indicator="found"
    )  # the outer join sorts by the key, so nothing depends on the order of the input
    if pairs["ext_ticket"].dtype == object:  # where one side has many rows (in pyarrow) and the other few
        pairs = pairs.astype(dict.fromkeys(EXT, "str"))
    pairs["linked"] = pairs.pop("found") != "right_only"
    for flag in ("departed", "seen", "fresh"):
        pairs[flag] = pairs[flag].eq(True)
    return pairs


def _claimed(pairs: pd.DataFrame, links: pd.DataFrame, mains: pd.DataFrame) -> pd.DataFrame:
    """Add ``claims``, and the claimed main ticket to tickets that are not linked."""
    stray = unlinked_claims(links, mains)
    quarrels = contested_tickets(links, stray)
    pairs = look_up(pairs, quarrels, EXT, {"claims": "claims"})
    peaceful = look_up(stray, quarrels, EXT, {"claims": "claims"})
    peaceful = peaceful[peaceful["claims"].isna()]
    pairs = look_up(pairs, peaceful, EXT, {"claimed": "main_ticket"})
    pairs["main_ticket"] = pairs["main_ticket"].fillna(pairs.pop("claimed"))
    return pairs


def _places(pairs: pd.DataFrame, inputs: Inputs) -> pd.DataFrame:
    """Add department_now, correspondence, main_department, flagged and department_unseen."""
    pairs["department_unseen"] = pairs["linked"] & pairs["seen"] & pairs["department"].isna()
    pairs["department_now"] = pairs["department"].fillna(pairs["agreed_department"])
    known = inputs.correspondences.assign(there=True)
    pairs = look_up(
        pairs,
        known,
        ["connection", "department_now"],
        {"main_department": "main_department", "there": "there", "enabled": "enabled"},
        to=["connection", "department"],
    )
    pairs["correspondence"] = np.select(
        [pairs.pop("enabled"), pairs.pop("there"), pairs["department_now"].isna()], ["on", "off", "unknown"], "none"
    )
    marks = pd.DataFrame(sorted(inputs.flagged), columns=["connection", "department_now"], dtype="str").assign(
        flagged=True
    )
    return look_up(pairs, marks, ["connection", "department_now"], {"flagged": "flagged"})


def _reads(pairs: pd.DataFrame, inputs: Inputs) -> pd.DataFrame:
    """Add outcome ("ok" when both sides are), detail, complete and main_complete. What was not read is unreachable."""
    for side, prefix in ((Side.EXTERNAL, ""), (Side.MAIN, "main_")):
        reads = inputs.reads[inputs.reads["side"] == side]
        pairs = look_up(
            pairs,
            reads,
            ["connection"],
            {f"{prefix}outcome": "outcome", f"{prefix}detail": "detail", f"{prefix}complete": "complete"},
        )
    external, main = pairs["outcome"].fillna("unreachable"), pairs.pop("main_outcome").fillna("unreachable")
    broken = external.ne("ok")
    pairs["outcome"] = external.where(broken, main)
    side_name = pd.Series(np.where(broken, "external side", "main side"), index=pairs.index, dtype="str")
    detail = pairs["detail"].where(broken, pairs.pop("main_detail")).fillna("not read")
    pairs["detail"] = (side_name + ": " + detail).where(pairs["outcome"].ne("ok"), "")
    return pairs


def _gone(pairs: pd.DataFrame, inputs: Inputs) -> pd.DataFrame:
    """Add ext_gone and main_gone: only what a complete read did not show and a direct look did not find."""
    gone = inputs.gone
    if gone.empty:
        return pairs.assign(ext_gone=_nothing(pairs), main_gone=_nothing(pairs))
    for side, on, name, flag, whole in (
        (Side.EXTERNAL, EXT, "ext_gone", "seen", "complete"),
        (Side.MAIN, MAIN, "main_gone", "main_seen", "main_complete"),
    ):
        rows = gone[gone["side"] == side]
        pairs = look_up(pairs, rows, on, {name: "detail"}, to=["connection", "ticket"])
        pairs[name] = pairs[name].where(~pairs[flag] & pairs[whole])
    return pairs


def _waits(pairs: pd.DataFrame, inputs: Inputs) -> pd.DataFrame:
    """Add wait_… and close_… for each direction, and whether they are parked; without a known direction both wait."""
    if inputs.blocked.empty:
        free: dict[str, Any] = {}
        for column in (f"{word}_{direction}" for word in ("wait", "close") for direction in Direction):
            free |= {column: _nothing(pairs), f"{column}_parked": False}
        return pairs.assign(**free)
    known = [str(d) for d in Direction]
    closes, direct = inputs.blocked["kind"].eq(ChangeKind.CLOSE), inputs.blocked["direction"]
    causes: dict[str, pd.Series] = {}
    for word, held in (("wait", ~closes), ("close", closes)):
        for direction in Direction:
            rows = only(inputs.blocked, held & (direct.eq(direction) | ~direct.isin(known))).drop_duplicates(EXT)
            at_row = positions(pairs, rows, EXT)
            causes[f"{word}_{direction}"] = taken(rows["cause"], at_row, pairs.index)
            causes[f"{word}_{direction}_parked"] = taken(rows["parked"], at_row, pairs.index)
    return pairs.assign(**causes)


def _moving(pairs: pd.DataFrame, inputs: Inputs) -> pd.DataFrame:
    """Pairs that moved while they were read wait both ways, and nothing that looks wrong with them counts."""
    if not inputs.moving:
        return pairs
    found = pd.Series(pd.MultiIndex.from_frame(pairs[EXT]).isin(inputs.moving), pairs.index)
    waits = {column: pairs[column].fillna(MOVING).where(found, pairs[column]) for column in _WAITING}
    return pairs.assign(
        **waits, **{column: pairs[column].mask(found) for column in ("claims", "ext_gone", "main_gone")}
    )


def _nothing(pairs: pd.DataFrame) -> pd.Series:
    """A text column without a text."""
    return pd.Series(np.nan, index=pairs.index, dtype="str")


_WAITING = [f"wait_{direction}" for direction in Direction]
