"""Bounds the reading of one side of one connection in one run, so that endless pages end.

Beyond it the reading of a list ends with an error of that connection, and nothing of it is recorded: nothing is lost,
the next run begins where this one began. A thread beyond it waits for the next run by itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Generator
from dataclasses import dataclass
from typing import Any, TypeVar

from connectors.contract import Billing
from connectors.errors import OverBudget, Skippable
from remotesupport.core.model import MEGABYTE

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Most:
    """The limits of one side. ``cure``: what a person does who wants more, without a full stop; ``{limit}`` stands for
    the name of the one that was reached.

    ``pause``: seconds between the pages of a long list, in which those with short lists are read.
    """

    rows: int = 250_000
    pages: int = 5_000
    megabytes: int = 2_000
    requests: int = 500_000
    cpu_seconds: float = 1_200
    pause: float = 0.0
    cure: str = "The next run tries again"

    def at_most(self, other: Most) -> Most:
        """The smaller of each, with the pause and the cure of ``other``."""
        return Most(
            min(self.rows, other.rows),
            min(self.pages, other.pages),
            min(self.megabytes, other.megabytes),
            min(self.requests, other.requests),
            min(self.cpu_seconds, other.cpu_seconds),
            other.pause,
            other.cure,
        )


USUAL = Most()


class Budget:
    """The cost of reading one side so far, against ``most``. What another run of this process asks that side for in the
    meantime counts as requests and megabytes, too."""

    def __init__(self, most: Most, billing: Billing) -> None:
        self._most, self._billing = most, billing
        self._rows = self._pages = 0
        self._cpu_seconds = 0.0
        self._before = billing.stats

    async def spend(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Await ``work``, and count the CPU time that this thread spends on it, waiting left out."""
        return await _Timed(work, self._add_cpu_seconds)

    def _add_cpu_seconds(self, seconds: float) -> None:
        self._cpu_seconds += seconds

    def add_page(self, listing: str, rows: int) -> None:
        """One more page of a list. Raises OverBudget."""
        self._rows, self._pages = self._rows + rows, self._pages + 1
        if over := self._over():
            what = f"its list was not read to the end: {over[1]}. Nothing of it was taken over, and nothing is lost"
            cure = self._most.cure.format(limit=over[0])
            raise OverBudget(what, billing=self._name, function=listing, cure=cure, side=self._billing.side)

    async def give_way(self) -> None:
        """Before the next page: a list that goes on for long lets the others' reading go first."""
        if self._most.pause:
            await asyncio.sleep(self._most.pause)

    def check_thread(self, ticket: str) -> None:
        """Before a ticket or its messages are asked for. Raises Skippable."""
        if over := self._over():
            cure = "It is read in the next run"
            raise Skippable(f"not read in this run: {over[1]}", billing=self._name, ticket=ticket, cure=cure)

    @property
    def _name(self) -> str:
        return f"{self._billing.name} ({self._billing.side})"

    def _over(self) -> tuple[str, str] | None:
        """Tell which limit is reached: its name, and in words; None while none is."""
        stats, most = self._billing.stats, self._most
        counts = (
            ("rows", self._rows, most.rows, "rows came"),
            ("pages", self._pages, most.pages, "pages came"),
            ("megabytes", (stats.bytes_in - self._before.bytes_in) / MEGABYTE, most.megabytes, "megabytes came"),
            ("requests", stats.requests - self._before.requests, most.requests, "requests were made"),
            ("cpu_seconds", self._cpu_seconds, most.cpu_seconds, "seconds of CPU time were spent"),
        )
        for name, count, limit, what in counts:
            if count > limit:
                return name, f"{count:.0f} {what}, the most for one run is {limit}"
        return None


class _Timed(Generator[Any, Any, _T], Awaitable[_T]):
    """Awaits ``work`` step by step, and tells ``add`` the CPU seconds of each step."""

    def __init__(self, work: Coroutine[Any, Any, _T], add: Callable[[float], None]) -> None:
        self._work, self._add = work, add

    def __await__(self) -> Generator[Any, Any, _T]:
        return self

    def send(self, value: Any, /) -> Any:
        return self._timed(self._work.send, value)

    def throw(self, *error: Any) -> Any:
        return self._timed(self._work.throw, *error)

    def _timed(self, step: Callable[..., Any], *given: Any) -> Any:
        began = time.thread_time()
        try:
            return step(*given)
        finally:
            self._add(time.thread_time() - began)
