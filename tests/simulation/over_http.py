"""The whole product over generated histories over real HTTP: two externals of any version around one main billing.

A history is a list of minutes. In each, people act; then the product runs, while calls are spoilt and perhaps its
process dies, its store is lost or put back from a copy. When all is well again the laws are looked at
(``http_laws``). The billings' clocks are the product's: a late request comes when that says so.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

import httpx

from remotesupport.core.connections.connection_state import Failure
from remotesupport.core.model import ChangeKind, Direction
from remotesupport.core.records import Beside, ParkedChange
from remotesupport.core.run import BillingState, RunKind, RunReport
from remotesupport.steps.operator.rebuild_links import rebuild_links
from tests.http_desk import LONG, MINUTE, SHORT, HttpDesk
from tests.simulation.fuse import POINTS, Fuse, MortalStore, MortalTransport
from tests.simulation.http_laws import broken_laws, excuse, holders
from tests.simulation.http_people import HttpPeople, Talk
from tests.three_billings import ThreeBillings, three_billings
from tests.writing_machine.billings import Death

OLD, NEW = "4.0.68", "6.94.1"
PAIRS = {"6/6": (NEW, NEW, NEW), "4/4": (OLD, OLD, OLD), "6/4": (NEW, OLD, NEW), "4/6": (OLD, NEW, OLD)}
BILLINGS = ("main", "acme", "globex")
Habits: TypeAlias = Mapping[str, str]
DEFAULTS: Habits = MappingProxyType({})
ACTS = (
    "open", "write", "answer", "open", "write", "answer", "local", "note", "main note", "edit", "edit answer", "close",
    "main close", "archive", "take", "main take", "open elsewhere", "away", "back", "back", "delete", "main delete",
)  # fmt: skip
READS: dict[str, dict[str, Any]] = {
    "503": {"status": 503}, "429": {"status": 429}, "reset": {"reset_before": True}, "cut off": {"truncate": True},
    "html": {"html": True}, "redirect": {"redirect": "/login"}, "empty": {"empty": True},
    "not UTF-8": {"bad_encoding": True}, "session gone": {"session_gone": True}, "doubled row": {"doubled_row": True},
    "repeated page": {"repeat_page": True}, "empty list": {"empty_list": True}, "held": {"hold_s": 0.8},
    "clock jumps": {"clock_jump_s": 3600},
}  # fmt: skip
WRITES: dict[str, dict[str, Any]] = {
    "503": {"status": 503}, "500": {"status": 500}, "reset before": {"reset_before": True},
    "reset after": {"reset_after": True}, "late 30": {"late_s": 30}, "late 90": {"late_s": 90},
    "lost": {"lost_write": True}, "empty": {"empty": True}, "cut off": {"truncate": True}, "html": {"html": True},
    "session gone": {"session_gone": True}, "held": {"hold_s": 0.8},
}  # fmt: skip
EVENTS = ("", "", "", "restart", "copy", "lose", "lose, rebuild", "put back", "put back, rebuild", "down")
CRASHES = ((), (), ("write", "intend", "receive", "read"), POINTS)
# What a server may make of a text without taking words from it; the laws read header lines, so those stay whole.
TEXTS = (
    "as_it_is", "trimmed", "signature", "footer", "composed", "doubled_line_ends", "emoji_question_mark",
    "emoji_question_marks", "emoji_replacement", "emoji_nothing", "emoji_end", "entities",
)  # fmt: skip
HEALING_RUNS, LATEST_S = 16, 90.0
IMPATIENT = replace(SHORT, read_seconds=0.6, write_seconds=0.6)  # less than a call is held


@dataclass(frozen=True, slots=True)
class Spoilt:
    """``count`` calls of one billing after ``skip`` good ones: a kind of ``READS`` or ``WRITES``."""

    billing: str
    only: str
    kind: str
    skip: int
    count: int

    def order(self) -> dict[str, Any]:
        """As the emulator takes it."""
        kinds = READS if self.only == "reads" else WRITES
        return {"only": self.only, "skip": self.skip, "count": self.count, **kinds[self.kind]}


@dataclass(frozen=True, slots=True)
class Minute:
    """``acts``: (external billing, what, which ticket). ``dies``: a point, its nth passing, behind it or not."""

    acts: tuple[tuple[str, str, int], ...]
    spoilt: tuple[Spoilt, ...] = ()
    dies: tuple[str, int, bool] = ("", 0, False)
    event: str = ""
    audit: bool = False


def history(chance: random.Random) -> list[Minute]:
    """A history for the soak; the tests have Hypothesis draw the same parts."""
    return [_minute(chance) for _ in range(chance.randint(4, 6))]


def _minute(chance: random.Random) -> Minute:
    acts = [
        (chance.choice(BILLINGS[1:]), chance.choice(ACTS), chance.randint(0, 9)) for _ in range(chance.randint(4, 18))
    ]
    spoilt = [_spoilt(chance) for _ in range(chance.choice((0, 1, 2, 4)))]
    points = chance.choice(CRASHES)
    dies = (chance.choice(points), chance.randint(1, 12), chance.random() < 0.5) if points else ("", 0, False)
    return Minute(tuple(acts), tuple(spoilt), dies, chance.choice(EVENTS), chance.random() < 0.2)


def _spoilt(chance: random.Random) -> Spoilt:
    only, kinds = chance.choice((("reads", READS), ("writes", WRITES)))
    return Spoilt(chance.choice(BILLINGS), only, chance.choice(list(kinds)), chance.randint(0, 8), chance.randint(1, 4))


class MortalDesk(HttpDesk):
    """A desk whose process dies when its fuse has burnt down, and whose store can be lost."""

    limits = IMPATIENT

    def __init__(self, world: ThreeBillings, names: Sequence[str]) -> None:
        self.fuse = Fuse()
        super().__init__(world, names)

    def open_store(self) -> Any:
        return MortalStore(super().open_store(), self.fuse)

    def transport(self) -> httpx.AsyncBaseTransport:
        return MortalTransport(self.fuse)

    async def restart(self) -> None:
        """The process ends (or is dead), and a new one begins. Nothing of the old one does anything any more."""
        self.fuse.dead = True
        while left := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
        await asyncio.to_thread(self.fuse.wait_for_threads)
        await self.context.aclose()
        self.fuse = Fuse()
        self.context = self.open()

    @property
    def file(self) -> Path:
        """The store's file."""
        return Path(self.url.removeprefix("sqlite:///"))

    def copy_store(self) -> None:
        """A backup, as people make it."""
        with closing(sqlite3.connect(self.file)) as here, closing(sqlite3.connect(f"{self.file}.copy")) as there:
            here.backup(there)

    async def replace_store(self, *, by_copy: bool) -> None:
        """The store is gone; the copy, or nothing, takes its place."""
        await self.context.aclose()
        for tail in ("", "-wal", "-shm"):
            Path(f"{self.file}{tail}").unlink(missing_ok=True)
        if by_copy:
            shutil.copyfile(f"{self.file}.copy", self.file)
        await self.restart()


