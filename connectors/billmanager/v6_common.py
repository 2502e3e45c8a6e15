"""Common parts of both views of versions 5 and 6: who am I, lists, threads, files, one POST per write.

The functions of each view are in ``v6_staff`` and ``v6_customer``. Must stay out: HTTP, columns (``v6_rows``).
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from connectors.billmanager import habits, v6_rows
from connectors.billmanager.observing import Observing
from connectors.billmanager.page_reader import ONE_ROW, Sheet, Sheets
from connectors.billmanager.paging import DoesNotAddUp, Walk, is_newest_first, rank
from connectors.billmanager.request import Call
from connectors.billmanager.session import WHOAMI, Session
from connectors.billmanager.v6_departments import Departments
from connectors.billmanager.v6_errors import too_old
from connectors.billmanager.v6_rows import BadRow, Read, Unclear
from connectors.billmanager.v6_states import STATES
from connectors.billmanager.v6_thread import Viewer, read_thread
from connectors.billmanager.wire import Format, Node
from connectors.contract import Capabilities, Setup, Sink
from connectors.errors import (
    ConnectorError,
    Missing,
    NotUnderstood,
    ProtocolError,
    Skippable,
    TicketDenied,
    UnknownOutcome,
)
from remotesupport.core.connections.habits import HabitObservation
from remotesupport.core.model import (
    CallStats,
    DepartmentRow,
    FileRef,
    Identity,
    MessageKind,
    MessageRow,
    Page,
    RejectedRow,
    Side,
    TicketRow,
    Upload,
)
from remotesupport.core.text.foreign import natural
from remotesupport.core.text.normalize import body_hash

FILE = Call("ticket.file")
_LOOK = 50


@dataclass(frozen=True, slots=True)
class Listing:
    """A list function: its call, the column to sort by, its columns that must be there, and its row's meaning."""

    call: Call
    sort: str
    needs: tuple[str, ...]
    row: Callable[[Node, Departments], Read]
    partial: bool = False


