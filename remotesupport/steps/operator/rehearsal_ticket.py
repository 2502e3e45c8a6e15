"""The ticket of a rehearsal in main: each thing that is done to it, and what the store knows of it before and after.

A write is made once. Where its outcome is unknown, main is looked at, and a later rehearsal looks again before it
writes. What must stay out: the order of the steps, and rows for people (``rehearsal``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from connectors.errors import ConnectorError, Fatal, Missing, ProtocolError, Refused, Retriable, UnknownOutcome
from remotesupport.bootstrap import Connection, Context
from remotesupport.core.connections.rehearsal import FIRST, SECOND, again, messages_in, subject_of, text_of
from remotesupport.core.model import PEOPLE, MessageKind, MessageRow, Side, TicketRow, TicketState, WriteReceipt
from remotesupport.core.records import Lease
from remotesupport.core.text.compose import REHEARSAL, claim_of, origin_tag
from remotesupport.core.text.normalize import body_hash
from remotesupport.steps.learned.reaction import remember_state
from remotesupport.steps.leases import regain
from remotesupport.steps.read.department_mapping import department_id, departments_of, missing, names_of
from remotesupport.steps.read.extract import introduced, same_dialect
from remotesupport.steps.write.readback import QUARANTINE
from remotesupport.steps.write.writer import WRITE_SECONDS
from remotesupport.store.errors import LeaseLost


class RehearsalTicket:
    """``id``: main's ticket, "" before there is one; ``leases``: the right to write, while there is one."""

    def __init__(self, ctx: Context, connection: Connection) -> None:
        self.ctx, self.connection, self.main = ctx, connection, connection.main
        self.name, self.key = connection.name, f"rehearsal/{connection.name}"
        self.leases: dict[str, Lease] = {}
        self.id, self.closed, self.opened_now, self.held = "", False, False, False
        self.at, self.shown = ctx.clock(), frozenset[str]()
        self.state: dict[str, Any] = {}

    def remains(self) -> str:
        """Return what a person has to know about main when this is over."""
        if self.closed:
            return f"Main ticket {self.id} is closed; nothing remains to be done."
        if self.id:
            return f"Main ticket {self.id} is still open there: {again(self.name)}."
        if "subject" in self.state:
            return f"A ticket may have been opened in main ({origin_tag(self.name, REHEARSAL)}): {again(self.name)}."
        return "Nothing was written."

    async def open(self) -> str:
        """Find the ticket of a rehearsal that was not finished, else open one. Raises ConnectorError, LeaseLost."""
        await introduced(self.ctx, self.connection)
        same_dialect(self.ctx, self.connection)
        self.state = self.ctx.store.progress(self.key) or {}
        if earlier := await self._earlier():
            self._became(earlier)
            return f"main ticket {self.id} of an earlier rehearsal: this one goes on with it"
        department = await self._department()
        subject, text = subject_of(self.name, self.at), text_of(self.name, FIRST, self.at)
        self._remember(subject=subject, until=self._until())
        try:
            opened = await self._write(lambda key: self.main.create(department, subject, text, key=key), "create")
            self._became(opened.ticket)
        except UnknownOutcome as unknown:
            if not (found := await self._find(lambda row: row.subject.strip() == subject)):
                raise self._unseen(unknown.what) from None
            self._became(found)
        except (ConnectorError, LeaseLost):  # it was refused, or never sent
            self._remember()
            raise
        self.opened_now = True
        return f"main ticket {self.id} was opened in department {department}"

    async def read_back(self) -> str:
        """Read the conversation: it must show what was written. Raises ConnectorError."""
        thread = await self._thread()
        if FIRST not in self.shown or (self.opened_now and not self._has(thread, FIRST)):
            raise ProtocolError(
                "its conversation does not show the text that was written", billing=self._where, ticket=self.id,
                cure="Compare that ticket with what stands there, and report it",
            )  # fmt: skip
        return f"its conversation of {len(thread)} rows shows what was written"

    async def post(self) -> str:
        """Write the second message, once ever, and read it back with the state that it led to."""
        if SECOND in self.shown:
            return "the second message is there already"
        if "posting" in self.state:
            raise self._unseen("the second message was sent before and is not shown; it is not sent again")
        if (await self.main.ticket(self.id)).state is TicketState.CLOSED and not self.opened_now:
            return "left out: staff of main have closed the ticket meanwhile"
        self._remember(ticket=self.id, posting=True)
        text = text_of(self.name, SECOND, self.at)
        with suppress(UnknownOutcome):
            await self._write(lambda key: self.main.reply(self.id, text, key=key), "message")
        thread = await self._thread()
        if not self._has(thread, SECOND):
            raise self._unseen("the second message was sent and is not shown")
        state = (await self.main.ticket(self.id)).state
        remember_state(self.ctx.store, self.name, Side.MAIN, state)
        return f"a second message was written and read back; the ticket is {state} after it"

    async def close(self) -> str:
        """Close it; "" where it stays open because staff of main hold it (``held``), or no answer came.

        Raises ConnectorError, LeaseLost.
        """
        if (await self.main.ticket(self.id)).state is TicketState.OPEN and not await self._closes():
            return ""
        self.closed = True
        self._remember(done=self.id)
        return f"main ticket {self.id} is closed, and read as closed; nothing remains to be done"

    async def _closes(self) -> bool:
        self.held, answered = False, True
        try:
            await self._write(lambda key: self.main.close(self.id, "", key=key), "close")
        except UnknownOutcome:
            answered = False
        except Refused:
            self.held = True
            return False
        closed = (await self.main.ticket(self.id)).state is TicketState.CLOSED
        if answered and not closed:
            raise ProtocolError(
                "closing it was not refused, but it is still open", billing=self._where, ticket=self.id,
                cure=f"Close ticket {self.id} in main by hand; then {again(self.name)}",
            )  # fmt: skip
        return closed

    async def let_go(self) -> bool:
        """Look whether closing is worth another try: staff of main have answered or closed it, or never held it."""
        thread = await self._thread()
        said = [row.kind for row in thread if row.kind in PEOPLE]
        if not self.held or said[-1:] == [MessageKind.STAFF]:
            return True
        return (await self.main.ticket(self.id)).state is TicketState.CLOSED

    def stays(self, waited: float) -> ConnectorError:
        """The error of a ticket that could not be closed in ``waited`` seconds."""
        if not self.held:
            return self._unseen("closing it got no answer, and it is still open")
        let = f" and did not let it go within {waited / 60:.0f} min" if waited else ""
        return Refused(
            f"staff of main hold it{let}; a customer cannot close it", billing=self._where, ticket=self.id,
            cure=f"Answer ticket {self.id} there, or close it; then {again(self.name)}",
        )  # fmt: skip

    # --- inside ---------------------------------------------------------------------------------------------

    @property
    def _where(self) -> str:
        return f"{self.name} (main)"

    async def _thread(self) -> tuple[MessageRow, ...]:
        thread = await self.main.thread(self.id)
        self.shown = frozenset(m for row in thread for m in messages_in(row.body, self.name))
        return thread

    def _has(self, thread: Sequence[MessageRow], message: str) -> bool:
        wanted = body_hash(text_of(self.name, message, self.at))
        return any(body_hash(row.body) == wanted and row.kind is MessageKind.CLIENT for row in thread)

    async def _earlier(self) -> str:
        """The ticket of a rehearsal that was not finished, "" where there is none."""
        if "ticket" in self.state:
            with suppress(Missing):
                return (await self.main.ticket(self.state["ticket"])).ticket
            return ""
        if "subject" not in self.state:
            return await self._find(
                lambda row: claim_of(row.subject, self.name) == REHEARSAL and row.state is TicketState.OPEN
            )
        found = await self._find(lambda row: row.subject.strip() == self.state["subject"])
        if not found and self.ctx.clock() < datetime.fromisoformat(self.state["until"]):
            raise self._unseen("a ticket that an earlier rehearsal has sent is not shown yet")
        return found

    async def _find(self, is_it: Callable[[TicketRow], bool]) -> str:
        for listing in self.main.capabilities.listings:
            async for page in self.main.pages(listing):
                for row in page.rows:
                    if is_it(row):
                        return row.ticket
        return ""

    async def _department(self) -> str:
        """The id of the department of main that the first enabled pair names."""
        wanted = first_department(self.connection)
        found = await departments_of(self.ctx, self.connection)
        department = department_id(names_of(found.main), wanted)
        if department is None:
            see = f"See `remotesupport departments --billing {self.name}`"
            raise Fatal(missing(names_of(found.main), wanted, "main", see), billing=self._where)
        return department

    async def _write(self, send: Callable[[str], Coroutine[Any, Any, WriteReceipt]], what: str) -> WriteReceipt:
        """Send one request under a lease that is surely ours. Raises LeaseLost; UnknownOutcome where it is late."""
        self.leases[self.name] = regain(self.ctx, self.leases[self.name])
        key = f"{self.key}/{self.at.isoformat()}/{what}"
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                return await send(key)
        except TimeoutError:
            late = f"no answer in {WRITE_SECONDS:.0f} s"
            raise UnknownOutcome(late, billing=self._where, ticket=self.id, side=Side.MAIN) from None

    def _unseen(self, what: str) -> Retriable:
        cure = f"In three minutes: {again(self.name)}"
        return Retriable(what, billing=self._where, ticket=self.id, cure=cure, side=Side.MAIN)

    def _until(self) -> str:
        return (self.ctx.clock() + timedelta(seconds=WRITE_SECONDS) + QUARANTINE).isoformat()

    def _became(self, ticket: str) -> None:
        self.id = ticket
        self._remember(ticket=ticket, **({"posting": True} if "posting" in self.state else {}))

    def _remember(self, **state: Any) -> None:
        self.state = state
        self.ctx.store.save_progress(self.key, state)


def first_department(connection: Connection) -> str:
    """Main's department, as the configuration names it, to which the first enabled pair leads; "" without one."""
    return next((pair.main for pair in connection.settings.departments if pair.enabled), "")
