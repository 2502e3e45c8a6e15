"""A cycle over 20 emulated connections against the same requests made by a bare asyncio + httpx loop.

Quiet: nobody did anything. Busy: on each connection a customer and somebody at the main billing wrote, so that 20
messages go each way. The requests of the product's cycle are taken from the billings' own record and sent again by
the bare loop, right after it, with sessions and connections kept alive as the product keeps its own. The billings run
in a process of their own.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.bare import Bare, Calls, Recorder
from benchmarks.fleet import DEPARTMENT, Fleet, configuration, running_fleet
from benchmarks.measure import Figures, Sample, figures, interleaved, timed
from benchmarks.product import Product, product
from benchmarks.table import Row, Table

BARE = "bare asyncio + httpx"


def run(*, quick: bool = False) -> Table:
    """Measure; ``quick``: 2 connections and 1 round."""
    connections, rounds = (2, 1) if quick else (20, 5)
    names = [f"billing-{n:02}" for n in range(connections)]
    with running_fleet(names) as fleet, tempfile.TemporaryDirectory() as folder:
        settings, _environ = configuration(fleet, Path(folder))
        with product(settings) as (ours, runner):
            measured = Measured(fleet, ours, runner)
            rows = (*measured.quiet(rounds), *measured.busy(rounds))
            measured.close()
    return Table(f"A cycle over {connections} connections", "the same requests, bare", rows)


class Measured:
    """Product and bare loop side by side on one fleet, whose connections have one linked ticket each."""

    def __init__(self, fleet: Fleet, ours: Product, runner: asyncio.Runner) -> None:
        self._fleet, self._ours, self._runner = fleet, ours, runner
        self._tickets = {name: self._open(name) for name in fleet.externals}
        ours.settle()
        self._main = {t["client"]: t["id"] for t in fleet.state("main", "tickets")}
        self._recorder, self._bare = Recorder(fleet), Bare()
        runner.run(self._bare.log_in(self._recorder.calls()))

    def close(self) -> None:
        """Close the bare loop's clients."""
        self._runner.run(self._bare.aclose())

    def quiet(self, rounds: int) -> list[Row]:
        """Nothing to do: both send the same reads, in turn."""
        self._recorder.calls()
        self._ours.cycle()
        calls = self._recorder.calls()
        measured = interleaved({"quiet": timed(self._ours.cycle), BARE: timed(self._replay(calls))}, rounds)
        return _pair("quiet", measured, _count(calls))

    def busy(self, rounds: int) -> list[Row]:
        """20 messages each way. What the bare loop writes is the product's own text again, which never crosses."""
        samples: dict[str, list[Sample]] = {"busy": [], BARE: []}
        calls: Calls = {}
        for turn in range(rounds + 1):
            self._people_write(turn)
            self._recorder.calls()
            ours = timed(self._ours.cycle)()
            calls = self._recorder.calls()
            theirs = timed(self._replay(calls))()
            if turn:  # the first one makes what is made once
                samples["busy"].append(ours)
                samples[BARE].append(theirs)
            self._ours.settle()
        return _pair("busy", {name: figures(taken) for name, taken in samples.items()}, _count(calls))

    def _replay(self, calls: Calls) -> Callable[[], int]:
        return lambda: self._runner.run(self._bare.replay(calls))

    def _open(self, name: str) -> str:
        done = self._fleet.act(
            name, as_="ivan", do="open", department=DEPARTMENT, subject="Почта", text="Письма не уходят"
        )
        return done["ticket"]

    def _people_write(self, turn: int) -> None:
        for name, ticket in self._tickets.items():
            self._fleet.act(name, as_="ivan", do="reply", ticket=ticket, text=f"И ещё вопрос, номер {turn}")
            self._fleet.act("main", as_="anna", do="reply", ticket=self._main[name], text=f"Answer number {turn}")


def _count(calls: Calls) -> int:
    return sum(len(forms) for forms in calls.values())


def _pair(name: str, measured: dict[str, Figures], requests: int) -> list[Row]:
    base = measured[BARE].median
    return [
        Row(f"{name}: {who}", f, f.median / base, {"requests": requests})
        for who, f in (("remotesupport", measured[name]), (BARE, measured[BARE]))
    ]
