"""The frames that go through a run: their columns and dtypes, and nothing else.

All frames of a shard carry the connection as a column, so one vectorised pass serves every connection. Ids are text
(pandas ``str``), nullable text is ``str`` with missing values, times are UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import pandas as pd

# Text of few rows is kept as Python's, which costs a usual minute a third less; that of many rows in pyarrow's arrays,
# which are three times as fast there. pandas mixes the two.
pd.set_option("mode.string_storage", "python")
MANY = 5_000

STR: Final = "str"
BOOL: Final = "bool"
INT: Final = "int64"
TIME = "datetime64[us, UTC]"


@dataclass(frozen=True, slots=True)
class Schema:
    """A frame's name, its columns with dtypes in order, the key that must be unique, and the nullable columns."""

    name: str
    columns: Mapping[str, str]
    key: tuple[str, ...]
    nullable: frozenset[str] = frozenset()


# ``remote``: "yes" or "no" where the version has the flag, else missing.
DEPARTMENTS = Schema(
    "departments",
    {"connection": STR, "side": STR, "department": STR, "name": STR, "active": BOOL, "remote": STR},
    key=("connection", "side", "department"),
    nullable=frozenset({"remote"}),
)

# One row per ticket that a side showed in this run. ``department`` missing: unseen. ``origin``: the external ticket
# that a main ticket's subject claims. ``fresh``: its thread was read in this run and is in MESSAGES.
TICKETS = Schema(
    "tickets",
    {
        "connection": STR,
        "side": STR,
        "ticket": STR,
        "subject": STR,
        "department": STR,
        "state": STR,
        "status": STR,
        "author": STR,
        "activity": STR,
        "origin": STR,
        "fresh": BOOL,
    },
    key=("connection", "side", "ticket"),
    nullable=frozenset({"department", "origin"}),
)

# ``files`` is a JSON array of {"file", "name", "size"}; ``body_hash`` is normalize.body_hash of the body.
# ``own``: "yes", "no", or missing where the server does not say.
MESSAGES = Schema(
    "messages",
    {
        "connection": STR,
        "side": STR,
        "ticket": STR,
        "message": STR,
        "ordinal": INT,
        "kind": STR,
        "author": STR,
        "at_text": STR,
        "zone": STR,
        "at": TIME,
        "body": STR,
        "body_hash": STR,
        "files": STR,
        "own": STR,
    },
    key=("connection", "side", "ticket", "message"),
    nullable=frozenset({"at", "own"}),
)

# The ledger's links of the tickets in this run (in an audit: all links of the connection).
LINKS = Schema(
    "links",
    {
        "connection": STR,
        "ext_ticket": STR,
        "main_ticket": STR,
        "ext_state": STR,
        "main_state": STR,
        "department": STR,
        "departed": BOOL,
    },
    key=("connection", "ext_ticket"),
    nullable=frozenset({"department"}),
)

# Messages already on the other side, of the linked tickets in this run.
CARRIED = Schema(
    "carried",
    {
        "connection": STR,
        "direction": STR,
        "ext_ticket": STR,
        "source_message": STR,
        "target_message": STR,
        "body_hash": STR,
    },
    key=("connection", "direction", "ext_ticket", "source_message"),
    nullable=frozenset({"target_message"}),
)

CORRESPONDENCES = Schema(
    "correspondences",
    {"connection": STR, "department": STR, "main_department": STR, "enabled": BOOL},
    key=("connection", "department"),
)

# How each side's read went. ``complete``: every listing was read to its end, so absence means something.
# ``outcome``: "ok", "unreachable", "access_denied", "too_old", "protocol", "paused".
READS = Schema(
    "reads",
    {"connection": STR, "side": STR, "outcome": STR, "complete": BOOL, "detail": STR},
    key=("connection", "side"),
)

# Tickets and directions that must wait: an unknown outcome, or (``parked``) a parked change; ``cause`` in words.
# ``kind`` is "close" where only a close waits, and holds back nothing but itself; else "".
BLOCKED = Schema(
    "blocked",
    {"connection": STR, "ext_ticket": STR, "direction": STR, "cause": STR, "kind": STR, "parked": BOOL},
    key=("connection", "ext_ticket", "direction", "kind"),
)

