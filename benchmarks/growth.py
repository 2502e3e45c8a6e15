"""Measures how much Prefect's database grows in 100 quiet minutes: 100 runs of the real ``sync`` by the warm worker.

Against runs of a flow that does nothing, which is what Prefect takes for a run by itself (fewer of them; the ratio is
that of one run). Each run starts when the one before it has ended. Size: pages of the database in use, once it grows no
more. Alerts are configured and their automations registered, as in production; in the last row the state of one
connection changes with each run, which is an event and a version of the live board.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from benchmarks.fleet import DEPARTMENT, Fleet, configuration, running_fleet
from benchmarks.prefect_house import EAGER, deploy, one_run, serving, talking, worked, working
from benchmarks.product import product
from benchmarks.table import Row, Table
from deployments.processes import PrefectServer
from deployments.settings_env import prefect_home
from remotesupport.settings import Settings, load_settings
from remotesupport.store import Store

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient

SYNC, NOTHING = "flows.sync.sync", "benchmarks.nothing_flow.nothing"
CHANGING = "flows.sync.sync, a state changes in each"
RECEIVER = """
[[alerts.receivers]]
name = "ops"
kind = "webhook"
url = "file:{file}"
"""
TABLES = ("task_run", "events", "log", "artifact")
CONNECTIONS = 3
STILL_S = 3.0


@dataclass(frozen=True, slots=True)
class Size:
    """What the database holds: bytes of pages in use, and rows of each of ``TABLES``."""

    used: int
    rows: tuple[int, ...]

    def __sub__(self, before: Size) -> Size:
        return Size(self.used - before.used, tuple(a - b for a, b in zip(self.rows, before.rows, strict=True)))


Measure = Callable[[PrefectServer], Size]


def run(*, quick: bool = False, connections: int | None = None) -> Table:
    """Measure; ``quick``: 5 runs."""
    return measured("SQLite", _size, {}, quick=quick, connections=connections)


def measured(
    where: str, measure: Measure, more: Mapping[str, str], *, quick: bool, connections: int | None = None
) -> Table:
    """Measure how much the runs add to ``measure``'s sizes, on a server with ``more`` settings."""
    count = connections or CONNECTIONS
    runs = dict.fromkeys((NOTHING, SYNC, CHANGING), 5) if quick else {NOTHING: 20, SYNC: 100, CHANGING: 20}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        fleet = stack.enter_context(running_fleet([f"billing-{n}" for n in range(count)]))
        for name in fleet.externals:
            fleet.act(name, as_="ivan", do="open", department=DEPARTMENT, subject="Почта", text="Письма не уходят")
        settings, environ = configured(fleet, folder / "state")
        with product(settings) as (ours, _runner):
            ours.settle()
        server = stack.enter_context(serving(folder, more))
        grown = asyncio.run(_grown(server, settings, environ, runs, measure))
    peer = grown[NOTHING].used / runs[NOTHING]
    rows = tuple(_row(name, size, runs[name], peer) for name, size in grown.items())
    notes = (f"{count} connections in one run; a day has 1,440 minutes; retention then keeps it flat",)
    return Table(
        f"Prefect's database ({where}) after {runs[SYNC]} quiet minutes", "a flow that does nothing", rows, notes
    )


def configured(fleet: Fleet, folder: Path) -> tuple[Settings, dict[str, str]]:
    """The fleet's configuration with a receiver of alerts; nothing listens there, and nothing is sent."""
    settings, environ = configuration(fleet, folder)
    address = folder.resolve() / "receiver"
    address.touch(mode=0o600)
    address.write_text("http://127.0.0.1:9/")
    with settings.config_path.open("a") as file:
        file.write(RECEIVER.format(file=address))
    return load_settings(settings.config_path, environ), environ


async def _grown(
    server: PrefectServer, settings: Settings, environ: dict[str, str], runs: dict[str, int], measure: Measure
) -> dict[str, Size]:
    await _register(server, settings)
    async with talking(server) as client:
        nothing, sync = [await deploy(client, EAGER, flow) for flow in (NOTHING, SYNC)]
        with working(server, EAGER, environ):
            grown = {}
            for what, count in runs.items():
                deployment = nothing if what == NOTHING else sync
                grown[what] = await _size_of(server, client, deployment, count, settings, what, measure)
    return grown


async def _register(server: PrefectServer, settings: Settings) -> None:
    """The automations of alerts, as ``up`` does it."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from deployments.alerts.register import register_alerts

    with temporary_settings({PREFECT_API_URL: server.api}):
        if troubles := await register_alerts(settings.alerts, None, watched=True):
            raise RuntimeError("; ".join(troubles))


async def _size_of(
    server: PrefectServer,
    client: PrefectClient,
    deployment: UUID,
    count: int,
    settings: Settings,
    what: str,
    measure: Measure,
) -> Size:
    """How much ``count`` runs add, after one that is not counted."""
    with Store.open(settings.database_url) as store:
        await one_run(client, deployment)
        before = await _still(server, measure)
        for number in range(count):
            if what == CHANGING:
                store.set_connection(settings.external[0].name, paused=number % 2 == 0)
            if not worked(await one_run(client, deployment)):
                raise RuntimeError("a run met another one: it was no quiet minute")
        return await _still(server, measure) - before


async def _still(server: PrefectServer, measure: Measure) -> Size:
    """The size once nothing more is written: events come after the run's end."""
    size = measure(server)
    while True:
        await asyncio.sleep(STILL_S)
        later = measure(server)
        if later.rows == size.rows:
            return later
        size = later


def _size(server: PrefectServer) -> Size:
    database = prefect_home(server.home) / "prefect.db"
    with _opened(database) as prefect:
        rows = tuple(prefect.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES)
    return Size(bytes_used(database), rows)


def bytes_used(database: Path) -> int:
    """The bytes of the pages that are in use in that SQLite file."""
    with _opened(database) as opened:
        count, free, page = (
            opened.execute(f"PRAGMA {what}").fetchone()[0] for what in ("page_count", "freelist_count", "page_size")
        )
    return int((count - free) * page)


def _opened(database: Path) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30))


def _row(name: str, size: Size, runs: int, peer: float) -> Row:
    counts = {table: f"{n / runs:.1f}" for table, n in zip(TABLES, size.rows, strict=True)}
    more = {"runs": str(runs), "grown": f"{size.used / 1e6:.2f} MB", "a run": f"{size.used / runs / 1e3:.0f} KB"}
    day = {"a day": f"{size.used / runs * 1440 / 1e6:.0f} MB"}
    return Row(name, None, size.used / runs / peer if peer else None, more | day | counts)
