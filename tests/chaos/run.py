"""The run itself: so many minutes of people, faults and kills; then all is healed, and the laws are looked at."""

from __future__ import annotations

import random
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from remotesupport.core.run import RunKind
from remotesupport.steps.learned.reaction import doubted_closes
from tests.chaos.people import People
from tests.chaos.processes import Processes, scheduled_runs
from tests.http_desk import http_desk
from tests.three_billings import ThreeBillings, three_billings

LATE_S = 3
# Nobody is there to apply plans, and people answer as quickly as machines.
GUARD = (
    "\n[guard]\ncreates = 1000\nposts = 5000\ncreates_an_hour = 5000\nposts_an_hour = 50000\n"
    "closes = 1000\ncloses_percent = 100\nmessages_an_hour = 0\n"
)
HEALING_RUNS = 40  # 150 s each: more than the hour for which a parked change may wait
READS: tuple[dict[str, Any], ...] = (
    {"status": 503}, {"reset_before": True}, {"truncate": True}, {"html": True}, {"empty": True},
    {"session_gone": True}, {"doubled_row": True}, {"delay_s": 1},
)  # fmt: skip
WRITES: tuple[dict[str, Any], ...] = (
    {"status": 503}, {"reset_before": True}, {"reset_after": True}, {"late_s": LATE_S}, {"lost_write": True},
    {"hold_s": 1}, {"empty": True}, {"truncate": True}, {"session_gone": True},
)  # fmt: skip
CHANGE_FAULTS_S, ACT_S, SYNC_S, KILL_S = 10.0, 1.0, 6.0, 16.0
SCHEDULE_PATIENCE_S = 300.0  # until a scheduled run has completed when nothing is broken any more


@dataclass(slots=True)
class Report:
    """What was done, and what is wrong."""

    seed: int
    minutes: float
    struck: Counter[str] = field(default_factory=Counter)
    killed: dict[str, int] = field(default_factory=dict)
    syncs: int = 0
    scheduled: Counter[str] = field(default_factory=Counter)
    ups: int = 0
    tickets: int = 0
    messages: int = 0
    secrets: int = 0
    healing_runs: int = 0
    violations: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        struck = ", ".join(f"{kind} {n}" for kind, n in sorted(self.struck.items()))
        killed = ", ".join(f"{name} {n}" for name, n in self.killed.items())
        scheduled = ", ".join(f"{name} {n}" for name, n in sorted(self.scheduled.items()))
        lines = [
            f"chaos run, seed {self.seed}, {self.minutes:g} minutes",
            f"calls spoilt: {sum(self.struck.values())} ({struck})",
            f"SIGKILL: {killed}; `up` was started {self.ups} times; "
            f"runs from the command line beside the scheduled ones: {self.syncs}",
            f"scheduled runs that ended: {sum(self.scheduled.values())} ({scheduled})",
            f"{self.tickets} tickets and {self.messages} messages that must cross, {self.secrets} that never may",
            f"healed in {self.healing_runs} runs; violations: {len(self.violations)}",
        ]
        return "\n".join([*lines, *self.violations])


class _Moved:
    """The true time and what was skipped: quarantines and leases end without waiting."""

    def __init__(self) -> None:
        self.skipped = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.skipped

    def advance(self, seconds: float) -> None:
        """Skip."""
        self.skipped += timedelta(seconds=seconds)


