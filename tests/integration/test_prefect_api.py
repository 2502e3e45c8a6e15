"""What the small reader of the Prefect API sees of a real server, and what it says when there is none to see."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.schedules import IntervalSchedule
from prefect.states import Completed

from deployments.prefect_api import NoAnswer, PrefectApi
from deployments.processes import PrefectServer, free_port
from tests.prefect_fixtures import PATIENCE_S
from tests.receivers import hook

pytest_plugins = ("tests.prefect_fixtures",)


SCHEDULED, COMPLETED = "SCHEDULED", "COMPLETED"


async def test_a_run_is_seen_as_it_ended(prefect_server: PrefectServer, prefect_client: PrefectClient) -> None:
    """Name, state, headline and times are the server's, and a run that a person made is none of the schedule's."""
    flow = await prefect_client.create_flow_from_name("seen")
    deployment = await prefect_client.create_deployment(flow, "by-hand")
    made = await prefect_client.create_flow_run_from_deployment(deployment)
    await prefect_client.set_flow_run_state(made.id, Completed(message="2 of 2 billings in order"), force=True)
    api = PrefectApi(prefect_server.api, prefect_server.environ)
    (run,) = api.runs([COMPLETED], deployments=["by-hand"])
    assert (run.id, run.name) == (str(made.id), made.name)
    assert (run.state, run.message, run.scheduled) == ("Completed", "2 of 2 billings in order", False)
    assert run.end is not None
    assert run.end <= datetime.now(UTC)


async def test_states_and_the_limit_choose_the_runs(
    prefect_server: PrefectServer, prefect_client: PrefectClient
) -> None:
    """Only runs in the states that were asked for are given, no more than the limit, in the order asked for."""
    flow = await prefect_client.create_flow_from_name("chosen")
    deployment = await prefect_client.create_deployment(flow, "three")
    made = [await prefect_client.create_flow_run_from_deployment(deployment) for _ in range(3)]
    await prefect_client.set_flow_run_state(made[0].id, Completed(), force=True)

    def names(*states: str, limit: int = 20) -> list[str]:
        api = PrefectApi(prefect_server.api, prefect_server.environ)
        order = "EXPECTED_START_TIME_DESC"
        return [run.name for run in api.runs(states, deployments=["three"], sort=order, limit=limit)]

    assert names(COMPLETED) == [made[0].name]
    assert names(SCHEDULED) == [made[2].name, made[1].name]
    assert names(SCHEDULED, COMPLETED, limit=1) == [made[2].name]


async def test_runs_of_the_schedule_are_known_as_such(
    prefect_server: PrefectServer, prefect_client: PrefectClient
) -> None:
    """A run that the server's own scheduler made says so, while it still waits."""
    flow = await prefect_client.create_flow_from_name("ticking")
    schedule = DeploymentScheduleCreate(schedule=IntervalSchedule(interval=timedelta(hours=1)))
    await prefect_client.create_deployment(flow, "ticking-hourly", schedules=[schedule])
    api, end = PrefectApi(prefect_server.api, prefect_server.environ), time.monotonic() + PATIENCE_S
    while not (runs := api.runs([SCHEDULED], deployments=["ticking-hourly"])):
        assert time.monotonic() < end, "the scheduler made no run"
        await asyncio.sleep(0.3)
    assert {run.scheduled for run in runs} == {True}


def test_an_api_that_does_not_answer_is_one_error() -> None:
    """Where nothing listens the error says which address it was."""
    url = f"http://127.0.0.1:{free_port()}/api"
    with pytest.raises(NoAnswer, match=f"{url}.* does not answer"):
        PrefectApi(url, {}).runs([COMPLETED])


@pytest.mark.thorough("another Prefect server; the scheduled minute has a password, too")
def test_a_server_with_a_password_is_read_with_it(locked_server: PrefectServer) -> None:
    """The server's user and password open the API, and without them the same error tells the status."""
    assert PrefectApi(locked_server.api, locked_server.environ).runs([COMPLETED]) == []
    with pytest.raises(NoAnswer, match="answers 401"):
        PrefectApi(locked_server.api, {}).runs([COMPLETED])


def test_a_busy_server_is_asked_again() -> None:
    """A server that is too busy is asked again, and one that stays busy is no answer."""
    with hook() as server:
        api = PrefectApi(server.url, {}, pauses=(0.0, 0.0))
        server.busy = 2
        api.get("/ready")
        assert len(server.asked) == 3
        server.busy = 6
        with pytest.raises(NoAnswer, match="/ready answers 503"):
            api.get("/ready")
        assert len(server.asked) == 6
