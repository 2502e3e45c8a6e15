"""The deployments, as data: flows, schedules, parameters, deadlines. Nothing is done in here.

No deployment has a Prefect concurrency limit: our own lease is the guard (a worker killed at the wrong moment leaves
such a slot taken, and every later minute is then cancelled).

With several shards each has a sync and an audit of its own, the first one under the names that the only one has.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from remotesupport.core.connections.shards import Shard, shards

MINUTE_S, HOUR_S = 60.0, 3600.0
EVERY_MINUTE, HOURLY = "every-minute", "hourly"
MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)
AUDITS_FROM = timedelta(minutes=17)
HALF_A_MINUTE = timedelta(seconds=30)


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
        """Return the name as Prefect's command line wants it."""
        return f"{self.flow}/{self.name}"


def name_of(base: str, number: int) -> str:
    """The name of shard ``number``'s deployment. The first keeps the only one's: its history and a person's pause."""
    return base if number == 1 else f"{base}-{number}"


def sync_names(count: int) -> tuple[str, ...]:
    """The names of the sync deployments where there are ``count`` shards."""
    return tuple(name_of(EVERY_MINUTE, shard.number) for shard in shards(count))


def second_of(shard: Shard) -> int:
    """The second of each minute at which a shard's sync begins."""
    return (shard.number - 1) * 60 // shard.of


def is_a_shards(deployment: str) -> bool:
    """Tell whether a deployment of that name is of a shard beside the first one."""
    return re.fullmatch(rf"({EVERY_MINUTE}|{HOURLY})-\d+", deployment) is not None


def _sync(shard: Shard) -> Deployment:
    whole = shard.of == 1
    return Deployment(
        "sync",
        name_of(EVERY_MINUTE, shard.number),
        "flows.sync.sync",
        deadline_s=150,  # what began within the minute may still be written; the next runs do not wait for it
        description=f"Carries over what changed, for every connection{'' if whole else f' of shard {shard}'}.",
        cron="* * * * *" if whole else None,
        every_s=None if whole else MINUTE_S,
        anchor=None if whole else MIDNIGHT + timedelta(seconds=second_of(shard)),
        slug=EVERY_MINUTE,
        parameters={} if whole else {"shard": str(shard)},
    )


def _audit(shard: Shard) -> Deployment:
    """Not with its shard's sync, but half a minute after that begins; the shards' audits are spread over the hour."""
    minute = timedelta(minutes=(shard.number - 1) * 60 // shard.of)
    of = "" if shard.of == 1 else f" Shard {shard}."
    return Deployment(
        "audit",
        name_of(HOURLY, shard.number),
        "flows.audit.audit",
        deadline_s=50 * MINUTE_S,
        description=f"The complete comparison: departures, drift, what a quiet minute cannot see.{of}",
        every_s=HOUR_S,
        anchor=MIDNIGHT + AUDITS_FROM + minute + timedelta(seconds=second_of(shard)) + HALF_A_MINUTE,
        slug=HOURLY,
        parameters={} if shard.of == 1 else {"shard": str(shard)},
        tags=("audit",),
    )


_FOR_ALL = (
    Deployment(
        "backfill",
        "ad-hoc",
        "flows.backfill.backfill",
        deadline_s=12 * HOUR_S,
        description="Brings over a window of the past, quietly: nothing is written to external billings and their "
        "clients. Start it with Custom run; as the form stands it only plans, and shows what would come.",
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
    # One for all: it deletes by age, which is one statement a table however many connections there are.
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
    # At 12:20 UTC of the first day the last month is over in every time zone.
    Deployment(
        "monthly_report",
        "monthly",
        "flows.monthly_report.monthly_report",
        deadline_s=30 * MINUTE_S,
        description="Last month's report of each billing, as files in the state folder. Writes to no billing.",
        cron="20 12 1 * *",
        slug="monthly",
        tags=("report",),
    ),
)


def catalog(count: int = 1) -> tuple[Deployment, ...]:
    """All that is deployed where there are ``count`` shards."""
    each = shards(count)
    return (*map(_sync, each), *map(_audit, each), *_FOR_ALL)


CATALOG = catalog()
