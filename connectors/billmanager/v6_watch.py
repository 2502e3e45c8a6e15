"""Main's list of all tickets as an employee of versions 5 and 6 is shown it: what moved, and nothing else.

``ticket_all`` has the ids that the customer's lists have, those of tickets (protocol sections 3.2 and 3.3; INFERRED, so
that it is compared before anything rests on it). Of each row the id, the times and the state are kept, the latter two
as a digest; all else is dropped before rows are put in order, and no words of the server are in any error. Must stay
out: any other function. Nothing in here can open a ticket.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from connectors.billmanager import v6_rows
from connectors.billmanager.page_reader import Sheet, Sheets
from connectors.billmanager.paging import DoesNotAddUp, Walk
from connectors.billmanager.request import Call
from connectors.billmanager.session import Session
from connectors.billmanager.wire import Node
from connectors.errors import (
    AccessDenied,
    ConnectorError,
    Fatal,
    Missing,
    NoConnection,
    ProtocolError,
    Retriable,
    TooOld,
)
from remotesupport.core.connections.watch import WatchedLook, WatchedRow

LIST = Call("ticket_all")
MOST_PAGES = 100  # of one look; a list that is longer is not used
_SIZE = 500
_SORT, _LAST = "last_activity", "last_message"
_TIMES = ("date_start", _LAST, _SORT)
_STATE = "tstatus"
_ORDER = {"filter": "on", "p_sort": _SORT, "p_order": "desc"}
_A_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d)?")
_OUR_KIND = re.compile(r"http-[0-9]{3}|connection|cut|http|redirect|html|size|characters|encoding|logins")


class EmployeesList:
    """``contract.WatchedLists`` for versions 5 and 6.

    ``_uncounted``: by how much the server's total was more than the rows when the list was last read to its end; None
    where it did not come in order, so that it is read whole each time.
    """

    __slots__ = ("_session", "_uncounted", "_where")

    def __init__(self, session: Session) -> None:
        session.questions = (LIST,)
        self._session, self._where = session, session.where
        self._uncounted: int | None = None

    def __repr__(self) -> str:
        return f"EmployeesList({self._where})"

    async def look(self, known: Mapping[str, WatchedRow]) -> WatchedLook:
        """Read as the contract says: the newest activity first."""
        try:
            return await self._look(known)
        except DoesNotAddUp:
            found: ConnectorError = self._strange("its pages do not add up", "incomplete")
        except ConnectorError as error:
            found = _in_our_words(error, self._where)
        raise found

    async def aclose(self) -> None:
        """Never raises."""
        await self._session.aclose()

    async def _look(self, known: Mapping[str, WatchedRow]) -> WatchedLook:
        rows: dict[str, WatchedRow] = {}
        order, pages = _Order(), 0
        async for sheet in Walk(_Bare(self._session).read, _SIZE, sort=_SORT).pages():
            pages += 1
            if sheet.rejected:
                raise self._strange("a row of it cannot be read")
            if pages > MOST_PAGES:
                raise self._strange(f"it has more than {MOST_PAGES * _SIZE} tickets")
            page = {row.value("id"): self._watched(row) for row in sheet.rows}
            rows |= page
            order.add(sheet)
            if page and order.kept and all(known.get(ticket) == row for ticket, row in page.items()):
                all_rows = {**known, **rows}
                if self._uncounted == order.uncounted(len(all_rows)):  # else one has left the list, or was deleted
                    return WatchedLook(all_rows, whole=False)
        self._uncounted = order.uncounted(len(rows)) if order.kept else None
        return WatchedLook(rows, whole=True)

    def _watched(self, row: Node) -> WatchedRow:
        if not v6_rows.is_id(row.value("id")) or not row.value(_SORT) or not row.value(_LAST):
            raise self._strange("a row of it has no id, or not the times of its last message and activity")
        mark = hashlib.blake2b("\x1f".join(v for _, v in sorted(row.columns())).encode(), digest_size=16)
        return WatchedRow(mark.hexdigest(), row.value(_LAST))

    def _strange(self, what: str, kind: str = "shape") -> ProtocolError:
        return ProtocolError(what, billing=self._where, function=LIST.func, kind=kind)


class _Order:
    """Tells whether rows come newest first, on the way down; pages that are read once more do not count."""

    def __init__(self) -> None:
        self.kept, self._last, self._page = True, "", 0
        self._total: int | None = None

    def uncounted(self, rows: int) -> int:
        """By how much the total that the first page told is more than ``rows``; 0 where it told none."""
        return 0 if self._total is None else self._total - rows

    def add(self, sheet: Sheet) -> None:
        """Go on with the rows of a page."""
        if sheet.number is not None and sheet.number <= self._page:
            return
        self._total = self._total if self._last else sheet.total
        self._page = sheet.number or 0
        for at in (row.value(_SORT) for row in sheet.rows):
            self.kept, self._last = self.kept and at <= (self._last or at), at


class _Bare(Sheets):
    """Pages of the list whose rows have nothing but id, times and state."""

    def __init__(self, session: Session) -> None:
        super().__init__(session, LIST, _ORDER)

    async def read(self, number: int, size: int) -> Sheet:
        """Read a page, and drop at once what is not for us."""
        sheet = await super().read(number, size)
        rows = tuple(map(_bare, sheet.rows))
        return Sheet(rows, sheet.rejected, sheet.total, sheet.number, sheet.size)


def _bare(row: Node) -> Node:
    """A time that is none is dropped like any other column; a state is a digest, since it may be a word."""
    times = {name: value for name in _TIMES if _A_TIME.fullmatch(value := row.value(name).strip())}
    state = hashlib.blake2b(row.value(_STATE).encode(), digest_size=16).hexdigest()
    return Node({"id": row.value("id"), **times, _STATE: state})


def no_such_list(where: str) -> Fatal:
    """Version 4 has a queue of what waits for staff, and no list of all tickets (protocol section 4.3)."""
    return Fatal(
        "a BILLmanager 4 has no list of all tickets that an employee could be shown", billing=where, kind="v4",
        cure="Take watch_login and watch_password away from [main]",
    )  # fmt: skip


def _in_our_words(error: ConnectorError, where: str) -> ConnectorError:
    """The same kind of failure without any word of the server."""
    if isinstance(error, TooOld):
        return no_such_list(where)
    if isinstance(error, AccessDenied | Missing):
        cure = "Check watch_login, watch_password, and the login's right on that function"
        return AccessDenied("the login is refused", billing=where, function=error.function, cure=cure)
    kind = error.kind if error.kind in tuple(NoConnection) or _OUR_KIND.fullmatch(error.kind) else ""
    what = "it gave no list that can be read" + (f" ({kind})" if kind else "")
    if isinstance(error, ProtocolError) and error.kind == "shape" and error.function == LIST.func:
        what = error.what
    elif error.kind in tuple(NoConnection):
        what = f"it cannot be reached ({kind})"
    made = type(error) if isinstance(error, Fatal | Retriable) else ProtocolError
    return made(what, billing=where, function=error.function, kind=kind)
