"""Look at the every-minute schedules through the Prefect API: what ``watchdog`` judges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from deployments.prefect_api import DEPLOYMENT, NoAnswer, PrefectApi, RunSeen
from deployments.watchdog import Schedule

_STARTED = ("RUNNING", "COMPLETED", "FAILED", "CRASHED", "CANCELLING")
_FLOW = "sync"
_MOST = 200  # rows that the API gives at once


def look(
    api: PrefectApi, pool: str, names: Sequence[str] = (DEPLOYMENT,), now: datetime | None = None
) -> dict[str, Schedule] | None:
    """The schedule of each of these sync deployments as it is at ``now``; None when the server does not answer."""
    try:
        return _look(api, pool, names, now or datetime.now(UTC))
    except NoAnswer:
        return None


def _look(api: PrefectApi, pool: str, names: Sequence[str], now: datetime) -> dict[str, Schedule]:
    asked = {"flows": {"name": {"any_": [_FLOW]}}, "deployments": {"name": {"any_": list(names)}}}
    found = {row["name"]: row for row in api.post("/deployments/filter", asked) or ()}
    stopped = bool((api.get(f"/work_pools/{pool}") or {}).get("is_paused")) if found else False
    started = api.runs(_STARTED, deployments=names, limit=min(_MOST, 20 * len(names))) if found else []
    waiting = ["SCHEDULED", "PENDING"]
    ahead = api.runs(waiting, deployments=names, sort="EXPECTED_START_TIME_ASC", limit=_MOST) if found else []
    return {name: _schedule(found.get(name), stopped, started, ahead, now) for name in names}


def _schedule(
    deployment: Mapping[str, Any] | None, stopped: bool, started: list[RunSeen], ahead: list[RunSeen], now: datetime
) -> Schedule:
    """One of them. ``stopped``: the work pool is; ``started``, ``ahead``: runs of all of them."""
    if deployment is None:
        return Schedule(registered=False)
    own = [run for run in started if run.deployment == deployment["id"]]
    active = [s for s in deployment.get("schedules") or () if s.get("active")]
    due = [run.expected for run in ahead if run.deployment == deployment["id"] and run.expected is not None]
    going_on = [(now - run.start).total_seconds() for run in own if run.start and not run.end]
    return Schedule(
        registered=True,
        paused=bool(deployment.get("paused")) or not active or stopped,
        newest=next((run.id for run in own if run.scheduled), ""),
        running_s=max(going_on, default=None),
        ahead=sum(at > now for at in due),
        overdue=sum(at <= now for at in due),
    )
