"""Shards on a real Prefect server: registered, scheduled one after the other, paused, and taken away again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId, FlowFilter, FlowFilterName
from prefect.client.schemas.objects import FlowRun
from prefect.settings import PREFECT_API_URL, temporary_settings

from deployments.catalog import EVERY_MINUTE, HOURLY, catalog
from deployments.processes import PrefectServer
from deployments.serve import register

pytest_plugins = ("tests.prefect_fixtures",)
POOL = "shards"


@pytest.fixture
def here(prefect_server: PrefectServer) -> Iterator[None]:
    """Registration in this process talks to the session's server."""
    with temporary_settings({PREFECT_API_URL: prefect_server.api}):
        yield


async def deployed(client: PrefectClient, flow: str = "sync") -> dict[str, Any]:
    """The deployments of our flow by name; other tests of this server have some of the flow's name, too."""
    found = await client.read_deployments(flow_filter=FlowFilter(name=FlowFilterName(any_=[flow])))
    return {one.name: one for one in found if one.name.startswith((EVERY_MINUTE, HOURLY))}


async def scheduled(client: PrefectClient, deployment: Any) -> list[FlowRun]:
    """Its runs that the server has scheduled, once there are some."""
    only = DeploymentFilter(id=DeploymentFilterId(any_=[deployment.id]))
    for _ in range(600):
        if runs := await client.read_flow_runs(deployment_filter=only):
            return list(runs)
        await asyncio.sleep(0.1)
    raise AssertionError(f"no run of {deployment.name} was scheduled in a minute")


@pytest.mark.thorough("twenty seconds of a Prefect server's scheduling; what is registered is in `make test`")
async def test_shards_come_and_go(here: None, prefect_client: PrefectClient) -> None:
    """Three shards are three schedules a third of a minute apart, each with its parameter; a new one is paused as the
    first one is; with one shard again the others are gone, the first is what it always was, and paused still."""
    client = prefect_client
    ids = await register(POOL, catalog(3))
    assert {name for name in ids if name.startswith("sync/")} == {
        "sync/every-minute", "sync/every-minute-2", "sync/every-minute-3"
    }  # fmt: skip
    three = await deployed(client)
    assert [three[name].parameters for name in sorted(three)] == [{"shard": f"{n}/3"} for n in (1, 2, 3)]
    plans = [three[name].schedules[0].schedule for name in sorted(three)]
    assert [(plan.interval, plan.anchor_date.second) for plan in plans] == [
        (timedelta(minutes=1), second) for second in (0, 20, 40)
    ]
    assert len(await deployed(client, "audit")) == 3
    runs = await scheduled(client, three["every-minute-2"])
    assert {(run.expected_start_time.second, run.parameters["shard"]) for run in runs if run.expected_start_time} == {
        (20, "2/3")
    }
    first = three["every-minute"]
    await client.update_deployment_schedule(first.id, first.schedules[0].id, active=False)
    await register(POOL, catalog(4))
    four = await deployed(client)
    assert {name: one.schedules[0].active for name, one in four.items()} == {
        "every-minute": False, "every-minute-2": True, "every-minute-3": True, "every-minute-4": False
    }  # fmt: skip
    assert (four["every-minute-2"].id, four["every-minute-2"].parameters) == (
        three["every-minute-2"].id,
        {"shard": "2/4"},
    )
    await register(POOL)
    (only,) = (await deployed(client)).values()
    assert (only.id, only.parameters, only.schedules[0].schedule.cron) == (first.id, {}, "* * * * *")
    assert (only.schedules[0].slug, only.schedules[0].active) == ("every-minute", False)
    assert len(await deployed(client, "audit")) == 1
    await client.update_deployment_schedule(only.id, only.schedules[0].id, active=True)
