"""Picks out the bad rows, what goes with them, and the rows that tell people why.

Pure pandas. What must stay out: how bad rows are found (expectations.py, structure.py).
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from remotesupport.checks.suites import Suite
from remotesupport.core import frames
from remotesupport.core.tables import joins

COLUMNS = ("connection", "side", "ticket", "check", "reason")
MISSING = "value_missing"
ALONG = "goes_along"
NAME_CHARS = 60
FAILURE = {"row": "int64", "check": "str", "reason": "str"}
NO_ROWS = pd.DataFrame({c: pd.Series(dtype=frames.STR) for c in COLUMNS})
NO_FAILURE = pd.DataFrame(columns=[*FAILURE]).astype(FAILURE)


def bad_rows(suite: Suite, missing: Mapping[int, str], found: Mapping[str, tuple[int, ...]]) -> pd.DataFrame:
    """One row per failure that keeps a row out: row (int64 label), check, reason (str). Warnings are not in it."""
    if not missing and not found:
        return NO_FAILURE.copy()
    holes = [(row, MISSING, f"{column} has no value") for row, column in missing.items()]
    failed = [(row, c.name, c.why) for c in suite.checks if not c.warn for row in found.get(c.name, ())]
    return pd.DataFrame([*holes, *failed], columns=[*FAILURE]).astype(FAILURE)


def spoiled(suite: Suite, frame: pd.DataFrame, bad: pd.DataFrame) -> pd.Series:
    """A mask over ``frame``: the bad rows and what goes with them."""
    mask = pd.Series(frame.index.isin(bad["row"]), index=frame.index)
    if suite.together and mask.any():
        columns = [*suite.together]
        mask |= is_in(frame, frame.loc[mask, columns], columns)
    return mask


def told(suite: Suite, frame: pd.DataFrame, bad: pd.DataFrame) -> pd.DataFrame:
    """The quarantine for people (COLUMNS, all str): one row per ticket and failed check."""
    if bad.empty:
        return nothing()
    rows = frame.loc[bad["row"]].reset_index(drop=True)
    reason = bad["reason"].reset_index(drop=True)
    if suite.row:
        reason = suite.row + " " + rows[suite.row].map(_name) + ": " + reason
    listed = pd.DataFrame(
        {
            "connection": rows["connection"].map(_name),
            "side": suite.side[1:] if suite.side.startswith("=") else rows["side"].map(_name),
            "ticket": rows[suite.ticket].map(_name) if suite.ticket else "",
            "check": bad["check"].to_numpy(),
            "reason": reason,
        },
        dtype=frames.STR,
    )
    return listed.drop_duplicates([c for c in COLUMNS if c != "reason" or not suite.ticket], ignore_index=True)


def is_in(frame: pd.DataFrame, keys: pd.DataFrame, columns: list[str]) -> pd.Series:
    """A mask over ``frame``: whether its ``columns`` agree with a row of ``keys``."""
    if keys.empty or frame.empty:
        return pd.Series(data=False, index=frame.index)
    return pd.Series(joins.is_in(frame, keys, columns), index=frame.index)


def nothing() -> pd.DataFrame:
    """A quarantine with no rows."""
    return NO_ROWS.copy()


def _name(value: object) -> str:
    """An id as people may see it: a bad one can be anything, so it is cut and made printable."""
    text = str(value) if isinstance(value, str) else "?"
    return text if text.isprintable() and len(text) <= NAME_CHARS else ascii(text)[1:-1][:NAME_CHARS]
