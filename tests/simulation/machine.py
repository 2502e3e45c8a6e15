"""The whole product over generated histories: several externals around one main billing, in simulated time.

One example drives one world with many connections, each of them a history of its own (so the fixed cost of a run is
shared): people write, note, edit, close, move and delete; calls fail, answers get lost, requests come late, the process
dies at any call and a new one goes on. When all is well again the laws are looked at (``laws``).
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from connectors.errors import ConnectorError, ProtocolError, Retriable, UnknownOutcome
from connectors.memory import MemoryCall
from remotesupport.core.report import RunKind
from tests.cycle_fixtures import Desk
from tests.simulation.laws import look_at_the_laws
from tests.writing_machine.billings import Death

NAMES = ("acme", "beta", "gamma", "delta")
HERE, ELSEWHERE = "Technical support", "Sales"
GUARD = "[external.guard]\ncreates = 1000\nposts = 5000\ncloses = 1000\ndepartures = 1000\ncloses_percent = 100\n" + (
    "departures_percent = 100\n"
)
ACTS = (
    "open", "open", "write", "write", "write", "answer", "answer", "answer", "local", "note", "main note", "edit",
    "edit answer", "close", "main close", "away", "back", "open elsewhere", "delete",
)  # fmt: skip
HEALING_RUNS = 14
MET: Counter[str] = Counter()


class Weather:
    """What happens to the calls of one run, drawn from a seed: before or after the effect, late, or the end of all."""

    def __init__(self, seed: int, badness: float, clock: Any) -> None:
        self._chance, self._badness, self._clock = random.Random(seed), badness, clock
        self.late: list[tuple[datetime, Any]] = []

    def before(self, world: Any) -> Any:
        """A hook ahead of every call of a billing."""

        def hook(call: MemoryCall) -> None:
            if self._chance.random() >= self._badness:
                return
            fate = self._chance.choice(("fails", "dies", "late") if call.write else ("fails", "garbage", "dies"))
            MET[f"{'write' if call.write else 'read'} {fate}"] += 1
            if fate == "dies":
                raise Death
            if fate == "garbage":
                raise ProtocolError("garbage", billing=world.name, function=call.function, kind="html")
            if fate == "late":
                self.late.append((self._clock() + timedelta(seconds=self._chance.randint(20, 110)), (world, call)))
            made = UnknownOutcome if call.write else Retriable
            raise made("no answer", billing=world.name, function=call.function)

        return hook

    def after(self, world: Any) -> Any:
        """A hook behind every effect."""

        def hook(call: MemoryCall) -> None:
            if not call.write or self._chance.random() >= self._badness:
                return
            fate = self._chance.choice(("lost", "dies"))
            MET[f"write done, then {fate}"] += 1
            if fate == "dies":
                raise Death
            raise UnknownOutcome("no answer", billing=world.name, function=call.function)

        return hook


class Product(RuleBasedStateMachine):
    """Everything but HTTP, Prefect and the database server."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="remotesupport-simulation-")
        self.desk = Desk(Path(self.folder.name), *NAMES, extra=GUARD)
        self.loop = asyncio.new_event_loop()
        self.late: list[tuple[datetime, Any]] = []
        self.number = 0
        self.elsewhere: set[str] = set()
        for world in self.desk.externals.values():
            world.client_opens("ivan", HERE, "stays", self._text("E"))
        self._run(0, 0.0, RunKind.SYNC)

    def _text(self, who: str) -> str:
        self.number += 1
        return f"{who}<{self.number}>"

    @rule(
        acts=st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(ACTS), st.integers(0, 5)), max_size=12),
        seed=st.integers(0, 2**16),
        badness=st.sampled_from((0.0, 0.03, 0.1)),
        audit=st.integers(0, 5),
    )
    def minute(self, acts: list[tuple[str, str, int]], seed: int, badness: float, audit: int) -> None:
        """People do what they do; then a run, in this weather."""
        for name, act, which in acts:
            self._act(name, act, which)
        self._run(seed, badness, RunKind.AUDIT if audit == 0 else RunKind.SYNC)

    # --- people --------------------------------------------------------------------------------------------

    def _act(self, name: str, act: str, which: int) -> None:
        world, main = self.desk.externals[name], self.desk.main
        if act == "open":
            world.client_opens("ivan", HERE, f"subject {which}", self._text("E"))
        elif act == "open elsewhere":
            text = self._text("SECRET-OTHER-DEPARTMENT")
            self.elsewhere.add(f"{name} {world.client_opens('ivan', ELSEWHERE, text, text)}")
        elif act.startswith(("main", "answer", "edit answer")):
            self._main_act(main, self.desk.main_tickets(name), act, which)
        else:
            self._external_act(name, world, act, which)

    def _external_act(self, name: str, world: Any, act: str, which: int) -> None:
        tickets = [t for t in world.tickets.values() if f"{name} {t.id}" not in self.elsewhere]
        chosen = tickets[which % len(tickets)]
        number = str(chosen.id)
        if act == "write":
            world.client_writes(number, self._text("E"))
        elif act == "local":
            world.staff_replies(number, self._text("E"))
        elif act == "note":
            world.note(number, self._text("SECRET-NOTE-E"))
        elif act == "edit":
            said = [m for m in world.thread(chosen) if m.kind == "client"]
            world.edit(str(said[which % len(said)].id), self._text("E"))
        elif act == "close":
            world.close(number)
        elif chosen is not tickets[0] and act == "away":
            world.transfer(number, ELSEWHERE)
        elif act == "back":
            world.transfer(number, HERE)
        elif chosen is not tickets[0] and act == "delete":
            world.delete(number)

    def _main_act(self, main: Any, copies: list[str], act: str, which: int) -> None:
        if not copies:
            return
        number = copies[which % len(copies)]
        if act == "answer":
            main.staff_replies(number, self._text("M"))
        elif act == "main note":
            main.note(number, self._text("SECRET-NOTE-M"))
        elif act == "main close":
            main.close(number)
        else:
            said = [m for m in main.thread(main.find(number)) if m.kind == "staff"]
            if said:
                chosen = said[which % len(said)]
                main.edit(str(chosen.id), f"{chosen.body.split(' ')[0]} {self._text('now')}")

    # --- the product ---------------------------------------------------------------------------------------

    def _run(self, seed: int, badness: float, kind: RunKind) -> Any:
        weather = Weather(seed, badness, self.desk.clock)
        for world in self._worlds():
            world.before = {"*": weather.before(world)} if badness else {}
            world.after = {"*": weather.after(world)} if badness else {}
        try:
            return self.loop.run_until_complete(self.desk.run(kind))
        except Death:
            self._end_what_was_running()
            self.desk.context = self.desk._context()
        finally:
            for world in self._worlds():
                world.before, world.after = {}, {}
            self.late += weather.late
            self._let_late_requests_in()
        return None

    def _end_what_was_running(self) -> None:
        """A dead process has no tasks."""
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        if tasks:
            self.loop.run_until_complete(asyncio.wait(tasks))

    def _let_late_requests_in(self) -> None:
        due = [each for each in self.late if each[0] <= self.desk.clock()]
        self.late = [each for each in self.late if each[0] > self.desk.clock()]
        for _, (world, call) in due:
            MET["came late"] += 1
            view = world.staff(call.login) if call.side == "external" else world.customer(call.login)
            arguments = {k: v for k, v in call.args.items() if k != "files"}
            self.loop.run_until_complete(_quietly(getattr(view, call.function)(**arguments)))

    def _worlds(self) -> list[Any]:
        return [self.desk.main, *self.desk.externals.values()]

    def teardown(self) -> None:
        """All is well again: the laws."""
        try:
            self._heal()
            look_at_the_laws(self.desk, self.elsewhere)
        finally:
            self.desk.store.close()
            self.loop.run_until_complete(self.loop.shutdown_default_executor())
            self.loop.close()
            self.folder.cleanup()

    def _heal(self) -> None:
        quiet = 0
        for number in range(HEALING_RUNS):
            self.desk.clock.advance(90)
            self._let_late_requests_in()
            report = self._run(0, 0.0, RunKind.AUDIT if number % 3 == 0 else RunKind.SYNC)
            idle = not any(b.written for b in report.billings) and not self.late
            idle = idle and not any(self.desk.store.open_intents(n) for n in NAMES)
            quiet = quiet + 1 if idle else 0
            if quiet == 3:
                return
        raise AssertionError(f"never quiet: {[(b.name, b.reason, b.written) for b in report.billings]}")


async def _quietly(call: Any) -> None:
    """A late request may come to a ticket that is no more."""
    try:
        await call
    except ConnectorError:
        MET["came late, refused"] += 1
