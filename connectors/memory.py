"""An in-memory billing: the reference implementation of the contract, and the unit tests' fake.

``MemoryBilling`` is the world; ``staff(login)`` and ``customer(login)`` give the views that the product uses. Every
call is recorded with its arguments, and a test may hang a hook before or after any function. Must stay out: HTTP,
files, real waiting.
"""

from __future__ import annotations

import hashlib
import inspect
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from connectors.contract import Capabilities, ExternalBilling, MainBilling, Setup, Sink
from connectors.errors import AccessDenied, Missing, ProtocolError, Refused, Skippable
from connectors.memory_world import ARCHIVED, CLOSED, Message, Ticket, World
from remotesupport.core.connections.habits import Habit, HabitObservation, together
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
    TicketState,
    Upload,
    WriteReceipt,
)

STATES = {"0": "open", "1": "open", "2": "open", "3": "closed", "10": "closed"}
KINDS = {k.value: k for k in MessageKind}
_PIECE = 64 * 1024


@dataclass(frozen=True, slots=True)
class MemoryCall:
    """One call as a test sees it: who, what, with which arguments, and whether it writes."""

    login: str
    side: Side
    function: str
    args: dict[str, Any]
    write: bool = False


Hook = Callable[[MemoryCall], Awaitable[None] | None]


class MemoryBilling(World):
    """The world with its two kinds of views, the record of calls and the hooks.

    ``before[function]`` runs ahead of the effect, ``after[function]`` behind it (an error raised there is an answer
    that got lost). The key ``"*"`` is every function. A hook may return an awaitable.
    """

    def __init__(self, name: str = "memory", **options: Any) -> None:
        super().__init__(name, **options)
        self.calls: list[MemoryCall] = []
        self.before: dict[str, Hook] = {}
        self.after: dict[str, Hook] = {}
        self.denied: set[str] = set()
        self.habits: tuple[Habit, ...] = ()
        self.observed: list[HabitObservation] = []

    def staff(self, login: str, *, name: str | None = None) -> ExternalBilling:
        """The staff view of ``login`` (created as a member of every department when unknown)."""
        if login not in self.people:
            self.add_staff(login)
        return StaffView(self, login, name or self.name)

    def customer(self, login: str, *, name: str | None = None) -> MainBilling:
        """The customer's own view of ``login``."""
        self.add_customer(login)
        return CustomerView(self, login, name or self.name)

    def writes(self) -> list[MemoryCall]:
        """The recorded calls that write."""
        return [c for c in self.calls if c.write]


