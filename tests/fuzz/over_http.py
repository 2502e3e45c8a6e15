"""One connection of three whose answers are mutated, over real HTTP, while the other two are honest.

A life is some minutes of that and then an honest time. ``lived(seed)`` says what was wrong; what a server lies about
itself is its own, so that of a liar less is demanded: see ``Life.heal``.
"""

from __future__ import annotations

import logging
import random
import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors.billmanager import Limits
from remotesupport.bootstrap import Connection
from remotesupport.core.model import Side
from remotesupport.core.run import BillingState, RunKind, RunReport
from remotesupport.core.text.expected_errors import Foreseen
from remotesupport.emulator.refusal import Refusal
from remotesupport.settings import ExternalSettings
from tests.emulator_fixtures import RunningEmulator, running_emulator
from tests.fuzz.proxy import WRITES, Mood, Proxy
from tests.http_desk import LONG, MINUTE, HttpDesk
from tests.three_billings import ThreeBillings, configured

ILL, HONEST = "acme", ("globex", "umbra")
NAMES = (ILL, *HONEST)
HERE = "Technical support"
MINUTES, ALONE, HEALING_RUNS = 10, 16, 16  # ALONE: runs a minute of the ill connection alone, which cost little
PATIENT = Limits(read_seconds=20.0, write_seconds=20.0, connect_seconds=10.0, logins_a_minute=10_000)
_HEAD = re.compile(r"^(\w+ #\S+/\S+) \| (.*)$", re.MULTILINE)
_EDITED = "edited, it now reads:"


@dataclass(frozen=True, slots=True)
class FourBillings(ThreeBillings):
    """One more external billing."""

    umbra: RunningEmulator

    @property
    def everyone(self) -> tuple[RunningEmulator, ...]:
        return (self.main, self.acme, self.globex, self.umbra)


@contextmanager
def four_billings(home: Path) -> Iterator[FourBillings]:
    """Serve them until the block ends."""
    with ExitStack() as stack:
        main, *externals = (stack.enter_context(running_emulator(n, customers=NAMES)) for n in ("main", *NAMES))
        environ = configured(home, main.url, {e.core.name: e.url for e in externals})
        acme, globex, umbra = externals
        yield FourBillings(main, acme, globex, home, environ, umbra)


class IllDesk(HttpDesk):
    """A desk that speaks through a proxy to one side of one connection."""

    limits = PATIENT

    def __init__(self, world: ThreeBillings, proxy: Proxy, side: Side) -> None:
        self._proxy, self._side = proxy, side
        super().__init__(world, NAMES)

    def _connection(self, external: ExternalSettings) -> Connection:
        if external.name == ILL and self._side is Side.EXTERNAL:
            external = external.model_copy(update={"url": self._proxy.url})
        return super()._connection(external)

    def main_url(self, name: str) -> str:
        return self._proxy.url if name == ILL and self._side is Side.MAIN else super().main_url(name)


