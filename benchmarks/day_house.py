"""``remotesupport up`` as ``benchmarks.day`` runs it: a process of its own, its schedules made faster by the API.

What its server and its worker take, and how its runs ended, is read from outside. Must stay out: what follows from it.
"""

from __future__ import annotations

import math
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import psutil
import psycopg
from sqlalchemy import make_url

from benchmarks.growth import bytes_used
from benchmarks.prefect_house import ROOT
from deployments.catalog import CATALOG
from deployments.processes import Child, free_port
from deployments.settings_env import api_url, prefect_home
from remotesupport.settings import Settings
from tests.postgres_server import postgres_server

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun

MINUTE_S, HOUR_S, DAY_S = 60.0, 3600.0, 86400.0
SYNC, AUDIT, MAINTENANCE = "sync/every-minute", "audit/hourly", "maintenance/nightly"
# In minutes of the day, which begins with the first run: first at, then each.
DUE = {SYNC: (1.0, 1), AUDIT: (17.5, 60), MAINTENANCE: (221.0, 1440)}
PATIENCE_S = 180.0
LAST_LINES = 40
STOP_S = 30.0
# Runs are made an hour ahead as shipped. Of a run made less than five minutes ahead Prefect 3.8 keeps each event in
# memory for a quarter of an hour: it waits for that of the state in which the scheduler made it, which has none.
AHEAD_S = 600.0
MOST = 200  # runs that the API gives at once
SERVER, WORKER = "deployments.prefect_server", "deployments.worker_main"


@dataclass(frozen=True, slots=True)
class Places:
    """Where the product's state is: the environment that says so, and how large store and Prefect's database are."""

    environ: dict[str, str]
    store_bytes: Callable[[], int]
    prefect_bytes: Callable[[], int]


@contextmanager
def places(settings: Settings, environ: Mapping[str, str], database: str) -> Iterator[Places]:
    """On ``database`` (sqlite, postgresql), until the block ends; a PostgreSQL is started for it."""
    if database == "sqlite":
        store, prefect = (
            Path(make_url(settings.database_url).database or ""),
            prefect_home(settings.home) / "prefect.db",
        )
        yield Places(dict(environ), lambda: bytes_used(store), lambda: bytes_used(prefect))
        return
    with postgres_server() as server:
        store_url, prefect_url = server.new_database(), server.new_database()
        more = {
            "REMOTESUPPORT_DATABASE_URL": store_url,
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": prefect_url.replace("+psycopg", "+asyncpg"),
        }
        yield Places({**environ, **more}, lambda: _database(store_url), lambda: _database(prefect_url))


def _database(url: str) -> int:
    with psycopg.connect(url.replace("+psycopg", "")) as opened:
        row = opened.execute("SELECT pg_database_size(current_database())").fetchone()
    assert row is not None
    return int(row[0])


@dataclass
class Up:
    """A running ``up``. ``server``, ``worker``: its processes; ``ids`` of its deployments by full name.

    ``log``: of what it and its worker say.
    """

    client: SyncPrefectClient
    server: psutil.Process
    worker: psutil.Process
    ids: dict[str, UUID]
    log: Path
    _seen: set[UUID] = field(default_factory=set)

    def said(self) -> str:
        """Its last lines."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-LAST_LINES:])

    def count(self, *names: str, of: str = SYNC) -> int:
        """The runs of deployment ``of`` whose state has one of these names."""
        from prefect.client.schemas.filters import (
            DeploymentFilter,
            DeploymentFilterId,
            FlowRunFilter,
            FlowRunFilterState,
            FlowRunFilterStateName,
        )

        wanted = FlowRunFilter(state=FlowRunFilterState(name=FlowRunFilterStateName(any_=list(names))))
        deployment = DeploymentFilter(id=DeploymentFilterId(any_=[self.ids[of]]))
        return self.client.count_flow_runs(flow_run_filter=wanted, deployment_filter=deployment)

    def new_runs(self) -> list[FlowRun]:
        """The syncs that began since the last call, at most ``MOST``."""
        from prefect.client.schemas.filters import (
            DeploymentFilter,
            DeploymentFilterId,
            FlowRunFilter,
            FlowRunFilterStartTime,
        )
        from prefect.client.schemas.sorting import FlowRunSort

        last = self.client.read_flow_runs(
            deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[self.ids[SYNC]])),
            flow_run_filter=FlowRunFilter(start_time=FlowRunFilterStartTime(is_null_=False)),
            sort=FlowRunSort.START_TIME_DESC,
            limit=MOST,
        )
        new = [run for run in last if run.id not in self._seen]
        self._seen = {run.id for run in last}
        return new

    def faster(self, every: float) -> None:
        """Give the three schedules a minute of ``every`` seconds, as an operator may."""
        from prefect.client.schemas.schedules import IntervalSchedule

        start = datetime.now(UTC)
        for name, (first, each) in DUE.items():
            found = self.client.read_deployment_by_name(name)
            schedule = IntervalSchedule(
                interval=timedelta(seconds=each * every), anchor_date=start + timedelta(seconds=first * every)
            )
            self.client.update_deployment_schedule(found.id, found.schedules[0].id, schedule=schedule)


@contextmanager
def running_up(settings: Settings, environ: Mapping[str, str], every: float) -> Iterator[Up]:
    """``remotesupport up`` with a minute of ``every`` seconds; killed with its children at the end."""
    os.environ.setdefault("PREFECT_HOME", str(settings.home / "bench-client"))
    login, port = f"bench:{secrets.token_urlsafe(12)}", free_port()
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
    more = {
        "PYTHONPATH": str(ROOT),
        "PREFECT_SERVER_API_AUTH_STRING": login,
        "PREFECT_SERVER_SERVICES_SCHEDULER_MAX_RUNS": str(math.ceil(AHEAD_S / every)),
        "PREFECT_SERVER_SERVICES_DB_VACUUM_LOOP_SECONDS": str(HOUR_S / MINUTE_S * every),
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ORPHAN_CLEANUP_LOOP_SECONDS": str(DAY_S / MINUTE_S * every),
    }
    command = [sys.executable, "-m", "remotesupport.cli.main", "up", "--port", str(port)]
    log = settings.home / "up.log"
    child = Child(command, {**clean, **environ, **more}, settings.home, log)
    with ExitStack() as stack:
        child.start()
        stack.callback(child.stop, STOP_S)
        from prefect.client.orchestration import SyncPrefectClient

        client = stack.enter_context(SyncPrefectClient(api_url(port), auth_string=login))
        ids = _registered(client, child)
        running = Up(client, _part(child, SERVER), _part(child, WORKER), ids, log)
        running.faster(every)
        yield running


def _registered(client: SyncPrefectClient, up: Child) -> dict[str, UUID]:
    """The ids of the deployments, once the last one is there."""
    import httpx
    from prefect.exceptions import ObjectNotFound

    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and up.returncode is None:
        try:
            return {one.full_name: client.read_deployment_by_name(one.full_name).id for one in reversed(CATALOG)}
        except (ObjectNotFound, httpx.HTTPError):
            time.sleep(0.5)
    raise RuntimeError(f"`up` has registered nothing: {up.log and up.log.read_text()[-4000:]}")


def _part(up: Child, module: str) -> psutil.Process:
    """The process of ``up`` that runs ``module``."""
    (found,) = [one for one in psutil.Process(up.pid).children(recursive=True) if module in one.cmdline()]
    return found
