"""The real flows in the warm worker, against a real Prefect server and emulated billings over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterKey,
    FlowRunFilter,
    FlowRunFilterId,
    LogFilter,
    LogFilterFlowRunId,
)
from prefect.client.schemas.objects import FlowRun
from prefect.states import Scheduled

from deployments.processes import Child, PrefectServer, WorkerProcess, python
from tests.emulator_fixtures import RunningEmulator, password_of, running_emulator
from tests.prefect_fixtures import test_environ, until, warm_worker

pytest_plugins = ("tests.prefect_fixtures",)

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
    """Emulated billings in this process; the configuration in the server's state folder."""
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


async def test_a_ticket_crosses_and_the_run_shows_it(client: PrefectClient, world: World) -> None:
    """A run with changes ends Completed with the counts, a task run named after the billing, and artifacts."""
    first = await run(client, "sync/every-minute")
    assert first.state_name == "Completed", first.state.message
    assert first.state.message == "2 of 2 billings in order, 0 written"
    assert first.name.startswith("sync ")
    world.acme.act(
        as_="ivan", do="open", department="Technical support", subject="<b>Site</b>", text="![x](http://e.example)"
    )
    second = await run(client, "sync/every-minute")
    assert second.state.message == "2 of 2 billings in order, 1 written"
    wanted = {"extract all billings", "load acme", "report all billings"}
    names = await task_names(client, second, wanted)
    assert wanted <= names
    assert "load globex" not in names
    for step in ("validate", "reconcile"):  # for both billings at once, where both were ready in the same moments
        assert {f"{step} all billings", f"{step} acme"} & names
    (plan,) = [a for a in await artifacts(client, "plan-acme") if a.flow_run_id == second.id]
    assert "<b>" not in str(plan.data)
    assert "![" not in str(plan.data)
    assert len([a for a in await artifacts(client, "summary") if a.flow_run_id == second.id]) == 1


async def test_a_quiet_minute_leaves_two_task_runs_and_no_artifact(client: PrefectClient, world: World) -> None:
    """A run without news is one task run to extract, and one to reconcile for all that are ready; nothing else."""
    for _ in range(3):  # a thread is read once more when its last message was younger than two seconds
        await run(client, "sync/every-minute")
    before = [len(await artifacts(client, key)) for key in ("summary", "board", "plan-acme")]
    quiet = await run(client, "sync/every-minute")
    assert quiet.state.message == "2 of 2 billings in order, 0 written"
    together = {"extract all billings", "reconcile all billings"}
    apart = {"extract all billings", "reconcile acme", "reconcile globex"}  # one was ready moments after the other
    assert await task_names(client, quiet, together, apart) in (together, apart)
    assert [len(await artifacts(client, key)) for key in ("summary", "board", "plan-acme")] == before


async def test_a_broken_billing_fails_the_run_by_name_and_the_others_are_loaded(
    client: PrefectClient, world: World
) -> None:
    """While one billing refuses connections, the run is Failed, names it, and carries the other's ticket over."""
    world.globex.stop()
    try:
        world.acme.act(as_="ivan", do="open", department="Technical support", subject="Mail", text="No mail")
        failed = await run(client, "sync/every-minute")
    finally:
        world.globex.start()
    assert failed.state_name == "Failed"
    assert failed.state.message.startswith("globex: ")
    assert "1 of 2 billings in order, 1 written" in failed.state.message
    names = await task_names(client, failed, {"extract globex", "load acme"})
    assert {"extract globex", "load acme"} <= names
    assert "extract acme" not in names
    (board,) = sorted(await artifacts(client, "board"), key=lambda a: a.created)[-1:]
    assert "globex" in board.data
    again = await run(client, "sync/every-minute")
    assert again.state_name == "Completed"
    await failure_is_said_in_one_line(client, world, failed)


