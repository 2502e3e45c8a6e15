"""The warm worker against a real Prefect server, as processes."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import FlowRun
from prefect.states import Cancelling, Pending, Running, Scheduled

from deployments import exit_codes
from deployments.orphaned_runs import WORKER_LABEL
from deployments.processes import PrefectServer, WorkerProcess
from deployments.worker import TYPE, WarmWorker
from tests import tiny_flows
from tests.prefect_fixtures import deploy_tiny, until, warm_worker

pytest_plugins = ("tests.prefect_fixtures",)

POOL = "tests-warm"


@pytest.fixture(scope="module")
def worker(prefect_server: PrefectServer) -> Iterator[WorkerProcess]:
    """One worker for the tests that leave it alive."""
    with warm_worker(prefect_server, POOL) as process:
        yield process


@pytest.fixture
async def pool(prefect_client: PrefectClient) -> str:
    """The pool of that worker."""
    return await a_pool(prefect_client, POOL)


async def a_pool(client: PrefectClient, name: str) -> str:
    """A warm pool, made once."""
    if name not in [p.name for p in await client.read_work_pools()]:
        template = WarmWorker.get_default_base_job_template()
        await client.create_work_pool(WorkPoolCreate(name=name, type=TYPE, base_job_template=template))
    return name


async def start(client: PrefectClient, pool: str, flow: object, **more: object) -> FlowRun:
    """A run of a tiny flow, due now unless a state says otherwise."""
    state = more.pop("state", None)
    parameters = more.pop("parameters", {})
    deployment = await deploy_tiny(client, pool, flow, **more)
    return await client.create_flow_run_from_deployment(deployment, state=state, parameters=parameters)


async def test_a_scheduled_run_waits_for_its_time_and_is_run_by_the_worker(
    prefect_client: PrefectClient, pool: str, worker: WorkerProcess
) -> None:
    """A run that is scheduled starts at its time, not before it, in the worker's own process.

    How late it starts: ``make bench ARGS=schedule``.
    """
    due = datetime.now(UTC) + timedelta(seconds=6)
    run = await start(prefect_client, pool, tiny_flows.quick, state=Scheduled(scheduled_time=due))
    run = await until(prefect_client, run.id, "Completed")
    assert run.state.message == f"hello from {worker.pid}"
    assert (run.start_time - due).total_seconds() > -0.5  # two clocks


async def test_an_error_in_one_run_does_not_take_others_along(
    prefect_client: PrefectClient, pool: str, worker: WorkerProcess
) -> None:
    """While one run waits, another raises and a third completes; the first goes on."""
    waits = await start(prefect_client, pool, tiny_flows.waits, parameters={"seconds": 4})
    broken = await start(prefect_client, pool, tiny_flows.breaks)
    quick = await start(prefect_client, pool, tiny_flows.quick)
    assert "broken on purpose" in (await until(prefect_client, broken.id, "Failed")).state.message
    await until(prefect_client, quick.id, "Completed")
    await until(prefect_client, waits.id, "Completed")
    assert worker.returncode is None


async def test_a_failed_state_keeps_its_message(
    prefect_client: PrefectClient, pool: str, worker: WorkerProcess
) -> None:
    """The message of the state that a flow returns is what the UI shows."""
    run = await start(prefect_client, pool, tiny_flows.fails)
    assert (await until(prefect_client, run.id, "Failed")).state.message == "acme: refused"


async def test_parameters_become_what_the_flow_says(
    prefect_client: PrefectClient, pool: str, worker: WorkerProcess
) -> None:
    """A form reaches the flow as its model, and one that does not fit fails the run with the field's name."""
    good = await start(prefect_client, pool, tiny_flows.filled_in, parameters={"form": {"number": 7}})
    bad = await start(prefect_client, pool, tiny_flows.filled_in, parameters={"form": {"number": 0}})
    assert (await until(prefect_client, good.id, "Completed", "Failed")).state.message == "Form 7"
    assert "form.number" in (await until(prefect_client, bad.id, "Failed")).state.message


async def test_cancelling_a_run_ends_it(prefect_client: PrefectClient, pool: str, worker: WorkerProcess) -> None:
    """What the UI's cancel button does (state Cancelling) ends the run as Cancelled and leaves the worker alive."""
    run = await start(prefect_client, pool, tiny_flows.waits)
    await until(prefect_client, run.id, "Running")
    await prefect_client.set_flow_run_state(run.id, Cancelling())
    run = await until(prefect_client, run.id, "Cancelled", patience=15)
    assert run.state.message == "Cancelled by a person"
    history = [s.name for s in await prefect_client.read_flow_run_states(run.id)]
    assert "Crashed" not in history
    assert worker.returncode is None


async def test_cancelling_a_run_before_its_time_ends_it(
    prefect_client: PrefectClient, pool: str, worker: WorkerProcess
) -> None:
    """A run that is cancelled while it waits for its time never begins."""
    due = datetime.now(UTC) + timedelta(hours=1)
    run = await start(prefect_client, pool, tiny_flows.quick, state=Scheduled(scheduled_time=due))
    await prefect_client.set_flow_run_state(run.id, Cancelling())
    run = await until(prefect_client, run.id, "Cancelled")
    assert run.run_count == 0


