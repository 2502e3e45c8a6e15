"""Columns that the suites need and the frames don't have: computed here, dropped again by the gate.

Pure. What must stay out: what counts as good (suites.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

import numpy as np
import pandas as pd

from remotesupport.core.model import ChangeKind, Direction, MessageKind, Side
from remotesupport.core.plan.change_keys import edited_message
from remotesupport.core.text.normalize import body_hashes

PEOPLE = "people"
OWN, SHARED = "own", "shared"
YES, NO = "yes", "no"
UNREAD = "unread"
UNREADABLE = "unreadable"
CROSSING = (MessageKind.CLIENT, MessageKind.STAFF)  # said once more: the diff's own word for it may be what is wrong
Kinds = Mapping[tuple[str, ...], str]  # connection, side, ticket, message → kind
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
    """Return what each change would carry: ``people``, or the first other thing that it covers.

    Any kind of message that is not CLIENT or STAFF is named; ``unread`` is a message that is not in ``messages``,
    ``unreadable`` a ``covers`` that is no list of triples. An edit (``<id>/edit/<hash>``) covers the message it edits.
    """
    key = ["connection", "side", "ticket", "message", "kind"]
    kinds = {tuple(said): kind for *said, kind in zip(*(messages[c].tolist() for c in key), strict=True)}
    columns = ("connection", "direction", "ext_ticket", "main_ticket", "covers")
    rows = zip(*(changes[c].tolist() for c in columns), strict=True)
    return pd.Series([_carried(kinds, *row) for row in rows], index=changes.index, dtype="str")


def _carried(kinds: Kinds, connection: str, direction: str, ext: str, main: str, covers: str) -> str:
    ids = _covered_ids(covers)
    if ids is None:
        return UNREADABLE
    side, ticket = (str(Side.EXTERNAL), ext) if direction == Direction.TO_MAIN else (str(Side.MAIN), main)
    seen = (kinds.get((connection, side, ticket, message), UNREAD) for message in ids)
    return next((kind for kind in seen if kind not in CROSSING), PEOPLE)


def _covered_ids(text: str) -> list[str] | None:
    try:
        return [edited_message(str(source)) for source, _hash, _target in json.loads(text)]
    except (ValueError, TypeError):
        return None
