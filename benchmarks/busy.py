"""Some busy billings among many quiet ones, on ``remotesupport up`` as it ships: how long people wait.

In the busy billings clients write and staff answer for some minutes, at moments that are drawn. Nobody starts a run:
the schedule of each shard does. Measured is from a person's message to its being on the other side, by the billings'
own clocks, which show whole seconds, against the aims. Beside it: the memory of the worker, and how much Prefect's
database grows. The billings run in a process of their own, on the same machine.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil

from benchmarks.bell import percentile
from benchmarks.fleet import DEPARTMENT, Fleet, configuration, running_fleet
from benchmarks.growth import bytes_used
from benchmarks.measure import Figures, Sample
from benchmarks.prefect_house import ROOT
from benchmarks.product import product
from benchmarks.table import Row, Table
from deployments.processes import free_port
from deployments.settings_env import prefect_home

BILLINGS, BUSY, MESSAGES, MINUTES = 1_000, 50, 20, 10
TICKETS = 4  # of a busy billing, so that none meets the brake of 30 messages an hour
A_SHARD = 125  # billings
MEDIAN_S, WORST_S, WORKER_MB = 35.0, 65.0, 600.0
PATIENCE_S, LOOK_S = 300.0, 5.0
TO_MAIN, TO_EXTERNAL = "client's message to main", "answer to the client"


def run(*, quick: bool = False, connections: int | None = None) -> Table:
    """Measure; ``quick``: 4 billings, one of them busy, for a minute."""
    count = connections or (4 if quick else BILLINGS)
    busy, messages, minutes = (1, 2, 1) if quick else (min(BUSY, count), MESSAGES, MINUTES)
    names, shards = [f"billing-{n:04}" for n in range(count)], -(-count // A_SHARD)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        fleet = stack.enter_context(running_fleet(names))
        settings, environ = configuration(fleet, folder, last=f"[scale]\nshards = {shards}\n")
        people = People(fleet, names[:busy], messages)
        with product(settings) as (ours, _runner):
            ours.settle()
        people.find_tickets()
        house = stack.enter_context(_up(folder, environ))
        people.say_once_and_wait(house)
        before = house.database_kb()
        people.talk(60.0 * minutes, house)
        grown = (house.database_kb() - before) / minutes / shards
        people.wait(house)
        rows = [*people.rows(), *_house_rows(house, grown, full=count >= BILLINGS)]
    title = f"{busy} busy billings among {count}, {messages} messages each way in {minutes} minutes"
    notes = (f"{shards} shards, one worker; seconds by the billings' clocks; delays beside the aims for {BILLINGS}",)
    return Table(title, "the aim for the median", tuple(rows), notes)


@dataclass(frozen=True, slots=True)
class House:
    """``up`` with its server and worker, and where their databases are."""

    process: psutil.Popen
    folder: Path

    def check(self) -> None:
        """Raises RuntimeError where it has ended, with its last lines."""
        if self.process.poll() is not None:
            raise RuntimeError(f"up has ended: {(self.folder / 'up.log').read_text()[-2000:]}")

    def database_kb(self) -> float:
        """Return what of Prefect's database is in use."""
        return bytes_used(prefect_home(self.folder) / "prefect.db") / 1024

    def worker_mb(self) -> float:
        """Resident memory of the worker. Raises RuntimeError when there is none."""
        for child in self.process.children(recursive=True):
            if "deployments.worker_main" in child.cmdline():
                return float(child.memory_info().rss) / 1024**2
        raise RuntimeError("up has no worker")


