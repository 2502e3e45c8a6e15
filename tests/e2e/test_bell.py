"""A ring, from the script on a billing's server to the main billing: real sh, curl, HTTP, Prefect server and worker."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.settings import PREFECT_API_URL, temporary_settings

from deployments.bell.main import to_minute
from deployments.bell.place import Place, found
from deployments.bell.process import BellProcess
from deployments.catalog import CATALOG
from deployments.prefect_api import PrefectApi, RunSeen
from deployments.processes import PrefectServer
from deployments.serve import register
from tests.prefect_fixtures import test_environ, warm_worker
from tests.three_billings import ThreeBillings, texts, three_billings

pytestmark = pytest.mark.e2e

SCRIPT = Path(__file__).resolve().parents[2] / "deployments" / "bell" / "plugin" / "remotesupport-bell.sh"
POOL, PATIENCE_S = "tests-bell", 120.0
ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
EVERY = (*ENDED, "RUNNING", "PENDING", "SCHEDULED")
FAR = replace(CATALOG[0], cron=None, every_s=86400.0 * 365, anchor=datetime.now(UTC) - timedelta(days=1))


def wait_for(what: Callable[[], object], told: Callable[[], object]) -> None:
    """Wait until it holds; fails with ``told`` when it does not in time."""
    end = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < end, told()
        time.sleep(0.1)


@contextmanager
def bell_of(server: PrefectServer, world: ThreeBillings) -> Iterator[Place]:
    """The bell as ``up`` starts it, once it is there."""
    log = world.home / "bell.log"
    process = BellProcess(world.home, server.api, {**server.environ, **world.environ}, log)
    process.start()
    try:
        wait_for(lambda: found(world.home), log.read_text)
        place = found(world.home)
        assert place is not None
        yield place
    finally:
        process.stop(5)


def install(place: Place, folder: Path) -> Callable[[str], str]:
    """The script on acme's server → what runs it for a saved ticket; that gives what it says."""
    folder.mkdir()
    script = folder / SCRIPT.name
    script.write_bytes(SCRIPT.read_bytes())
    script.with_suffix(".conf").write_text(f"url={place.url}\nbilling=acme\ntoken={place.token}\n")

    def saved(ticket: str) -> str:
        wait_for(lambda: to_minute() > 5, lambda: "just before a minute the ring is left to the schedule")
        environ = {"PATH": os.environ["PATH"], "PARAM_func": "clientticket.edit", "PARAM_sok": "ok"}
        done = subprocess.run(
            ["sh", script], env={**environ, "PARAM_elid": ticket}, capture_output=True, text=True, check=True
        )
        return done.stderr

    return saved


@pytest.mark.thorough("a server and a worker of its own: half a minute; each part of the way is in `make test`")
async def test_a_ring_carries_what_the_schedule_would_not_for_a_year(tmp_path: Path) -> None:
    """A new ticket and then a message of its client are in the main billing after a ring each, the first of which came
    before Prefect knew the schedule and was kept; no other run was, and once a person pauses it, none begins."""
    home = tmp_path / "state"
    home.mkdir()
    with three_billings(home) as world:
        environ = test_environ(**world.environ)
        with PrefectServer(world.home, environ=environ) as server, bell_of(server, world) as place:
            saved, api = install(place, tmp_path / "addon"), PrefectApi(server.api, server.environ)
            ticket = opened(world)
            assert f"sync/{FAR.name} is not registered with Prefect yet. The ring is kept" in saved("")
            with temporary_settings({PREFECT_API_URL: server.api}):
                deployment = (await register(POOL, [FAR]))[FAR.full_name]
            modules = ("--modules", "flows", "--preload", "flows.sync")
            with warm_worker(server, POOL, *modules, name="bell"):
                rings_carry(world, ticket, saved, lambda: api.runs(ENDED))
            async with PrefectClient(server.api) as client:
                await client.pause_deployment(deployment)
            before = api.runs(EVERY)
            wait_for(lambda: "the schedule is paused in Prefect" in saved(ticket), lambda: api.runs(EVERY))
            assert api.runs(EVERY) == before


def opened(world: ThreeBillings) -> str:
    """A client of acme opens a ticket → its id."""
    said = {"as_": "ivan", "do": "open", "department": "Technical support", "subject": "s", "text": "E1"}
    return str(world.acme.act(**said)["ticket"])


def rings_carry(
    world: ThreeBillings, ticket: str, saved: Callable[[str], str], ended: Callable[[], list[RunSeen]]
) -> None:
    """The ticket that was rung for comes over; then its client writes, and that does."""
    wait_for(lambda: world.copies(f"[acme #{ticket}]"), ended)
    copy = world.copy(f"[acme #{ticket}]")
    world.acme.act(as_="ivan", do="reply", ticket=ticket, text="E2")
    assert saved(ticket) == ""
    wait_for(lambda: any("E2" in text for text in texts(world.main, copy)), ended)
    wait_for(lambda: len(ended()) >= 2, ended)
    assert {(run.name.split()[0], run.state, run.scheduled) for run in ended()} == {("bell", "Completed", False)}
