"""Rows of CHANGES: their ranks, their columns, and the JSON inside them. No decisions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from enum import IntEnum
from functools import wraps
from typing import Any, Concatenate, ParamSpec

import pandas as pd

from remotesupport.core import frames
from remotesupport.core.text.normalize import body_hashes


class Rank(IntEnum):
    """The order of writing within a run: replies to customers first, creates next, statuses last."""

    REPLY = 0
    POST = 1
    CREATE = 2
    DEPARTURE = 3
    STATUS = 4
    CONFLICT = 5


NO_CHANGES = frames.empty(frames.CHANGES)  # shared: frames are never changed in place
P = ParamSpec("P")
Build = Callable[Concatenate[pd.DataFrame, P], pd.DataFrame]


def none_from_none(build: Build[P]) -> Build[P]:
    """A builder that is not called for an empty frame: the quiet minute stays cheap."""

    @wraps(build)
    def built(rows: pd.DataFrame, /, *args: P.args, **kwargs: P.kwargs) -> pd.DataFrame:
        return build(rows, *args, **kwargs) if len(rows) else NO_CHANGES

    return built


_BLANK: dict[str, Any] = {
    "ordinal": 0, "subject": "", "department": None, "body": "", "files": "[]", "covers": "[]", "detail": "",
    "main_ticket": None,
}  # fmt: skip


def changes(rows: pd.DataFrame, **constant: Any) -> pd.DataFrame:
    """``rows`` as CHANGES: what neither ``constant`` nor a column gives is blank; ``body_hash`` is made of ``body``."""
    given = rows.assign(**constant)
    full = given.assign(**{c: v for c, v in _BLANK.items() if c not in given})
    full["body_hash"] = body_hashes(full["body"].astype("str"))
    columns = {c: full[c].astype(t) for c, t in frames.CHANGES.columns.items()}  # type: ignore[call-overload]
    return pd.DataFrame(columns).reset_index(drop=True)


def bare(pairs: pd.DataFrame) -> pd.DataFrame:
    """The columns of pairs that a change takes over as they are."""
    return pairs[["connection", "ext_ticket", "main_ticket"]]


def covers(triples: Iterable[tuple[str, str, str | None]]) -> str:
    """The ``covers`` column: source message, hash of its text, target message (None: not known yet)."""
    return json.dumps([list(t) for t in triples], ensure_ascii=False, allow_nan=False)


def all_files(files: Iterable[str]) -> str:
    """The ``files`` columns of several messages as one."""
    return json.dumps([f for one in files for f in json.loads(one)], ensure_ascii=False)