@dataclass
class People:
    """Clients of the busy billings and staff of main. ``said``: text → when it was said, and which way."""

    fleet: Fleet
    busy: list[str]
    messages: int
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    tickets: list[tuple[str, str, str]] = field(default_factory=list)  # billing, ticket there, ticket in main
    said: dict[str, tuple[float, str]] = field(default_factory=dict)
    delays: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.busy:
            for n in range(TICKETS):
                self.fleet.act(
                    name, as_="ivan", do="open", department=DEPARTMENT, subject=f"Почта {n}", text="Помогите"
                )

    def find_tickets(self) -> None:
        """Which ticket of main is whose."""
        subjects = {row["subject"]: row["id"] for row in self.fleet.state("main", "tickets")}
        for name in self.busy:
            for row in self.fleet.state(name, "tickets"):
                (mine,) = [n for subject, n in subjects.items() if f"[{name} #{row['id']}]" in subject] or ("",)
                self.tickets += [(name, row["id"], mine)] if mine else []

    def say_once_and_wait(self, house: House) -> None:
        """One message each way in each busy billing, which proves that every shard is at work; it does not count."""
        for name in self.busy:
            which = next(n for n, (billing, _, _) in enumerate(self.tickets) if billing == name)
            self._say(which, TO_MAIN)
            self._say(which, TO_EXTERNAL)
        self.wait(house)
        self.said.clear()
        self.delays.clear()

    def talk(self, seconds: float, house: House) -> None:
        """Everybody says all that they have to say, each at a moment of their own."""
        mine = {name: [n for n, (billing, _, _) in enumerate(self.tickets) if billing == name] for name in self.busy}
        acts = sorted(
            (self.chance.uniform(0, seconds), mine[name][n % len(mine[name])], way)
            for name in self.busy
            for way in (TO_MAIN, TO_EXTERNAL)
            for n in range(self.messages)
        )
        began = time.monotonic()
        for at, which, way in acts:
            time.sleep(max(0.0, began + at - time.monotonic()))
            self._say(which, way)
        time.sleep(max(0.0, began + seconds - time.monotonic()))
        house.check()

    def wait(self, house: House) -> None:
        """Until everything that was said is on the other side. Raises RuntimeError when that takes too long."""
        end = time.monotonic() + PATIENCE_S
        while missing := self._missing():
            house.check()
            if time.monotonic() > end:
                raise RuntimeError(
                    f"{len(missing)} messages did not cross in {PATIENCE_S:.0f} s: {sorted(missing)[:3]}"
                )
            time.sleep(LOOK_S)

    def rows(self) -> Iterator[Row]:
        """A row for each way."""
        for way in (TO_MAIN, TO_EXTERNAL):
            delays = [self.delays[text] for text, (_, which) in self.said.items() if which == way]
            median, worst = statistics.median(delays), percentile([Sample(s, 0.0) for s in delays], 0.95)
            more = {
                "measured": f"median {median:.0f} s, 95 %: {worst:.0f} s",
                "aim": f"{MEDIAN_S:.0f} s, {WORST_S:.0f} s",
                "met": "yes" if median <= MEDIAN_S and worst <= WORST_S else "NO",
            }
            yield Row(way, Figures(median, min(delays), max(delays), 0.0, len(delays)), median / MEDIAN_S, more)

    def _say(self, which: int, way: str) -> None:
        billing, ticket, mine = self.tickets[which]
        text = f"Nachricht {len(self.said)} {'rein' if way == TO_MAIN else 'raus'}"
        self.said[text] = (time.time(), way)
        where, who, number = (billing, "ivan", ticket) if way == TO_MAIN else ("main", "anna", mine)
        self.fleet.act(where, as_=who, do="reply", ticket=number, text=text)

    def _missing(self) -> set[str]:
        for name, way in (("main", TO_MAIN), *((name, TO_EXTERNAL) for name in self.busy)):
            awaited = {text for text, (_, which) in self.said.items() if which == way and text not in self.delays}
            for row in self.fleet.state(name, "messages") if awaited else ():
                text = row["text"].rpartition("\n")[2].strip()
                if text in awaited:
                    there = datetime.fromisoformat(row["at"]).astimezone(UTC).timestamp()
                    self.delays[text] = max(0.0, there - self.said[text][0])
        return self.said.keys() - self.delays.keys()


def _house_rows(house: House, grown: float, *, full: bool) -> Iterator[Row]:
    """Say what memory and database it took; the aim is about a thousand billings. That for Prefect's database is about
    quiet minutes: ``growth-postgres``."""
    memory = house.worker_mb()
    met = ("yes" if memory <= WORKER_MB else "NO") if full else "-"
    more = {"measured": f"{memory:.0f} MB", "aim": f"{WORKER_MB:.0f} MB", "met": met}
    yield Row("memory of the worker", None, None, more)
    more = {"measured": f"{grown:.0f} KB a minute and shard", "aim": "-", "met": "-"}
    yield Row("Prefect's database (SQLite)", None, None, more)


@contextmanager
def _up(folder: Path, environ: dict[str, str]) -> Iterator[House]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
    command = [sys.executable, "-m", "remotesupport.cli.main", "up", "--port", str(free_port())]
    with (folder / "up.log").open("wb") as log:
        process = psutil.Popen(
            command, env={**kept, "PYTHONPATH": str(ROOT), **environ}, cwd=folder, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        yield House(process, folder)
    finally:
        process.terminate()
        try:
            process.wait(60)
        except psutil.TimeoutExpired:
            process.kill()
