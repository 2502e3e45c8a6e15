"""Bounds the reading of one side of one connection in one run, so that endless pages end.

Beyond it the reading of a list ends with an error of that connection, and nothing of it is recorded: nothing is lost,
the next run begins where this one began. A thread beyond it waits for the next run by itself.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from connectors.contract import Billing
from connectors.errors import OverBudget, Skippable

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Most:
    """The limits of one side. ``cure``: what a person does who wants more, without a full stop.

    ``pause``: seconds between the pages of a long list, in which those with short lists are read.
    """

    rows: int = 250_000
    pages: int = 5_000
    megabytes: int = 2_000
    pause: float = 0.0
    cure: str = "The next run tries again"

    def at_most(self, other: Most) -> Most:
        """The smaller of each, with the cure of ``other``."""
        rows, pages = min(self.rows, other.rows), min(self.pages, other.pages)
        return Most(rows, pages, min(self.megabytes, other.megabytes), other.pause, other.cure)


USUAL = Most()


class Budget:
    """The cost of reading one side so far, against ``most``."""

    def __init__(self, most: Most, billing: Billing) -> None:
        self._most, self._billing = most, billing
        self._rows = self._pages = 0
        self._bytes_before = billing.stats.bytes_in

    def add_page(self, listing: str, rows: int) -> None:
        """One more page of a list. Raises OverBudget."""
        self._rows, self._pages = self._rows + rows, self._pages + 1
        if over := self._over():
            what = f"its list was not read to the end: {over}. Nothing of it was taken over, and nothing is lost"
            raise OverBudget(what, billing=self._name, function=listing, cure=self._most.cure, side=self._billing.side)

    async def give_way(self) -> None:
        """Before the next page: a list that goes on for long lets the others' reading go first."""
        if self._most.pause:
            await asyncio.sleep(self._most.pause)

    def check_thread(self, ticket: str) -> None:
        """Before a ticket or its messages are asked for. Raises Skippable."""
        if over := self._over():
            cure = "It is read in the next run"
            raise Skippable(f"not read in this run: {over}", billing=self._name, ticket=ticket, cure=cure)

    @property
    def _name(self) -> str:
        return f"{self._billing.name} ({self._billing.side})"

    def _over(self) -> str:
        """Tell which limit is reached, in words; empty while none is."""
        megabytes = (self._billing.stats.bytes_in - self._bytes_before) / MEGABYTE
        counts = ((self._rows, self._most.rows, "rows"), (self._pages, self._most.pages, "pages"))
        for count, most, what in (*counts, (megabytes, self._most.megabytes, "megabytes")):
            if count > most:
                return f"{count:.0f} {what} came, the most for one run is {most}"
        return ""
