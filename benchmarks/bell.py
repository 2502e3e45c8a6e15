"""Measures from a ring to the client's message in the main billing: median and 95th percentile over many rings.

Against a flow run that does nothing, made by hand on the same server and the same warm worker, from its making to its
end, in turn with the rings: what Prefect alone takes. Beside it, the mean wait for the minute's schedule, which nobody
rings for: 30 s, computed. Everything is a process of its own as under ``up`` (Prefect server, warm worker, bell,
billings); the schedule is a year away, so that only rings carry. CPU is the worker's.
"""

from __future__ import annotations

import asyncio
import math
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from benchmarks.fleet import DEPARTMENT, Fleet, configuration, running_fleet
from benchmarks.measure import Sample, figures
from benchmarks.prefect_house import PATIENCE_S, WARM, cpu_seconds, deploy, ended, pool_of, serving, talking, working
from benchmarks.product import product
from benchmarks.table import Row, Table, against
from deployments.bell.main import to_minute
from deployments.bell.place import Place, found
from deployments.bell.process import BellProcess
from deployments.bell.rings import APART_S, MINUTE_NEAR_S, Look
from deployments.catalog import CATALOG
from deployments.processes import PrefectServer

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient

RINGS, QUICK_RINGS, WARM_UP = 100, 3, 2
BILLINGS = ("acme", "globex", "initech")  # rung for in turn, so that none is rung for twice in APART_S
MEAN_WAIT_S, YEAR_S = 30.0, 365 * 86400.0
RING, BARE, NOTHING = "ring to message", "a flow run that does nothing", "benchmarks.nothing_flow.nothing"
TAKEN = 202
LAST = 6
A_ROUND = 60  # rings, after which other tickets are written in: the brake lets 30 messages an hour into one
LOOK_S, SPARE_S = 0.05, 0.5  # between two looks; so much more than needed is waited before a ring
ABOUT_S = 8.0  # for a ring and a bare run, on two cores


