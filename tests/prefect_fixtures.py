"""Real Prefect servers for the tests, each on a free loopback port and stopped by its pid.

Test modules that want it say ``pytest_plugins = ("tests.prefect_fixtures",)``. PYTEST_DONT_REWRITE: it is imported for
its helpers, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun

from deployments.processes import PrefectServer, WorkerProcess
from deployments.settings_env import prefect_home

ROOT = Path(__file__).parent.parent
DATABASE, EMPTY = "prefect.db", "empty.db"
LOGIN = "someone:invented-for-a-test"
PATIENCE_S = 180.0  # a first busy run imports much, beside three other workers that start servers


def test_environ(**more: str) -> dict[str, str]:
    """Our environment without anything of Prefect, with the tests' flows importable."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
    return {**kept, "PYTHONPATH": str(ROOT), **more}


test_environ.__test__ = False  # type: ignore[attr-defined]


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """A healthy server with all settings of ``up``."""
    with PrefectServer(tmp_path_factory.mktemp("prefect-home"), environ=test_environ()) as server:
        keep_empty_database(server.home)
        yield server


@pytest.fixture(scope="module")
def locked_server(prefect_server: PrefectServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """A server with a password, on tables that the other server has made: that is half of the work of a start."""
    home = tmp_path_factory.mktemp("locked")
    shutil.copy(prefect_home(prefect_server.home) / EMPTY, prefect_home(home) / DATABASE)
    with PrefectServer(home, environ=test_environ(PREFECT_SERVER_API_AUTH_STRING=LOGIN)) as server:
        yield server


def keep_empty_database(home: Path) -> None:
    """Put a copy of the database of the server in ``home`` beside it."""
    folder = prefect_home(home)
    with (
        contextlib.closing(sqlite3.connect(folder / DATABASE)) as source,
        contextlib.closing(sqlite3.connect(folder / EMPTY)) as copy,
    ):
        source.backup(copy)


@pytest.fixture
async def prefect_client(prefect_server: PrefectServer) -> AsyncIterator[PrefectClient]:
    """A client of the session's server."""
    async with PrefectClient(prefect_server.api) as client:
        yield client


@contextlib.contextmanager
def warm_worker(server: PrefectServer, pool: str, *arguments: str, name: str = "tests") -> Iterator[WorkerProcess]:
    """A warm worker for the tests' flows in a process of its own, ended at the end."""
    chosen = ("--modules", "tests.tiny_flows", "--preload", "tests.tiny_flows", *arguments)
    log = server.home / f"worker-{pool}.log"
    worker = WorkerProcess(server.home, server.api, pool, name=name, environ=server.environ, log=log, arguments=chosen)
    worker.start()
    try:
        yield worker
    finally:
        worker.stop(8)


async def until(client: PrefectClient, flow_run: UUID, *names: str, patience: float = PATIENCE_S) -> FlowRun:
    """The flow run once its state has one of ``names``; fails with what it has instead."""
    end = time.monotonic() + patience
    while True:
        run = await client.read_flow_run(flow_run)
        if run.state_name in names:
            return run
        if time.monotonic() > end:
            raise AssertionError(f"{run.name} is {run.state!r}, not {names}")
        await asyncio.sleep(0.3)


async def deploy_tiny(client: PrefectClient, pool: str, flow: Any, **more: Any) -> UUID:
    """A deployment of one of the tests' flows on a warm pool, made through the API alone."""
    flow_id = await client.create_flow_from_name(flow.name)
    return await client.create_deployment(
        flow_id, f"{pool}-{flow.name}", work_pool_name=pool, entrypoint=f"tests.tiny_flows.{flow.fn.__name__}", **more
    )