async def test_a_run_past_its_deadline_is_ended(
    prefect_client: PrefectClient, pool: str, worker: WorkerProcess
) -> None:
    """A run that goes on after its deployment's deadline ends as TimedOut; the worker goes on."""
    run = await start(prefect_client, pool, tiny_flows.waits, job_variables={"deadline_seconds": 1})
    run = await until(prefect_client, run.id, "TimedOut", patience=15)
    assert "deadline of 1 s" in run.state.message
    assert worker.returncode is None


async def test_a_flow_may_ask_for_more_time(prefect_client: PrefectClient, pool: str, worker: WorkerProcess) -> None:
    """A run that asks for more time in time is not ended by its deployment's deadline."""
    run = await start(prefect_client, pool, tiny_flows.asks_for_time, job_variables={"deadline_seconds": 1})
    assert (await until(prefect_client, run.id, "Completed", "TimedOut")).state_name == "Completed"


@pytest.mark.parametrize(
    ("entrypoint", "why"),
    [("tests.tiny_flows.plain", "not an async flow"), ("os.path.join", "not a module path below")],
)
async def test_what_the_worker_must_not_run_is_refused(
    prefect_client: PrefectClient, pool: str, worker: WorkerProcess, entrypoint: str, why: str
) -> None:
    """A flow that is not async, or a module that was not allowed, ends as Crashed with the reason."""
    flow_id = await prefect_client.create_flow_from_name("refused")
    name = entrypoint.replace(".", "-")
    deployment = await prefect_client.create_deployment(flow_id, name, work_pool_name=pool, entrypoint=entrypoint)
    run = await prefect_client.create_flow_run_from_deployment(deployment)
    assert why in (await until(prefect_client, run.id, "Crashed")).state.message


@pytest.mark.thorough("a worker of its own, which imports everything again")
async def test_a_run_that_does_not_yield_costs_only_the_process(
    prefect_server: PrefectServer, prefect_client: PrefectClient
) -> None:
    """A stuck run ends the worker with its own status; the next worker settles it and what was left pending."""
    pool = await a_pool(prefect_client, "tests-stuck")
    with warm_worker(prefect_server, pool, "--grace", "1", name="stuck") as process:
        deadline = {"deadline_seconds": 1}
        stuck = await start(prefect_client, pool, tiny_flows.stubborn, job_variables=deadline)
        await until(prefect_client, stuck.id, "Running")
        pending = await left_behind(prefect_client, pool, "stuck", Pending(name="Submitting"))
        others = await left_behind(prefect_client, pool, "another", Running())
        assert process.wait(20) == exit_codes.STUCK
    with warm_worker(prefect_server, pool, name="stuck"):
        settled = await until(prefect_client, stuck.id, "Crashed")
        assert "the next run takes over" in settled.state.message
        await until(prefect_client, pending, "Cancelled")
        assert (await prefect_client.read_flow_run(others)).state_name == "Running"


async def left_behind(client: PrefectClient, pool: str, worker: str, state: object) -> UUID:
    """A run in the state in which a worker of that name died."""
    due = datetime.now(UTC) + timedelta(hours=1)
    run = await start(client, pool, tiny_flows.quick, state=Scheduled(scheduled_time=due))
    await client.update_flow_run_labels(run.id, {WORKER_LABEL: worker})
    await client.set_flow_run_state(run.id, state, force=True)
    return run.id


@pytest.mark.thorough("a worker of its own, which imports everything again")
async def test_a_worker_that_has_grown_ends_for_a_fresh_start(
    prefect_server: PrefectServer, prefect_client: PrefectClient
) -> None:
    """Above its memory limit a worker takes no run and ends with its own status."""
    pool = await a_pool(prefect_client, "tests-grown")
    run = await start(prefect_client, pool, tiny_flows.quick)
    with warm_worker(prefect_server, pool, "--memory-mb", "10", name="grown") as process:
        assert process.wait(30) == exit_codes.GREW
    assert (await prefect_client.read_flow_run(run.id)).state_name in ("Scheduled", "Late")


@pytest.mark.thorough("a worker of its own, which imports everything again")
async def test_a_stopped_worker_ends_its_runs_first(
    prefect_server: PrefectServer, prefect_client: PrefectClient
) -> None:
    """On SIGTERM a run that does not end by itself is cancelled with the reason, and the worker ends with 0."""
    pool = await a_pool(prefect_client, "tests-stopped")
    with warm_worker(prefect_server, pool, name="stopped") as process:
        run = await start(prefect_client, pool, tiny_flows.waits)
        await until(prefect_client, run.id, "Running")
        process.signal(signal.SIGTERM)
        assert process.wait(20) == exit_codes.STOPPED
    assert (await until(prefect_client, run.id, "Cancelled")).state.message == "The worker was stopped"
