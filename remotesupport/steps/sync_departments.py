"""Departments as data: each minute what was read is compared with what is recorded, and recorded.

Reading and validating them happens with the tickets (``extract``, ``validate``); only what follows is in here.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from remotesupport.bootstrap import Context
from remotesupport.core import frames
from remotesupport.core.department_changes import department_changes
from remotesupport.core.report import RunReport, RunRequest


def reconcile_departments(ctx: Context, departments: pd.DataFrame) -> pd.DataFrame:
    """``departments``: DEPARTMENTS that passed validation → DEPARTMENT_CHANGES against what is recorded."""
    names = sorted(set(departments["connection"]))
    known = frames.concat(frames.DEPARTMENTS, (ctx.store.departments(n) for n in names))
    return department_changes(known, departments)


async def sync_departments(
    ctx: Context, request: RunRequest, done: RunReport, departments: pd.DataFrame
) -> pd.DataFrame:
    """→ DEPARTMENT_CHANGES. Records them, but for a plan; a line in the log for each, but for those of a first run."""
    changes = reconcile_departments(ctx, departments)
    if request.plan_only or changes.empty:
        return changes
    for name in sorted(set(changes["connection"])):
        mine = changes[changes["connection"] == name]
        first = bool(mine["what"].eq("new").all()) and ctx.store.departments(name).empty
        ctx.store.save_departments(name, departments[departments["connection"] == name], frames.records(mine))
        for row in [] if first else frames.records(mine):
            ctx.log.info("%s", in_words(row, done.run))
    return changes


def in_words(row: dict[str, Any], run: str) -> str:
    """One row of DEPARTMENT_CHANGES for the log."""
    was = f" (was {row['was']!r})" if row["was"] not in ("", row["name"]) else ""
    place = f"{row['connection']} ({row['side']})"
    return f"{place}: department {row['department']} {row['name']!r}: {row['what']}{was} (run {run})"
