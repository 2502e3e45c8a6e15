"""The three frames of an extraction, gated together: what is kept out of one is kept out of the others.

Only fresh rows are validated: a ticket whose thread was not read in this run carries nothing over, and a quiet minute
does not import Great Expectations. What must stay out: reading, saving, Prefect.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import pandas as pd

from remotesupport.checks.gate import gate
from remotesupport.checks.quarantine import ALONG, is_in, nothing
from remotesupport.checks.report import ValidationReport
from remotesupport.core import frames

TICKET = ["connection", "side", "ticket"]
DEPARTMENT = ["connection", "side", "department"]


@dataclass(frozen=True, slots=True)
class GatedSnapshot:
    """The accepted frames (schemas of core.frames), the quarantine, the rejected connections, one report per frame.

    A rejected connection is in none of the frames. ``quarantined`` has gate.Gated's columns.
    """

    departments: pd.DataFrame
    tickets: pd.DataFrame
    messages: pd.DataFrame
    quarantined: pd.DataFrame
    rejected: dict[str, str]
    reports: tuple[ValidationReport, ...]


def gate_snapshot(
    departments: pd.DataFrame,
    tickets: pd.DataFrame,
    messages: pd.DataFrame,
    *,
    known: pd.DataFrame | None = None,
    now: datetime | None = None,
) -> GatedSnapshot:
    """Validate what was extracted from both sides of all connections of a shard.

    ``known``: the DEPARTMENTS of the last good run; rows equal to it are not validated again. A ticket goes to
    quarantine with its messages, a message takes its ticket along, a department the tickets in it.
    """
    gated = (
        gate("departments", departments, only=_unknown(departments, known), now=now),
        gate("tickets", tickets, only=_fresh(tickets), now=now),
        gate("messages", messages, now=now),
    )
    rejected = {name: why for g in reversed(gated) for name, why in g.rejected.items()}
    along = _in_bad_departments(gated[1].accepted, gated[0].removed)
    bad = pd.concat([gated[1].removed[TICKET], gated[2].removed[TICKET], along[TICKET]])
    kept = tuple(_without(g.accepted, bad, rejected) for g in gated)
    quarantined = pd.concat([*(g.quarantined for g in gated), _company(along)], ignore_index=True)
    reports = tuple(replace(g.report, accepted=len(frame)) for g, frame in zip(gated, kept, strict=True))
    return GatedSnapshot(kept[0], kept[1], kept[2], quarantined, rejected, reports)


def _fresh(tickets: pd.DataFrame) -> pd.Series | None:
    return tickets["fresh"].eq(other=True) if "fresh" in tickets.columns else None


def _unknown(departments: pd.DataFrame, known: pd.DataFrame | None) -> pd.Series | None:
    """Tell which departments are not word for word among ``known``."""
    columns = [*frames.DEPARTMENTS.columns]
    if known is None or not set(columns) <= set(departments.columns):
        return None
    return ~is_in(departments, known, columns)


def _in_bad_departments(tickets: pd.DataFrame, bad: pd.DataFrame) -> pd.DataFrame:
    if bad.empty:
        return tickets.iloc[:0]
    return tickets[is_in(tickets, bad, DEPARTMENT) & tickets["department"].notna()]


def _company(tickets: pd.DataFrame) -> pd.DataFrame:
    if tickets.empty:
        return nothing()
    along = tickets[TICKET].assign(check=ALONG, reason="its department is in quarantine")
    return along.astype(dict.fromkeys(along.columns, frames.STR))


def _without(frame: pd.DataFrame, bad: pd.DataFrame, rejected: dict[str, str]) -> pd.DataFrame:
    if bad.empty and not rejected:
        return frame
    out = frame["connection"].isin([*rejected])
    if "ticket" in frame.columns:
        out |= is_in(frame, bad, TICKET)
    return frame[~out].reset_index(drop=True)