class Unforeseen(logging.Handler):
    """Keeps every line that speaks of an exception of no class."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """One line."""
        error = record.exc_info[1] if record.exc_info else None
        if "unexpected" in record.getMessage() or (error is not None and not isinstance(error, Foreseen)):
            self.lines.append(f"{record.getMessage()[:200]}: {type(error).__name__}: {str(error)[:200]}")


@dataclass(slots=True)
class Said:
    """A word that a person said in a ticket of an external billing, or about it in main."""

    name: str
    ticket: str
    word: str
    in_main: bool  # by staff of main


class Life:
    """The people of three connections, and what is demanded."""

    def __init__(self, world: FourBillings, desk: IllDesk, proxy: Proxy, side: Side, chance: random.Random) -> None:
        self.world, self.desk, self.proxy, self.side, self.chance = world, desk, proxy, side, chance
        self.said: list[Said] = []
        self.tickets: dict[str, list[str]] = {name: [] for name in NAMES}
        self.met: Counter[str] = Counter()
        self.lied = False

    async def minute(self, mood: Mood) -> list[str]:
        """People say something everywhere; then a run, with one server in this mood → what is wrong."""
        self._talk()
        self.proxy.mood, self.proxy.share = mood, self.chance.choice((0.15, 0.3, 0.6, 1.0))
        self.proxy.only = self.chance.choice(("", WRITES, WRITES, *self.proxy.functions))
        self.lied |= mood is Mood.LIES
        wrong = [] if mood is Mood.HONEST else await self._alone()
        kind = self.chance.choice((RunKind.SYNC, RunKind.AUDIT))
        report = await self.desk.run(kind, later=MINUTE)
        self.met["run"] += 1
        lines = {b.name: b for b in report.billings}
        self.met[f"{ILL} {lines[ILL].state}"] += 1
        wrong += [f"{n}: {lines[n].state}: {lines[n].reason}" for n in HONEST if lines[n].state is not BillingState.OK]
        wrong += _unexpected(report)
        return [*wrong, *self._carried(HONEST), *self._mixed_up(), *self._twice()]

    async def _alone(self) -> list[str]:
        """Runs of the ill connection alone, as a person starts them, each with other answers mutated."""
        wrong: list[str] = []
        for _ in range(ALONE):
            self.proxy.only = self.chance.choice(("", "", WRITES, *self.proxy.functions))
            kind = self.chance.choice((RunKind.SYNC, RunKind.SYNC, RunKind.AUDIT))
            report = await self.desk.run(kind, later=MINUTE, billings=(ILL,), asked=True)
            self.met["run of it alone"] += 1
            wrong += _unexpected(report)
        return wrong

    async def heal(self) -> list[str]:
        """The server is honest again. After noise all is carried once; after lies it is, or the line says it is not."""
        self.proxy.mood = Mood.HONEST
        quiet, report = 0, RunReport
        for number in range(HEALING_RUNS):
            report = await self.desk.run(RunKind.AUDIT if quiet or number % 4 == 3 else RunKind.SYNC, later=LONG)
            idle = not any(b.written for b in report.billings) and not self.desk.open_work()
            quiet = quiet + 1 if idle else 0
            if quiet == 2:
                break
        line = next(b for b in report.billings if b.name == ILL)
        good = line.state is BillingState.OK
        self.met[f"in the end {line.state}"] += 1
        wrong = [*self._carried(HONEST), *self._mixed_up(), *self._twice()]
        if not self.lied:
            wrong += [] if good else [f"{ILL} does not recover: {line.state}: {line.reason}"]
            wrong += [] if quiet == 2 else [f"never quiet: {self.desk.open_work()[:3]}"]
            wrong += self._carried((ILL,))
        elif good and not line.parked and not self.desk.open_work():
            wrong += self._carried((ILL,), most=1000)
        return wrong

    # --- what people do -------------------------------------------------------------------------------------

    def _talk(self) -> None:
        for name in NAMES:
            billing: RunningEmulator = getattr(self.world, name)
            for _ in range(6 if name == ILL and not self.tickets[name] else 0):  # so that there is much to ask for
                self._open(billing, name)
            if len(self.tickets[name]) < 2 or (len(self.tickets[name]) < 8 and self.chance.random() < 0.2):
                self._open(billing, name)
            else:
                self._add(billing, "ivan", self.chance.choice(self.tickets[name]), name)
            for ticket in self.tickets[name]:
                copies = self.world.copies(f"[{name} #{ticket}]")
                if copies and self.chance.random() < 0.4:
                    word = self._word(name, "M")
                    try:
                        self.world.main.act(as_="anna", do="reply", ticket=copies[0]["id"], text=word)
                    except Refusal:
                        continue
                    self.said.append(Said(name, ticket, word, in_main=True))

    def _open(self, billing: RunningEmulator, name: str) -> None:
        word = self._word(name, "C")
        done = billing.act(as_="ivan", do="open", department=HERE, subject=f"s {len(self.tickets[name])}", text=word)
        self.tickets[name].append(done["ticket"])
        self.said.append(Said(name, done["ticket"], word, in_main=False))

    def _add(self, billing: RunningEmulator, who: str, ticket: str, name: str) -> None:
        word = self._word(name, "C")
        try:
            billing.act(as_=who, do="reply", ticket=ticket, text=word)
        except Refusal:
            return
        self.said.append(Said(name, ticket, word, in_main=False))

    def _word(self, name: str, who: str) -> str:
        return f"{name}-{who}-{len(self.said):05d}."

    # --- what must be ---------------------------------------------------------------------------------------

    def _carried(self, names: tuple[str, ...], most: int = 1) -> Iterator[str]:
        """Every word of these connections is on the other side, in the ticket that belongs to it, once."""
        inside = self.world.main.state()
        threads = {(name, ticket): text for name in names for ticket, text in _texts(getattr(self.world, name).state())}
        mains = dict(_texts(inside))
        for one in self.said:
            if one.name not in names:
                continue
            if one.in_main:
                there = threads.get((one.name, one.ticket), "")
            else:
                origin = f"[{one.name} #{one.ticket}]"
                copies = [t["id"] for t in inside["tickets"] if str(t["subject"]).startswith(origin)]
                there = "\n".join(mains.get(copy, "") for copy in copies)
            if not 1 <= (count := there.count(one.word)) <= most:
                yield f"{one.word} of {one.name} #{one.ticket} is on the other side {count} times"

    def _mixed_up(self) -> Iterator[str]:
        """No word of one connection is in a ticket of another, on either side."""
        state = self.world.main.state()
        owners = {t["id"]: t["client"] for t in state["tickets"]}
        for message in state["messages"]:
            yield from self._foreign(owners.get(message["ticket"], ""), message["text"], "main")
        for name in NAMES:
            billing: RunningEmulator = getattr(self.world, name)
            for message in billing.state()["messages"]:
                yield from self._foreign(name, message["text"], name)

    @staticmethod
    def _foreign(owner: str, text: str, where: str) -> Iterator[str]:
        strangers = [n for n in NAMES if n != owner and (f"{n}-C-" in text or f"{n}-M-" in text)]
        yield from (f"words of {n} are in a ticket of {owner} in {where}: {text[:80]!r}" for n in strangers)

    def _twice(self) -> Iterator[str]:
        """No message of an external billing was written to main twice, no ticket opened twice."""
        state = self.world.main.state()
        heads = Counter(
            head[1]
            for message in state["messages"]
            for head in _HEAD.finditer(message["text"])
            if not head[2].endswith(_EDITED)
        )
        denied = self.lied and self.side is Side.MAIN  # who denies what was written to it is written to again
        heads = Counter({head: n for head, n in heads.items() if not (denied and head.startswith(ILL))})
        yield from (f"{head} was written {count} times" for head, count in heads.items() if count > 1)
        origins = Counter(
            re.match(r"\[\w+ #[^\]]*\]", t["subject"])[0]
            for t in state["tickets"]
            if re.match(r"\[\w+ #[^\]]*\]", t["subject"])  # type: ignore[index]
        )
        yield from (
            f"{origin} is in main {count} times"
            for origin, count in origins.items()
            if count > 1 and not (denied and origin.startswith(f"[{ILL} "))
        )


def _unexpected(report: RunReport) -> list[str]:
    return [f"{b.name}: {b.reason}" for b in report.billings if "unexpected" in b.reason]


def _texts(state: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Each ticket of a billing with all that people wrote in it."""
    said: dict[str, list[str]] = {}
    for message in state["messages"]:
        if message["kind"] != "system":
            said.setdefault(message["ticket"], []).append(message["text"])
    yield from ((ticket, "\n".join(words)) for ticket, words in said.items())


