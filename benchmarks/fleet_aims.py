"""Many quiet billings against the aims: what a quiet connection costs, how long a minute of all of them takes.

CPU is that of this process alone (the billings run in one of their own), against a bare asyncio and httpx loop that
sends the same requests. A minute is measured with 80 ms of latency in each answer, as a whole and, for the others,
with one billing in twenty down. ``aim`` stands beside what was measured, and whether it was met, as far as the aim is
about this many connections.
"""

from __future__ import annotations

import asyncio
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.bare import Bare, Recorder
from benchmarks.fleet import DEPARTMENT, Fleet, configuration, running_fleet
from benchmarks.measure import Figures, figures, interleaved, timed
from benchmarks.product import Product, product
from benchmarks.table import Row, Table
from remotesupport.core.connections.shards import WHOLE, shards
from remotesupport.steps.cycle import PLAIN
from remotesupport.steps.values import Proposal

LATENCY_S = 0.08
DEAD = "http://127.0.0.1:9/billmgr"  # the port "discard", where nobody listens
TIMES_BARE, MS_WHERE_BARE_IS_1 = 3.0, 12.0
MINUTE_S, BILLINGS = 45.0, 1_000
WORKER_MB = 600.0
ENOUGH = 50  # connections; of fewer, a run's own cost is the most
FIRST_IMPORT_S, FIRST_BILLINGS, FIRST_TICKETS = 4.0, 100, 200
OTHERS_RATIO, TWICE = 1.2, 1.8
NOTES = (
    "not in here: busy billings among quiet ones (busy), Prefect's database (growth-postgres)",
    "two shards: done one after the other, since two workers and the billings would share two cores",
    "minute: its wall time grows with the number of connections; the aim is for a thousand of them on one core",
    "first import: the CPU beside it is the whole run's, the books included",
)


def run(*, quick: bool = False, connections: int | None = None) -> Table:
    """Measure; ``quick``: 4 connections and 1 round."""
    count, rounds = connections or (4 if quick else 100), 1 if quick else 5
    names = [f"billing-{n:04}" for n in range(count)]
    rows = [*_quiet(names, rounds), *_first_import(2 if quick else FIRST_BILLINGS)]
    return Table(f"A fleet of {count} billings", "the same requests, bare", tuple(rows), NOTES)


def _quiet(names: Sequence[str], rounds: int) -> list[Row]:
    with ExitStack() as stack:
        fleet = stack.enter_context(running_fleet(names))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        before = _memory_mb()
        ours, runner = stack.enter_context(product(configuration(fleet, folder)[0]))
        for name in names:
            fleet.act(name, as_="ivan", do="open", department=DEPARTMENT, subject="Почта", text="Письма не уходят")
        ours.settle()
        ours.cycle()
        grown = _memory_mb() - before
        rows = _against_bare(fleet, ours, runner, rounds)
        rows.append(_row("memory", None, f"{grown:.0f} MB", f"{WORKER_MB:.0f} MB", met=grown <= WORKER_MB))
        _slow_down(fleet)
        rows += [_minute(ours, len(names), rounds), _in_halves(ours, len(names), rounds)]
    return [*rows, _one_in_twenty_down(names, rounds)]


def _against_bare(fleet: Fleet, ours: Product, runner: asyncio.Runner, rounds: int) -> list[Row]:
    recorder, bare, count = Recorder(fleet), Bare(), len(fleet.externals)
    runner.run(bare.log_in(recorder.calls()))
    ours.cycle()
    recorder.calls()
    ours.cycle()
    calls = recorder.calls()
    requests = sum(len(forms) for forms in calls.values())
    both = {"ours": timed(ours.cycle), "bare": timed(lambda: runner.run(bare.replay(calls)))}
    measured = interleaved(both, rounds)
    runner.run(bare.aclose())
    mine, theirs = (measured[which].cpu * 1000 / count for which in ("ours", "bare"))
    request = measured["bare"].cpu * 1000 / requests
    allowed = min(TIMES_BARE * theirs, MS_WHERE_BARE_IS_1 * request)
    more = f"{mine:.1f} ms a connection, {requests / count:.1f} requests"
    aim = f"{TIMES_BARE:.0f} x bare, {MS_WHERE_BARE_IS_1:.0f} x a bare request: {allowed:.1f} ms"
    return [
        _row("quiet: remotesupport", measured["ours"], more, aim, met=mine <= allowed, ratio=mine / theirs),
        _row("quiet: bare asyncio + httpx", measured["bare"], f"{request:.2f} ms a request", "-", ratio=1.0),
    ]