@dataclass(slots=True)
class Life:
    """One history as it is lived; ``met`` counts what it has met."""

    world: ThreeBillings
    desk: MortalDesk
    people: HttpPeople
    met: Counter[str] = field(default_factory=Counter)
    ledger_is_empty: bool = False  # since a loss no run has read everything: what goes meanwhile nobody can know of

    async def minute(self, minute: Minute) -> None:
        """People do what they do; then a run, in this weather."""
        for name, act, which in minute.acts:
            self.people.act(name, act, which)
        if self.ledger_is_empty:
            excuse(self.people)
        await self._event(minute.event)
        for spoilt in minute.spoilt:
            getattr(self.world, spoilt.billing).fault(**spoilt.order())
        down = getattr(self.world, BILLINGS[len(minute.acts) % 3]) if minute.event == "down" else None
        if down:
            down.stop()
        await self.run(RunKind.AUDIT if minute.audit else RunKind.SYNC, Fuse(*minute.dies))
        if down:
            down.start()
        self._clear()

    async def run(self, kind: RunKind, fuse: Fuse) -> None:
        """One run of the product, which dies where ``fuse`` says."""
        current, emptied = self.desk.fuse, self._emptied()
        current.point, current.left, current.after = fuse.point, fuse.left, fuse.after
        try:
            report = await self.desk.run(kind, later=MINUTE)
        except Death:
            self.met[f"dies at {fuse.point}"] += 1
            await self.desk.restart()
            return
        current.left = 0
        not_read = any(b.state is not BillingState.OK for b in report.billings) or self._emptied() > emptied
        self.ledger_is_empty &= not_read
        self.met["run"] += 1
        self.met["written"] += sum(b.written for b in report.billings)

    def _emptied(self) -> int:
        """How many lists looked empty so far and were not: a run that read one has not read everything."""
        return sum(getattr(self.world, name).core.faults.struck["empty_list"] for name in BILLINGS)

    def _clear(self) -> None:
        for name in BILLINGS:
            getattr(self.world, name).fault(clear=True)

    async def _event(self, event: str) -> None:
        what, _, rebuild = event.partition(", ")
        if what == "restart":
            await self.desk.restart()
        elif what == "copy":
            self.desk.copy_store()
        elif what in ("lose", "put back"):
            await self._lose(put_back=what == "put back")
        if what:
            self.met[event] += 1
        if rebuild:
            await rebuild_links(self.desk.context)

    async def _lose(self, *, put_back: bool) -> None:
        """A person needs longer for it than any request can be on its way; nobody else could know of that one."""
        self.desk.clock.advance(LATEST_S)
        excuse(self.people)
        self.ledger_is_empty = True
        there = Path(f"{self.desk.file}.copy").exists()
        await self.desk.replace_store(by_copy=put_back and there)

    async def heal(self) -> list[str]:
        """All is well again, and whoever in an external billing holds what main has closed closes it → what is wrong
        then."""
        self._clear()
        self.desk.limits = SHORT
        await self.desk.restart()
        wrong, report = await self._rest()
        if held := self._left_to_staff():
            for talk in held:
                self.people.let_go(talk)
            more, report = await self._rest()
            wrong += more
        for line in report.billings:
            conflicts = line.changes["conflict"] and any(t.cut for t in self.people.talks_of(line.name))
            red_for_parked = line.failure is Failure.PARKED  # as it has to be; what may be parked is judged below
            fine = line.state is BillingState.OK or conflicts or red_for_parked
            wrong += [] if fine else [f"{line.name}: {line.state}: {line.reason}"]
        waiting = self.desk.context.store.parked()
        green = {line.name for line in report.billings if line.state is BillingState.OK}
        wrong += [f"{p.key} is parked, and its run is green" for p in waiting if p.waits and p.connection in green]
        for talk in self.people.talks:
            if any(
                self._is_cut(p) and (p.connection, p.ext_ticket) == (talk.billing.core.name, talk.ticket)
                for p in waiting
            ):
                talk.excused.add("words")
        parked = [p for p in waiting if not self._for_a_person(p)]
        return [*wrong, *(f"{p.key} is parked: {p.cause}" for p in parked), *broken_laws(self.people)]

    async def _rest(self) -> tuple[list[str], RunReport]:
        """Run until two runs in a row have written nothing and left nothing open → what is wrong, the last report."""
        quiet, report = 0, None
        for number in range(HEALING_RUNS):
            report = await self.desk.run(RunKind.AUDIT if quiet or number % 4 == 3 else RunKind.SYNC, later=LONG)
            idle = not any(b.written for b in report.billings) and not self._open_work()
            quiet = quiet + 1 if idle else 0
            if quiet == 2:
                break
        assert report is not None
        return [] if quiet == 2 else [f"never quiet: {self._open_work()}; {report.headline}"], report

    def _left_to_staff(self) -> list[Talk]:
        """Tickets whose close is parked, since somebody of their own billing holds them: it shows that itself."""
        parked = {(p.connection, p.ext_ticket) for p in self.desk.context.store.parked() if self._is_held(p)}
        return [t for t in self.people.talks if (t.billing.core.name, t.ticket) in parked]

    def _is_held(self, what: Any) -> bool:
        if what.kind is not ChangeKind.CLOSE or what.direction is not Direction.TO_EXTERNAL:
            return False
        return bool(holders(getattr(self.world, what.connection), what.ext_ticket))

    def _open_work(self) -> list[str]:
        """What a run has still to do; where people deleted one of the two tickets, a person does it."""
        store = self.desk.context.store
        waiting = [p for p in store.parked() if p.next_try is not None]
        intents = [i for name in BILLINGS[1:] for i in store.open_intents(name)]
        return [each.key for each in (*waiting, *intents) if not self._for_a_person(each)]

    def _is_cut(self, what: Any) -> bool:
        """A person is told that words are missing, where a server of that connection ends texts before their end."""
        if not (isinstance(what, ParkedChange) and what.beside is Beside.ALTERED):
            return False
        servers = (self.people.world.main, getattr(self.people.world, what.connection))
        return any(server.core.habits["stored_text"] == "emoji_end" for server in servers)

    def _for_a_person(self, what: Any) -> bool:
        """A billing shows less than was sent to it; a main ticket was deleted; words wait for an external ticket that
        is no more (or none of ours); or staff of main hold a ticket that has left: they close it; or others hold an
        external ticket that main has closed."""
        if self._is_cut(what) or (isinstance(what, ParkedChange) and what.ends_departure) or self._is_held(what):
            return True
        (talk,) = [t for t in self.people.talks_of(what.connection) if t.ticket == what.ext_ticket]
        if isinstance(what, ParkedChange) and what.beside is Beside.STAYS_CLOSED and "states" in talk.excused:
            return True  # a person closed main's ticket while the store was lost: nobody else can know what is meant
        lost = (talk.gone or not talk.home) and what.kind is ChangeKind.POST
        return talk.cut or (lost and what.direction is Direction.TO_EXTERNAL)


async def lived(
    pair: str,
    minutes: Sequence[Minute],
    main_habits: Habits = DEFAULTS,
    acme_habits: Habits = DEFAULTS,
    watch: str = "",
) -> tuple[list[str], Counter[str]]:
    """A whole history → what is wrong at its end (empty: nothing), and what it has met.

    ``watch``: the login of main's employee whose lists are read.
    """
    main, acme, globex = PAIRS[pair]
    with (
        tempfile.TemporaryDirectory(prefix="remotesupport-simulation-") as folder,
        three_billings(
            Path(folder),
            main_version=main,
            acme_version=acme,
            globex_version=globex,
            main_habits=main_habits,
            acme_habits=acme_habits,
            watch=watch,
        ) as world,
    ):
        desk = MortalDesk(world, BILLINGS[1:])
        life = Life(world, desk, HttpPeople(world))
        try:
            await life.run(RunKind.SYNC, Fuse())
            for minute in minutes:
                await life.minute(minute)
            wrong = await life.heal()
        finally:
            await desk.aclose()
        for name in BILLINGS:
            life.met.update({f"struck: {k}": n for k, n in getattr(world, name).core.faults.struck.items()})
        return wrong, life.met + life.people.met
