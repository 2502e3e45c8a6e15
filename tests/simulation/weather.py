"""What happens to the calls of one connection, drawn from a seed: before or after the effect, late, or the end."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from connectors.errors import ProtocolError, Retriable, UnknownOutcome
from connectors.memory import MemoryCall
from tests.writing_machine.billings import Death

MET: Counter[str] = Counter()
READS, WRITES = 0.2, 2.0  # a connection that cannot be read is not written to, and there are more reads than writes
LATE_S = (5, 90)  # how long after the client gave up a request may still be carried out


class Weather:
    """The fate of every call of one connection, in all runs; ``badness``: how often it strikes."""

    def __init__(self, seed: str, clock: Callable[[], datetime], deaths: float) -> None:
        """``deaths``: of the calls that could end the process, the share that does; an end is everybody's."""
        self._chance, self._clock, self._deaths = random.Random(seed), clock, deaths
        self.badness = 0.0
        self.late: list[tuple[datetime, Any, MemoryCall]] = []

    def before(self, world: Any, call: MemoryCall) -> None:
        """Ahead of the effect."""
        if self._chance.random() >= self.badness * (WRITES if call.write else READS):
            return
        fate = self._fate("fails", "late") if call.write else self._fate("fails", "garbage")
        MET[f"{'write' if call.write else 'read'} {fate}"] += 1
        if fate == "dies":
            raise Death
        if fate == "garbage":
            raise ProtocolError("garbage", billing=world.name, function=call.function, kind="html")
        if fate == "late":
            self.late.append((self._clock() + timedelta(seconds=self._chance.randint(*LATE_S)), world, call))
        made = UnknownOutcome if call.write else Retriable
        raise made("no answer", billing=world.name, function=call.function)

    def after(self, world: Any, call: MemoryCall) -> None:
        """Behind the effect of a write."""
        if not call.write or self._chance.random() >= self.badness * WRITES:
            return
        fate = self._fate("lost")
        MET[f"write done, then {fate}"] += 1
        if fate == "dies":
            raise Death
        raise UnknownOutcome("no answer", billing=world.name, function=call.function)

    def _fate(self, *others: str) -> str:
        fate = self._chance.choice(("dies", *others))
        return others[0] if fate == "dies" and self._chance.random() >= self._deaths else fate

    def arriving(self) -> list[tuple[Any, MemoryCall]]:
        """The late requests whose time has come; each is given once."""
        now = self._clock()
        due = [(world, call) for at, world, call in self.late if at <= now]
        self.late = [each for each in self.late if each[0] > now]
        return due