# Absences confirmed by a direct look. ``side``/``ticket`` name the absent ticket on its side.
GONE = Schema(
    "gone",
    {"connection": STR, "side": STR, "ticket": STR, "detail": STR},
    key=("connection", "side", "ticket"),
)

# The diff. ``rank`` sorts writes: replies to customers first, creates next, statuses last. ``covers`` is a JSON array
# of [source_message, body_hash, target_message|null] that become CARRIED when the row is written. ``act`` makes the
# write unique together with connection, direction and ext_ticket: the source message's id for posts, else the kind and
# what it reacts to. A departure is two writes, its note and the close of the main ticket (``plan.change``).
# ``body`` is the exact text to send. ``ext_state``/``main_state``: agreed states after the write.
CHANGES = Schema(
    "changes",
    {
        "connection": STR,
        "kind": STR,
        "direction": STR,
        "rank": INT,
        "ext_ticket": STR,
        "main_ticket": STR,
        "act": STR,
        "ordinal": INT,
        "subject": STR,
        "department": STR,
        "body": STR,
        "body_hash": STR,
        "files": STR,
        "covers": STR,
        "ext_state": STR,
        "main_state": STR,
        "detail": STR,
    },
    key=("connection", "direction", "ext_ticket", "act"),
    nullable=frozenset({"main_ticket", "department"}),
)

# One row per external ticket that was read.
REASONS = Schema(
    "reasons",
    {"connection": STR, "ticket": STR, "reason": STR, "detail": STR, "main_ticket": STR},
    key=("connection", "ticket"),
    nullable=frozenset({"main_ticket"}),
)

ALL = (DEPARTMENTS, TICKETS, MESSAGES, LINKS, CARRIED, CORRESPONDENCES, READS, BLOCKED, GONE, CHANGES, REASONS)


_EMPTY: dict[str, pd.DataFrame] = {}  # by schema; making one anew takes twenty times as long as a copy


# Resolving the name of a dtype takes longer than making a small column.
_dtype: Callable[[str], Any] = cache(pd.api.types.pandas_dtype)
_MANY_TEXTS: Final = pd.StringDtype("pyarrow", na_value=np.nan)


def only(rows: pd.DataFrame, mask: pd.Series) -> pd.DataFrame:
    """``rows[mask]`` (same index), which on a frame of many columns costs much even where it takes none or all."""
    flags = mask.to_numpy(dtype=bool)
    if flags.all():
        return rows
    return rows[flags] if flags.any() else rows.iloc[:0]


def empty(schema: Schema) -> pd.DataFrame:
    """A frame of ``schema`` with no rows."""
    if schema.name not in _EMPTY:
        _EMPTY[schema.name] = pd.DataFrame({c: pd.Series(dtype=t) for c, t in schema.columns.items()})
    return _EMPTY[schema.name].copy()


def build(schema: Schema, rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows → frame with the schema's columns and dtypes. Raises KeyError for a missing column."""
    listed = list(rows)
    if not listed:
        return empty(schema)
    text = _MANY_TEXTS if len(listed) >= MANY else _dtype(STR)
    types = {c: text if t == STR else _dtype(t) for c, t in schema.columns.items()}
    try:
        return pd.DataFrame({c: pd.array([row[c] for row in listed], dtype=t) for c, t in types.items()}, copy=False)
    except KeyError as error:
        raise KeyError(f"a row of {schema.name} has no column {error}") from None


def concat(schema: Schema, frames: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Stack frames of one schema; keeps the dtypes when some or all are empty."""
    parts = [f for f in frames if len(f)]
    return pd.concat(parts, ignore_index=True) if parts else empty(schema)


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain dictionaries, None where a value is missing."""
    names = [str(name) for name in frame.columns]
    columns = ([None if v != v else v for v in frame[name].tolist()] for name in names)  # noqa: PLR0124 - NaN, NaT
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def by_connection(frame: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """The ``records`` of a shard's frame, for each connection that has any."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in records(frame):
        found.setdefault(row["connection"], []).append(row)
    return found
