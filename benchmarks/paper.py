"""Ten thousand billings and a million open tickets on paper, against a simulation of the same minutes.

The slopes are measured here, on a few emulated billings: CPU and requests of a quiet connection, CPU of a run beside
them, rows and bytes of an open ticket in the store. The paper multiplies them. The simulation lives through the
minutes one by one: shards fall due at their seconds, workers share their core among the runs that they have, some
billings are busy, some are slow. It says what the paper cannot: how long a message waits, and which runs are late.
"""

from __future__ import annotations

import math
import random
import sqlite3
import statistics
import tempfile
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bell import percentile
from benchmarks.fleet import DEPARTMENT, Fleet, configuration, running_fleet
from benchmarks.growth import bytes_used
from benchmarks.measure import Sample, timed
from benchmarks.product import product
from benchmarks.table import Row, Table
from remotesupport.settings import Settings

SIZES = ((1_000, 100_000), (10_000, 1_000_000))  # billings, open tickets
FULL, SHARDS = 0.6, 4  # of a worker's core that is planned for; shards a worker
SERVER_CPU_S, SERVER_KB = 0.38, 89.0  # of a run in the Prefect server, on PostgreSQL: docs/scale.md, 1,250 runs
MINUTE_S, SIMULATED = 60.0, 60  # minutes of the simulation
BUSY, BUSY_TIMES = 0.05, 12.0  # so many billings have something to carry in a minute; what that costs, in quiet ones
LATENCY_S = 0.08  # of a request; a connection has two that wait for each other
MESSAGES = 3  # of a ticket, when the store is weighed
GUARD = "[guard]\ncreates = 1000\nposts = 3000\nrun_creates = 1000\n"


@dataclass(frozen=True, slots=True)
class Slopes:
    """The measured cost of one more connection, run or ticket.

    ``connection``, ``run``: CPU-s of a quiet connection, and of a run beside them; ``to_main``, ``to_external``:
    requests of a quiet connection in a minute; ``rows``, ``kb``: of an open ticket in the store.
    """

    connection: float
    run: float
    to_main: float
    to_external: float
    rows: float
    kb: float


@dataclass(frozen=True, slots=True)
class Paper:
    """The needs of so many billings, by the slopes. ``core``: of the planned workers, the part that is used."""

    workers: int
    shards: int
    core: float
    main_requests_s: float
    rows: float
    gigabytes: float
    server_core: float
    prefect_mb_a_day: float


@dataclass(frozen=True, slots=True)
class Lived:
    """The simulated minutes: seconds that a message waits, and the part of the runs that are late."""

    median_s: float
    worst_s: float
    late: float


