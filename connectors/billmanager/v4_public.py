"""Version 4 by its public functions alone, for a login that may not call the three of remote support.

Less can be known: the staff's queue shows only what waits for staff and names no department, so absence says nothing,
nothing is ever seen to close or to leave, and the login must work for exactly one remote department. Shapes: SEEN IN
CODE unless marked. Must stay out: the three functions.
"""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Mapping, Sequence

from connectors.billmanager import v4_hist
from connectors.billmanager.request import Call
from connectors.billmanager.v4_answers import digest, whole
from connectors.billmanager.v4_common import OldView
from connectors.billmanager.v4_session import OldSession
from connectors.billmanager.v6_rows import LONGEST_STAMP, BadRow, an_id, department_row, is_id, named
from connectors.billmanager.wire import Node
from connectors.contract import Capabilities, Setup
from connectors.errors import ConnectorError, Fatal, ProtocolError, Refused, UnknownOutcome
from remotesupport.core.model import (
    DepartmentRow,
    Identity,
    MessageRow,
    Page,
    PublicBecause,
    RejectedRow,
    Side,
    TicketRow,
    TicketState,
    Upload,
    WriteReceipt,
)

QUEUE = Call("tickets")
STAFF_FORM = Call("tickets.edit")
STAFF_REPLY = Call("tickets.edit", write=True)
ACTIVE = Call("clienttickets")
ARCHIVE = Call("archivedclienttickets")
FORM = Call("clienttickets.edit")
POST = Call("clienttickets.edit", write=True)
INTO_ARCHIVE = Call("clienttickets.archive", write=True)
_RESTLESS = ("delay", "unread", "blocked")
_ONLY = "queue"  # the id of the one department, which has none here
_SYSTEM_ROW = "on"  # the category of a row that is no ticket


class PublicView(OldView):
    """The part of the public functions that both sides share."""

    dialect: str
    form: Call
    states: Mapping[str, str]
    states_back: Mapping[str, str]
    listed: Mapping[str, Call]

    @property
    def capabilities(self) -> Capabilities:
        """No message ids, no files."""
        listings, states = tuple(self.listed), dict(self.states)
        return Capabilities(self.dialect, False, False, listings, states, dict(self.states_back))

    async def identify(self) -> Identity:
        """There is no ``whoami``: that the login is let in is all there is to know (protocol section 4.1)."""
        login = await self._session.log_in()
        return Identity("4", login, login, 0, None, PublicBecause.CONFIGURED)

    async def setup(self) -> Setup | None:
        """Only the three functions would say."""
        return None

    async def pages(self, listing: str, *, page_size: int = 500) -> AsyncIterator[Page]:
        """The whole list at once (these functions know no paging), in pieces."""
        if listing not in self.listed:
            raise ProtocolError("there is no such listing", billing=self._where, function=listing)
        nodes = await self._rows(self.listed[listing])
        rows, bad = self._read_rows(nodes, listing)
        for number, start in enumerate(range(0, max(len(rows), 1), page_size), start=1):
            rejected = tuple(bad) if start == 0 else ()
            yield Page(listing, number, tuple(rows[start : start + page_size]), len(nodes), rejected)

    async def thread(self, ticket: str) -> tuple[MessageRow, ...]:
        """``hist`` of the form."""
        doc = await self._form(ticket)
        try:
            whole(doc.value("hist"))
            rows = v4_hist.messages(doc.value("hist"), self._timezone)
        except BadRow as error:
            raise self._skip(str(error), self.form, ticket) from None
        if not rows:
            raise self._skip("it shows no messages at all", self.form, ticket)
        return rows

    # --- inside ---------------------------------------------------------------------------------------------

    async def _rows(self, call: Call) -> list[Node]:
        doc = await self._session.document(call)
        rows = doc.all("elem")
        if rows and not any(row.has("id") for row in rows):
            raise self._strange("the list has no column id", call)
        return [row for row in rows if row.value("category") != _SYSTEM_ROW]

    def _read_rows(self, nodes: Sequence[Node], listing: str) -> tuple[list[TicketRow], list[RejectedRow]]:
        rows: dict[str, TicketRow] = {}
        bad: list[RejectedRow] = []
        for node in nodes:
            try:
                row = self._row(node, listing)
            except BadRow as error:
                bad.append(RejectedRow(node.value("id") if is_id(node.value("id")) else None, str(error)))
                continue
            rows.setdefault(row.ticket, row)
        newest = sorted(rows.values(), key=lambda r: (r.activity, len(r.ticket), r.ticket), reverse=True)
        return newest, bad

    def _row(self, node: Node, listing: str) -> TicketRow:
        raise NotImplementedError

    async def _form(self, ticket: str) -> Node:
        doc = await self._session.document(self.form, {"elid": ticket}, ticket=ticket)
        if not doc.has("hist"):
            raise self._strange("the answer is no ticket", self.form, ticket)
        if doc.value("elid") not in ("", ticket):
            raise self._strange("the answer is another ticket", self.form, ticket)
        return doc


