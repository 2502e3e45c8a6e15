"""The whole product over generated histories: many external billings around one main billing, in simulated time.

One example drives one world with ``CONNECTIONS`` connections. Each is a history of its own, with its own people and its
own weather drawn from a seed, so the fixed cost of a run is shared. What a server does to a ticket's state when it is
written to is drawn, too. Calls fail, answers get lost, requests come late,
the process dies at any call and a new one goes on, the store is lost or put back from an older copy, correspondences
are switched off for some minutes. When all is well again the laws are looked at (``laws``).
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from connectors.errors import ConnectorError
from connectors.memory import MemoryCall
from remotesupport.core.model import ChangeKind, Direction
from remotesupport.core.run import RunKind, RunReport
from remotesupport.steps.learned.reaction import answers_may_close
from tests.backups import Dump, backup, lose, restore
from tests.cycle_fixtures import Desk
from tests.inline_executor import Inline
from tests.simulation.laws import answered_last, in_main, in_two_states, look_at_the_laws
from tests.simulation.people import People
from tests.simulation.weather import LATE_S, MET, Weather
from tests.writing_machine.billings import Death

CONNECTIONS = 100
OBEDIENT = 0.75  # share of servers that keep a ticket open when it is answered, or open it when it is written to
DEATHS = 2.0  # divided by the connections: the share of struck calls at which the process ends
BADNESS = (0.0, 0.03, 0.1, 0.2)
DISASTERS = ("", "", "", "", "lost", "back", "back", "back")  # nothing can be put back before there is a copy
MOST_ACTS = 4
KINDS = (RunKind.SYNC, RunKind.SYNC, RunKind.SYNC, RunKind.AUDIT)
GUARD = "[external.guard]\ncreates = 1000\nposts = 5000\ncloses = 1000\ndepartures = 1000\ncloses_percent = 100\n" + (
    "departures_percent = 100\n"
)
MINUTE: dict[str, st.SearchStrategy[Any]] = {
    "most": st.integers(0, MOST_ACTS),
    "badness": st.sampled_from(BADNESS),
    "kind": st.sampled_from(KINDS),
    "then": st.sampled_from(DISASTERS),
}
HEALING_RUNS, HEALING_S, QUIET_RUNS = 14, 400, 2
_MEMORY = Path("/dev/shm")


class Product(RuleBasedStateMachine):
    """Everything but HTTP, Prefect and the database server."""

    connections = CONNECTIONS
    part = 0  # other people and other weather from the same seeds

    def __init__(self) -> None:
        super().__init__()
        where = _MEMORY if _MEMORY.is_dir() else None
        self.folder = tempfile.TemporaryDirectory(prefix="remotesupport-simulation-", dir=where)
        self.names = [f"c{n:02}" for n in range(self.connections)]
        self.desk = Desk(Path(self.folder.name), *self.names, extra=GUARD)
        self.loop = asyncio.new_event_loop()
        self.loop.set_default_executor(Inline())
        self.people: list[People] = []
        self.weathers: dict[str, Weather] = {}
        self.kept: Dump | None = None
        self.excused: set[str] = set()
        self.unknown: set[str] = set()  # crossed, and no ledger says so

    @initialize(seed=st.integers(0, 2**32), first=st.lists(st.fixed_dictionaries(MINUTE), min_size=2, max_size=2))
    def begin(self, seed: int, first: list[dict[str, Any]]) -> None:
        """One ticket in each billing, and a first run; then the first two minutes."""
        reactions = random.Random(f"{self.part}/{seed}/reactions")
        self.desk.main.messages_reopen = reactions.random() < OBEDIENT
        for name, world in self.desk.externals.items():
            drawn = f"{self.part}/{seed}/{name}"
            world.answers_close = reactions.random() > OBEDIENT
            self.people.append(People(drawn, name, world, self.desk.main))
            self.weathers[name] = Weather(f"{drawn}/weather", self.desk.clock, DEATHS / self.connections)
        for world in self._worlds():
            world.before, world.after = {"*": self._before(world)}, {"*": self._after(world)}
        self._run(RunKind.SYNC)
        for minute in first:
            self.minute(**minute)

    @rule(**MINUTE)
    def minute(self, most: int, badness: float, kind: RunKind, then: str) -> None:
        """People do what they do; then a run, in this weather; then perhaps something happens to the store."""
        for person in self.people:
            person.act(most)
        off = {p.name for p in self.people if p.switched_off(p.name in self.desk.off)}
        MET["switched off"] += len(off - self.desk.off)
        self.desk.switch_off(off)
        self._excuse_the_unknown()
        self._set_weather(badness)
        self._run(kind)
        self._set_weather(0.0)
        if then == "lost":
            self._replace_the_store(None)
        elif then == "back" and self.kept is not None:
            self._replace_the_store(self.kept)
        elif then:
            self.kept = backup(self.desk)

    def _replace_the_store(self, copy: Dump | None) -> None:
        """By an older copy or an empty one. The last requests of the old one have come in: nobody can know of them."""
        MET["store put back" if copy else "store lost"] += 1
        self._calm()
        if copy is None:
            lose(self.desk)
        else:
            restore(self.desk, copy)
        self.unknown |= in_main(self.desk) - self._linked()
        self.excused |= answered_last(self.desk, answers_may_close(self.desk.store, self.names))
        self._excuse_the_unknown()

    def _excuse_the_unknown(self) -> None:
        """What is adopted is linked in the states that it has by then."""
        self.unknown -= self._linked()
        self.excused |= in_two_states(self.desk) & self.unknown

    def teardown(self) -> None:
        """All is well again: the laws."""
        try:
            if self.people:
                self._heal()
                elsewhere = {f"{p.name} {t}" for p in self.people for t in p.elsewhere}
                look_at_the_laws(self.desk, elsewhere, self.excused)
        finally:
            self.desk.store.close()
            self.loop.run_until_complete(self.loop.shutdown_default_executor())
            self.loop.close()
            self.folder.cleanup()

    # --- weather -------------------------------------------------------------------------------------------

    def _before(self, world: Any) -> Any:
        return lambda call: self._of(world, call).before(world, call)

    def _after(self, world: Any) -> Any:
        return lambda call: self._of(world, call).after(world, call)

    def _of(self, world: Any, call: MemoryCall) -> Weather:
        return self.weathers[call.login if world is self.desk.main else world.name]

    def _set_weather(self, badness: float) -> None:
        for weather in self.weathers.values():
            weather.badness = badness

    def _calm(self) -> None:
        self.desk.clock.advance(LATE_S[1] + 1)
        self._let_late_requests_in()

    def _let_late_requests_in(self) -> None:
        for weather in self.weathers.values():
            badness, weather.badness = weather.badness, 0.0  # late once, and not later each time
            for world, call in weather.arriving():
                MET["came late"] += 1
                view = world.staff(call.login) if call.side == "external" else world.customer(call.login)
                arguments = {k: v for k, v in call.args.items() if k != "files"}
                self.loop.run_until_complete(_quietly(getattr(view, call.function)(**arguments)))
            weather.badness = badness

    # --- the product ---------------------------------------------------------------------------------------

    def _run(self, kind: RunKind) -> RunReport | None:
        try:
            return self.loop.run_until_complete(self.desk.run(kind))
        except Death:
            self._end_what_was_running()
            self.desk.context = self.desk._context()
            return None
        finally:
            self.excused |= self._first_answers_left_open()
            self._let_late_requests_in()

    def _first_answers_left_open(self) -> set[str]:
        """Tickets with an answer of unknown outcome, of servers that were not yet seen to leave an answered one open:
        a person who closes such a ticket before the answer is found cannot be told from the server."""
        unsure = answers_may_close(self.desk.store, self.names)
        open_ = self.desk.store.open_intents(*unsure) if unsure else []
        answers = (i for i in open_ if i.kind is ChangeKind.POST and i.direction is Direction.TO_EXTERNAL)
        return {f"{i.connection} {i.ext_ticket}" for i in answers}

    def _linked(self) -> set[str]:
        return {f"{name} {ticket}" for name in self.names for ticket in self.desk.store.linked(name)}

    def _end_what_was_running(self) -> None:
        """A dead process has no tasks."""
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        if tasks:
            self.loop.run_until_complete(asyncio.wait(tasks))

    def _worlds(self) -> list[Any]:
        return [self.desk.main, *self.desk.externals.values()]

    def _heal(self) -> None:
        self.desk.switch_off(set())
        self._excuse_the_unknown()
        quiet = 0
        for number in range(HEALING_RUNS):
            self.desk.clock.advance(HEALING_S)
            self._let_late_requests_in()
            report = self._run(RunKind.AUDIT if number % 2 == 0 else RunKind.SYNC)
            assert report is not None
            busy = [b.name for b in report.billings if b.written]
            busy += [name for name in self.names if self.desk.store.open_intents(name)]
            quiet = 0 if busy or any(w.late for w in self.weathers.values()) else quiet + 1
            if quiet == QUIET_RUNS:
                return
        raise AssertionError(
            f"never quiet: {[(b.name, b.reason, b.written) for b in report.billings if b.name in busy]}"
        )


async def _quietly(call: Any) -> None:
    """A late request may come to a ticket that is no more."""
    try:
        await call
    except ConnectorError:
        MET["came late, refused"] += 1