async def failure_is_said_in_one_line(client: PrefectClient, world: World, failed: FlowRun) -> None:
    """G6: the log of the state folder has one line of it, the run's own log words first, and neither a traceback."""
    lines = (world.server.home / "remotesupport.log").read_text().splitlines()
    assert len([line for line in lines if "globex: failed" in line]) == 1
    logs = await client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[failed.id])), limit=200)
    told = [log.message for log in logs if "globex" in log.message]
    assert "Traceback" not in "".join([*lines, *told])
    assert told[0].startswith("Task run failed with exception: globex (external) in ")
    assert "no connection" in told[0]


async def test_a_late_run_by_hand_is_done(client: PrefectClient, world: World) -> None:
    """A run that a person asked for is done, however late a worker comes to it."""
    deployment = await client.read_deployment_by_name("sync/every-minute")
    due = datetime.now(UTC) - timedelta(minutes=5)
    by_hand = await client.create_flow_run_from_deployment(deployment.id, state=Scheduled(scheduled_time=due))
    assert (await until(client, by_hand.id, *ENDED)).state_name == "Completed"


@pytest.mark.thorough("Prefect's process worker imports everything again for each run")
async def test_an_ordinary_process_worker_runs_the_same_flow(client: PrefectClient, world: World) -> None:
    """On a process pool, in a temporary directory of a new process, ``sync`` does the same."""
    prefect = python("prefect", "worker", "start", "--pool", "ordinary", "--type", "process")
    flow = await client.read_flow_by_name("sync")
    env = PrefectServer(world.server.home, world.server.port, environ(world.server.home)).client_env
    process = Child(prefect, env, world.server.home, world.server.home / "process-worker.log")
    process.start()
    try:
        await pool_exists(client, "ordinary")
        where = {"work_pool_name": "ordinary", "entrypoint": "flows.sync.sync"}
        deployment = await client.create_deployment(flow.id, "ordinary", **where)
        started = await client.create_flow_run_from_deployment(deployment)
        done = await until(client, started.id, *ENDED)
    finally:
        process.stop(8)
    assert done.state.message == "2 of 2 billings in order, 0 written"


async def pool_exists(client: PrefectClient, name: str) -> None:
    """Wait until the worker has made its pool."""
    for _ in range(300):
        if name in [p.name for p in await client.read_work_pools()]:
            return
        await asyncio.sleep(0.1)


async def test_backfill_plans_only_when_asked(client: PrefectClient, world: World) -> None:
    """The custom run of the form makes a plan and writes nothing."""
    window = {"since": "2020-01-01T00:00:00Z", "billings": ["acme"], "plan_only": True}
    done = await run(client, "backfill/ad-hoc", window=window)
    assert done.state_name == "Completed", done.state.message
    assert "0 written" in done.state.message


async def test_an_unknown_plan_is_refused_in_words(client: PrefectClient, world: World) -> None:
    """Applying a plan that is not there ends Failed, with what to do, and without a traceback."""
    refused = await run(client, "apply_plan/by-id", plan_id="p-0123456789ab")
    assert refused.state_name == "Failed"
    assert refused.state.message.startswith("there is no plan p-0123456789ab")


async def test_audit_and_maintenance_complete(client: PrefectClient, world: World) -> None:
    """The complete comparison and the nightly tidying end Completed on healthy billings."""
    audit, tidy = await asyncio.gather(run(client, "audit/hourly"), run(client, "maintenance/nightly"))
    assert audit.state_name == "Completed", audit.state.message
    assert tidy.state.message == "0 old rows deleted, 0 lost runs ended; nothing is parked"


async def test_no_secret_and_no_text_of_a_customer_is_in_the_logs(client: PrefectClient, world: World) -> None:
    """What the runs logged to Prefect and to the state folder holds no password and no message."""
    runs = [r.id for r in await client.read_flow_runs(limit=100)]
    logs = await client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=runs)), limit=200)
    text = "\n".join(log.message for log in logs) + (world.server.home / "remotesupport.log").read_text()
    assert "globex" in text
    for secret in (password_of("support-robot"), password_of("acme"), "No mail"):
        assert secret not in text