class _View:
    """One login's view. Habits and what is observed of them are the world's: tests put them there."""

    side: Side
    listings: tuple[str, ...]
    states_back: dict[str, str]

    def __init__(self, world: MemoryBilling, login: str, name: str) -> None:
        self.world, self.login, self.name = world, login, name
        self._functions: Counter[str] = Counter()
        self.closed = False
        self.answers: dict[str, frozenset[str]] = {}

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities("memory", True, True, self.listings, dict(STATES), dict(self.states_back))

    @property
    def stats(self) -> CallStats:
        return CallStats(sum(self._functions.values()), 0, 0.0, dict(self._functions))

    @property
    def habits(self) -> tuple[Habit, ...]:
        return tuple(habit for habit in self.world.habits if self.side in habit.sides)

    def learned(self, answers: Mapping[str, frozenset[str]]) -> None:
        self.answers = dict(answers)

    def observations(self) -> tuple[HabitObservation, ...]:
        mine = {habit.name for habit in self.habits}
        seen = [one for one in self.world.observed if one.habit in mine]
        self.world.observed = [one for one in self.world.observed if one.habit not in mine]
        return together(seen)

    async def identify(self) -> Identity:
        async with self._call("identify"):
            person = self.world.people[self.login]
            level = 29 if person.staff else 16
            return Identity(self.world.version, person.login, person.realname, level, self.world.timezone)

    async def departments(self) -> Sequence[DepartmentRow]:
        async with self._call("departments"):
            return [
                DepartmentRow(key, title, key not in self.world.inactive)
                for key, title in self.world.departments.items()
            ]

    async def pages(self, listing: str, *, page_size: int = 500) -> AsyncIterator[Page]:
        chosen: list[Ticket] = []
        for number in itertools.count(1):
            async with self._call("pages", listing=listing, page=number, page_size=page_size):
                chosen = chosen or self._listed(listing)
                page = self._page(listing, number, chosen[(number - 1) * page_size : number * page_size], len(chosen))
            yield page
            if number * page_size >= len(chosen):
                return

    async def ticket(self, ticket: str) -> TicketRow:
        async with self._call("ticket", ticket=ticket):
            found = self._visible(ticket, "ticket")
            if found.id in self.world.poisoned:
                raise Skippable(
                    self.world.poisoned[found.id],
                    billing=self._where,
                    function="ticket",
                    ticket=ticket,
                    kind="unreadable",
                )
            return self._row(found, partial=False, alone=True)

    async def thread(self, ticket: str) -> tuple[MessageRow, ...]:
        async with self._call("thread", ticket=ticket):
            shown = [m for m in self.world.thread(self._visible(ticket, "thread")) if self._shows(m)]
            return tuple(self._message(m, ordinal) for ordinal, m in enumerate(shown))

    async def file(self, ref: FileRef, into: Sink, *, limit: int) -> bool:
        async with self._call("file", file=ref.file):
            content = self.world.contents.get(ref.file)
            if content is None:
                raise Missing("the file is gone", billing=self._where, function="file")
            if len(content) > limit:
                raise Skippable(f"the file is larger than {limit} bytes", billing=self._where, function="file")
            into.restart()
            for start in range(0, len(content), _PIECE):
                into.write(content[start : start + _PIECE])
            return True

    async def setup(self) -> Setup | None:
        return None

    async def aclose(self) -> None:
        self.closed = True

    # --- for the views --------------------------------------------------------------------------------------

    @property
    def _where(self) -> str:
        return f"{self.name} ({self.side})"

    def _call(self, function: str, *, write: bool = False, **args: Any) -> _Recorded:
        self._functions[function] += 1
        return _Recorded(self.world, MemoryCall(self.login, self.side, function, args, write), self._where)

    def _sees(self, ticket: Ticket) -> bool:
        raise NotImplementedError

    def _shows(self, _message: Message) -> bool:
        return True

    def _listed(self, listing: str) -> list[Ticket]:
        raise NotImplementedError

    def _visible(self, ticket: str, function: str) -> Ticket:
        found = self.world.tickets.get(int(ticket)) if ticket.isdigit() else None
        if found is None or not self._sees(found):
            raise Missing(
                "there is no such ticket for this login", billing=self._where, function=function, ticket=ticket
            )
        return found

    def _page(self, listing: str, number: int, chosen: Sequence[Ticket], total: int) -> Page:
        bad = self.world.poisoned
        rows = tuple(self._row(t, partial=listing == "ticket") for t in chosen if t.id not in bad)
        return Page(
            listing, number, rows, total, tuple(RejectedRow(str(t.id), bad[t.id]) for t in chosen if t.id in bad)
        )

    def _row(self, ticket: Ticket, *, partial: bool, alone: bool = False) -> TicketRow:
        activity, status = self._text(self._activity(ticket)), str(ticket.status)
        listed = ticket.department if self.side is Side.EXTERNAL and not ticket.taken else None
        department = ticket.department if self.side is Side.EXTERNAL and alone else listed
        shown = (ticket.id, ticket.subject, status, activity, listed, ticket.assignment if partial else None)
        return TicketRow(
            ticket=str(ticket.id),
            subject=ticket.subject,
            state=TicketState(STATES[status]),
            status=status,
            row_hash=hashlib.sha256(repr(shown).encode()).hexdigest()[:32],
            department=department,
            author=self.world.people[ticket.customer].realname if self.side is Side.EXTERNAL else "",
            activity=activity,
            partial=partial,
        )

    def _activity(self, ticket: Ticket) -> Any:
        return ticket.last_activity if self.side is Side.EXTERNAL else ticket.last_message

    def _text(self, at: Any) -> str:
        return f"{at.astimezone(ZoneInfo(self.world.timezone)):%Y-%m-%d %H:%M:%S}"

    def _message(self, said: Message, ordinal: int) -> MessageRow:
        return MessageRow(
            message=str(said.id),
            ordinal=ordinal,
            kind=KINDS.get(said.kind, MessageKind.UNKNOWN),
            author=said.author,
            body=said.body,
            at_text=self._text(said.at),
            zone=self.world.timezone,
            at=said.at.replace(microsecond=0),
            files=said.files,
            own=said.user == self.login,
        )

    def _refuse_empty(self, body: str, function: str, ticket: str = "") -> None:
        if not body.strip():
            raise Refused(
                "an empty text is refused", billing=self._where, function=function, ticket=ticket, kind="value"
            )


class _Recorded:
    """One recorded call with its hooks around it."""

    def __init__(self, world: MemoryBilling, call: MemoryCall, where: str) -> None:
        self.world, self.call, self.where = world, call, where

    async def __aenter__(self) -> None:
        self.world.calls.append(self.call)
        if self.call.login in self.world.denied:
            raise AccessDenied(
                "the login is refused", billing=self.where, function=self.call.function, cure="Ask for it"
            )
        await self._run(self.world.before)

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        if error is None:
            await self._run(self.world.after)

    async def _run(self, hooks: dict[str, Hook]) -> None:
        for key in (self.call.function, "*"):
            if key in hooks and inspect.isawaitable(waiting := hooks[key](self.call)):
                await waiting


