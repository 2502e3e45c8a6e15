"""The real flows in the warm worker, against a real Prefect server and two emulated billings beside the main one.

Test modules that want it say ``pytest_plugins = ("tests.prefect_fixtures", "tests.flow_fixtures")``.
PYTEST_DONT_REWRITE: it is imported for its helpers, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey, FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import FlowRun

from deployments.processes import PrefectServer, WorkerProcess
from tests.emulator_fixtures import RunningEmulator, password_of, running_emulator
from tests.prefect_fixtures import test_environ, until, warm_worker

POOL = "tests-flows"
ENDED = ("Completed", "Failed", "Skipped", "Crashed", "TimedOut", "Cancelled")
MAIN = '[main]\nurl = "{url}"\n'
EXTERNAL = """
[[external]]
name = "{name}"
url = "{url}"
login = "support-robot"
password = "env:ROBOT"
main_login = "{name}"
main_password = "env:{variable}"
timezone = "Europe/Moscow"
[[external.departments]]
remote = "Technical support"
main = "Outsourced support"
"""


@dataclass
class World:
    """Two externals, the main billing, and the configuration of the product between them."""

    main: RunningEmulator
    acme: RunningEmulator
    globex: RunningEmulator
    server: PrefectServer


@pytest.fixture(scope="module")
def world(prefect_server: PrefectServer) -> Iterator[World]:
    """Emulated billings in this process; their configuration, and nothing older, in the server's state folder."""
    for left in (*prefect_server.home.glob("remotesupport.sqlite3*"), *prefect_server.home.glob("remotesupport.log*")):
        left.unlink()
    with running_emulator("main") as main, running_emulator("acme") as acme, running_emulator("globex") as globex:
        text = MAIN.format(url=main.url)
        text += EXTERNAL.format(name="acme", url=acme.url, variable="ACME")
        text += EXTERNAL.format(name="globex", url=globex.url, variable="GLOBEX")
        (prefect_server.home / "remotesupport.toml").write_text(text)
        yield World(main, acme, globex, prefect_server)


def environ(home: Path) -> dict[str, str]:
    """What ``up`` gives its worker."""
    return test_environ(
        REMOTESUPPORT_HOME=str(home),
        REMOTESUPPORT_CONFIG=str(home / "remotesupport.toml"),
        ROBOT=password_of("support-robot"),
        ACME=password_of("acme"),
        GLOBEX=password_of("globex"),
    )


@pytest.fixture(scope="module")
def worker(world: World) -> Iterator[WorkerProcess]:
    """The worker as ``up`` starts it: it registers the catalog and runs our flows."""
    server = world.server
    chosen = PrefectServer(server.home, server.port, environ(server.home))
    arguments = ("--register", "--modules", "flows", "--preload", "flows.sync")
    with warm_worker(chosen, POOL, *arguments, name="flows") as process:
        yield process


@pytest.fixture
async def client(prefect_client: PrefectClient, worker: WorkerProcess) -> PrefectClient:
    """A client, once the catalog is registered; the schedules are paused, so that only tests start runs."""
    for _ in range(300):
        found = {d.name for d in await prefect_client.read_deployments()}
        if (
            "nightly" in found
            and (await prefect_client.read_deployment_by_name("sync/every-minute")).work_pool_name == POOL
        ):
            break
        assert worker.returncode is None
        await asyncio.sleep(0.1)
    for deployment in await prefect_client.read_deployments():
        await prefect_client.pause_deployment(deployment.id)
    return prefect_client


async def run(client: PrefectClient, name: str, **parameters: Any) -> FlowRun:
    """Start a deployment by hand and wait for its end."""
    deployment = await client.read_deployment_by_name(name)
    started = await client.create_flow_run_from_deployment(deployment.id, parameters=parameters)
    return await until(client, started.id, *ENDED)


async def task_names(client: PrefectClient, ended: FlowRun, *wanted: set[str]) -> set[str]:
    """The names of the run's task runs, once the server has recorded one set of ``wanted`` ones (it does so later)."""
    only = FlowRunFilter(id=FlowRunFilterId(any_=[ended.id]))
    for _ in range(100):
        names = {t.name for t in await client.read_task_runs(flow_run_filter=only)}
        if any(one <= names for one in wanted):
            break
        await asyncio.sleep(0.1)
    return names


async def artifacts(client: PrefectClient, key: str) -> list[Any]:
    """The history of a keyed artifact."""
    return await client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])))


async def newest_board(client: PrefectClient) -> Any:
    """The live board as it stands."""
    return max(await artifacts(client, "board"), key=lambda board: board.created)
