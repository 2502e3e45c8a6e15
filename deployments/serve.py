"""Register the catalog with a Prefect server, for a pool of warm workers: ``python -m deployments.serve --pool NAME``.

May be done again at any time: schedules have fixed slugs, and what a person paused stays paused.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.flows import Flow
from prefect.schedules import Cron, Interval, Schedule
from prefect.types.entrypoint import EntrypointType

from deployments.catalog import CATALOG, Deployment
from deployments.worker import TYPE, WarmWorker
from deployments.worker_name import DEFAULT_POOL


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


async def paused_slugs(client: PrefectClient, full_name: str) -> set[str | None]:
    """The schedules of a deployment that a person paused."""
    try:
        found = await client.read_deployment_by_name(full_name)
    except ObjectNotFound:
        return set()
    return {schedule.slug for schedule in found.schedules if not schedule.active}


def schedule_of(entry: Deployment, *, active: bool) -> Schedule | None:
    """When it runs by itself; None: only when somebody starts it."""
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


async def register(pool: str = DEFAULT_POOL, entries: Iterable[Deployment] = CATALOG) -> dict[str, UUID]:
    """Create or update every deployment; returns their ids by full name."""
    async with get_client() as client:
        await ensure_pool(client, pool)
        ids = {}
        for entry in entries:
            deployment = await runner_deployment(entry, pool, await paused_slugs(client, entry.full_name))
            ids[entry.full_name] = await deployment.aapply(work_pool_name=pool)
    return ids


def main(argv: list[str]) -> int:
    """Register, and say what."""
    parser = argparse.ArgumentParser(prog="deployments.serve")
    parser.add_argument("--pool", default=DEFAULT_POOL)
    for name, number in asyncio.run(register(parser.parse_args(argv).pool)).items():
        sys.stdout.write(f"{name} {number}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
