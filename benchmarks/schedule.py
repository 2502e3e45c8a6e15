"""A scheduled run of the real ``sync`` on a quiet billing: how late it starts and what CPU it costs.

The product's warm worker against Prefect's ordinary process worker, each with the settings that the product ships for
it, one after the other on one server. Times: from the run's due time to its Running state. CPU: of the worker and all
its processes while the runs are done, what it uses when idle taken off, divided by the runs. A run is due every few
seconds.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fleet import DEPARTMENT, configuration, running_fleet
from benchmarks.measure import Figures, Sample, figures
from benchmarks.prefect_house import (
    PROCESS,
    WARM,
    cpu_seconds,
    deploy,
    ended,
    one_run,
    runs_at,
    serving,
    talking,
    worked,
    working,
)
from benchmarks.product import product
from benchmarks.table import Row, Table
from deployments.processes import PrefectServer

FLOW = "flows.sync.sync"
IDLE_S = 6.0
APART_S = {WARM: 5.0, PROCESS: 7.0}


@dataclass(frozen=True, slots=True)
class Kind:
    """What the runs of one kind of worker came to: seconds from due to Running, and seconds from Running to the end."""

    late: Figures
    lasted: float


def run(*, quick: bool = False) -> Table:
    """Measure; ``quick``: 2 runs each."""
    runs = 2 if quick else 5
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        fleet = stack.enter_context(running_fleet(["acme"]))
        fleet.act("acme", as_="ivan", do="open", department=DEPARTMENT, subject="Почта", text="Письма не уходят")
        settings, environ = configuration(fleet, folder / "state")
        with product(settings) as (ours, _runner):
            ours.settle()
        server = stack.enter_context(serving(folder))
        kinds = {kind: asyncio.run(_measured(server, kind, environ, runs)) for kind in (WARM, PROCESS)}
    return Table("A scheduled run: start after its due time", PROCESS, tuple(_rows(kinds)))


async def _measured(server: PrefectServer, kind: str, environ: dict[str, str], runs: int) -> Kind:
    async with talking(server) as client:
        deployment = await deploy(client, kind, FLOW)
        with working(server, kind, environ) as worker:
            for _ in range(3):
                await one_run(client, deployment)
            idle = await _idle(worker.pid)
            before, clock = cpu_seconds(worker.pid), asyncio.get_running_loop().time()
            due = await runs_at(client, deployment, 5.0, APART_S[kind], runs)
            done = [await ended(client, run) for run in due]
            if not all(worked(each) for each in done):
                raise RuntimeError("a run met another one: nothing can be said of its cost")
            took = asyncio.get_running_loop().time() - clock
            cpu = max(0.0, cpu_seconds(worker.pid) - before - idle * took) / runs
    late = [max(0.0, (r.start_time - r.expected_start_time).total_seconds()) for r in done if r.start_time]
    lasted = statistics.median(r.total_run_time.total_seconds() for r in done)
    return Kind(figures([Sample(wall, cpu) for wall in late]), lasted)


async def _idle(pid: int) -> float:
    """CPU seconds a second of a worker without runs."""
    before = cpu_seconds(pid)
    await asyncio.sleep(IDLE_S)
    return (cpu_seconds(pid) - before) / IDLE_S


def _rows(kinds: dict[str, Kind]) -> list[Row]:
    peer = kinds[PROCESS]
    return [
        Row(
            name,
            kind.late,
            kind.late.median / peer.late.median,
            {"x CPU": f"{kind.late.cpu / peer.late.cpu:.3f}", "run lasts": f"{kind.lasted:.2f} s"},
        )
        for name, kind in kinds.items()
    ]
