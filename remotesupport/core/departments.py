"""The diff of departments: what is new, renamed, flagged otherwise or gone since the last run. Pure."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from remotesupport.core import frames

# ``what``: new, renamed, switched on, switched off, flagged, unflagged, gone; several are joined by a comma. ``was``:
# the name before.
DEPARTMENT_CHANGES: Final = frames.Schema(
    "department_changes",
    {
        "connection": frames.STR,
        "side": frames.STR,
        "department": frames.STR,
        "name": frames.STR,
        "what": frames.STR,
        "was": frames.STR,
    },
    key=("connection", "side", "department"),
)
GONE: Final = "gone"
_KEY = ["connection", "side", "department"]


def department_changes(known: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """DEPARTMENTS as last recorded and as read now → DEPARTMENT_CHANGES.

    A side of which nothing was recorded yet has no news. One that shows no department at all says nothing: that is the
    guard's business (an empty list closes nothing).
    """
    recorded = set(zip(known["connection"], known["side"], strict=True))
    seen = {(r["connection"], r["side"]) for r in frames.records(now[["connection", "side"]].drop_duplicates())}
    before = {tuple(r[k] for k in _KEY): r for r in frames.records(known)}
    after = {tuple(r[k] for k in _KEY): r for r in frames.records(now)}
    rows = []
    for key, row in after.items():
        old = before.get(key)
        if key[:2] in recorded and (what := _difference(old, row)):
            rows.append({**row, "what": what, "was": old["name"] if old else ""})
    rows += [
        {**old, "what": GONE, "was": old["name"]}
        for key, old in before.items()
        if key not in after and key[:2] in seen
    ]  # fmt: skip
    return frames.build(DEPARTMENT_CHANGES, sorted(rows, key=lambda r: tuple(r[k] for k in _KEY)))


def _difference(old: dict[str, Any] | None, row: dict[str, Any]) -> str:
    if old is None:
        return "new"
    words = ["renamed"] if old["name"] != row["name"] else []
    if old["active"] != row["active"]:
        words.append("switched on" if row["active"] else "switched off")
    if row["remote"] is not None and old["remote"] != row["remote"]:
        words += ["flagged"] if row["remote"] == "yes" else ["unflagged"] if old["remote"] == "yes" else []
    return ", ".join(words)
