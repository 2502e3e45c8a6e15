"""Columns that the suites need and the frames don't have: computed here, dropped again by the gate.

Pure pandas, vectorised. What must stay out: what counts as good (suites.py).
"""

from __future__ import annotations

import json
from datetime import datetime

import numpy as np
import pandas as pd

from remotesupport.core.model import ChangeKind, Direction, MessageKind, Side
from remotesupport.core.normalize import body_hashes

PEOPLE = "people"
OWN, SHARED = "own", "shared"
YES, NO = "yes", "no"
UNREAD = "unread"
UNREADABLE = "unreadable"
CROSSING = (MessageKind.CLIENT, MessageKind.STAFF)  # said once more: the diff's own word for it may be what is wrong
MUST_SPEAK = (ChangeKind.CREATE, ChangeKind.POST)


def with_facts(name: str, frame: pd.DataFrame, messages: pd.DataFrame | None, now: datetime) -> pd.DataFrame:
    """``frame`` with the facts that suite ``name`` needs. Raises ValueError for ``changes`` without ``messages``."""
    if name == "messages":
        return message_facts(frame, now)
    if name == "receipts":
        return frame.assign(text_agrees=agreement(frame["expected_hash"], frame["found_hash"]))
    if name != "changes":
        return frame
    if messages is None:
        raise ValueError("a plan is validated against the messages that it carries: pass messages=")
    return plan_facts(frame, messages)


def message_facts(messages: pd.DataFrame, now: datetime) -> pd.DataFrame:
    """MESSAGES plus ``hours_ahead`` and ``place``.

    ``hours_ahead`` (float64): begun hours from ``now`` to ``at``, 0 in the past, NaN where ``at`` is missing. ``place``
    (str): ``shared`` where another message of the thread has the same ordinal, else ``own``.
    """
    ahead = (messages["at"] - pd.Timestamp(now)).dt.total_seconds() / 3600
    shared = messages.duplicated(["connection", "side", "ticket", "ordinal"], keep=False)
    place = shared.map({True: SHARED, False: OWN}).astype("str")
    return messages.assign(hours_ahead=ahead.clip(lower=0).apply(np.ceil), place=place)


def plan_facts(changes: pd.DataFrame, messages: pd.DataFrame) -> pd.DataFrame:
    """CHANGES plus ``route``, ``spoken``, ``titled``, ``hash_agrees`` and ``covered`` (all str, see suites.CHANGES)."""
    kind, body = changes["kind"], changes["body"]
    return changes.assign(
        route=kind + " " + changes["direction"],
        spoken=body.where(kind.isin([*MUST_SPEAK])),
        titled=changes["subject"].where(kind.eq(ChangeKind.CREATE)),
        hash_agrees=agreement(changes["body_hash"], body_hashes(body).where(body.ne(""))),
        covered=covered(changes, messages),
    )


def agreement(left: pd.Series, right: pd.Series) -> pd.Series:
    """``yes`` or ``no`` (str), without a value where either has none."""
    word = left.eq(right).map({True: YES, False: NO}).astype("str")
    return word.where(left.notna() & right.notna())


def covered(changes: pd.DataFrame, messages: pd.DataFrame) -> pd.Series:
    """What each change would carry: ``people``, or the first other thing that it covers.

    Any kind of message that is not CLIENT or STAFF is named; ``unread`` is a message that is not in ``messages``,
    ``unreadable`` a ``covers`` that is no list of triples. An edit (``<id>/edit/<hash>``) covers the message it edits.
    """
    listed = changes["covers"].map(_covered_ids)
    answer = pd.Series(PEOPLE, index=changes.index, dtype="str")
    answer[listed.isna()] = UNREADABLE
    seen = _kinds(_sources(changes, listed), messages)
    other = seen[~seen["kind"].isin([*CROSSING])].drop_duplicates("row")
    answer[other["row"]] = other["kind"].to_numpy()
    return answer


def _covered_ids(text: str) -> list[str] | None:
    try:
        return [str(source).split("/edit/")[0] for source, _hash, _target in json.loads(text)]
    except (ValueError, TypeError):
        return None


def _sources(changes: pd.DataFrame, listed: pd.Series) -> pd.DataFrame:
    """One row per covered message: the change's index label (``row``), connection, side, ticket, message."""
    inbound = changes["direction"].eq(Direction.TO_MAIN)
    sources = pd.DataFrame(
        {
            "row": changes.index,
            "connection": changes["connection"],
            "side": inbound.map({True: str(Side.EXTERNAL), False: str(Side.MAIN)}),
            "ticket": changes["ext_ticket"].where(inbound, changes["main_ticket"]),
            "message": listed,
        }
    )
    return sources.explode("message").dropna(subset="message").astype({"message": "str"})


def _kinds(sources: pd.DataFrame, messages: pd.DataFrame) -> pd.DataFrame:
    """``sources`` with the ``kind`` of each, ``unread`` where ``messages`` doesn't have it."""
    key = ["connection", "side", "ticket", "message"]
    found = sources.merge(messages[[*key, "kind"]], on=key, how="left", validate="m:1")
    return found.assign(kind=found["kind"].fillna(UNREAD))