class View(Observing):
    """One login's view of a billing of version 5 or 6. ``role``: the kind of what this login says in a ticket."""

    side: Side
    role: MessageKind
    listed: Mapping[str, Listing]
    follows: Mapping[str, str]
    states_back: Mapping[str, str]
    form: Call

    def __init__(self, name: str, session: Session, *, timezone: str) -> None:
        self.name, self._session, self._timezone, self._where = name, session, timezone, session.where
        self._me: Viewer | None = None
        self._departments: Departments | None = None
        self._opened, self._written = set[str](), dict[str, str]()
        self._knowing = asyncio.Lock()
        self.habits = habits.of_side(self.side)
        session.questions = tuple(listing.call for listing in self.listed.values())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._where})"

    @cached_property
    def capabilities(self) -> Capabilities:
        """Message ids and attachments are there; the states are those of STATES."""
        states = dict(STATES), dict(self.states_back)
        return Capabilities("billmanager 6", True, True, tuple(self.listed), *states, follows=dict(self.follows))

    def learned(self, answers: Mapping[str, frozenset[str]]) -> None:
        """Read by these answers, and ask for forms as this server wants them."""
        super().learned(answers)
        if habits.AJAX in answers.get(habits.FORM_POSTS, ()):
            self._session.ask_by_ajax()

    def observations(self) -> tuple[HabitObservation, ...]:
        """Hand over what was seen, with what the session met of forms."""
        if self._session.form_posts:
            self._saw(*(HabitObservation(habits.FORM_POSTS, a, n) for a, n in self._session.form_posts.items()))
            self._session.form_posts.clear()
        return super().observations()

    @property
    def stats(self) -> CallStats:
        """Logins included."""
        return self._session.transport.stats

    async def identify(self) -> Identity:
        """``whoami`` (SEEN IN CODE; version 5 INFERRED); where there is none, only the login is known."""
        try:
            doc = await self._session.document(WHOAMI)
        except Missing:
            return Identity(version="", user="", name=await self._session.log_in(), level=0)
        user = doc.first("user")
        version = _version(doc)
        if user is None or not version:
            raise self._strange("whoami says neither user nor version", WHOAMI)
        if version.startswith(("3.", "4.")):
            raise too_old(self._where)
        zone, level = user.attr("timezone"), user.attr("level")
        return Identity(
            version=version,
            user=v6_rows.named(user.attr("id")),
            name=v6_rows.named(user.attr("name")),
            level=natural(level) or 0,
            timezone=zone if v6_rows.is_zone(zone) else None,
        )

    async def pages(self, listing: str, *, page_size: int = 500) -> AsyncIterator[Page]:
        """Read pages as the contract says. A list that is not sorted newest first is read whole and then sorted."""
        if listing not in self.listed:
            raise ProtocolError("there is no such listing", billing=self._where, function=listing)
        chosen, number = self.listed[listing], 0
        given: set[str] = set()
        async for sheet in self._ordered(chosen, page_size):
            await self._know_departments(sheet.rows)
            page = self._page(listing, chosen, number + 1, sheet, given)
            if number == 0 or page.rows or page.rejected:
                number += 1
                yield page

    async def ticket(self, ticket: str) -> TicketRow:
        """Find a ticket by filtered lists; only when no list has it and the form says so too is it Missing."""
        for listing in self.listed.values():
            found = None if listing.partial else await self._look(listing, ticket)
            if found is not None:
                return await self._completed(found)
        try:
            await self._session.document(self.form, {"elid": ticket}, ticket=ticket)
        except TicketDenied:
            raise Missing(
                "the login may not see it", billing=self._where, function=self.form.func, ticket=ticket
            ) from None
        raise self._strange("its form can be read, but no list shows it", self.form, ticket)

    async def thread(self, ticket: str) -> tuple[MessageRow, ...]:
        """The ``mlist`` of the form that changes nothing by being read."""
        viewer = await self._known()
        doc = await self._read_form(ticket)
        try:
            found = read_thread(doc, viewer, ticket, ours=ticket in self._opened, said=self._written.pop(ticket, ""))
        except BadRow as error:
            raise self._unusable(error, ticket) from None
        if not found.rows:
            raise self._skip("it shows no messages at all", ticket)
        self._saw(*found.seen)
        return found.rows

    async def file(self, ref: FileRef, into: Sink, *, limit: int) -> bool:
        """``ticket.file`` (SEEN IN CODE): raw bytes."""
        try:
            page = ref.name.lower().endswith((".htm", ".html", ".xhtml"))
            return await self._session.download(FILE, {"elid": ref.file}, into, cap=limit, page=page)
        except ProtocolError as error:
            if error.kind == "size":
                raise Skippable(
                    f"the file is larger than {limit} bytes", billing=self._where, function=FILE.func, kind="size"
                ) from None
            raise

    async def setup(self) -> Setup | None:
        """These versions have no such settings (protocol section 3.6)."""
        return None

    async def aclose(self) -> None:
        """Never raises."""
        await self._session.aclose()

    # --- for the views --------------------------------------------------------------------------------------

    async def _completed(self, row: TicketRow) -> TicketRow:
        """A directly looked-up row with what only its form says."""
        return row

    async def _realname(self, _me: Identity) -> str:
        """Return the name by which threads call this login, empty when that cannot be found out."""
        return ""

    def _kinds(self) -> Mapping[str, MessageKind] | None:
        """Say who speaks in ``incoming`` and ``outcoming``; None where that is not known yet."""
        raise NotImplementedError

    async def _known(self) -> Viewer:
        async with self._knowing:
            if self._me is None:
                me = await self.identify()
                zone = me.timezone or self._timezone
                self._me = Viewer(
                    me.user, me.name, await self._realname(me), zone, self.role, None, connection=self.name
                )
            return dataclasses.replace(self._me, kinds=self._kinds())

    async def _know_departments(self, rows: Sequence[Node]) -> Departments:
        """The departments, asked for where a row names one in a way that only their list explains."""
        if self._departments is None:
            if not any(Departments().needed_for(row.first("responsible")) for row in rows):
                return Departments()
            await self._read_departments()
        return self._departments or Departments()

    async def _read_departments(self) -> None:
        """Fill ``_departments`` where this view has such a list."""

    async def _read_form(self, ticket: str) -> Node:
        """The ticket's form in either format. Raises Skippable when its text spoils both."""
        for out in Format:
            try:
                doc = await self._session.document(self.form, {"elid": ticket}, out=out, ticket=ticket)
            except ProtocolError as error:
                if error.kind == "size":
                    raise self._skip("its conversation is larger than an answer may be", ticket) from None
                if error.kind not in ONE_ROW:
                    raise
                continue
            if not (doc.has("mlist") or doc.has("subject") or doc.has("name")):
                raise self._strange("the answer is no ticket", self.form, ticket)
            if doc.value("elid") not in ("", ticket):
                raise self._strange("the answer is another ticket", self.form, ticket)
            return doc
        raise self._skip("its text holds characters that no document may hold", ticket)

    async def _write(
        self, call: Call, form: Mapping[str, str], files: Sequence[Upload] = (), *, ticket: str = ""
    ) -> Node:
        """One POST whose answer must be the ``ok`` of a write (SEEN IN CODE)."""
        try:
            doc = await self._session.document(call, {"sok": "ok", **form}, files, ticket=ticket)
        except ConnectorError as error:
            error.ticket = error.ticket or ticket
            raise
        if not doc.has("ok"):
            raise _unconfirmed(self._where, call, ticket)
        return doc

    def _said(self, ticket: str, body: str) -> None:
        """Remember what this login wrote: the next look at the thread shows as whose message it stands there."""
        self._written[ticket] = body_hash(body)

    async def _filtered(self, call: Call, **columns: str) -> list[Node]:
        """The rows of a list with these values, all of them. The filter is in the call, never stored."""
        form = {"filter": "on", "p_sort": "id", "p_order": "desc", **columns}
        found: list[Node] = []
        async for sheet in self._walked(Sheets(self._session, call, form), call, _LOOK):
            if sheet.rejected:
                raise self._skip("its row cannot be read", next(iter(columns.values())))
            found.extend(row for row in sheet.rows if all(row.value(n) == v for n, v in columns.items()))
            if len(found) != len(sheet.rows):
                raise self._strange("the list does not obey its filter", call)
        return found

    async def _department_list(self, call: Call) -> list[DepartmentRow]:
        found: list[DepartmentRow] = []
        known = Departments()
        async for sheet in self._walked(Sheets(self._session, call, {"p_sort": "id", "p_order": "asc"}), call, 500):
            for row in sheet.rows:
                names = (row.value("locale_name"), row.value("name"))
                found.append(
                    self._department(call, row.value("id"), names[0] or names[1], row.value("status") != "off")
                )
                known.add(row.value("id"), *names)
        self._departments = known
        return found

    def _department(self, call: Call, number: str, name: str, active: bool = True) -> DepartmentRow:
        try:
            return v6_rows.department_row(number, name, active=active)
        except BadRow as error:
            raise self._strange(str(error), call) from None

    def _skip(self, what: str, ticket: str) -> Skippable:
        return Skippable(what, billing=self._where, function=self.form.func, ticket=ticket, kind="unreadable")

    def _unusable(self, error: BadRow, ticket: str) -> Skippable:
        """This ticket's fault; with the cure where a habit of the server is not understood."""
        if not isinstance(error, Unclear):
            return self._skip(str(error), ticket)
        return NotUnderstood(
            str(error), billing=self._where, function=self.form.func, ticket=ticket, kind=error.habit,
            cure=cure_of(error.habit, self.name),
        )  # fmt: skip

    def _strange(self, what: str, call: Call, ticket: str = "") -> ProtocolError:
        return ProtocolError(what, billing=self._where, function=call.func, ticket=ticket, kind="shape")

    # --- lists ----------------------------------------------------------------------------------------------

    async def _look(self, listing: Listing, ticket: str) -> TicketRow | None:
        rows = await self._filtered(listing.call, id=ticket)
        departments = await self._know_departments(rows)
        try:
            read = listing.row(rows[0], departments) if rows else None
        except BadRow as error:
            raise self._unusable(error, ticket) from None
        if read is None:
            return None
        self._saw(*read.seen)
        return read.row

    async def _walked(self, sheets: Sheets, call: Call, size: int, sort: str = "id") -> AsyncIterator[Sheet]:
        walk = Walk(sheets.read, size, sort=sort)
        try:
            async for sheet in walk.pages():
                yield sheet
            if walk.total_is_wrong:
                self._saw(HabitObservation(habits.TOTAL, habits.MORE_THAN_SHOWN))
        except DoesNotAddUp as error:
            raise ProtocolError(str(error), billing=self._where, function=call.func, kind="incomplete") from None

    async def _ordered(self, listing: Listing, size: int) -> AsyncIterator[Sheet]:
        sheets = Sheets(self._session, listing.call, {"filter": "on", "p_sort": listing.sort, "p_order": "desc"})
        kept: list[Sheet] = []
        async for sheet in self._walked(sheets, listing.call, size, listing.sort):
            sorted_ = is_newest_first(sheet, listing.sort)
            if len(sheet.rows) > 1:
                self._saw(HabitObservation(habits.SORTING, "asked" if sorted_ else "ignored"))
            if kept or not sorted_:
                kept.append(sheet)
            else:
                yield sheet
        if kept:
            rows = sorted(
                (row for sheet in kept for row in sheet.rows), key=lambda r: rank(r, listing.sort), reverse=True
            )
            bad = tuple(row for sheet in kept for row in sheet.rejected)
            yield Sheet(tuple(rows), bad, kept[-1].total)

    def _page(self, listing: str, chosen: Listing, number: int, sheet: Sheet, given: set[str]) -> Page:
        missing = [column for column in chosen.needs if sheet.rows and not any(row.has(column) for row in sheet.rows)]
        if missing:
            raise self._strange(f"the list has no column {', '.join(missing)}", chosen.call)
        rows: list[TicketRow] = []
        bad = [RejectedRow(None if chosen.partial else b.ticket, b.reason) for b in sheet.rejected]
        seen: list[HabitObservation] = []
        for node in sheet.rows:
            try:
                read = chosen.row(node, self._departments or Departments())
            except BadRow as error:
                bad.append(self._rejected(node, chosen, error))
                continue
            seen += read.seen
            if read.row.ticket not in given:
                given.add(read.row.ticket)
                rows.append(read.row)
        self._saw(*seen, *_totals(sheet))
        return Page(listing, number, tuple(rows), sheet.total, tuple(bad))

    def _rejected(self, node: Node, listing: Listing, error: BadRow) -> RejectedRow:
        name = node.value("ticket") if listing.partial else node.value("id")
        ticket = name if v6_rows.is_id(name) else None
        if not isinstance(error, Unclear):
            return RejectedRow(ticket, str(error))
        return RejectedRow(ticket, f"{error}. {cure_of(error.habit, self.name)}", error.habit)


def cure_of(habit: str, connection: str) -> str:
    """Say what a person does about a habit that is not understood."""
    return (
        f"Habit {habit!r} of this server: `remotesupport habits --billing {connection}` shows what was seen; report it"
    )


def _totals(sheet: Sheet) -> list[HabitObservation]:
    return [HabitObservation(habits.TOTAL, "missing" if sheet.total is None else "there")] if sheet.rows else []


def _version(doc: Node) -> str:
    """``6.94.1`` from ``<version><billmgr>6.94.1-…`` or ``<mgr version=…>`` (SEEN IN CODE)."""
    version, manager = doc.first("version"), doc.first("mgr")
    text = (version.value("billmgr") if version else "") or (manager.attr("version") if manager else "")
    return v6_rows.named(text.partition("-")[0].strip(), v6_rows.LONGEST_STAMP)


def _unconfirmed(where: str, call: Call, ticket: str) -> ConnectorError:
    return UnknownOutcome("the answer does not confirm the write", billing=where, function=call.func, ticket=ticket)
