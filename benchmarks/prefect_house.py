"""A Prefect server of our own with workers, for the benchmarks of scheduled runs.

Runs are made through the API for chosen moments, so that minutes need not be waited for. Prefect is imported when a
house is opened, in a home folder of its own.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psutil

from deployments.processes import Child, PrefectServer, WorkerProcess, python

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.objects import FlowRun

WARM, EAGER, PROCESS = "warm worker", "eager warm worker", "process worker"
ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 120.0


@contextmanager
def serving(folder: Path, more: Mapping[str, str] = MappingProxyType({})) -> Iterator[PrefectServer]:
    """A healthy server with the settings of ``up`` and ``more``, and its database in ``folder`` unless they differ."""
    os.environ.setdefault("PREFECT_HOME", str(folder / "bench-client"))
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
    with PrefectServer(folder, environ={**clean, "PYTHONPATH": str(ROOT), **more}) as server:
        yield server


@contextmanager
def working(server: PrefectServer, kind: str, environ: Mapping[str, str]) -> Iterator[Child]:
    """A worker of ``kind`` on the pool of that name; runs find the product's configuration by ``environ``."""
    worker = _process(server, environ) if kind == PROCESS else _warm(server, kind, environ)
    worker.start()
    try:
        yield worker
    finally:
        worker.stop(8)


@asynccontextmanager
async def talking(server: PrefectServer) -> AsyncIterator[PrefectClient]:
    """A client of the server."""
    from prefect.client.orchestration import PrefectClient

    async with PrefectClient(server.api) as client:
        yield client


async def deploy(client: PrefectClient, kind: str, entrypoint: str) -> UUID:
    """A deployment of the flow at the module path ``entrypoint`` on the pool of ``kind``, without a schedule."""
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectAlreadyExists

    from deployments.serve import ensure_pool

    pool = pool_of(kind)
    if kind != PROCESS:
        await ensure_pool(client, pool)
    else:
        from prefect.workers.process import ProcessWorker

        template = ProcessWorker.get_default_base_job_template()
        with suppress(ObjectAlreadyExists):
            await client.create_work_pool(WorkPoolCreate(name=pool, type="process", base_job_template=template))
    name = entrypoint.rpartition(".")[2]
    flow = await client.create_flow_from_name(name)
    return await client.create_deployment(flow, f"{name}-{pool}", work_pool_name=pool, entrypoint=entrypoint)


async def runs_at(client: PrefectClient, deployment: UUID, first_in_s: float, apart_s: float, count: int) -> list[UUID]:
    """``count`` runs for moments ``apart_s`` apart, the first one ``first_in_s`` from now."""
    from prefect.states import Scheduled

    start = datetime.now(UTC) + timedelta(seconds=first_in_s)
    moments = [start + timedelta(seconds=apart_s * n) for n in range(count)]
    made = [
        await client.create_flow_run_from_deployment(deployment, state=Scheduled(scheduled_time=moment))
        for moment in moments
    ]
    return [run.id for run in made]


async def ended(client: PrefectClient, run: UUID) -> FlowRun:
    """The run once it is over. Raises RuntimeError when it did not complete, TimeoutError when it does not end.

    A run that met another one ends at once in a Completed state of the name Skipped.
    """
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        found = await client.read_flow_run(run)
        if found.state is not None and found.state.is_final():
            if not found.state.is_completed():
                raise RuntimeError(f"the run {found.name} ended {found.state.name}: {found.state.message}")
            return found
        await asyncio.sleep(0.1)
    raise TimeoutError(f"flow run {run} did not end in {PATIENCE_S:.0f} s")


async def one_run(client: PrefectClient, deployment: UUID) -> FlowRun:
    """One run at once, to its end."""
    (run,) = await runs_at(client, deployment, 0, 0, 1)
    return await ended(client, run)


def worked(run: FlowRun) -> bool:
    """Whether it did its work instead of ending at once."""
    return run.state_name == "Completed"


def cpu_seconds(pid: int) -> float:
    """Of the process, of its children that have ended, and of those that go on."""
    process = psutil.Process(pid)
    times = process.cpu_times()
    return _of(times) + times.children_user + times.children_system + sum(_alive(c) for c in process.children(True))


def pool_of(kind: str) -> str:
    """The name of the pool."""
    return f"bench-{kind.partition(' ')[0]}"


def _alive(process: psutil.Process) -> float:
    try:
        return _of(process.cpu_times())
    except psutil.NoSuchProcess:
        return 0.0


def _of(times: Any) -> float:
    return float(times.user + times.system)


def _warm(server: PrefectServer, kind: str, environ: Mapping[str, str]) -> Child:
    everything = {**server.environ, **environ}
    log = server.home / "warm.log"
    arguments = ("--modules", "flows", "benchmarks")
    worker = WorkerProcess(
        server.home, server.api, pool_of(kind), name="bench", environ=everything, log=log, arguments=arguments
    )
    if kind == EAGER:
        worker.argv[worker.argv.index("deployments.worker_main")] = "benchmarks.eager_worker"
    return worker


def _process(server: PrefectServer, environ: Mapping[str, str]) -> Child:
    argv = python("prefect", "worker", "start", "--pool", pool_of(PROCESS), "--type", "process", "--name", "bench")
    return Child(argv, {**server.client_env, **environ}, server.home, server.home / "process.log")