async def lived(seed: int, most: int = 10**9) -> tuple[list[str], Counter[str]]:
    """One life, with at most about ``most`` mutated answers → what was wrong, what it has met."""
    chance, notes = random.Random(seed), Unforeseen()
    logging.getLogger().addHandler(notes)
    try:
        with tempfile.TemporaryDirectory(prefix="remotesupport-fuzz-") as folder, four_billings(Path(folder)) as world:
            side = Side.MAIN if seed % 4 > 1 else Side.EXTERNAL
            target = world.main.url if side is Side.MAIN else world.acme.url
            async with Proxy(target, random.Random(seed + 1)) as proxy:
                desk = IllDesk(world, proxy, side)
                life = Life(world, desk, proxy, side, chance)
                try:
                    wrong = await _life(life, Mood.LIES if seed % 2 else Mood.NOISE, most)
                finally:
                    await desk.aclose()
    finally:
        logging.getLogger().removeHandler(notes)
    return [*wrong, *dict.fromkeys(notes.lines)], life.met + proxy.met


async def _life(life: Life, mood: Mood, most: int) -> list[str]:
    wrong = await life.minute(Mood.HONEST)
    for _ in range(MINUTES):
        wrong += await life.minute(mood)
        if wrong or life.proxy.met["mutated"] >= most:
            break
    return wrong or await life.heal()