class StaffView(_View):
    """ExternalBilling over the world."""

    side = Side.EXTERNAL
    listings = ("ticket_all", "ticket")
    states_back = {"closed": "3", "open": "1"}  # noqa: RUF012

    async def sees(self) -> frozenset[str] | None:
        async with self._call("sees"):
            return frozenset(self.world.people[self.login].departments)

    async def reply(self, ticket: str, body: str, files: Sequence[Upload] = (), *, key: str = "") -> WriteReceipt:
        del key
        async with self._call("reply", write=True, ticket=ticket, body=body, files=_named(files)):
            self._visible(ticket, "reply")
            self._refuse_empty(body, "reply", ticket)
            self.world.staff_replies(ticket, body, staff=self.login, files=_contents(files))
        return WriteReceipt(ticket)

    async def close(self, ticket: str, *, key: str = "") -> WriteReceipt:
        del key
        async with self._call("close", write=True, ticket=ticket):
            if self._visible(ticket, "close").status not in (CLOSED, ARCHIVED):
                self.world.close(ticket, staff=self.login)
        return WriteReceipt(ticket)

    async def reopen(self, ticket: str, *, key: str = "") -> WriteReceipt:
        del key
        async with self._call("reopen", write=True, ticket=ticket):
            self._visible(ticket, "reopen")
            self.world.reopen(ticket)
        return WriteReceipt(ticket)

    def _sees(self, ticket: Ticket) -> bool:
        return ticket.department in self.world.people[self.login].departments

    def _listed(self, listing: str) -> list[Ticket]:
        mine = [t for t in self.world.tickets.values() if self._sees(t)]
        if listing == "ticket":
            held = [t for t in mine if t.assignment is not None]
            return sorted(held, key=lambda t: t.assignment or 0, reverse=True)
        if listing == "ticket_all":
            return sorted(mine, key=lambda t: (t.last_activity, t.id), reverse=True)
        raise ProtocolError("there is no such listing", billing=self._where, function=listing)


class CustomerView(_View):
    """MainBilling over the world."""

    side = Side.MAIN
    listings = ("clientticket", "clientticket_archive")
    states_back = {"closed": "10", "open": "1"}  # noqa: RUF012

    async def create(
        self, department: str, subject: str, body: str, files: Sequence[Upload] = (), *, key: str = ""
    ) -> WriteReceipt:
        del key
        args = {"department": department, "subject": subject, "body": body, "files": _named(files)}
        async with self._call("create", write=True, **args):
            self._refuse_empty(body, "create")
            if department not in self.world.departments:
                raise Refused("there is no such department", billing=self._where, function="create", kind="value")
            ticket = self.world.client_opens(self.login, department, subject, body, _contents(files))
        return WriteReceipt(ticket)

    async def reply(self, ticket: str, body: str, files: Sequence[Upload] = (), *, key: str = "") -> WriteReceipt:
        del key
        async with self._call("reply", write=True, ticket=ticket, body=body, files=_named(files)):
            self._visible(ticket, "reply")
            self._refuse_empty(body, "reply", ticket)
            self.world.client_writes(ticket, body, customer=self.login, files=_contents(files))
        return WriteReceipt(ticket)

    async def close(self, ticket: str, notice: str, *, key: str = "") -> WriteReceipt:
        del key
        async with self._call("close", write=True, ticket=ticket, notice=notice):
            found = self._visible(ticket, "close")
            if found.assignment is not None:
                self._refuse_empty(notice, "close", ticket)
                self.world.client_writes(ticket, notice, customer=self.login)
            elif found.status != ARCHIVED:
                self.world.archive(ticket, customer=self.login)
        return WriteReceipt(ticket)

    async def reopen(self, ticket: str, notice: str, *, key: str = "") -> WriteReceipt:
        del key
        async with self._call("reopen", write=True, ticket=ticket, notice=notice):
            self._visible(ticket, "reopen")
            self.world.client_writes(ticket, notice, customer=self.login)
        return WriteReceipt(ticket)

    def _sees(self, ticket: Ticket) -> bool:
        return ticket.customer == self.login

    def _shows(self, _message: Message) -> bool:
        return _message.kind != "note"

    def _listed(self, listing: str) -> list[Ticket]:
        if listing not in self.listings:
            raise ProtocolError("there is no such listing", billing=self._where, function=listing)
        archived = listing == "clientticket_archive"
        mine = [t for t in self.world.tickets.values() if self._sees(t) and (t.status == ARCHIVED) == archived]
        return sorted(mine, key=lambda t: (t.last_message, t.id), reverse=True)


def _contents(files: Iterable[Upload]) -> list[tuple[str, bytes]]:
    return [(f.name, _whole(f)) for f in files]


def _whole(file: Upload) -> bytes:
    file.content.seek(0)
    return file.content.read()


def _named(files: Iterable[Upload]) -> list[str]:
    return [f.name for f in files]
