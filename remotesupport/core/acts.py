"""Names for writes that no source message names: what they are, and a digest of what they react to.

The same situation gives the same name, so a write is never planned twice under two names; the next situation of the
same kind gives another one, so a ticket can be closed twice in its life.
"""

from __future__ import annotations

import hashlib

import pandas as pd

from remotesupport.core.model import ChangeKind

_REACTS_TO = (
    "place", "now_ext", "now_main", "agreed_ext", "agreed_main", "status", "activity", "main_activity", "carried",
)  # fmt: skip

DEPARTURE, AFTER_DEPARTURE = "departure", "departure/close"


def follows_departure(kind: str, act: str) -> bool:
    """Whether a change is the close after a departure's note: part of a departure, and no close of its own."""
    return kind == ChangeKind.CLOSE and act.startswith(f"{DEPARTURE}/")


def act_of(pairs: pd.DataFrame, word: str) -> pd.Series:
    """``<word>/<8 hex digits>`` for each pair (``pairs.pair_up``; ``carried``: how many messages have crossed)."""
    facts = zip(*(pairs[c].astype(object).fillna("") for c in _REACTS_TO), strict=True)
    digests = [hashlib.sha256(repr(tuple(map(str, one))).encode()).hexdigest()[:8] for one in facts]
    return pd.Series([f"{word}/{d}" for d in digests], index=pairs.index, dtype="str")
