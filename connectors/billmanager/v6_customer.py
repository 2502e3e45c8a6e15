"""The main side of versions 5 and 6: the customer's own view, in which internal notes do not exist.

Must stay out: any staff function, so that no internal text can ever be received.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from connectors.billmanager import v6_rows
from connectors.billmanager.call import Call
from connectors.billmanager.v6_common import Listing, View
from connectors.errors import Refused, UnknownOutcome
from remotesupport.core.model import DepartmentRow, Side, Upload, WriteReceipt

ACTIVE = Call("clientticket")
ARCHIVE = Call("clientticket_archive")
FORM = Call("clientticket.edit")
POST = Call("clientticket.edit", write=True)
INTO_ARCHIVE = Call("clientticket.archive", write=True)


def _listing(call: Call) -> Listing:
    return Listing(
        call,
        "last_message",
        ("id", "name", "tstatus", "last_message"),
        lambda row: v6_rows.ticket_row(row, activity="last_message"),
    )


class CustomerView(View):
    """MainBilling for versions 5 and 6."""

    side = Side.MAIN
    kinds = v6_rows.CUSTOMER_KINDS
    form = FORM
    states_back = {"closed": "10", "open": "1"}  # noqa: RUF012
    listed = {"clientticket": _listing(ACTIVE), "clientticket_archive": _listing(ARCHIVE)}  # noqa: RUF012

    async def departments(self) -> Sequence[DepartmentRow]:
        """The choices of ``client_department`` in the empty form (SEEN IN CODE)."""
        doc = await self._session.document(FORM)
        choices = next((s for s in doc.all("slist") if s.attr("name") == "client_department"), None)
        if choices is None:
            raise self._strange("the form offers no departments", FORM)
        return [DepartmentRow(choice.attr("key"), choice.text) for choice in choices.all("val") if choice.attr("key")]

    async def create(
        self, department: str, subject: str, body: str, files: Sequence[Upload] = (), *, key: str = ""
    ) -> WriteReceipt:
        """``clientticket.edit`` without ``elid`` → ``id`` (SEEN IN CODE)."""
        del key
        form = {"subject": subject, "message": body, "client_department": department}
        ticket = (await self._write(POST, form, files)).value("id")
        if not ticket:
            raise UnknownOutcome(
                "it was created, but the answer names no ticket", billing=self._where, function=POST.func
            )
        return WriteReceipt(ticket)

    async def reply(self, ticket: str, body: str, files: Sequence[Upload] = (), *, key: str = "") -> WriteReceipt:
        """``clientticket.edit`` with ``elid`` (SEEN IN CODE)."""
        del key
        await self._write(POST, {"elid": ticket, "message": body}, files, ticket=ticket)
        return WriteReceipt(ticket)

    async def close(self, ticket: str, notice: str, *, key: str = "") -> WriteReceipt:
        """``clientticket.archive`` (SEEN IN CODE), refused while staff hold it (DOCUMENTED): then ``notice``."""
        del key
        try:
            await self._write(INTO_ARCHIVE, {"elid": ticket}, ticket=ticket)
        except Refused:
            if not notice:
                raise
            return replace(await self.reply(ticket, notice), told=True)
        return WriteReceipt(ticket)

    async def reopen(self, ticket: str, notice: str, *, key: str = "") -> WriteReceipt:
        """A message reopens; there is no call of its own in these versions."""
        del key
        return await self.reply(ticket, notice)
