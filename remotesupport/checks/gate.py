"""The gate: a frame goes in, its good rows come out, its bad rows go to quarantine with a reason.

A bad row takes along what would be wrong without it (a message its thread, a planned change its ticket's other
changes). A bad frame rejects its connection and no other. What must stay out: what is good (suites.py), saving
anything (the store), Prefect.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from remotesupport.checks.expectations import findings
from remotesupport.checks.facts import with_facts
from remotesupport.checks.quarantine import NO_FAILURE, bad_rows, nothing, spoiled, told
from remotesupport.checks.report import ValidationReport, report_of
from remotesupport.checks.structure import shape
from remotesupport.checks.suites import SUITES, Suite
from remotesupport.core import frames


@dataclass(frozen=True, slots=True)
class Gated:
    """The rows that came through, and what was found wrong.

    ``accepted`` has the columns and dtypes of the suite's schema. ``quarantined`` (all str): connection, side, ticket,
    check, reason; one row per ticket and failed check. ``removed``: the rows that this took out, as they were.
    ``rejected``: connection → why its whole frame is refused.
    """

    accepted: pd.DataFrame
    removed: pd.DataFrame
    quarantined: pd.DataFrame
    rejected: dict[str, str]
    report: ValidationReport

    @property
    def stats(self) -> dict[str, Any]:
        """The report's numbers, for logs and ``--json``."""
        return self.report.to_json()


def gate(
    name: str,
    frame: pd.DataFrame,
    *,
    messages: pd.DataFrame | None = None,
    only: pd.Series | None = None,
    now: datetime | None = None,
    suites: Mapping[str, Suite] = SUITES,
) -> Gated:
    """Validate ``frame`` by the suite ``name`` (departments, tickets, messages, changes, receipts).

    ``messages``: the accepted MESSAGES of the run, needed for ``changes`` alone. ``only``: a mask over ``frame``; the
    content of other rows is not looked at. ``now``: our clock, UTC. Safe to call from several threads. Raises KeyError
    for an unknown suite, ValueError for ``changes`` without ``messages``, and UnattributableFrame for a frame without
    the column connection.
    """
    suite, at = suites[name], now or datetime.now(UTC)
    shaped = shape(frame, suite.schema)
    sound = shaped.frame.drop(index=[*shaped.missing]) if shaped.missing else shaped.frame
    if only is not None:
        sound = frames.only(sound, pd.Series(only.to_numpy()[sound.index]))
    facts = with_facts(name, sound, messages, at) if len(sound) or suite.schema is frames.CHANGES else sound
    found, unchecked = _by_connection(suite, facts)
    rejected = shaped.rejected | unchecked
    if not (rejected or shaped.missing or found):
        report = report_of(suite, len(frame), len(shaped.frame), nothing(), NO_FAILURE, {}, {}, at)
        return Gated(shaped.frame, shaped.frame.iloc[:0], nothing(), {}, report)
    alive = shaped.frame[~shaped.frame["connection"].isin([*rejected])]
    bad = bad_rows(suite, shaped.missing, found)
    bad = bad[bad["row"].isin(alive.index)]
    out, quarantined = spoiled(suite, alive, bad), told(suite, alive, bad)
    report = report_of(suite, len(frame), int((~out).sum()), quarantined, bad, rejected, found, at)
    accepted, removed = (alive[mask].reset_index(drop=True) for mask in (~out, out))
    return Gated(accepted, removed, quarantined, rejected, report)


def _by_connection(suite: Suite, frame: pd.DataFrame) -> tuple[dict[str, tuple[int, ...]], dict[str, str]]:
    """Findings over all connections at once; where a failure names no row, again for each connection by itself."""
    whole = findings(suite, frame)
    if not whole.broken:
        return dict(whole.rows), {}
    rows: dict[str, tuple[int, ...]] = {}
    rejected: dict[str, str] = {}
    for name, part in frame.groupby("connection", sort=False):
        alone = findings(suite, part)
        if alone.broken:
            rejected[str(name)] = f"{suite.name} could not be checked: {', '.join(sorted(alone.broken))}"
        for check, labels in alone.rows.items():
            rows[check] = rows.get(check, ()) + labels
    return rows, rejected
