"""Pages that add up: every row of a list once, although rows move while it is read.

Two traps of the server (SEEN IN CODE, protocol section 2.4): ``p_cnt`` is remembered, so it is always sent; a page past
the end shows the last page again, so reading stops by ``p_elems`` or when rows repeat. A total is not always true,
though: below level 30 it may count rows that the login is not shown (GUIDE6), or one page's. Must stay out: what a row
means.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace

from connectors.billmanager.page_reader import Sheet
from connectors.billmanager.wire import Node
from remotesupport.core.text.foreign import natural

ReadPage = Callable[[int, int], Awaitable[Sheet]]
_MOST_STEPS_BACK = 20
_MOST_LOOKS_AT_THE_TOP = 10


class DoesNotAddUp(Exception):
    """The pages could not be made whole; the message says by how much."""


class Walk:
    """One walk through a list. ``pages`` yields sheets with the rows that no earlier sheet had.

    ``key`` is the column that names a row, ``sort`` the one that the list is sorted by, newest first. A row can be
    missed only by moving up past the page being read. Either rows above it left: then the total fell, by no less than
    it moved, and the walk steps back by as much. Or it jumped to the top: then it is above every row that has not
    moved since, so the top is read again, down to such a row, until nothing there is new.

    ``total_is_wrong``: a page with fewer rows than the total demands had just these at a second look, too: the server
    counts what it does not show.
    """

    def __init__(self, read: ReadPage, size: int, *, key: str = "id", sort: str = "id") -> None:
        self._read, self._size, self._key, self._sort = read, size, key, sort
        self._seen: dict[str, str] = {}
        self._nameless = 0
        self._total: int | None = None
        self._restless = False
        self._steps_back = 0
        self.total_is_wrong = False

    async def pages(self) -> AsyncIterator[Sheet]:
        """Sheets from the newest row to the oldest, then what moved meanwhile. Raises DoesNotAddUp at the end."""
        async for sheet in self._down({}):
            yield sheet
        looks = 0
        while self._restless:
            looks += 1
            if looks > _MOST_LOOKS_AT_THE_TOP:
                raise DoesNotAddUp("the list moves faster than it can be read")
            self._restless = False
            async for sheet in self._down(dict(self._seen)):
                yield sheet
        known = len(self._seen) + self._nameless
        if self._total is not None and known < self._total and not self.total_is_wrong:
            raise DoesNotAddUp(f"{known} rows came of {self._total} that the server counts")

    async def _down(self, known: Mapping[str, str]) -> AsyncIterator[Sheet]:
        """Read from page 1 to the last, or to one with a row that stands where ``known`` has it."""
        number, ended = 1, False
        while not ended:
            before = self._total
            sheet = await self._page(number)
            stamps = {row.value(self._key): row.value(self._sort) for row in sheet.rows}
            fresh = self._fresh(sheet)
            if fresh.count or not (number == 2 and before == self._size):  # else: it only looked past a full page
                self._note_unrest(sheet, fresh, before, known, stamps)
            yield fresh
            fell = max(before - sheet.total, 0) if number > 1 and before is not None and sheet.total is not None else 0
            if fell and sheet.count:
                number = self._stepped_back(number, fell)
                continue
            ended = self._is_last(number, sheet, fresh) or any(known.get(k) == stamp for k, stamp in stamps.items())
            number += 1

    async def _page(self, number: int) -> Sheet:
        """A page that is complete in itself, and is the page that was asked for."""
        sheet = await self._read(number, self._size)
        if sheet.size and sheet.size != self._size:
            self._resize(number, sheet.size)
        if sheet.number is not None and sheet.number != number:
            return Sheet((), (), sheet.total, sheet.number, sheet.size)
        if number > 1 and sheet.total is not None and 0 < sheet.total <= sheet.count:
            return replace(sheet, total=None)  # it counts this page's rows
        if sheet.count < (due := self._due(number, sheet)):
            return await self._short(number, sheet, due)
        return sheet

    def _due(self, number: int, sheet: Sheet) -> int:
        """Rows that a page must have where the total is true."""
        return 0 if sheet.total is None else max(min(self._size, sheet.total - (number - 1) * self._size), 0)

    async def _short(self, number: int, sheet: Sheet, due: int) -> Sheet:
        """A page with fewer rows than are due, without its total where a second look shows the same rows and total."""
        again = await self._read(number, self._size)
        same = [row.value(self._key) for row in again.rows] == [row.value(self._key) for row in sheet.rows]
        if not same or again.total != sheet.total or again.count != sheet.count:
            raise DoesNotAddUp(f"page {number} has {sheet.count} rows instead of {due}")
        self.total_is_wrong = True
        return replace(sheet, total=None)

    def _resize(self, number: int, size: int) -> None:
        """The server cuts pages its own way: go on with its size, but never change it in the middle."""
        if number != 1 or size > self._size:
            raise DoesNotAddUp(f"pages of {size} rows came instead of {self._size}")
        self._size = size

    def _fresh(self, sheet: Sheet) -> Sheet:
        """The sheet without rows that were seen before; from now on all of it is seen."""
        rows = tuple(row for row in sheet.rows if row.value(self._key) not in self._seen)
        bad = tuple(row for row in sheet.rejected if row.ticket is None or row.ticket not in self._seen)
        self._total = sheet.total
        for name, stamp in [(row.value(self._key), row.value(self._sort)) for row in sheet.rows]:
            if name:
                self._seen[name] = stamp
        self._seen.update((row.ticket, "") for row in bad if row.ticket)
        self._nameless += sum(1 for row in rows if not row.value(self._key)) + sum(1 for row in bad if not row.ticket)
        return Sheet(rows, bad, sheet.total, sheet.number, sheet.size)

    def _note_unrest(
        self, sheet: Sheet, fresh: Sheet, before: int | None, known: Mapping[str, str], stamps: Mapping[str, str]
    ) -> None:
        """Tell whether this page shows that something moved: on the first way down a repetition or another total."""
        if known:
            moved = any(name and known.get(name) != stamp for name, stamp in stamps.items())
        else:
            moved = fresh.count < sheet.count or (None not in (before, sheet.total) and sheet.total != before)
        self._restless = self._restless or moved

    def _stepped_back(self, number: int, fell: int) -> int:
        self._steps_back += 1
        if self._steps_back > _MOST_STEPS_BACK:
            raise DoesNotAddUp("the list moves faster than it can be read")
        return max(1, number - -(-fell // self._size))

    def _is_last(self, number: int, sheet: Sheet, fresh: Sheet) -> bool:
        if not sheet.count:
            return True
        if sheet.total is not None and not (number == 1 and sheet.count == self._size == sheet.total):
            return number * self._size >= sheet.total
        return sheet.count < self._size or not fresh.count


def rank(row: Node, sort: str) -> tuple[int, str, int]:
    """Tell where a row stands in a list that is sorted by ``sort``; numbers count as numbers only in the column id."""
    value, number = row.value(sort), row.value("id")
    return ((natural(value) or 0) if sort == "id" else 0, value, natural(number) or 0)


def is_newest_first(sheet: Sheet, sort: str) -> bool:
    """Tell whether the rows came newest first, as it was asked for."""
    ranks = [rank(row, sort)[:2] for row in sheet.rows]
    return all(a >= b for a, b in itertools.pairwise(ranks))
