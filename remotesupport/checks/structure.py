"""The frame itself: columns, dtypes, unique keys, missing values. Pandas only: a quiet minute pays next to nothing.

A frame that is wrong here is wrong for its connection; one connection's fault never rejects another. What must stay
out: what the values mean (suites.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import pandas as pd

from remotesupport.core import frames

KINDS = {frames.STR: {"string", "empty"}, frames.BOOL: {"boolean", "empty"}, frames.INT: {"integer", "empty"}}


_dtype: Callable[[str], Any] = cache(pd.api.types.pandas_dtype)


class UnattributableFrame(ValueError):
    """The frame doesn't even say whose rows it holds: a fault of the code that built it, not of a billing."""


@dataclass(frozen=True, slots=True)
class Shaped:
    """``frame`` has the schema's columns and dtypes and unique keys; ``rejected`` connections are not in it.

    Its index labels are the rows' positions in the frame that was given. ``missing``: label of each row that has no
    value in a column that must have one → that column's name.
    """

    frame: pd.DataFrame
    rejected: dict[str, str]
    missing: dict[int, str]


def shape(frame: pd.DataFrame, schema: frames.Schema) -> Shaped:
    """Check ``frame`` against ``schema``. Raises UnattributableFrame when it has no connection column."""
    if "connection" not in frame.columns:
        raise UnattributableFrame(f"the {schema.name} frame has no column connection")
    labelled = frame.reset_index(drop=True)
    if _fits(labelled, schema):
        return _without_twins(labelled[[*schema.columns]], {}, schema, whole=True)
    return _without_twins(*_conform(labelled, schema), schema, whole=False)


def _without_twins(conform: pd.DataFrame, rejected: dict[str, str], schema: frames.Schema, *, whole: bool) -> Shaped:
    """Reject whose ids are there twice. ``whole``: no value is missing."""
    rejected = rejected | _duplicated(conform, schema)
    kept = conform[~conform["connection"].isin([*rejected])] if rejected else conform
    return Shaped(kept, rejected, {} if whole else _missing(kept, schema))


def _conform(frame: pd.DataFrame, schema: frames.Schema) -> tuple[pd.DataFrame, dict[str, str]]:
    parts, rejected = [], {}
    for name, part in frame.groupby("connection", sort=False, dropna=False):
        why = _misfit(part, schema)
        if why:
            rejected[str(name)] = why
        else:
            parts.append(part[[*schema.columns]].astype(dict(schema.columns)))
    return pd.concat(parts).sort_index() if parts else frames.empty(schema), rejected


def _fits(frame: pd.DataFrame, schema: frames.Schema) -> bool:
    """Tell whether every column is there with its dtype; a hole in one that may have none asks for a closer look."""
    types = dict(zip(frame.columns, frame.dtypes, strict=True))
    return all(
        c in types and _is(types[c], t) and (c in schema.nullable or not frame[c].hasnans)
        for c, t in schema.columns.items()
    )


def _is(dtype: Any, name: str) -> bool:
    """Tell whether ``dtype`` is the one of that name, which takes long to resolve."""
    return bool(dtype == _dtype(name) or dtype == name)


def _misfit(part: pd.DataFrame, schema: frames.Schema) -> str:
    """Say why these rows of one connection cannot be read as ``schema``, or nothing."""
    for column, dtype in schema.columns.items():
        if column not in part.columns or (column not in schema.nullable and _absent(part[column])):
            return f"column {column} is missing from {schema.name}"
        if not _readable(part[column], dtype):
            return f"column {column} of {schema.name} is {part[column].dtype}, not {dtype}"
    return ""


def _absent(column: pd.Series) -> bool:
    """Tell whether a stack of frames left only holes; a single text with a hole is a bad row, not a bad frame."""
    return bool(column.isna().all()) and (len(column) > 1 or column.dtype != frames.STR)


def _readable(column: pd.Series, dtype: str) -> bool:
    """Tell whether every value is of the kind that ``dtype`` holds; a frame of several connections widens dtypes."""
    if column.dtype == dtype:
        return True
    if dtype == frames.TIME:
        return isinstance(column.dtype, pd.DatetimeTZDtype) or bool(column.isna().all())
    values = column.dropna().convert_dtypes() if dtype == frames.INT else column.dropna()
    complete = dtype == frames.STR or len(values) == len(column)
    return complete and pd.api.types.infer_dtype(values, skipna=True) in KINDS[dtype]


def _duplicated(frame: pd.DataFrame, schema: frames.Schema) -> dict[str, str]:
    key = [*schema.key]
    mask = frame.duplicated(key, keep=False)
    if not mask.any():
        return {}
    twice = frame.loc[mask, key]
    counts = twice.drop_duplicates().groupby("connection").size()
    return {str(n): f"{c} ids of {schema.name} are there more than once ({', '.join(key)})" for n, c in counts.items()}


def _missing(frame: pd.DataFrame, schema: frames.Schema) -> dict[int, str]:
    must = [c for c in schema.columns if c not in schema.nullable]
    if not any(frame[c].hasnans for c in must):
        return {}
    holes = frame[must].isna()
    bad = holes[holes.any(axis=1)]
    return dict(zip(bad.index.tolist(), bad.idxmax(axis=1).astype(str), strict=True))
