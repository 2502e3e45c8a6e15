"""Pages that add up: every row of a list once, although rows move while it is read.

Two traps of the server (SEEN IN CODE, reference 1.3): ``p_cnt`` is remembered, so it is always sent; a page past the
end shows the last page again, so reading stops by ``p_elems`` or when rows repeat. Must stay out: what a row means.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from connectors.billmanager.sheets import Sheet

ReadPage = Callable[[int, int], Awaitable[Sheet]]
_MOST_REPAIRS = 20


class DoesNotAddUp(Exception):
    """The pages could not be made whole; the message says by how much."""


class Walk:
    """One walk through a list. ``pages`` yields sheets with the rows that no earlier sheet had."""

    def __init__(self, read: ReadPage, size: int, *, key: str = "id") -> None:
        self._read, self._size, self._key = read, size, key
        self._seen: set[str] = set()
        self._nameless = 0
        self._total: int | None = None
        self._moved = False
        self._repairs = 0

    async def pages(self) -> AsyncIterator[Sheet]:
        """Sheets from the newest row to the oldest, then what moved meanwhile. Raises DoesNotAddUp at the end."""
        number, ended = 1, False
        while not ended:
            before = self._total
            sheet = await self._read_one(number)
            yield self._fresh(sheet)
            async for repaired in self._fallen(number, before):
                yield repaired
            ended = self._is_last(number, sheet)
            number += 1
        if self._moved:
            async for sheet in self._top():
                yield sheet
        if self._lacks:
            async for sheet in self._again():
                yield sheet
        if self._lacks:
            raise DoesNotAddUp(f"{self._known} rows came of {self._total} that the server counts")

    @property
    def _known(self) -> int:
        return len(self._seen) + self._nameless

    @property
    def _lacks(self) -> bool:
        return self._total is not None and self._known < self._total

    async def _read_one(self, number: int) -> Sheet:
        """A page that is complete in itself, and is the page that was asked for."""
        sheet = await self._read(number, self._size)
        if sheet.size and sheet.size != self._size:
            sheet = await self._resized(number, sheet)
        if sheet.number is not None and sheet.number != number:
            return Sheet((), (), sheet.total, sheet.number, sheet.size)
        if sheet.total is not None:
            due = max(min(self._size, sheet.total - (number - 1) * self._size), 0)
            if sheet.count < due:
                raise DoesNotAddUp(f"page {number} has {sheet.count} rows instead of {due}")
        return sheet

    async def _resized(self, number: int, sheet: Sheet) -> Sheet:
        """The server cuts pages its own way: go on with its size, but never change it in the middle."""
        if number != 1 or not sheet.size or sheet.size > self._size:
            raise DoesNotAddUp(f"pages of {sheet.size} rows came instead of {self._size}")
        self._size = sheet.size
        return sheet

    def _fresh(self, sheet: Sheet) -> Sheet:
        """The sheet without rows that were seen before; notes what shows that rows are moving."""
        rows = tuple(row for row in sheet.rows if not row.value(self._key) or row.value(self._key) not in self._seen)
        bad = tuple(row for row in sheet.rejected if row.ticket is None or row.ticket not in self._seen)
        if len(rows) < len(sheet.rows) or (self._total is not None and sheet.total != self._total):
            self._moved = True
        self._total = sheet.total
        named = [row.value(self._key) for row in rows] + [row.ticket or "" for row in bad]
        self._seen.update(filter(None, named))
        self._nameless += named.count("")
        return Sheet(rows, bad, sheet.total, sheet.number, sheet.size)

    def _is_last(self, number: int, sheet: Sheet) -> bool:
        if not sheet.count:
            return True
        if sheet.total is not None:
            return number * self._size >= sheet.total
        return sheet.count < self._size or self._moved

    async def _fallen(self, number: int, before: int | None) -> AsyncIterator[Sheet]:
        """Rows left the list, so others slipped to pages that are already read: read those again."""
        while before is not None and self._total is not None and self._total < before:
            gone, before = before - self._total, self._total
            for page in range(max(1, number - -(-gone // self._size)), number):
                yield await self._repaired(page)

    async def _top(self) -> AsyncIterator[Sheet]:
        """What moved to the top meanwhile: from page 1 until a page has nothing new."""
        number, fresh = 1, True
        while fresh and (self._total is None or (number - 1) * self._size < self._total):
            sheet = await self._repaired(number)
            yield sheet
            number, fresh = number + 1, bool(sheet.count)

    async def _again(self) -> AsyncIterator[Sheet]:
        """Rows are still missing: every page once more."""
        number = 1
        while self._lacks and (number - 1) * self._size < (self._total or 0):
            yield self._fresh(await self._read_one(number))
            number += 1

    async def _repaired(self, number: int) -> Sheet:
        self._repairs += 1
        if self._repairs > _MOST_REPAIRS:
            raise DoesNotAddUp("the list moves faster than it can be read")
        return self._fresh(await self._read_one(number))
