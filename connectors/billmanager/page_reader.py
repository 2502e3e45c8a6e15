"""One page of a list, even when a row on it is poison: the other format first, then smaller and smaller pages.

Must stay out: how pages add up (``paging``), what columns mean (``v6_common``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.billmanager.request import Call
from connectors.billmanager.session import Session
from connectors.billmanager.wire import Format, Node, salvage
from connectors.errors import ProtocolError
from remotesupport.core.model import RejectedRow
from remotesupport.core.text.foreign import natural

ONE_ROW = ("encoding", "characters")
_MOST_UNREADABLE = 20
MOST_ROWS = 10**9  # that a list may claim to have


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows that one request showed. ``count`` is how many rows the server meant to show, bad ones included.

    ``number`` and ``size`` are the server's echo of the page asked for, None where it does not say.
    """

    rows: tuple[Node, ...]
    rejected: tuple[RejectedRow, ...]
    total: int | None
    number: int | None = None
    size: int | None = None

    @property
    def count(self) -> int:
        return len(self.rows) + len(self.rejected)


class Sheets:
    """Reads pages of one list. ``form`` is what is sent with every page: sorting and filters."""

    def __init__(self, session: Session, call: Call, form: Mapping[str, str]) -> None:
        self._session, self._call, self._form = session, call, dict(form)
        self._unreadable = 0

    async def read(self, number: int, size: int) -> Sheet:
        """Page ``number`` of ``size`` rows. Unreadable rows are rejected alone. Raises ConnectorError."""
        sheet = await self._whole(number, size)
        return sheet if sheet is not None else await self._apart(number, size)

    async def _whole(self, number: int, size: int) -> Sheet | None:
        """The page in either format, None when a row of it spoils both."""
        for out in Format:
            try:
                return self._sheet(await self._session.document(self._call, self._asked(number, size), out=out))
            except ProtocolError as error:
                if error.kind not in ONE_ROW:
                    raise
        return None

    async def _apart(self, number: int, size: int) -> Sheet:
        """Return the same rows as smaller pages: sizes that divide, so that the borders stay where they are."""
        if size == 1:
            return await self._single(number)
        parts = next(p for p in range(2, size + 1) if size % p == 0)
        piece, sheets, seen = size // parts, list[Sheet](), set[str]()
        for part in range((number - 1) * parts + 1, number * parts + 1):
            if sheets and _is_past(sheets[-1], part, piece):
                break
            sheet = await self.read(part, piece)
            names = _names(sheet)
            if sheets and (sheet.number not in (None, part) or names <= seen):
                break  # past the end the last page comes again
            seen |= names
            sheets.append(sheet)
        return _joined(sheets, number, size)

    async def _single(self, number: int) -> Sheet:
        """The one row that spoils the page."""
        self._unreadable += 1
        if self._unreadable > _MOST_UNREADABLE:
            raise self._error(f"more than {_MOST_UNREADABLE} rows cannot be read", "characters")
        answer = await self._session.raw(self._call, {"out": str(Format.JSON), **self._asked(number, 1)})
        ticket, total = salvage(answer.body)
        return Sheet((), (RejectedRow(ticket, "its row holds characters that no document may hold"),), total)

    def _asked(self, number: int, size: int) -> dict[str, str]:
        return {**self._form, "p_num": str(number), "p_cnt": str(size)}

    def _sheet(self, doc: Node) -> Sheet:
        rows = doc.all("elem")
        if not rows and not doc.has("p_elems") and not doc.has("p_num"):
            raise self._error("the answer is no list", "shape")
        return Sheet(
            tuple(rows), (), self._number(doc, "p_elems"), self._number(doc, "p_num"), self._number(doc, "p_cnt")
        )

    def _number(self, doc: Node, name: str) -> int | None:
        text = doc.value(name).strip()
        if not text:
            return None
        number = natural(text, MOST_ROWS)
        if number is None:
            raise self._error(f"{name} is no number", "shape")
        return number

    def _error(self, what: str, kind: str) -> ProtocolError:
        return ProtocolError(what, billing=self._session.where, function=self._call.func, kind=kind)


def _is_past(sheet: Sheet, part: int, piece: int) -> bool:
    """Tell whether a piece lies behind the end of the list by the total of the one before it.

    Not by a total that may count the rows of that piece only.
    """
    if sheet.total is None or sheet.total == sheet.count == piece:
        return False
    return (part - 1) * piece >= sheet.total


def _names(sheet: Sheet) -> set[str]:
    return {name for name in (*(row.value("id") for row in sheet.rows), *(b.ticket for b in sheet.rejected)) if name}


def _joined(sheets: list[Sheet], number: int, size: int) -> Sheet:
    """The pieces as one page; without a total where theirs counted less than they showed."""
    rows = tuple(row for sheet in sheets for row in sheet.rows)
    rejected = tuple(bad for sheet in sheets for bad in sheet.rejected)
    totals = [sheet.total for sheet in sheets if sheet.total is not None]
    total = totals[-1] if totals and totals[-1] >= len(rows) + len(rejected) else None
    return Sheet(rows, rejected, total, number, size)