class PublicStaff(PublicView):
    """ExternalBilling by ``tickets`` and ``tickets.edit``. ``department``: the one remote department of the login."""

    side = Side.EXTERNAL
    dialect = "billmanager 4 public"
    form = STAFF_FORM
    listed = {"tickets": QUEUE}  # noqa: RUF012
    # "away" is never seen: what is not in the queue shows no state at all.
    states = {"queue": "open", "away": "closed"}  # noqa: RUF012
    states_back = {"open": "queue", "closed": "away"}  # noqa: RUF012

    def __init__(self, name: str, session: OldSession, *, timezone: str, department: str | None) -> None:
        super().__init__(name, session, timezone=timezone)
        self._department = department

    @property
    def capabilities(self) -> Capabilities:
        """The queue is a part of the tickets, and no call is known that closes one or puts one back."""
        return dataclasses.replace(super().capabilities, exhaustive=False, closes=False, reopens=False)

    async def identify(self) -> Identity:
        """Raises Fatal unless exactly one department is configured: the queue names none."""
        if self._department is None:
            raise Fatal(
                "without the three functions of remote support a version 4 names no departments, so only one may be "
                "configured for this login", billing=self._where, kind="departments",
                cure="Give the login the rights on clienttickets.sync, .syncadmticket and .syncdepartments, or leave "
                "one enabled department",
            )  # fmt: skip
        return await super().identify()

    async def departments(self) -> Sequence[DepartmentRow]:
        """The configured one: no function that lists them is known."""
        return [DepartmentRow(_ONLY, self._department or "")]

    async def sees(self) -> frozenset[str] | None:
        """Return None: whose tickets the queue shows is not said."""
        return None

    async def ticket(self, ticket: str) -> TicketRow:
        """Read a ticket by its form; that it is not in the queue says nothing about its state."""
        doc = await self._form(ticket)
        try:
            return self._seen(ticket, doc.value("subject"), doc.value("account"), digest(doc.value("hist")), "")
        except BadRow as error:
            raise self._skip(str(error), self.form, ticket) from None

    async def reply(self, ticket: str, body: str, files: Sequence[Upload] = (), *, key: str = "") -> WriteReceipt:
        """``tickets.edit``; takes the ticket out of the queue.

        The field is ``text`` (INFERRED), or ``message`` where the ticket's form has one of that name and no ``text``.
        """
        del key
        self._refuse_files(files, STAFF_REPLY, ticket)
        form = await self._form(ticket)
        field = "message" if form.has("message") and not form.has("text") else "text"
        await self._write(STAFF_REPLY, {"elid": ticket, field: body}, ticket=ticket)
        return WriteReceipt(ticket)

    async def close(self, ticket: str, *, key: str = "") -> WriteReceipt:
        """Never planned (``closes``). Raises Refused."""
        del key
        raise self._no_call("closes a ticket", ticket)

    async def reopen(self, ticket: str, *, key: str = "") -> WriteReceipt:
        """Never planned (``reopens``): the client's next message brings it back. Raises Refused."""
        del key
        raise self._no_call("puts a ticket back into the queue", ticket)

    def _no_call(self, what: str, ticket: str) -> Refused:
        why = f"no public function of version 4 is known that {what}"
        return Refused(why, billing=self._where, function=STAFF_REPLY.func, ticket=ticket, kind="unable")

    def _row(self, node: Node, listing: str) -> TicketRow:
        del listing
        shown = [f"{n}={v}" for n, v in sorted(node.columns()) if n not in _RESTLESS]
        return self._seen(
            node.value("id"), node.value("subject"), node.value("account"), digest(*shown), node.value("datelast")
        )

    def _seen(self, ticket: str, subject: str, author: str, row_hash: str, activity: str) -> TicketRow:
        an_id(ticket, "the row")
        whole(subject, author)
        stamp = named(activity, LONGEST_STAMP)
        return TicketRow(ticket, subject, TicketState.OPEN, "queue", row_hash, _ONLY, named(author), stamp)


