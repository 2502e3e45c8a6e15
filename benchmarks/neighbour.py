"""One hostile billing among 20 honest ones: what it costs the others.

In each round a client of every honest billing writes a message, and a run begins. Measured is, for each of them, the
time from the message to its being in main and read back there, and the run's CPU time. Against the same run while the
21st billing is honest too, with nothing new. The billings run in processes of their own.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.fleet import DEPARTMENT, Fleet, configuration, running_fleet
from benchmarks.hostile import DRIP, ENDLESS, HONEST, Neighbour, running_neighbour
from benchmarks.measure import Figures
from benchmarks.product import Product, product
from benchmarks.table import Row, Table
from remotesupport.bootstrap import Context
from remotesupport.core.plan.plan import Plan
from remotesupport.steps.cycle import PLAIN
from remotesupport.steps.values import Loaded

LAST = "neighbour"


def run(*, quick: bool = False) -> Table:
    """Measure; ``quick``: 3 honest connections and 1 round."""
    honest, rounds = (3, 1) if quick else (20, 5)
    names = [f"billing-{n:02}" for n in range(honest)]
    with _measured(names) as measured:
        for turn in range(rounds + 1):
            for mode in (HONEST, DRIP, ENDLESS):
                measured.round(mode, turn, keep=turn > 0)
        rows = measured.rows()
    note = f"{rounds} rounds in turn; median, min and max are of all messages, CPU is a run's"
    return Table(f"One hostile billing among {honest} honest ones", "with an honest one", rows, (note,))


@dataclass
class _Samples:
    delays: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    walls: list[float] = field(default_factory=list)

    @property
    def worst(self) -> float:
        """The 95th percentile of the delays."""
        return statistics.quantiles(self.delays, n=20)[-1] if len(self.delays) > 1 else self.delays[0]


class _Measured:
    """The product on a fleet whose connections have one linked ticket each; the last of them may become hostile."""

    def __init__(self, fleet: Fleet, neighbour: Neighbour, ours: Product) -> None:
        self._fleet, self._neighbour, self._ours = fleet, neighbour, ours
        self._honest = [name for name in fleet.externals if name != LAST]
        self._tickets = {name: self._open(name) for name in fleet.externals}
        self._samples = {mode: _Samples() for mode in (HONEST, DRIP, ENDLESS)}
        ours.settle()

    def round(self, mode: str, turn: int, *, keep: bool) -> None:
        """One run in which the last billing is like that; then peace."""
        said, there = dict[str, float](), dict[str, float]()

        async def load(ctx: Context, plan: Plan, *rest: Any) -> Loaded:
            loaded = await PLAIN.load(ctx, plan, *rest)
            there[plan.connection] = time.perf_counter()
            return loaded

        self._neighbour.become(mode)
        for name in self._honest:
            said[name] = time.perf_counter()
            ticket = self._tickets[name]
            self._fleet.act(name, as_="ivan", do="reply", ticket=ticket, text=f"И ещё вопрос, {mode} {turn}")
        began, cpu = time.perf_counter(), time.process_time()
        self._ours.cycle(replace(PLAIN, load=load), but={LAST})
        if keep:
            samples = self._samples[mode]
            samples.cpu.append(time.process_time() - cpu)
            samples.walls.append(time.perf_counter() - began)
            samples.delays += [there[name] - said[name] for name in self._honest]
        self._neighbour.become(HONEST)
        self._ours.settle()

    def rows(self) -> tuple[Row, ...]:
        """A row for each mode, against the honest one."""
        base, rows = self._samples[HONEST], list[Row]()
        for mode, one in self._samples.items():
            median, cpu = statistics.median(one.delays), statistics.median(one.cpu)
            more = {
                "95 %": f"{one.worst:.2f} s",
                "ratio of 95 %": f"{one.worst / base.worst:.2f}",
                "CPU ratio": f"{cpu / statistics.median(base.cpu):.2f}",
                "run": f"{statistics.median(one.walls):.1f} s",
            }
            figures = Figures(median, min(one.delays), max(one.delays), cpu, len(one.cpu))
            rows.append(Row(mode, figures, median / statistics.median(base.delays), more))
        return tuple(rows)

    def _open(self, name: str) -> str:
        done = self._fleet.act(
            name, as_="ivan", do="open", department=DEPARTMENT, subject="Почта", text="Письма не уходят"
        )
        return done["ticket"]


@contextmanager
def _measured(names: list[str]) -> Iterator[_Measured]:
    with (
        running_fleet([*names, LAST]) as fleet,
        running_neighbour(fleet.urls[LAST]) as neighbour,
        tempfile.TemporaryDirectory() as folder,
    ):
        front = Fleet(fleet.urls | {LAST: neighbour.url}, fleet.doors)
        with product(configuration(front, Path(folder))[0]) as (ours, _runner):
            yield _Measured(fleet, neighbour, ours)
