"""The external side of versions 5 and 6: what an employee of the remote departments sees and does.

Mind the two kinds of ids: ``ticket_all`` uses ticket ids, ``ticket``, ``ticket.edit`` and ``ticket_open.delete`` use
assignment ids. ``ticket.edit`` is never read: reading it clears the unread mark (SEEN IN CODE).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from connectors.billmanager import v6_rows
from connectors.billmanager.call import Call
from connectors.billmanager.v6_common import Listing, View
from connectors.billmanager.wire import Node
from connectors.errors import ConnectorError, Missing, Refused, Retriable, UnknownOutcome
from remotesupport.core.model import DepartmentRow, Identity, Side, TicketRow, TicketState, Upload, WriteReceipt

DEPARTMENTS = Call("department")
EMPLOYEES = Call("employee")
QUEUE = Call("ticket")
ALL = Call("ticket_all")
FORM = Call("ticket_all.edit")
TAKE = Call("ticket_all.edit", write=True)
REPLY = Call("ticket.edit", write=True)
CLOSE = Call("ticket_open.delete", write=True)

SUPER = 30  # the level of full access
_ASSIGNMENT = re.compile(r"(?:^|[?&;\s])elid=(\d+)")


class StaffView(View):
    """ExternalBilling for versions 5 and 6."""

    side = Side.EXTERNAL
    kinds = v6_rows.STAFF_KINDS
    form = FORM
    states_back = {"closed": "3", "open": "1"}  # noqa: RUF012
    listed = {  # noqa: RUF012
        "ticket_all": Listing(
            ALL,
            "last_activity",
            ("id", "name", "tstatus", "last_activity"),
            lambda row: v6_rows.ticket_row(row, activity="last_activity"),
        ),
        "ticket": Listing(QUEUE, "id", ("id", "ticket"), v6_rows.queue_row, partial=True),
    }

    async def departments(self) -> Sequence[DepartmentRow]:
        """``department`` (DOCUMENTED)."""
        return await self._department_list(DEPARTMENTS)

    async def sees(self) -> frozenset[str] | None:
        """Those that the login's own row of ``employee`` names; all for a superuser (both INFERRED).

        None where that row cannot be read, or names a department that the list of departments does not have.
        """
        me, listed = await self.identify(), await self.departments()
        if me.level >= SUPER:
            return frozenset(row.department for row in listed)
        row = await self._own_row(me)
        if row is None or not row.has("department"):
            return None
        return v6_rows.members_of(row.value("department"), {d.department: d.name for d in listed})

    async def reply(self, ticket: str, body: str, files: Sequence[Upload] = (), *, key: str = "") -> WriteReceipt:
        """``ticket.edit`` with ``clicked_button=ok``: answers and takes it off the queue (SEEN IN CODE)."""
        del key
        held = await self._held(ticket)
        assignment = held[0] if held else await self._take(ticket)
        form = {"elid": assignment, "plid": ticket, "message": body, "clicked_button": "ok"}
        with self._surely_held(ticket, held):
            await self._write(REPLY, form, files, ticket=ticket)
        return WriteReceipt(ticket)

    async def close(self, ticket: str, *, key: str = "") -> WriteReceipt:
        """``ticket_open.delete`` (DOCUMENTED) of our assignments; an open ticket of nobody is taken first.

        Refused when it is open without them, since somebody else holds it: nobody can take that away but they.
        """
        del key
        held = await self._held(ticket)
        if not held and (await self.ticket(ticket)).state is TicketState.CLOSED:
            return WriteReceipt(ticket)
        assignments = held or [await self._take(ticket)]
        with self._surely_held(ticket, held):
            await self._write(CLOSE, {"elid": ", ".join(assignments)}, ticket=ticket)
        if await self._others_hold(ticket):
            raise Refused(
                "another employee or department of this billing holds the ticket too, so it stays open",
                billing=self._where, function=CLOSE.func, ticket=ticket, kind="held",
                cure="They have to close it there; it is tried again until they have",
            )  # fmt: skip
        return WriteReceipt(ticket)

    async def reopen(self, ticket: str, *, key: str = "") -> WriteReceipt:
        """``ok_get``: assign it to this login (SEEN IN CODE)."""
        del key
        if not await self._held(ticket):
            await self._write(TAKE, _take_form(ticket), ticket=ticket)
        return WriteReceipt(ticket)

    # --- inside ---------------------------------------------------------------------------------------------

    async def _held(self, ticket: str) -> list[str]:
        """Ids of the assignments of this ticket in our queue, newest first."""
        return [row.value("id") for row in await self._filtered(QUEUE, ticket=ticket)]

    async def _others_hold(self, ticket: str) -> bool:
        """Whether it is open though none of its assignments is ours; False when that cannot be read."""
        with suppress(ConnectorError):
            row = await self._look(self.listed["ticket_all"], ticket)
            return row is not None and row.state is TicketState.OPEN and not await self._held(ticket)
        return False

    async def _take(self, ticket: str) -> str:
        """Assign it to us → assignment id. Never unknown: when this fails, the real write was not sent."""
        try:
            doc = await self._write(TAKE, _take_form(ticket), ticket=ticket)
        except UnknownOutcome as error:
            raise self._untaken(error.what, ticket) from None
        said = _ASSIGNMENT.search(" ".join(ok.text for ok in doc.all("ok")))
        held = [said[1]] if said else await self._held(ticket)
        if not held:
            raise self._untaken("the server did not say which assignment it is", ticket)
        return held[0]

    @contextmanager
    def _surely_held(self, ticket: str, held: Sequence[str]) -> Iterator[None]:
        """A ticket that we have just taken, and whose assignment is not there, was not taken, whatever was answered."""
        try:
            yield
        except Missing as error:
            raise (error if held else self._untaken(error.what, ticket)) from None

    def _untaken(self, what: str, ticket: str) -> ConnectorError:
        return Retriable(f"it could not be taken: {what}", billing=self._where, function=TAKE.func, ticket=ticket)

    async def _completed(self, row: TicketRow) -> TicketRow:
        """With the department of the form where the list names an employee (INFERRED: client_department)."""
        if row.department is not None:
            return row
        doc = await self._read_form(row.ticket)
        return dataclasses.replace(row, department=doc.value("client_department") or None)

    async def _realname(self, me: Identity) -> str:
        row = await self._own_row(me)
        return row.value("realname") if row is not None else ""

    async def _own_row(self, me: Identity) -> Node | None:
        """This login's row of ``employee``; None where it may not read that list."""
        try:
            rows = await self._filtered(EMPLOYEES, id=me.user)
        except ConnectorError:
            return None
        return rows[0] if len(rows) == 1 else None


def _take_form(ticket: str) -> dict[str, str]:
    return {"plid": ticket, "elid": ticket, "clicked_button": "ok_get"}
