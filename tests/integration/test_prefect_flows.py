"""The real flows in the warm worker, against a real Prefect server and emulated billings over HTTP."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId
from prefect.client.schemas.objects import FlowRun
from prefect.states import Scheduled

from deployments.processes import Child, PrefectServer, python
from remotesupport.core.report.month import Month
from tests.emulator_fixtures import password_of
from tests.flow_fixtures import ENDED, World, artifacts, environ, newest_board, run, task_names
from tests.prefect_fixtures import until

pytest_plugins = ("tests.prefect_fixtures", "tests.flow_fixtures")


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
    """A run without news is one task run to extract, and one to reconcile for all that are ready; the live board is
    renewed in place, and nothing else is left."""
    for _ in range(3):  # a thread is read once more when its last message was younger than two seconds
        await run(client, "sync/every-minute")
    before = [len(await artifacts(client, key)) for key in ("summary", "board", "plan-acme")]
    board = await newest_board(client)
    quiet = await run(client, "sync/every-minute")
    assert quiet.state.message == "2 of 2 billings in order, 0 written"
    together = {"extract all billings", "reconcile all billings"}
    apart = {"extract all billings", "reconcile acme", "reconcile globex"}  # one was ready moments after the other
    assert await task_names(client, quiet, together, apart) in (together, apart)
    assert [len(await artifacts(client, key)) for key in ("summary", "board", "plan-acme")] == before
    renewed = await newest_board(client)
    assert "renewed by each run" in renewed.data
    assert (renewed.id, renewed.data == board.data) == (board.id, False)


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
    assert "globex" in (await newest_board(client)).data
    again = await run(client, "sync/every-minute")
    assert again.state_name == "Completed"
    await failure_is_said_in_one_line(client, world, failed)


async def test_the_worker_serves_health_and_figures_of_its_runs(client: PrefectClient, world: World) -> None:
    """While it works, what it has run is counted and health is well, asked over HTTP at the address that it wrote."""
    url = (world.server.home / "monitoring.address").read_text()
    await run(client, "sync/every-minute")
    async with httpx.AsyncClient(trust_env=False, timeout=30) as asking:
        health, figures = await asking.get(f"{url}/health"), await asking.get(f"{url}/metrics")
    assert (health.status_code, health.json()["status"]) == (200, "ok")
    assert 'remotesupport_billing_state{billing="acme",state="ok"} 1.0' in figures.text
    assert 'remotesupport_runs_total{kind="sync",outcome="ok"}' in figures.text
    assert 'remotesupport_step_seconds_total{step="reconcile"}' in figures.text


async def failure_is_said_in_one_line(client: PrefectClient, world: World, failed: FlowRun) -> None:
    """G6: the state folder's log has one line of it, the run's own log begins with words, and neither a traceback."""
    lines = (world.server.home / "remotesupport.log").read_text().splitlines()
    assert len([line for line in lines if "globex: failed" in line]) == 1
    logs = await client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[failed.id])), limit=200)
    told = [log.message for log in logs if "globex" in log.message]
    assert "Traceback" not in "".join([*lines, *told])
    assert logs[0].message == told[0]
    assert told[0].startswith("globex: globex (external) in ")
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


async def test_the_form_of_the_backfill_only_plans_and_a_long_one_shows_how_far_it_is(
    client: PrefectClient, world: World
) -> None:
    """As the form stands a backfill writes nothing and its summary says what would come; the real one has one bar."""
    for n in range(21):
        world.acme.act(as_="ivan", do="open", department="Technical support", subject=f"Old {n}", text="t")
    window = {"since": "2020-01-01T00:00:00Z", "billings": ["acme"]}
    planned = await run(client, "backfill/ad-hoc", window=window)
    assert planned.state_name == "Completed", planned.state.message
    assert "0 written" in planned.state.message
    (summary,) = [a for a in await artifacts(client, "summary") if a.flow_run_id == planned.id]
    assert "acme: 21 new ticket" in summary.data
    assert "Main may mail that user 21 time" in summary.data
    done = await run(client, "backfill/ad-hoc", window={**window, "plan_only": False})
    assert "21 written" in done.state.message
    (bar,) = await artifacts(client, "progress-acme")
    assert (bar.flow_run_id, bar.type, bar.data) == (done.id, "progress", 100.0)
    assert bar.description == "acme: 21 of 21 changes are done"


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


async def test_the_monthly_reports_are_files_in_the_state_folder(client: PrefectClient, world: World) -> None:
    """The monthly deployment writes last month's page and table for each billing, and says where they are."""
    done = await run(client, "monthly_report/monthly")
    folder = world.server.home / "reports"
    assert (done.state_name, done.state.message) == ("Completed", f"2 reports are in {folder}")
    month = Month.of(datetime.now(UTC), ZoneInfo("Europe/Moscow")).before
    expected = [f"{name}-{month}.{kind}" for name in ("acme", "globex") for kind in ("csv", "html")]
    assert sorted(path.name for path in folder.iterdir()) == expected


async def test_no_secret_and_no_text_of_a_customer_is_in_the_logs(client: PrefectClient, world: World) -> None:
    """What the runs logged to Prefect and to the state folder holds no password and no message."""
    runs = [r.id for r in await client.read_flow_runs(limit=100)]
    logs = await client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=runs)), limit=200)
    text = "\n".join(log.message for log in logs) + (world.server.home / "remotesupport.log").read_text()
    assert "globex" in text
    for secret in (password_of("support-robot"), password_of("acme"), "No mail"):
        assert secret not in text
