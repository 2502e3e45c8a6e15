"""Measures 1,440 minutes of the schedule, made faster: what the worker, the server and both databases grow by in a day.

Against themselves: memory and open files after the first hour and after the last one, where more than 5 % is a leak;
of the databases, which keep history on purpose, what a run adds in the first half of that time and in the second.
Everything is real: ``remotesupport up`` with its Prefect server, that server's own scheduler, the warm worker and the
product's own deployments, three emulated billings in a process of their own, alerts configured.

Faster, all by the same factor: the sync (a minute becomes ``every`` seconds), the audit (each 60th minute), the nightly
maintenance (at minute 221, once), Prefect's deletion of old runs and events (each hour), what people do (each tenth
minute a client writes in one of the billings, five minutes later staff answer; a ticket is closed after five messages).
Not faster: what reads a clock. Runs are kept for three days, events for one, our history for 90, so nothing is old
enough to be deleted; leases, the five minutes after which a quiet connection's further lists are read and the brake of
30 messages an hour count real seconds; so do Prefect's own services. Those happen per run less often than in a day.

Memory and files: the median of the last ``READINGS`` looks before a mark. Files: ``build/day-NAME.csv`` and
``build/day.svg``.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.day_house import DUE, Places, Up, places, running_up
from benchmarks.day_marks import Mark, notes, rows, write
from benchmarks.day_people import People
from benchmarks.day_picture import picture
from benchmarks.fleet import running_fleet
from benchmarks.growth import configured
from benchmarks.prefect_house import ROOT
from benchmarks.table import Row, Table

DATABASES = ("sqlite", "postgresql")
RUNS, QUICK_RUNS, EVERY_S = 1440, 12, 2.0
MARK_EACH = 100
READINGS, LOOK_S = 10, 2.0
PATIENCE_S = 300.0  # without one more completed run
CONNECTIONS = ("acme", "globex", "initech")
WRONG = ("Failed", "Crashed", "TimedOut", "Cancelled")


@dataclass(frozen=True, slots=True)
class Day:
    """What was written down, and the ``rows`` about what else had to go well."""

    marks: list[Mark]
    rows: list[Row]


def run(
    *, quick: bool = False, runs: int | None = None, every: float | None = None, database: str | None = None
) -> Table:
    """Measure; ``quick``: 12 runs. ``database``: sqlite unless told, postgresql, or both, one after the other."""
    count, seconds = runs or (QUICK_RUNS if quick else RUNS), every or EVERY_S
    chosen = DATABASES if database == "both" else (database or DATABASES[0],)
    days = {name: _day(name, count, seconds) for name in chosen}
    (ROOT / "build" / "day.svg").write_text(picture({name: day.marks for name, day in days.items()}))
    found = tuple(row for name, day in days.items() for row in (*rows(name, day.marks), *day.rows))
    said = tuple(note for name, day in days.items() for note in notes(name, day.marks))
    return Table(f"A day of {count} minutes, each of {seconds:g} s", "itself, after its first hour", found, said)


def _day(name: str, count: int, every: float) -> Day:
    """One day on one database. Its marks are in a file as soon as they are taken."""
    print(f"day: {count} runs on {name}, {count * every / 60:.0f} minutes", file=sys.stderr, flush=True)
    marks: list[Mark] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        fleet = stack.enter_context(running_fleet(CONNECTIONS))
        settings, environ = configured(fleet, folder / "state")
        where = stack.enter_context(places(settings, environ, name))
        up = stack.enter_context(running_up(settings, where.environ, every))
        people = People(fleet)
        for mark in _marks(up, where, people, count, every):
            marks.append(mark)
            print(f"{name}: {mark}", file=sys.stderr, flush=True)
            write(ROOT / "build" / f"day-{name}.csv", marks)
        return Day(marks, _ends(name, up, people))


def _ends(name: str, up: Up, people: People) -> list[Row]:
    """What had to go well: texts crossed, runs completed."""
    lost = people.missing()
    texts = f"{len(people.asked) + len(people.answered)} written, {len(lost)} lost"
    found = [Row(f"{name}: texts of people", None, None, {"late": texts, "met": "NO" if lost else "yes"})]
    for deployment in DUE:
        good, bad = up.count("Completed", of=deployment), up.count(*WRONG, of=deployment)
        ends = {"late": f"{good} completed, {bad} not", "met": "NO" if bad else "yes"}
        found.append(Row(f"{name}: {deployment}", None, None, ends))
    return found


def _marks(up: Up, where: Places, people: People, count: int, every: float) -> Iterator[Mark]:
    start, done, went_on = time.monotonic(), 0, time.monotonic()
    readings: deque[tuple[int, int, int, int]] = deque(maxlen=READINGS)
    due = marked_at(count)
    while due:
        time.sleep(LOOK_S)
        readings.append(_reading(up))
        if (now := up.count("Completed")) > done:
            done, went_on = now, time.monotonic()
            people.live(done)
        if time.monotonic() - went_on > PATIENCE_S:
            raise RuntimeError(f"no scheduled run completed for {PATIENCE_S:.0f} s after {done} of them\n{up.said()}")
        if done >= due[0]:
            due = [runs for runs in due if runs > done]
            levels = [int(statistics.median(column)) for column in zip(*readings, strict=True)]
            yield Mark(done, round(time.monotonic() - start, 1), *levels, *_sizes_and_ends(up, where, every))


def marked_at(count: int) -> list[int]:
    """After how many of ``count`` runs something is written down: each hundred, or sixths of a short day; the end."""
    each = MARK_EACH if count >= 3 * MARK_EACH else max(1, count // 6)
    return [*range(each, count, each), count]


def _reading(up: Up) -> tuple[int, int, int, int]:
    """Memory of worker and server, open files of both. Raises RuntimeError when one of them was started again."""
    try:
        both = (up.worker, up.server)
        memory, files = [one.memory_info().rss for one in both], [one.num_fds() for one in both]
    except psutil.NoSuchProcess as error:
        raise RuntimeError(f"a process of `up` ended in the middle of the day: {error}\n{up.said()}") from None
    return memory[0], memory[1], files[0], files[1]


def _sizes_and_ends(up: Up, where: Places, every: float) -> tuple[int, int, int, int, int, float]:
    late = [
        (run.start_time - run.expected_start_time).total_seconds()
        for run in up.new_runs()
        if run.start_time and run.expected_start_time
    ]
    tardy = sum(seconds > every for seconds in late)
    ends = up.count(*WRONG), up.count("Skipped"), tardy, round(max(late, default=0.0), 2)
    return where.store_bytes(), where.prefect_bytes(), *ends
