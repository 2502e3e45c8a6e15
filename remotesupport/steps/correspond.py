"""Which remote department goes to which main department, by the ids that both sides show in this run.

Configuration names departments by name or id; here they become ids. What is configured and not found is a problem to
be named, never a guess.
"""

from __future__ import annotations

import pandas as pd

from remotesupport.core import frames
from remotesupport.settings import ExternalSettings


def department_id(departments: pd.DataFrame, wanted: str) -> str | None:
    """The id that ``wanted`` (id or name) means in DEPARTMENTS of one side; None when it is not there exactly once."""
    by_id = departments.loc[departments["department"] == wanted, "department"]
    names = departments["name"].str.strip().str.casefold()
    by_name = departments.loc[names == wanted.strip().casefold(), "department"]
    found = by_id if len(by_id) else by_name
    return str(found.iloc[0]) if len(found) == 1 else None


def correspondences(
    settings: ExternalSettings, external: pd.DataFrame, main: pd.DataFrame
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """→ CORRESPONDENCES of one connection, and what could not be resolved, in words."""
    rows, problems = [], []
    for pair in settings.departments:
        remote, local = department_id(external, pair.remote), department_id(main, pair.main)
        for found, name, where in ((remote, pair.remote, "external"), (local, pair.main, "main")):
            if found is None and pair.enabled:
                problems.append(
                    f"department {name!r} is not in the {where} billing (or not once); "
                    f"its tickets wait. See `remotesupport departments --billing {settings.name}`"
                )
        if remote is not None and (local is not None or not pair.enabled):
            rows.append(
                {
                    "connection": settings.name,
                    "department": remote,
                    "main_department": local or "",
                    "enabled": pair.enabled,
                }
            )
    return frames.build(frames.CORRESPONDENCES, rows), tuple(problems)
