"""The external side of versions 5 and 6: what an employee of the remote departments sees and does.

Mind the two kinds of ids: ``ticket_all`` uses ticket ids, ``ticket``, ``ticket.edit`` and ``ticket_open.delete`` use
assignment ids. ``ticket.edit`` is never read: reading it clears the unread mark (SEEN IN CODE).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from connectors.billmanager import habits, v6_rows, v6_thread
from connectors.billmanager.page_reader import Sheets
from connectors.billmanager.request import Call
from connectors.billmanager.v6_common import Listing, View
from connectors.billmanager.v6_departments import Departments, Told
from connectors.billmanager.wire import Node
from connectors.errors import AccessDenied, ConnectorError, Missing, ProtocolError, Refused, Retriable, UnknownOutcome
from remotesupport.core.model import (
    DepartmentRow,
    Identity,
    MessageKind,
    Side,
    TicketRow,
    TicketState,
    Upload,
    WriteReceipt,
)

DEPARTMENTS = Call("department")
EMPLOYEES = Call("employee")
QUEUE = Call("ticket")
ALL = Call("ticket_all")
FORM = Call("ticket_all.edit")
TAKE = Call("ticket_all.edit", write=True)
ASSIGN = Call("support_tool_responsible", write=True)
REPLY = Call("ticket.edit", write=True)
CLOSE = Call("ticket_open.delete", write=True)

SUPER = 30  # the level of full access
_ASSIGNMENT = re.compile(r"(?:^|[?&;\s])elid=([0-9]{1,20})(?![0-9])")


class StaffView(View):
    """ExternalBilling for versions 5 and 6."""

    side = Side.EXTERNAL
    role = MessageKind.STAFF
    form = FORM
    states_back = {"closed": "3", "open": "1"}  # noqa: RUF012
    listed = {  # noqa: RUF012
        "ticket_all": Listing(
            ALL,
            "last_activity",
            ("id", "name", "last_activity"),
            lambda row, departments: v6_rows.ticket_row(row, departments, activity="last_activity"),
        ),
        "ticket": Listing(QUEUE, "id", ("id", "ticket"), v6_rows.queue_row, partial=True),
    }
    follows = {"ticket": "ticket_all"}  # noqa: RUF012

    async def departments(self) -> Sequence[DepartmentRow]:
        """``department`` (DOCUMENTED)."""
        return await self._department_list(DEPARTMENTS)

    async def sees(self) -> frozenset[str] | None:
        """Return those that the login's own row of ``employee`` names; all for a superuser (both INFERRED).

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
        self._said(ticket, body)
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
        """Assign it to this login, in the way that puts it into the queue."""
        del key
        if not await self._held(ticket):
            await self._put_into_queue(ticket)
        return WriteReceipt(ticket)

    # --- inside ---------------------------------------------------------------------------------------------

    async def _held(self, ticket: str) -> list[str]:
        """Ids of the assignments of this ticket in our queue, newest first."""
        return [row.value("id") for row in await self._filtered(QUEUE, ticket=ticket)]

    async def _others_hold(self, ticket: str) -> bool:
        """Tell whether it is open though none of its assignments is ours; False when that cannot be read."""
        with suppress(ConnectorError):
            row = await self._look(self.listed["ticket_all"], ticket)
            return row is not None and row.state is TicketState.OPEN and not await self._held(ticket)
        return False

    async def _take(self, ticket: str) -> str:
        """Assign it to us → assignment id. Never unknown: when this fails, the real write was not sent."""
        try:
            assignment = await self._put_into_queue(ticket)
        except UnknownOutcome as error:
            raise self._untaken(error.what, ticket) from None
        if not assignment:
            raise self._untaken("the server did not say which assignment it is", ticket)
        return assignment

    async def _put_into_queue(self, ticket: str) -> str:
        """Put the ticket into our queue → assignment id; "" where no way brings it there.

        Every way puts it into the same queue, so that trying the next one repeats nothing. Raises what the first one
        says where none is accepted.
        """
        named, refusal = "", None
        for way in self._ways():
            call, form = await self._way(way, ticket)
            try:
                doc = await self._write(call, form, ticket=ticket)
            except (Refused, Missing, AccessDenied) as error:
                refusal = refusal or error
                continue
            if held := await self._held(ticket):
                self._saw(v6_rows.seen(habits.REOPENING, way, ticket))
                return held[0]
            said = _ASSIGNMENT.search(" ".join(ok.text for ok in doc.all("ok")))
            named = named or (said[1] if said else "")
        if refusal is not None and not named:
            raise refusal
        return named

    def _ways(self) -> list[str]:
        """The one that is known to do it first."""
        known = self._answers.get(habits.REOPENING, frozenset())
        return sorted((habits.TAKING, habits.TO_EMPLOYEE, habits.TO_DEPARTMENT), key=lambda way: way not in known)

    async def _way(self, way: str, ticket: str) -> tuple[Call, dict[str, str]]:
        """``ok_get`` (SEEN IN CODE, LH), or ``support_tool_responsible`` for us or the ticket's department (TMI)."""
        if way == habits.TAKING:
            return TAKE, _take_form(ticket)
        who = f"e_{(await self._known()).id}"
        if way == habits.TO_DEPARTMENT:
            who = f"d_{(await self.ticket(ticket)).department or ''}"
        return ASSIGN, {"elid": ticket, "set_responsible": who, "set_responsible_default": "off"}

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
        """Add the department of the form, or of the queue's row, where the list names an employee."""
        if row.department is not None:
            return row
        if self._departments is None:
            await self._read_departments()
        known = self._departments or Departments()
        told = known.in_form(await self._read_form(row.ticket)) or await self._in_queue(row.ticket, known)
        if told is None:
            return row
        self._saw(v6_rows.seen(habits.DEPARTMENT, told.how, row.ticket))
        return dataclasses.replace(row, department=told.department)

    async def _in_queue(self, ticket: str, known: Departments) -> Told | None:
        named = {told.department for row in await self._filtered(QUEUE, ticket=ticket) if (told := known.in_queue(row))}
        return Told(named.pop(), habits.QUEUE) if len(named) == 1 else None

    async def _read_departments(self) -> None:
        await self._department_list(DEPARTMENTS)

    def _kinds(self) -> Mapping[str, MessageKind]:
        return v6_thread.STAFFS_KINDS.get(self._only(habits.STAFF_TYPES) or "", v6_thread.STAFF_KINDS)

    async def _realname(self, me: Identity) -> str:
        """Find our real name in the list of employees; "" where it is not there, or somebody else has the same."""
        names = {row.value("id"): row.value("realname") for row in await self._employees()}
        mine = names.get(me.user, "")
        return mine if list(names.values()).count(mine) == 1 else ""

    async def _own_row(self, me: Identity) -> Node | None:
        """This login's row of ``employee``; None where it may not read that list."""
        rows = [row for row in await self._employees() if row.value("id") == me.user]
        return rows[0] if len(rows) == 1 else None

    async def _employees(self) -> list[Node]:
        """Read the whole list of employees; it is empty where the server does not give it to this login.

        Raises Retriable or ProtocolError where that shows nothing: what is asked once must not be guessed for long.
        """
        rows: list[Node] = []
        form = {"p_sort": "id", "p_order": "asc"}
        try:
            async for sheet in self._walked(Sheets(self._session, EMPLOYEES, form), EMPLOYEES, 500):
                rows += sheet.rows
        except (Retriable, ProtocolError):
            raise
        except ConnectorError:
            return []
        return rows


def _take_form(ticket: str) -> dict[str, str]:
    return {"plid": ticket, "elid": ticket, "clicked_button": "ok_get"}
