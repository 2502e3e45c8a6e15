"""The views of a simulated billing as an unreliable network shows them, and a process that can die at any call.

Each call takes its fate from a list that the test has drawn; when the list is empty all is well. Time is the test's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from connectors.errors import Refused, Retriable, UnknownOutcome
from remotesupport.core.model import MessageRow, TicketRow, WriteReceipt
from tests.cycle_fixtures import Clock

STALE = timedelta(seconds=20)
WRITE_FATES = ("ok", "lost before", "lost after", "refused", "late 5", "late 60", "late 89", "die before", "die after")
READ_FATES = ("ok", "fails", "stale", "die before")
STORE_FATES = ("ok", "die before", "die after")


class Death(BaseException):
    """The process is gone at this very point."""


@dataclass
class Fates:
    """What is going to happen to the next calls; ``met`` counts what did."""

    clock: Clock
    writes: list[str] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    stores: list[str] = field(default_factory=list)
    due: list[tuple[datetime, Callable[[], Any]]] = field(default_factory=list)
    met: dict[str, int] = field(default_factory=dict)

    def next(self, of: list[str], kind: str) -> str:
        fate = of.pop(0) if of else "ok"
        self.met[f"{kind} {fate}"] = self.met.get(f"{kind} {fate}", 0) + 1
        return fate

    def heal(self) -> None:
        """From now on all is well; what is late still comes."""
        self.writes, self.reads, self.stores = [], [], []

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and let what was late come when it is due."""
        end = self.clock() + timedelta(seconds=seconds)
        for when, effect in sorted(self.due, key=lambda each: each[0]):
            if when <= end:
                self.clock.now = max(when, self.clock.now)
                effect()
        self.due = [each for each in self.due if each[0] > end]
        self.clock.now = end


class Unreliable:
    """A view of MemoryBilling behind that network. ``say`` makes the effect of a write at once."""

    def __init__(self, view: Any, fates: Fates, say: Callable[[str, str], Any]) -> None:
        self._view, self._fates, self._say = view, fates, say
        self.name, self.side, self.capabilities = view.name, view.side, view.capabilities

    async def reply(self, ticket: str, body: str, files: Any = (), *, key: str = "") -> WriteReceipt:
        fates = self._fates
        fate = fates.next(fates.writes, "write")
        if fate == "die before":
            raise Death
        if fate == "refused":
            raise Refused("no", billing=self.name, function="reply", ticket=ticket, kind="value")
        if fate.startswith("late"):
            when = fates.clock() + timedelta(seconds=20 + float(fate.split()[1]))
            fates.due.append((when, lambda: self._say(ticket, body)))
        if fate == "lost before" or fate.startswith("late"):
            raise UnknownOutcome("no answer", billing=self.name, function="reply", ticket=ticket)
        self._say(ticket, body)
        if fate == "die after":
            raise Death
        if fate == "lost after":
            raise UnknownOutcome("no answer", billing=self.name, function="reply", ticket=ticket)
        return WriteReceipt(ticket)

    async def ticket(self, ticket: str) -> TicketRow:
        self._read("ticket", ticket)
        row: TicketRow = await self._view.ticket(ticket)
        return row

    def _read(self, function: str, ticket: str) -> str:
        fate = self._fates.next(self._fates.reads, "read")
        if fate == "die before":
            raise Death
        if fate == "fails":
            raise Retriable("no answer", billing=self.name, function=function, ticket=ticket)
        return fate

    async def thread(self, ticket: str) -> tuple[MessageRow, ...]:
        fates = self._fates
        fate = self._read("thread", ticket)
        rows: tuple[MessageRow, ...] = await self._view.thread(ticket)
        if fate == "stale":
            seen = [row for row in rows if row.at is not None and row.at <= fates.clock() - STALE]
            rows = tuple(replace(row, ordinal=n) for n, row in enumerate(seen))
        return rows


class Mortal:
    """The store of a process that may die before or after a commit."""

    _COMMITS = frozenset({"intend", "receive", "mark", "confirm", "count_absent", "park"})

    def __init__(self, store: Any, fates: Fates) -> None:
        self._store, self._fates = store, fates

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._store, name)
        if name not in self._COMMITS:
            return real

        def committing(*args: Any, **named: Any) -> Any:
            fate = self._fates.next(self._fates.stores, "store")
            if fate == "die before":
                raise Death
            done = real(*args, **named)
            if fate == "die after":
                raise Death
            return done

        return committing