def run(*, quick: bool = False, rings: int | None = None) -> Table:
    """Measure ``rings`` rings, 100 unless told; ``quick``: 3."""
    rings = rings or (QUICK_RINGS if quick else RINGS)
    print(f"bell: {rings} rings, about {math.ceil(rings * ABOUT_S / 60) + 1} minutes", file=sys.stderr, flush=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        fleet = stack.enter_context(running_fleet(BILLINGS))
        tickets = [_open(fleet, _billing(turn)) for turn in range(len(BILLINGS) * (1 + (WARM_UP + rings) // A_ROUND))]
        settings, environ = configuration(fleet, folder / "state")
        with product(settings) as (ours, _runner):
            ours.settle()
        server = stack.enter_context(serving(folder))
        taken = asyncio.run(_measured(server, fleet, environ, tickets, rings))
    return Table("A ring, to the message in the main billing", BARE, _rows(taken))


async def _measured(
    server: PrefectServer, fleet: Fleet, environ: dict[str, str], tickets: list[str], rings: int
) -> dict[str, list[Sample]]:
    """A ring and a bare run in turn → samples of both, without those of the warm-up."""
    taken: dict[str, list[Sample]] = {RING: [], BARE: []}
    await _register(server)
    async with talking(server) as client:
        nothing = await deploy(client, WARM, NOTHING)
        with working(server, WARM, environ) as worker, _bell(server, environ) as place:
            people = _People(fleet, place, tickets)
            for turn in range(WARM_UP + rings):
                await people.ready(turn)
                try:
                    taken[RING].append(await _timed(worker.pid, people.carried(turn)))
                except TimeoutError as error:
                    raise RuntimeError(f"{error}; {await _last_runs(client)}") from None
                taken[BARE].append(await _timed(worker.pid, _done(client, nothing)))
    return {name: samples[WARM_UP:] for name, samples in taken.items()}


async def _timed(worker: int, work: Coroutine[Any, Any, None]) -> Sample:
    """Wall seconds of ``work``, CPU seconds of the worker meanwhile."""
    wall, cpu = time.perf_counter(), cpu_seconds(worker)
    await work
    return Sample(time.perf_counter() - wall, max(0.0, cpu_seconds(worker) - cpu))


@dataclass
class _People:
    """Clients who write in their tickets, and the bell that is rung for them."""

    fleet: Fleet
    place: Place
    tickets: list[str]
    rung_at: dict[str, float] = field(default_factory=dict)

    async def ready(self, turn: int) -> None:
        """The client writes, once a ring can be followed at once."""
        name = _billing(turn)
        await asyncio.sleep(self.rung_at.get(name, -math.inf) + APART_S + SPARE_S - time.monotonic())
        if to_minute() < MINUTE_NEAR_S + SPARE_S:
            await asyncio.sleep(to_minute())
        self.fleet.act(name, as_="ivan", do="reply", ticket=self._ticket(turn), text=_text(turn))

    def _ticket(self, turn: int) -> str:
        return self.tickets[len(BILLINGS) * (turn // A_ROUND) + turn % len(BILLINGS)]

    async def carried(self, turn: int) -> None:
        """From the ring to the message. Raises RuntimeError when it was not looked at once."""
        name = _billing(turn)
        path = f"{self.place.url}/bell/{name}/{self._ticket(turn)}"
        headers = {"Authorization": f"Bearer {self.place.token}"}
        self.rung_at[name] = time.monotonic()
        answer = await asyncio.to_thread(self.fleet.doors.post, path, headers=headers)
        if answer.status_code != TAKEN or answer.json()["look"] != Look.NOW:
            raise RuntimeError(f"ring {turn} was not followed at once: {answer.text}")
        await _until(lambda: any(_text(turn) in m["text"] for m in self.fleet.state("main", "messages")), name)


def _billing(turn: int) -> str:
    return BILLINGS[turn % len(BILLINGS)]


def _text(turn: int) -> str:
    return f"Frage Nummer {turn} bitte"


async def _last_runs(client: PrefectClient) -> str:
    """The last runs as they ended, in words."""
    from prefect.client.schemas.sorting import FlowRunSort

    runs = await client.read_flow_runs(sort=FlowRunSort.EXPECTED_START_TIME_DESC, limit=LAST)
    seen = [
        f"{r.name} {r.expected_start_time}: {r.state and r.state.name}, {r.state and r.state.message}" for r in runs
    ]
    return "the last runs: " + "; ".join(seen)


async def _done(client: PrefectClient, deployment: UUID) -> None:
    run = await client.create_flow_run_from_deployment(deployment)
    await ended(client, run.id)


async def _until(what: Callable[[], bool], name: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while not await asyncio.to_thread(what):
        if time.monotonic() > end:
            raise TimeoutError(f"a message of {name} did not come to the main billing in {PATIENCE_S:.0f} s")
        await asyncio.sleep(LOOK_S)


async def _register(server: PrefectServer) -> None:
    """The deployment that the bell begins runs of, its schedule a year away."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from deployments.serve import register

    far = replace(CATALOG[0], cron=None, every_s=YEAR_S, anchor=datetime.now(UTC) - timedelta(days=1))
    with temporary_settings({PREFECT_API_URL: server.api}):
        await register(pool_of(WARM), [far])


@contextmanager
def _bell(server: PrefectServer, environ: dict[str, str]) -> Iterator[Place]:
    """The bell as ``up`` starts it, once it is there."""
    home = Path(environ["REMOTESUPPORT_HOME"])
    process = BellProcess(home, server.api, {**server.environ, **environ}, home / "bell.log")
    process.start()
    try:
        while (place := found(home)) is None:
            if process.returncode is not None:
                raise RuntimeError(f"the bell did not start: {(home / 'bell.log').read_text()}")
            time.sleep(LOOK_S)
        yield place
    finally:
        process.stop(5)


def _open(fleet: Fleet, name: str) -> str:
    done = fleet.act(name, as_="ivan", do="open", department=DEPARTMENT, subject="Почта", text="Письма не уходят")
    return done["ticket"]


def _rows(taken: dict[str, list[Sample]]) -> tuple[Row, ...]:
    measured = {name: figures(samples) for name, samples in taken.items()}
    more = {
        name: {
            "p95": f"{percentile(samples, 0.95):.2f} s",
            f"x {MEAN_WAIT_S:.0f} s mean wait": f"{measured[name].median / MEAN_WAIT_S:.3f}" if name == RING else "-",
        }
        for name, samples in taken.items()
    }
    return tuple(against(BARE, measured, more))


def percentile(samples: Sequence[Sample], share: float) -> float:
    """The wall time that ``share`` of the samples do not exceed (nearest rank)."""
    walls = sorted(sample.wall for sample in samples)
    return walls[max(0, math.ceil(share * len(walls)) - 1)]
