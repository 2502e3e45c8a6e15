"""What is deployed, as data: flows, schedules, parameters, deadlines. Nothing is done in here.

No deployment has a Prefect concurrency limit: our own lease is the guard (a worker killed at the wrong moment leaves
such a slot taken, and every later minute is then cancelled).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

MINUTE_S, HOUR_S = 60.0, 3600.0


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment. ``entrypoint``: module path of the flow. ``slug`` names the schedule and never changes.

    ``cron``, or ``every_s`` seconds counted from ``anchor`` (UTC), where a minute is too coarse.

    ``deadline_s``: when the warm worker cancels a run. ``tags``: none on what runs every minute, because Prefect stores
    each tag again with each event of each run.
    """

    flow: str
    name: str
    entrypoint: str
    deadline_s: float
    description: str
    cron: str | None = None
    every_s: float | None = None
    anchor: datetime | None = None
    slug: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        """As Prefect's command line wants it."""
        return f"{self.flow}/{self.name}"


CATALOG = (
    Deployment(
        "sync",
        "every-minute",
        "flows.sync.sync",
        deadline_s=55,
        description="Carries over what changed, for every connection.",
        cron="* * * * *",
        slug="every-minute",
    ),
    Deployment(
        "audit",
        "hourly",
        "flows.audit.audit",
        deadline_s=50 * MINUTE_S,
        description="The complete comparison: departures, drift, what a quiet minute cannot see.",
        every_s=HOUR_S,
        anchor=datetime(2026, 1, 1, 0, 17, 30, tzinfo=UTC),  # not with the minute's sync, which begins at its second 0
        slug="hourly",
        tags=("audit",),
    ),
    Deployment(
        "backfill",
        "ad-hoc",
        "flows.backfill.backfill",
        deadline_s=12 * HOUR_S,
        description="Brings over a window of the past, quietly. Start it with Custom run.",
        tags=("backfill",),
    ),
    Deployment(
        "apply_plan",
        "by-id",
        "flows.apply_plan.apply_plan",
        deadline_s=30 * MINUTE_S,
        description="Writes a saved plan exactly as it was shown, or refuses.",
        tags=("apply",),
    ),
    Deployment(
        "maintenance",
        "nightly",
        "flows.maintenance.maintenance",
        deadline_s=30 * MINUTE_S,
        description="Retention, parked changes offered again, an end for lost runs. Writes to no billing.",
        cron="41 3 * * *",
        slug="nightly",
        tags=("maintenance",),
    ),
)
