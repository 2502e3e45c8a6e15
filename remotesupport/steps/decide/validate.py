"""Validate: what was extracted, and what was read back after loading. The gate itself is in checks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pandas as pd

from remotesupport.bootstrap import Context
from remotesupport.checks.gate import gate
from remotesupport.checks.quarantine import nothing
from remotesupport.checks.report import ValidationReport
from remotesupport.checks.snapshot import gate_snapshot
from remotesupport.core import frames
from remotesupport.core.model import Side
from remotesupport.steps.values import PERMITTED, UNDERSTOOD, Accepted, Loaded, SideRead, Snapshot

TICKET = ["connection", "side", "ticket"]
BAD_ROW = ["connection", "side", "ticket", "check", "reason"]


async def validate(ctx: Context, snapshots: dict[str, Snapshot]) -> Accepted:
    """The whole shard through the gate. Only fresh rows are looked into; odd ones load the library of checks."""
    sides = [side for s in snapshots.values() for side in (s.external, s.main)]
    unreadable = _unreadable(snapshots)
    gated = await asyncio.to_thread(
        gate_snapshot,
        frames.build(frames.DEPARTMENTS, (row for s in sides for row in s.departments)),
        _without(frames.build(frames.TICKETS, (row for s in sides for row in s.tickets)), unreadable),
        frames.build(frames.MESSAGES, (row for s in sides for row in s.messages)),
        known=ctx.store.departments(*snapshots),
    )
    return Accepted(
        tickets=gated.tickets,
        messages=gated.messages,
        departments=gated.departments,
        quarantined=pd.concat([gated.quarantined, unreadable], ignore_index=True)
        if len(unreadable)
        else gated.quarantined,
        rejected=gated.rejected,
        reports=gated.reports,
    )


def _without(tickets: pd.DataFrame, bad: pd.DataFrame) -> pd.DataFrame:
    if bad.empty:
        return tickets
    out = pd.MultiIndex.from_frame(tickets[TICKET]).isin(pd.MultiIndex.from_frame(bad[TICKET]))
    return tickets[~out].reset_index(drop=True)


def _check(ticket: str, side: SideRead) -> str:
    if ticket in side.not_understood:
        return UNDERSTOOD
    return PERMITTED if ticket in side.denied else "readable"


def _unreadable(snapshots: dict[str, Snapshot]) -> pd.DataFrame:
    rows = [
        {"connection": s.name, "side": str(which), "ticket": ticket, "reason": why,
         "check": _check(ticket, side)}
        for s in snapshots.values()
        for which, side in ((Side.EXTERNAL, s.external), (Side.MAIN, s.main))
        for ticket, why in side.unreadable.items()
    ]  # fmt: skip
    return pd.DataFrame({c: pd.Series([r[c] for r in rows], dtype=frames.STR) for c in BAD_ROW}) if rows else nothing()


async def verify(loaded: Iterable[Loaded]) -> tuple[dict[str, str], ValidationReport | None]:
    """Compare what was read back after loading with what was meant: connection → what is wrong, and the report."""
    receipts = pd.DataFrame([r for one in loaded for r in one.receipts])
    if receipts.empty:
        return {}, None
    gated = await asyncio.to_thread(gate, "receipts", receipts.astype(frames.STR))
    wrong = dict(gated.rejected)
    for row in gated.quarantined.itertuples():
        wrong.setdefault(str(row.connection), f"ticket {row.ticket}: written, but the read-back says: {row.reason}")
    return wrong, gated.report