def _minute(ours: Product, count: int, rounds: int) -> Row:
    ours.cycle()
    taken = figures([timed(ours.cycle)() for _ in range(rounds)])
    aim = f"{MINUTE_S:.0f} s for {BILLINGS}"
    met = taken.median <= MINUTE_S if count >= BILLINGS else None
    linear = f"{taken.median * BILLINGS / count:.1f} s for {BILLINGS}, if linear" if count >= ENOUGH else "-"
    return _row("quiet minute", taken, linear, aim, met=met)


def _in_halves(ours: Product, count: int, rounds: int) -> Row:
    """The CPU of the longer of two shards against that of all in one: what a second worker on its own core would save.

    Both halves are done by this process, one after the other: two workers and the billings share two cores here.
    """
    parts = {"whole": WHOLE} | {str(half): half for half in shards(2)}
    taken = interleaved({name: timed(partial(ours.cycle, shard=part)) for name, part in parts.items()}, rounds)
    longer = max(taken[str(half)].cpu for half in shards(2))
    faster = taken["whole"].cpu / longer
    met = faster >= TWICE if count >= BILLINGS else None
    return _row("two shards, the longer one", None, f"{faster:.2f} times less CPU", f"{TWICE} times faster", met=met)


def _one_in_twenty_down(names: Sequence[str], rounds: int) -> Row:
    """The others' 95th percentile while one in twenty refuses connections, against the same with all of them well.

    Two products on one fleet take turns, so that both meet the same machine.
    """
    down = set(names[::20])
    with ExitStack() as stack:
        fleet = stack.enter_context(running_fleet(names))
        _slow_down(fleet)
        front = replace(fleet, urls=fleet.urls | dict.fromkeys(down, DEAD))
        taken = dict[str, list[float]](well=[], ill=[])
        ours = dict[str, tuple[Product, set[str]]]()
        for name, at, but in (("well", fleet, set[str]()), ("ill", front, down)):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            ours[name] = stack.enter_context(product(configuration(at, folder)[0]))[0], but
        for _ in range(3):
            for one, but in ours.values():
                one.cycle(but=but)
        for _ in range(rounds):
            for name, (one, but) in ours.items():
                taken[name] += [line.seconds for line in one.cycle(but=but).billings if line.name not in down]
    well, ill = (statistics.quantiles(taken[name], n=20)[-1] for name in ("well", "ill"))
    said = f"95 %: {ill * 1000:.0f} ms, all well: {well * 1000:.0f} ms"
    return _row("one in twenty down", None, said, f"{OTHERS_RATIO} x", met=ill / well <= OTHERS_RATIO, ratio=ill / well)


def _first_import(billings: int) -> list[Row]:
    """A run that meets so many billings for the first time. Read and validated is what it has when it reconciles last:
    the books of billings that came early are among it."""
    names = [f"first-{n:03}" for n in range(billings)]
    judged = 0.0

    async def reconcile(*given: Any) -> Proposal:
        nonlocal judged
        judged = time.process_time()
        return await PLAIN.reconcile(*given)

    with ExitStack() as stack:
        fleet = stack.enter_context(running_fleet(names, tickets=FIRST_TICKETS))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ours, _runner = stack.enter_context(product(configuration(fleet, folder)[0]))
        began = time.process_time()
        taken = timed(lambda: ours.cycle(replace(PLAIN, reconcile=reconcile)))()
    cpu = judged - began
    aim = f"{FIRST_IMPORT_S:.0f} CPU-s for {FIRST_BILLINGS} x {FIRST_TICKETS} tickets"
    met = cpu <= FIRST_IMPORT_S if billings >= FIRST_BILLINGS else None
    one = Figures(taken.wall, taken.wall, taken.wall, taken.cpu, 1)
    return [_row(f"first import, {billings} x {FIRST_TICKETS}", one, f"{cpu:.1f} CPU-s until reconciled", aim, met=met)]


def _row(
    name: str, taken: Figures | None, what: str, aim: str, *, met: bool | None = None, ratio: float | None = None
) -> Row:
    return Row(name, taken, ratio, {"measured": what, "aim": aim, "met": {True: "yes", False: "NO", None: "-"}[met]})


def _slow_down(fleet: Fleet) -> None:
    for url in fleet.urls.values():
        door = f"{url.removesuffix('/billmgr')}/_emulator/faults"
        fleet.doors.post(door, json={"func": "*", "delay_s": LATENCY_S}).raise_for_status()


def _memory_mb() -> float:
    """The most that this process has had."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1024 * 1024 if sys.platform == "darwin" else 1024)
