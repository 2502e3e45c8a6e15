"""Departments as data: each minute what was read is compared with what is recorded, and recorded.

Reading and validating them happens with the tickets (``extract``, ``validate``); only what follows is in here.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from remotesupport.bootstrap import Context
from remotesupport.core import frames
from remotesupport.core.departments import department_changes
from remotesupport.core.run import RunReport, RunRequest


def reconcile_departments(ctx: Context, departments: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """``departments``: DEPARTMENTS that passed validation → DEPARTMENT_CHANGES against what is recorded, and the
    connections whose record has to be written."""
    names = sorted(set(departments["connection"]))
    recorded = ctx.store.departments(*names)
    changes = department_changes(recorded, departments)
    moved, known = set(changes["connection"]), set(recorded["connection"])
    return changes, [n for n in names if n in moved or n not in known]


async def sync_departments(
    ctx: Context, request: RunRequest, done: RunReport, departments: pd.DataFrame
) -> pd.DataFrame:
    """Build DEPARTMENT_CHANGES. Records them, but for a plan; a line in the log for each."""
    changes, names = reconcile_departments(ctx, departments)
    if request.plan_only:
        return changes
    for name in names:
        mine = frames.records(changes[changes["connection"] == name])
        ctx.store.save_departments(name, departments[departments["connection"] == name], mine)
        for row in mine:
            ctx.log.info("%s", in_words(row, done.run))
    return changes


def in_words(row: dict[str, Any], run: str) -> str:
    """One row of DEPARTMENT_CHANGES for the log."""
    was = f" (was {row['was']!r})" if row["was"] not in ("", row["name"]) else ""
    place = f"{row['connection']} ({row['side']})"
    return f"{place}: department {row['department']} {row['name']!r}: {row['what']}{was} (run {run})"