def run(*, quick: bool = False) -> Table:
    """Measure the slopes, multiply, simulate; ``quick``: on 3 billings and 5 tickets."""
    few, tickets = (3, 5) if quick else (40, 200)
    slopes = _quiet_slopes(few, tickets)
    rows = [_slopes_row(slopes)]
    for billings, open_tickets in SIZES:
        paper = on_paper(slopes, billings, open_tickets)
        rows.append(_paper_row(billings, open_tickets, paper))
        half = max(1, paper.workers // 2)
        for workers, shards in sorted(
            {(half, SHARDS * half), (paper.workers, paper.workers), (paper.workers, paper.shards)}
        ):
            lived = simulated(slopes, billings, workers, shards, random.Random(1))
            rows.append(_lived_row(billings, workers, shards, lived))
    notes = (
        f"planned: {FULL:.0%} of a core a worker, {SHARDS} shards a worker, one core each",
        f"simulated: {BUSY:.0%} of the billings busy, {SIMULATED} minutes, seed 1; a message waits until the end of the"
        " run that carries it",
        "late: runs that had not ended when the next one of their shard was due",
    )
    return Table("Many billings on paper", "-", tuple(rows), notes)


def on_paper(slopes: Slopes, billings: int, tickets: int) -> Paper:
    """Multiply. A minute's work is that of all connections, the busy ones among them, and of the runs."""
    work = billings * slopes.connection * (1 + BUSY * (BUSY_TIMES - 1))
    workers = max(1, math.ceil(work / (MINUTE_S * FULL)))
    shards = SHARDS * workers
    return Paper(
        workers,
        shards,
        (work + shards * slopes.run) / MINUTE_S / workers,
        billings * slopes.to_main / MINUTE_S,
        tickets * slopes.rows,
        tickets * slopes.kb / 1e6,
        shards * SERVER_CPU_S / MINUTE_S,
        shards * SERVER_KB * 1440 / 1e3,
    )


def simulated(slopes: Slopes, billings: int, workers: int, shards: int, chance: random.Random) -> Lived:
    """Live through the minutes; a worker's core is shared evenly by the runs that it has."""
    sizes = [len(range(n, billings, shards)) for n in range(shards)]
    due = sorted((minute * MINUTE_S + n * MINUTE_S / shards, n) for minute in range(SIMULATED) for n in range(shards))
    worker_runs: list[list[tuple[float, float, int]]] = [[] for _ in range(workers)]  # due, CPU-s, shard
    for at, shard in due:
        work = slopes.run + sum(_cost(slopes, chance) for _ in range(sizes[shard]))
        worker_runs[shard % workers].append((at, work, shard))
    ends: dict[int, list[tuple[float, float]]] = {n: [] for n in range(shards)}
    for runs in worker_runs:
        for at, shard, end in on_one_core(runs):
            ends[shard].append((at, end + 2 * LATENCY_S))
    waits, late = list[float](), 0
    for pairs in ends.values():
        pairs.sort()
        late += sum(end > at + MINUTE_S for at, end in pairs)
        for at, end in pairs[1:]:
            # A message comes at any moment of the minute before, and is carried by this run.
            waits += [end - at + chance.uniform(0, MINUTE_S) for _ in range(20)]
    worst = percentile([Sample(wait, 0.0) for wait in waits], 0.95)
    return Lived(statistics.median(waits), worst, late / len(due))


def _cost(slopes: Slopes, chance: random.Random) -> float:
    times = BUSY_TIMES if chance.random() < BUSY else 1.0
    return slopes.connection * times * chance.lognormvariate(0.0, 0.3)


def on_one_core(runs: list[tuple[float, float, int]]) -> list[tuple[float, int, float]]:
    """(due, shard, end) of each run on one core that all runs of the moment share evenly."""
    waiting, now, done = sorted(runs, reverse=True), 0.0, list[tuple[float, int, float]]()
    active: list[list[float]] = []  # work left, due, shard
    while waiting or active:
        coming = waiting[-1][0] if waiting else math.inf
        ending = now + min((one[0] for one in active), default=math.inf) * len(active) if active else math.inf
        then = min(coming, ending)
        for one in active:
            one[0] -= (then - now) / len(active)
        now = then
        done += [(one[1], int(one[2]), now) for one in active if one[0] <= 1e-9]
        active = [one for one in active if one[0] > 1e-9]
        while waiting and waiting[-1][0] <= now:
            at, work, shard = waiting.pop()
            active.append([work, at, shard])
    return done


def _quiet_slopes(few: int, tickets: int) -> Slopes:
    alone, requests = _quiet_minute(1)
    together, requests = _quiet_minute(few)
    connection = (together - alone) / (few - 1)
    rows, kb = _ticket_in_store(tickets)
    return Slopes(connection, max(0.0, alone - connection), *requests, rows, kb)


def _quiet_minute(count: int) -> tuple[float, tuple[float, float]]:
    """CPU-s of a quiet run with so many connections; requests of one of them to main and to its external."""
    names = [f"billing-{n:02}" for n in range(count)]
    with ExitStack() as stack:
        fleet = stack.enter_context(running_fleet(names))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ours, _runner = stack.enter_context(product(configuration(fleet, folder)[0]))
        for name in names:
            fleet.act(name, as_="ivan", do="open", department=DEPARTMENT, subject="Почта", text="Помогите")
        ours.settle()
        main, all_ = len(fleet.state("main", "requests")), ours.traffic.requests
        taken = [timed(ours.cycle)() for _ in range(5)]
        to_main = len(fleet.state("main", "requests")) - main
        to_external = ours.traffic.requests - all_ - to_main
    return statistics.median(one.cpu for one in taken), (to_main / 5 / count, to_external / 5 / count)


def _ticket_in_store(tickets: int) -> tuple[float, float]:
    """Rows and KB that an open ticket with ``MESSAGES`` messages adds to the store."""
    with ExitStack() as stack:
        fleet = stack.enter_context(running_fleet(["acme"]))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        settings = configuration(fleet, folder, last=GUARD)[0]
        ours, _runner = stack.enter_context(product(settings))
        _open(fleet, 1)
        ours.settle()
        before = _weight(settings)
        _open(fleet, tickets)
        ours.settle()
        after = _weight(settings)
    return (after[0] - before[0]) / tickets, (after[1] - before[1]) / tickets / 1024


def _open(fleet: Fleet, tickets: int) -> None:
    for n in range(tickets):
        what = f"Почта {n}"
        done = fleet.act("acme", as_="ivan", do="open", department=DEPARTMENT, subject=what, text="Помогите")
        for m in range(MESSAGES - 1):
            fleet.act("acme", as_="ivan", do="reply", ticket=done["ticket"], text=f"Ещё {m}")


def _weight(settings: Settings) -> tuple[int, int]:
    """Rows of all tables, and bytes of pages in use."""
    file = Path(settings.database_url.removeprefix("sqlite:///"))
    with closing(sqlite3.connect(file)) as store:
        tables = [name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = sum(store.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in tables)
    return rows, bytes_used(file)


def _slopes_row(slopes: Slopes) -> Row:
    said = (
        f"{slopes.connection * 1000:.1f} ms a quiet connection, {slopes.run * 1000:.0f} ms a run; "
        f"{slopes.to_main:.1f} + {slopes.to_external:.1f} requests; {slopes.rows:.1f} rows, {slopes.kb:.1f} KB a ticket"
    )
    return Row("slopes, measured", None, None, {"what": said})


def _paper_row(billings: int, tickets: int, paper: Paper) -> Row:
    said = (
        f"{paper.workers} workers, {paper.shards} shards, {paper.core:.0%} of each core; main: "
        f"{paper.main_requests_s:.0f} requests a second; store: {paper.rows / 1e6:.1f} million rows, "
        f"{paper.gigabytes:.1f} GB; Prefect: {paper.server_core:.0%} of a core, {paper.prefect_mb_a_day:.0f} MB a day"
    )
    return Row(f"{billings:,} billings, {tickets:,} tickets: paper", None, None, {"what": said})


def _lived_row(billings: int, workers: int, shards: int, lived: Lived) -> Row:
    said = f"median {lived.median_s:.0f} s, 95 %: {lived.worst_s:.0f} s; {lived.late:.1%} late"
    return Row(f"{billings:,}, {workers} workers, {shards} shards: simulated", None, None, {"what": said})
