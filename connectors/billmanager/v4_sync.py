"""The wire of the three functions of remote support: ``clienttickets.sync``, ``.syncadmticket``, ``.syncdepartments``.

Nothing about their parameters and answers is public. ALL OF THIS FILE IS OURS (protocol section 4.5): when a real
server shows something else, this is the one place to correct. An answer that does not fit raises ProtocolError
saying so.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

from connectors.billmanager.request import Call
from connectors.billmanager.v4_answers import NO_FUNCTION, NO_RIGHT, NOT_OURS, digest, whole
from connectors.billmanager.v4_common import OldView
from connectors.billmanager.v6_rows import (
    LONGEST_STAMP,
    BadRow,
    an_id,
    department_row,
    is_id,
    is_zone,
    moment,
    named,
    of_one_row,
)
from connectors.billmanager.wire import Node
from connectors.contract import Capabilities, Match, Setup
from connectors.errors import AccessDenied, ConnectorError, ProtocolError, Refused, TooOld, UnknownOutcome
from remotesupport.core.model import (
    DepartmentRow,
    Identity,
    MessageKind,
    MessageRow,
    Page,
    RejectedRow,
    Side,
    TicketRow,
    TicketState,
    Upload,
    WriteReceipt,
)
from remotesupport.core.text.foreign import natural

DEPARTMENTS = Call("clienttickets.syncdepartments")
TICKETS = Call("clienttickets.sync")
WRITE = Call("clienttickets.syncadmticket", write=True)
LISTING = "clienttickets.sync"
FIRST_RELEASE = (4, 0, 63)  # DOCUMENTED
STATES = {"open": "open", "closed": "closed"}
_KINDS = {"client": MessageKind.CLIENT, "staff": MessageKind.STAFF, "system": MessageKind.SYSTEM}
_MISFIT = 'Set dialect = "public" for this billing: then its public functions are used'
_NOT_OURS = ("shape", "empty", "value", "exists", "limit", "message", "missed")  # kinds: it answers, but otherwise


class SyncView(OldView):
    """A login that may call the three functions."""

    _zone = ""

    @property
    def capabilities(self) -> Capabilities:
        """Message ids, no files."""
        return Capabilities("billmanager 4 sync", True, False, (LISTING,), dict(STATES), dict(STATES))

    async def identify(self) -> Identity:
        """``syncdepartments`` says who asks, on which release. Both functions that read must answer as they do here.

        Raises ProtocolError of the kind NOT_OURS where one of them does not.
        """
        try:
            doc = await self._asked(DEPARTMENTS, "version", "user")
        except AccessDenied as error:
            if error.kind == "access":
                error.kind = NO_RIGHT
            raise
        version, level, zone = named(doc.value("version"), LONGEST_STAMP), doc.value("level"), doc.value("timezone")
        if _release(version) < FIRST_RELEASE:
            raise self._too_old(f"it is {version[:20]}")
        with suppress(AccessDenied):  # reading the list says so later, with its cure
            await self._asked(TICKETS, "total", p_cnt="1")
        self._zone = zone if is_zone(zone) else ""
        name = named(doc.value("name") or doc.value("user"))
        return Identity(version, named(doc.value("user")), name, natural(level) or 0, self._zone or None)

    async def departments(self) -> Sequence[DepartmentRow]:
        """List the departments, with the flag "Remote department"."""
        doc = await self._session.document(DEPARTMENTS)
        rows = doc.all("elem")
        if any(not row.value("id") or not row.has("name") for row in rows):
            raise self._misfit("a department has no id or no name", DEPARTMENTS)
        try:
            return [
                department_row(
                    r.value("id"), r.value("name"), active=r.value("active") != "off", remote=r.value("remote") == "on"
                )
                for r in rows
            ]
        except BadRow as error:
            raise self._misfit(str(error), DEPARTMENTS) from None

    async def setup(self) -> Setup | None:
        """Tell how this end is set up, as the document has it."""
        doc = await self._session.document(DEPARTMENTS)
        there = doc.first("remote") or Node({})
        rights = tuple(named(r) for r in doc.value("rights").split(",") if r)
        matches = tuple(
            Match(
                named(m.value("remote")),
                named(m.value("department")),
                named(m.value("name")),
                m.value("active") != "off",
            )
            for m in doc.all("match")
        )
        return Setup(
            version=named(doc.value("version"), LONGEST_STAMP),
            superuser=doc.value("superuser") == "on",
            rights=rights,
            enabled=there.value("set") == "on",
            url=named(there.value("url")),
            login=named(there.value("login")),
            matches=matches if self.side is Side.MAIN else None,
        )

    async def pages(self, listing: str, *, page_size: int = 500) -> AsyncIterator[Page]:
        """Read from the newest revision down; at the end what has moved up meanwhile, until nothing has."""
        if listing != LISTING:
            raise ProtocolError("there is no such listing", billing=self._where, function=listing)
        given: dict[str, str] = {}
        number, newest = 0, 0
        while True:
            before, top = "", 0
            while True:
                doc = await self._sheet(page_size, before)
                rows, asked = doc.all("elem"), natural(before)
                top = max(top, *(_revision(row) for row in rows)) if rows else top
                number += 1
                page = self._page(doc, rows, number, given)
                if number == 1 or page.rows or page.rejected:
                    yield page
                if not (before := doc.value("cursor")) or (newest and rows and _revision(rows[-1]) <= newest):
                    break
                cursor = natural(before)
                if cursor is None or not rows or (asked is not None and cursor >= asked):
                    raise self._misfit("its cursor leads nowhere", TICKETS)
            if top <= newest:
                return
            newest = top

    async def ticket(self, ticket: str) -> TicketRow:
        """``sync`` with ``elid``."""
        node = (await self._one(ticket)).first("ticket") or Node({})
        try:
            return _ticket(node)
        except BadRow as error:
            raise self._skip(str(error), TICKETS, ticket) from None

    async def thread(self, ticket: str) -> tuple[MessageRow, ...]:
        """``sync`` with ``elid``: every message but the notes, which it never has."""
        doc = await self._one(ticket)
        zone = self._zone or self._timezone
        try:
            rows = tuple(_message(node, n, zone) for n, node in enumerate(doc.all("message")))
        except BadRow as error:
            raise self._skip(str(error), TICKETS, ticket) from None
        if not rows:
            raise self._skip("it shows no messages at all", TICKETS, ticket)
        if len({row.message for row in rows}) != len(rows):
            raise self._skip("two of its messages have the same id", TICKETS, ticket)
        return rows

    # --- inside ---------------------------------------------------------------------------------------------

    async def _asked(self, call: Call, *names: str, **form: str) -> Node:
        """Its answer, which must have all of ``names``. Raises ProtocolError of the kind NOT_OURS where it has not."""
        try:
            doc = await self._session.document(call, form)
        except ConnectorError as error:
            if error.kind == NO_FUNCTION:
                raise self._too_old("it does not know the functions of remote support") from None
            if error.kind not in _NOT_OURS and not error.kind.startswith("v4-"):
                raise
            raise self._not_ours(error.what, call) from None
        if missing := [name for name in names if not doc.value(name)]:
            raise self._not_ours(f"it does not say its {' and '.join(missing)}", call)
        return doc

    def _not_ours(self, what: str, call: Call) -> ProtocolError:
        misfit = self._misfit(what, call)
        misfit.kind = NOT_OURS
        return misfit

    async def _sheet(self, size: int, before: str) -> Node:
        form = {"p_cnt": str(size)} | ({"before": before} if before else {})
        doc = await self._session.document(TICKETS, form)
        if natural(doc.value("total")) is None:
            raise self._misfit("it does not say how many tickets there are", TICKETS)
        return doc

    def _page(self, doc: Node, nodes: Sequence[Node], number: int, given: dict[str, str]) -> Page:
        rows: list[TicketRow] = []
        bad: list[RejectedRow] = []
        for node in nodes:
            try:
                row = _ticket(node)
            except BadRow as error:
                if given.get(node.value("id")) != (why := str(error)):
                    given[node.value("id")] = why
                    bad.append(RejectedRow(node.value("id") if is_id(node.value("id")) else None, why))
                continue
            if given.get(row.ticket) != row.row_hash:
                given[row.ticket] = row.row_hash
                rows.append(row)
        return Page(LISTING, number, tuple(rows), natural(doc.value("total")), tuple(bad))

    async def _one(self, ticket: str) -> Node:
        doc = await self._session.document(TICKETS, {"elid": ticket}, ticket=ticket)
        found = doc.first("ticket")
        if found is None or found.value("id") != ticket:
            raise self._misfit("the answer is not that ticket", TICKETS, ticket)
        return doc

    async def _order(self, kind: str, ticket: str, key: str, **form: str) -> WriteReceipt:
        """One write. ``key`` names it for ever: the server does it once (``remoteid``)."""
        remoteid = digest(key) if key else uuid.uuid4().hex
        asked = {"type": kind, "remoteid": remoteid, **({"elid": ticket} if ticket else {}), **form}
        doc = await self._write(WRITE, asked, ticket=ticket)
        made, message = doc.value("ticket"), doc.value("id")
        if not is_id(made):
            raise UnknownOutcome("the answer names no ticket", billing=self._where, function=WRITE.func, ticket=ticket)
        return WriteReceipt(made, message if is_id(message) else None)

    def _misfit(self, what: str, call: Call, ticket: str = "") -> ProtocolError:
        return ProtocolError(
            f"the answer does not fit our reading of this function, which is not public: {what}",
            billing=self._where, function=call.func, ticket=ticket, kind="shape", cure=_MISFIT,
        )  # fmt: skip

    def _too_old(self, why: str) -> TooOld:
        return TooOld(
            f"remote support needs BILLmanager 4.0.63 or later; {why}", billing=self._where,
            function=DEPARTMENTS.func, kind="release", cure="Update that BILLmanager",
        )  # fmt: skip


class SyncStaff(SyncView):
    """ExternalBilling by the three functions."""

    side = Side.EXTERNAL

    async def sees(self) -> frozenset[str] | None:
        """All for a superuser; of others nothing says it."""
        setup = await self.setup()
        if setup is None or not setup.superuser:
            return None
        return frozenset(row.department for row in await self.departments())

    async def reply(self, ticket: str, body: str, files: Sequence[Upload] = (), *, key: str = "") -> WriteReceipt:
        """``type=message``."""
        self._refuse_files(files, WRITE, ticket)
        return await self._order("message", ticket, key, text=body)

    async def close(self, ticket: str, *, key: str = "") -> WriteReceipt:
        """``type=close``."""
        return await self._order("close", ticket, key)

    async def reopen(self, ticket: str, *, key: str = "") -> WriteReceipt:
        """``type=reopen``."""
        return await self._order("reopen", ticket, key)


class SyncCustomer(SyncView):
    """MainBilling by the three functions, called by the customer's user."""

    side = Side.MAIN

    async def create(
        self, department: str, subject: str, body: str, files: Sequence[Upload] = (), *, key: str = ""
    ) -> WriteReceipt:
        """``type=create``."""
        self._refuse_files(files, WRITE)
        return await self._order("create", "", key, department=department, subject=subject, text=body)

    async def reply(self, ticket: str, body: str, files: Sequence[Upload] = (), *, key: str = "") -> WriteReceipt:
        """``type=message``."""
        self._refuse_files(files, WRITE, ticket)
        return await self._order("message", ticket, key, text=body)

    async def close(self, ticket: str, notice: str, *, key: str = "") -> WriteReceipt:
        """``type=close``, refused while staff hold it: then ``notice``."""
        try:
            return await self._order("close", ticket, key)
        except Refused:
            if not notice:
                raise
            return await self._order("message", ticket, f"{key}/notice" if key else "", text=notice)

    async def reopen(self, ticket: str, notice: str, *, key: str = "") -> WriteReceipt:
        """A message reopens, and says why."""
        return await self._order("message", ticket, key, text=notice)


