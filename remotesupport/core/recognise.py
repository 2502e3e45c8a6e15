"""What is already on the other side though the ledger does not know it: lost ledger, restored backup, lost receipt.

Towards main the header line tells; towards clients nothing was added, so equal text in equal order tells, and for a
pair that was linked all along also that our own login wrote it. What must stay out: writing.
"""

from __future__ import annotations

import pandas as pd

from remotesupport.core.keys import is_in, look_up
from remotesupport.core.model import Direction, MessageKind
from remotesupport.core.phases import Phase
from remotesupport.core.traffic import Traffic

_HEAD = r"(?m)^(?P<named>[a-z0-9-]+) #(?P<ticket>[^\s/|]+)/(?P<message>\S+) \| (?P<rest>.*)$"
_TOLD = "| edited, it now reads:"
PAIRED = ["pair", "direction", "message", "body_hash", "target", "ordinal"]
_NOTHING = pd.DataFrame({c: pd.Series(dtype="int64" if c in ("pair", "ordinal") else "str") for c in PAIRED})


def recognise(found: Traffic, pairs: pd.DataFrame) -> pd.DataFrame:
    """→ pair (label), direction, message (the source), body_hash, target, ordinal. Only pairs that wait for nothing.

    ``found.to_external`` has ``sent_hash``, the hash of each reply as it is sent.
    """
    if found.to_main.empty and found.to_external.empty:
        return _NOTHING
    free = pairs["main_fresh"] & pairs["fresh"] & pairs["wait_to_main"].isna() & pairs["wait_to_external"].isna()
    free &= pairs["phase"].isin([Phase.ACTIVE, Phase.RETURNING, Phase.ADOPTABLE])
    labels = free.index[free]
    arrived = _arrived(found.to_main[found.to_main["pair"].isin(labels)], found.main)
    answered = _answered(
        found.to_external[found.to_external["pair"].isin(labels)],
        found.to_main[found.to_main["pair"].isin(labels)],
        arrived,
    )
    return pd.concat([arrived, answered], ignore_index=True)


def _arrived(sources: pd.DataFrame, main: pd.DataFrame) -> pd.DataFrame:
    """External messages whose marker is in a message of ours in main."""
    said = main[main["kind"].eq(MessageKind.CLIENT) & main["pair"].isin(sources["pair"])]
    heads = said["body"].astype("str").str.extractall(_HEAD)
    heads = heads[~heads["rest"].str.rstrip().str.endswith(_TOLD)].reset_index("match", drop=True)
    heads = heads.join(said[["connection", "ext_ticket", "pair"]].assign(target=said["message"]))
    heads = heads[heads["named"].eq(heads["connection"]) & heads["ticket"].eq(heads["ext_ticket"])]
    first = heads.drop_duplicates(["pair", "message"])
    paired = look_up(sources, first, ["pair", "message"], {"target": "target"})
    return paired[paired["target"].notna()].assign(direction=str(Direction.TO_MAIN))[PAIRED]


def _answered(replies: pd.DataFrame, unexplained: pd.DataFrame, arrived: pd.DataFrame) -> pd.DataFrame:
    """Main replies that stand in the external thread already, the first with the first, equal ones counted."""
    local = is_in(unexplained, arrived, ["pair", "message"])
    adopting = unexplained["phase"].eq(Phase.ADOPTABLE)
    ours = unexplained["own"].eq("yes") | (adopting & unexplained["own"].isna())
    theirs = unexplained[ours & unexplained["kind"].eq(MessageKind.STAFF) & ~local]
    theirs = theirs.assign(target=theirs["message"], sent_hash=theirs["body_hash"])
    paired = look_up(
        replies.assign(nth=_nth(replies)), theirs.assign(nth=_nth(theirs)), ["pair", "sent_hash", "nth"],
        {"target": "target"},
    )  # fmt: skip
    return paired[paired["target"].notna()].assign(direction=str(Direction.TO_EXTERNAL))[PAIRED]


def _nth(rows: pd.DataFrame) -> pd.Series:
    return rows.groupby(["pair", "sent_hash"]).cumcount()