class PublicCustomer(PublicView):
    """MainBilling by ``clienttickets`` and its archive."""

    side = Side.MAIN
    dialect = "billmanager 4 public"
    form = FORM
    listed = {"clienttickets": ACTIVE, "archivedclienttickets": ARCHIVE}  # noqa: RUF012
    states = {"open": "open", "closed": "closed", "archived": "closed"}  # noqa: RUF012
    states_back = {"open": "open", "closed": "archived"}  # noqa: RUF012

    def __init__(self, name: str, session: OldSession, *, timezone: str, departments: Sequence[str]) -> None:
        super().__init__(name, session, timezone=timezone)
        self._configured, self._names = tuple(dict.fromkeys(departments)), True

    @property
    def capabilities(self) -> Capabilities:
        """``names_departments``: as the form was when it was last read."""
        return dataclasses.replace(super().capabilities, names_departments=self._names)

    async def departments(self) -> Sequence[DepartmentRow]:
        """The categories of the empty form: a category decides the department (DOCUMENTED); its options are OURS.

        Where the form does not list them: the numbers that are configured (a category is one, SEEN IN CODE).
        """
        doc = await self._session.document(FORM)
        choices = next((s for s in doc.all("slist") if (s.value("name") or s.attr("name")) == "category"), None)
        self._names = choices is not None
        if choices is None:
            numbers = [given for given in self._configured if given.isascii() and given.isdigit()]
            return [DepartmentRow(number, number) for number in numbers]
        try:
            return [
                department_row(choice.value("key") or choice.attr("key"), choice.value("value") or choice.text)
                for choice in choices.all("val")
            ]
        except BadRow as error:
            raise self._strange(str(error), FORM) from None

    async def ticket(self, ticket: str) -> TicketRow:
        """Read a ticket from the list that has it; its form says Missing when none has."""
        for listing, call in self.listed.items():
            for node in await self._rows(call):
                if node.value("id") == ticket:
                    try:
                        return self._row(node, listing)
                    except BadRow as error:
                        raise self._skip(str(error), call, ticket) from None
        await self._form(ticket)
        raise self._strange("its form can be read, but no list shows it", self.form, ticket)

    async def create(
        self, department: str, subject: str, body: str, files: Sequence[Upload] = (), *, key: str = ""
    ) -> WriteReceipt:
        """``clienttickets.edit`` without ``elid``. The answer names no ticket: its subject finds it."""
        del key
        self._refuse_files(files, POST)
        await self._write(POST, {"category": department, "product": "", "subject": subject, "text": body})
        try:
            rows = await self._rows(ACTIVE)
        except ConnectorError as error:
            raise self._created_somewhere(f"the list that would name it could not be read: {error.what}") from None
        found = [row.value("id") for row in rows if row.value("subject").strip() == subject.strip()]
        if len(found) != 1 or not is_id(found[0]):
            raise self._created_somewhere(f"{len(found)} tickets have its subject")
        return WriteReceipt(found[0])

    def _created_somewhere(self, why: str) -> UnknownOutcome:
        return UnknownOutcome(f"it was created, but {why}", billing=self._where, function=POST.func)

    async def reply(self, ticket: str, body: str, files: Sequence[Upload] = (), *, key: str = "") -> WriteReceipt:
        """``clienttickets.edit`` with ``elid`` and ``text``."""
        del key
        self._refuse_files(files, POST, ticket)
        await self._write(POST, {"elid": ticket, "text": body}, ticket=ticket)
        return WriteReceipt(ticket)

    async def close(self, ticket: str, notice: str, *, key: str = "") -> WriteReceipt:
        """``clienttickets.archive``; refused while staff hold it: then ``notice``."""
        try:
            await self._write(INTO_ARCHIVE, {"elid": ticket}, ticket=ticket)
        except Refused:
            if not notice:
                raise
            return await self.reply(ticket, notice, key=key)
        return WriteReceipt(ticket)

    async def reopen(self, ticket: str, notice: str, *, key: str = "") -> WriteReceipt:
        """A message reopens, and says why."""
        return await self.reply(ticket, notice, key=key)

    def _row(self, node: Node, listing: str) -> TicketRow:
        """Two flags are the state: ``unread``, ``open``, or neither (SEEN IN CODE)."""
        ticket = node.value("id")
        if not ticket or not node.has("subject"):
            raise BadRow("the row has no id or no subject")
        an_id(ticket, "the row")
        whole(node.value("subject"))
        status = "open" if node.has("unread") or node.has("open") else "closed"
        if listing == "archivedclienttickets":
            status = "archived"
        shown = (ticket, node.value("subject"), node.value("datelast"), status)
        return TicketRow(
            ticket=ticket,
            subject=node.value("subject"),
            state=TicketState(self.states[status]),
            status=status,
            row_hash=digest(*shown),
            activity=named(node.value("datelast"), LONGEST_STAMP),
        )