def _release(version: str) -> tuple[int, ...]:
    return tuple(natural(part) or 0 for part in version.split("."))


def _revision(row: Node) -> int:
    return natural(row.value("revision")) or 0


@of_one_row
def _ticket(node: Node) -> TicketRow:
    ticket, state = an_id(node.value("id"), "the row"), node.value("state")
    if state not in STATES:
        raise BadRow(f"the state {state[:20]!r} is unknown")
    if not node.has("subject") or natural(node.value("revision")) is None:
        raise BadRow("the row has no subject or no revision")
    whole(node.value("subject"), node.value("author"))
    return TicketRow(
        ticket=ticket,
        subject=node.value("subject"),
        state=TicketState(STATES[state]),
        status=state,
        row_hash=digest(ticket, node.value("revision"), state, node.value("department"), node.value("subject")),
        department=an_id(node.value("department"), "its department") if node.value("department") else None,
        author=named(node.value("author")),
        activity=named(node.value("datelast"), LONGEST_STAMP),
    )


@of_one_row
def _message(node: Node, ordinal: int, zone: str) -> MessageRow:
    number = node.value("id")
    if not number or not node.has("text"):
        raise BadRow(f"message {ordinal + 1} has no id or no text")
    an_id(number, f"message {ordinal + 1}")
    whole(node.value("text"), node.value("author"))
    kind = _KINDS.get(node.value("type"), MessageKind.UNKNOWN)
    return MessageRow(
        message=number,
        ordinal=ordinal,
        kind=kind,
        author=named(node.value("author")),
        body=node.value("text"),
        at_text=named(node.value("date"), LONGEST_STAMP),
        zone=zone,
        at=moment(node.value("date"), zone),
        own={"on": True, "off": False}.get(node.value("own")),
    )
