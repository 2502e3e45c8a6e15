"""The main side of versions 5 and 6: the customer's own view, in which internal notes do not exist.

Must stay out: any staff function, so that no internal text can ever be received.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from connectors.billmanager import habits, v6_rows
from connectors.billmanager.request import Call
from connectors.billmanager.v6_common import Listing, View
from connectors.billmanager.v6_departments import Departments
from connectors.billmanager.v6_rows import Read
from connectors.billmanager.v6_states import ARCHIVED
from connectors.billmanager.v6_thread import CUSTOMER_KINDS
from connectors.billmanager.wire import Node
from connectors.errors import ConnectorError, Refused, UnknownOutcome
from remotesupport.core.model import DepartmentRow, MessageKind, Side, Upload, WriteReceipt
from remotesupport.core.text.compose import claim_of

ACTIVE = Call("clientticket")
ARCHIVE = Call("clientticket_archive")
FORM = Call("clientticket.edit")
POST = Call("clientticket.edit", write=True)
INTO_ARCHIVE = Call("clientticket.archive", write=True)


def _listing(call: Call, state: str) -> Listing:
    """``state``: of a row that does not say its own."""

    def row(node: Node, departments: Departments) -> Read:
        return v6_rows.ticket_row(node, departments, activity="last_message", listed=state)

    return Listing(call, "last_message", ("id", "name", "last_message"), row)


class CustomerView(View):
    """MainBilling for versions 5 and 6."""

    side = Side.MAIN
    role = MessageKind.CLIENT
    form = FORM
    states_back = {"closed": "10", "open": "1"}  # noqa: RUF012
    listed = {"clientticket": _listing(ACTIVE, "1"), "clientticket_archive": _listing(ARCHIVE, ARCHIVED)}  # noqa: RUF012

    follows = {"clientticket_archive": "clientticket"}  # noqa: RUF012

    def _kinds(self) -> Mapping[str, MessageKind] | None:
        return CUSTOMER_KINDS.get(self._only(habits.TYPES) or "")

    async def departments(self) -> Sequence[DepartmentRow]:
        """The choices of ``client_department`` in the empty form (SEEN IN CODE)."""
        doc = await self._session.document(FORM)
        choices = next((s for s in doc.all("slist") if s.attr("name") == "client_department"), None)
        if choices is None:
            raise self._strange("the form offers no departments", FORM)
        return [self._department(FORM, c.attr("key"), c.text) for c in choices.all("val") if c.attr("key")]

    async def create(
        self, department: str, subject: str, body: str, files: Sequence[Upload] = (), *, key: str = ""
    ) -> WriteReceipt:
        """``clientticket.edit`` without ``elid`` → ``id`` (SEEN IN CODE); else the list names it, by its subject."""
        del key
        form = {"subject": subject, "message": body, "client_department": department}
        ticket = (await self._write(POST, form, files)).value("id")
        ticket = ticket if v6_rows.is_id(ticket) else ""
        how = habits.IN_ANSWER if ticket else habits.IN_LIST
        if not ticket:
            ticket = await self._by_subject(subject)
        if not ticket:
            raise UnknownOutcome(
                "it was created, but neither the answer nor the list names the ticket",
                billing=self._where, function=POST.func,
            )  # fmt: skip
        self._opened.add(ticket)
        self._saw(v6_rows.seen(habits.NEW_TICKET, how, ticket))
        return WriteReceipt(ticket)

    async def _by_subject(self, subject: str) -> str:
        """The only ticket on the first page of the list with the origin of ``subject``; "" where there is no such."""
        origin = claim_of(subject, self.name)
        with suppress(ConnectorError):
            async for page in self.pages("clientticket"):
                same = [r.ticket for r in page.rows if origin and claim_of(r.subject, self.name) == origin]
                return same[0] if len(same) == 1 else ""
        return ""

    async def reply(self, ticket: str, body: str, files: Sequence[Upload] = (), *, key: str = "") -> WriteReceipt:
        """``clientticket.edit`` with ``elid`` (SEEN IN CODE)."""
        del key
        await self._write(POST, {"elid": ticket, "message": body}, files, ticket=ticket)
        self._said(ticket, body)
        return WriteReceipt(ticket)

    async def close(self, ticket: str, notice: str, *, key: str = "") -> WriteReceipt:
        """``clientticket.archive`` (SEEN IN CODE), refused while staff hold it (DOCUMENTED): then ``notice``."""
        del key
        try:
            await self._write(INTO_ARCHIVE, {"elid": ticket}, ticket=ticket)
        except Refused:
            if not notice:
                raise
            return await self.reply(ticket, notice)
        return WriteReceipt(ticket)

    async def reopen(self, ticket: str, notice: str, *, key: str = "") -> WriteReceipt:
        """A message reopens; there is no call of its own in these versions."""
        del key
        return await self.reply(ticket, notice)