async def chaos(minutes: float, seed: int) -> Report:
    """Everything, from empty billings to the report."""
    report = Report(seed, minutes)
    with tempfile.TemporaryDirectory() as folder, three_billings(Path(folder)) as world:
        with (world.home / "remotesupport.toml").open("a", encoding="utf-8") as settings:
            settings.write(GUARD)
        people, chance = People(world, seed), random.Random(seed + 1)
        processes = Processes(world, chance)
        try:
            _break_things(world, people, processes, chance, minutes * 60)
            _break_nothing(world)
            if not _schedule_works(world, processes):
                report.violations.append("no scheduled run completed when nothing was broken any more")
        finally:
            _break_nothing(world)
            processes.end()
        _wait(LATE_S + 1.0)
        report.scheduled = scheduled_runs(world.home)
        report.killed, report.syncs, report.ups = processes.killed, processes.syncs, processes.ups
        for billing in (world.main, world.acme, world.globex):
            report.struck += billing.core.faults.struck
        doubted = await _heal(world, report)
        report.violations += people.violations(doubted)
        report.tickets = sum(t.remote for t in people.conversations)
        report.messages = sum(len(t.asked) + len(t.answered) for t in people.conversations if t.remote)
        report.secrets = len(people.secrets)
        if report.violations:
            report.violations.append((world.home / "remotesupport.log").read_text(encoding="utf-8")[-20_000:])
    return report


def _break_things(
    world: ThreeBillings, people: People, processes: Processes, chance: random.Random, seconds: float
) -> None:
    end = time.monotonic() + seconds
    due = {"act": 0.0, "faults": 5.0, "sync": 5.0, "up": 5.0, "kill": 12.0}
    every = {"act": ACT_S, "faults": CHANGE_FAULTS_S, "sync": SYNC_S, "up": SYNC_S, "kill": KILL_S}
    deeds = {
        "act": people.act,
        "faults": lambda: _other_faults(world, chance),
        "sync": processes.sync_now,
        "up": processes.keep_up,
        "kill": processes.kill_one,
    }
    began = time.monotonic()
    while time.monotonic() < end:
        for name, at in due.items():
            if time.monotonic() - began >= at:
                deeds[name]()
                due[name] = at + every[name] * chance.uniform(0.5, 1.5)
        _wait(0.1)


def _break_nothing(world: ThreeBillings) -> None:
    for billing in (world.main, world.acme, world.globex):
        billing.fault(clear=True)


def _schedule_works(world: ThreeBillings, processes: Processes) -> bool:
    """Wait for a run of the schedule that completes from now on; a person's patience for it, not a figure."""
    before, end = scheduled_runs(world.home)["Completed"], time.monotonic() + SCHEDULE_PATIENCE_S
    while scheduled_runs(world.home)["Completed"] == before:
        if time.monotonic() > end:
            return False
        processes.keep_up()
        _wait(1.0)
    return True


def _other_faults(world: ThreeBillings, chance: random.Random) -> None:
    """Each billing gets one kind of fault on reads and one on writes, for some of the calls; now and then none."""
    for billing in (world.main, world.acme, world.globex):
        billing.fault(clear=True)
        if chance.random() < 0.2:
            continue
        for only, kinds, share in (("reads", READS, 0.08), ("writes", WRITES, 0.5)):
            billing.fault(**chance.choice(kinds), only=only, probability=share, seed=chance.randrange(10**6))


async def _heal(world: ThreeBillings, report: Report) -> frozenset[tuple[str, str]]:
    """Runs until two in a row write nothing and nothing is open, then the complete comparison, which writes nothing.

    Returns the tickets (connection, ticket) of which it cannot be known yet whether a person has closed them.
    """
    async with http_desk(world, ("acme", "globex"), url=world.settings().database_url, clock=_Moved()) as desk:
        try:
            report.healing_runs = len(await desk.drain(most=HEALING_RUNS))
        except AssertionError as error:
            report.violations.append(str(error))
        audit = await desk.run(RunKind.AUDIT)
        report.violations += [f"{b.name}: {b.state}: {b.reason}" for b in audit.billings if str(b.state) != "ok"]
        report.violations += [f"{b.name}: the last run wrote {b.written}" for b in audit.billings if b.written]
        parked = desk.context.store.parked(["acme", "globex"])
        report.violations += [f"{p.connection} {p.ext_ticket} is parked: {p.cause}" for p in parked]
        return frozenset((name, t) for name in ("acme", "globex") for t in doubted_closes(desk.context.store, name))


def _wait(seconds: float) -> None:
    threading.Event().wait(seconds)
