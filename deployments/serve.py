"""Register the catalog with a Prefect server, for a pool of warm workers: ``python -m deployments.serve --pool NAME``.

May be done again at any time: schedules have fixed slugs, and what a person paused stays paused. Where the number of
shards has changed, no connection is without a shard at any moment of it, also when it ends half-way.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Collection, Iterable
from importlib import import_module
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.filters import FlowFilter, FlowFilterName
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.flows import Flow
from prefect.schedules import Cron, Interval, Schedule
from prefect.types.entrypoint import EntrypointType

from deployments.catalog import EVERY_MINUTE, HOURLY, Deployment, catalog, is_a_shards
from deployments.worker import TYPE, WarmWorker
from deployments.worker_name import DEFAULT_POOL
from remotesupport.core.connections.shards import MOST, WHOLE, Shard
from remotesupport.settings import SettingsError, config_path, load_settings

# Flow → the deployment of its first shard.
_FIRST = {"sync": EVERY_MINUTE, "audit": HOURLY}


def flow_of(entry: Deployment) -> Flow[..., Any]:
    """The flow that a deployment runs."""
    module, _, name = entry.entrypoint.rpartition(".")
    flow: Flow[..., Any] = getattr(import_module(module), name)
    return flow


async def ensure_pool(client: PrefectClient, pool: str) -> None:
    """A work pool of the warm worker's type, with the variables of this version."""
    template = WarmWorker.get_default_base_job_template()
    try:
        await client.create_work_pool(WorkPoolCreate(name=pool, type=TYPE, base_job_template=template))
    except ObjectAlreadyExists:
        found = await client.read_work_pool(pool)
        if found.type != TYPE:
            raise ValueError(
                f"work pool {pool!r} is of type {found.type!r}, not {TYPE!r}: choose another --pool"
            ) from None
        await client.update_work_pool(pool, WorkPoolUpdate(base_job_template=template))


async def paused_slugs(client: PrefectClient, entry: Deployment) -> set[str | None]:
    """The schedules of a deployment that a person paused; a new shard's are as those of the first shard."""
    for name in (entry.name, _FIRST.get(entry.flow, entry.name)):
        try:
            found = await client.read_deployment_by_name(f"{entry.flow}/{name}")
        except ObjectNotFound:
            continue
        return {schedule.slug for schedule in found.schedules if not schedule.active}
    return set()


def schedule_of(entry: Deployment, *, active: bool) -> Schedule | None:
    """Tell when it runs by itself; None: only when somebody starts it."""
    if entry.cron:
        return Cron(entry.cron, slug=entry.slug, active=active)
    if entry.every_s is None:
        return None
    return Interval(entry.every_s, anchor_date=entry.anchor, slug=entry.slug, active=active)


async def runner_deployment(entry: Deployment, pool: str, paused: set[str | None]) -> RunnerDeployment:
    """A catalog entry in Prefect's words."""
    schedule = schedule_of(entry, active=entry.slug not in paused)
    deployment = flow_of(entry).to_deployment(
        entry.name,
        schedules=[schedule] if schedule else None,
        parameters=dict(entry.parameters),
        description=entry.description,
        tags=list(entry.tags),
        work_pool_name=pool,
        job_variables={"deadline_seconds": entry.deadline_s},
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    return await deployment if asyncio.iscoroutine(deployment) else deployment


def in_order(entries: Iterable[Deployment]) -> list[Deployment]:
    """The order in which they are registered: the last shard first.

    A connection leaves its shard only for one of a higher number when there are more shards; so that one is there
    before the lower ones let go. When there are fewer, the lower ones take over before the others are removed.
    """
    return sorted(entries, key=lambda entry: -Shard.parse(entry.parameters.get("shard", str(WHOLE))).number)


async def register(pool: str = DEFAULT_POOL, entries: Iterable[Deployment] | None = None) -> dict[str, UUID]:
    """Create or update every deployment (None: those of the configuration), and remove those of shards that are no
    more. Returns their ids by full name."""
    listed, ids = list(catalog(configured_shards()) if entries is None else entries), {}
    async with get_client() as client:
        await ensure_pool(client, pool)
        for entry in in_order(listed):
            deployment = await runner_deployment(entry, pool, await paused_slugs(client, entry))
            ids[entry.full_name] = await deployment.aapply(work_pool_name=pool)
        await _remove_old_shards(client, ids)
    return {entry.full_name: ids[entry.full_name] for entry in listed}


async def _remove_old_shards(client: PrefectClient, kept: Collection[str]) -> None:
    """Their runs stay to be seen; those that were only scheduled go with them."""
    for flow in _FIRST:
        wanted = FlowFilter(name=FlowFilterName(any_=[flow]))
        for found in await client.read_deployments(flow_filter=wanted):
            if is_a_shards(found.name) and f"{flow}/{found.name}" not in kept:
                await client.delete_deployment(found.id)


def configured_shards() -> int:
    """The number of shards in remotesupport.toml; 1 where there is no such file. Raises SettingsError."""
    if not config_path().is_file():
        sys.stderr.write(f"There is no {config_path()}: all connections are one shard.\n")
        return 1
    return load_settings().scale.shards


async def register_configured_alerts(*, watched: bool) -> list[str]:
    """Alerts as the configuration has them. Nobody who cannot be told keeps the product from running.

    ``watched``: a running ``up`` tells by itself when no run begins. Returns a line for each thing that is not as the
    configuration says.
    """
    from deployments.alerts.register import register_alerts
    from flows.running import secret_block

    try:
        return await register_alerts(load_settings().alerts, secret_block, watched=watched)
    except SettingsError as error:
        return [f"alerts: not registered, nobody is told: {error}"]
    except Exception as error:
        return [f"alerts: not registered, what was there before holds: {type(error).__name__}: {error}"]


def main(argv: list[str]) -> int:
    """Register, and say what, and who is told nothing: that keeps no worker from beginning."""
    parser = argparse.ArgumentParser(prog="deployments.serve")
    parser.add_argument("--pool", default=DEFAULT_POOL)
    parser.add_argument("--shards", type=int, choices=range(1, MOST + 1), metavar="N", help="not as configured")
    chosen = parser.parse_args(argv)
    try:
        entries = catalog(chosen.shards or configured_shards())
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for name, number in asyncio.run(register(chosen.pool, entries)).items():
        sys.stdout.write(f"{name} {number}\n")
    for line in asyncio.run(register_configured_alerts(watched=False)):
        sys.stderr.write(f"{line}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
