"""Look at the every-minute schedule through the Prefect API: what ``watchdog`` judges."""

from __future__ import annotations

from datetime import UTC, datetime

from deployments.prefect_api import DEPLOYMENT, NoAnswer, PrefectApi
from deployments.watchdog import Schedule

_STARTED = ("RUNNING", "COMPLETED", "FAILED", "CRASHED", "CANCELLING")
_FLOW = "sync"


def look(api: PrefectApi, pool: str, now: datetime | None = None) -> Schedule | None:
    """The schedule as it is at ``now``; None when the server does not answer."""
    try:
        return _look(api, pool, now or datetime.now(UTC))
    except NoAnswer:
        return None


def _look(api: PrefectApi, pool: str, now: datetime) -> Schedule:
    deployment = api.get(f"/deployments/name/{_FLOW}/{DEPLOYMENT}")
    if deployment is None:
        return Schedule(registered=False)
    active = [s for s in deployment.get("schedules") or () if s.get("active")]
    queue = api.get(f"/work_pools/{pool}") or {}
    started = api.runs(_STARTED)
    waiting = api.runs(["SCHEDULED", "PENDING"], sort="EXPECTED_START_TIME_ASC", limit=200)
    due = [run.expected for run in waiting if run.expected is not None]
    going_on = [(now - run.start).total_seconds() for run in started if run.start and not run.end]
    return Schedule(
        registered=True,
        paused=bool(deployment.get("paused")) or not active or bool(queue.get("is_paused")),
        newest=next((run.id for run in started if run.scheduled), ""),
        running_s=max(going_on, default=None),
        ahead=sum(at > now for at in due),
        overdue=sum(at <= now for at in due),
    )
