"""The world behind ``connectors.memory``: users, departments, tickets and what people do with them.

Here live the rules of a billing (who sees what, what a message does to a status). The two views that a connector
hands out are in ``connectors.memory``. Must stay out: HTTP, the wire, anything asynchronous.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from remotesupport.core.model import FileRef

NEW, REVIEW, AWAITING, CLOSED, ARCHIVED = 0, 1, 2, 3, 10


@dataclass(slots=True)
class Person:
    """A user. ``departments`` holds the ids that a member of staff belongs to; empty for a customer."""

    login: str
    realname: str
    staff: bool
    departments: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Message:
    """One message; ``kind`` is client, staff, note, system or anything a test invents."""

    id: int
    ticket: int
    kind: str
    user: str
    author: str
    body: str
    at: datetime
    files: tuple[FileRef, ...] = ()


@dataclass(slots=True)
class Ticket:
    """One ticket. ``assignment`` is the id of its place in the staff queue, None when nobody holds it.

    ``taken``: an employee has it, so lists do not name its department; a direct look does. ``closer``: whose act closed
    it, None while it is open.
    """

    id: int
    subject: str
    customer: str
    department: str
    status: int
    last_message: datetime
    last_activity: datetime
    assignment: int | None = None
    taken: bool = False
    closer: str | None = None


def utcnow() -> datetime:
    """The default clock."""
    return datetime.now(UTC)


class World:
    """All the data of one in-memory billing, and the helper actions of people that tests use.

    ``answers_close``: a public answer of staff closes the ticket. ``messages_reopen``: a customer's message opens a
    closed ticket. Servers differ in both.
    """

    def __init__(
        self,
        name: str = "memory",
        *,
        departments: Sequence[str] = ("Technical support", "Sales"),
        clock: Callable[[], datetime] = utcnow,
        timezone: str = "UTC",
        version: str = "6.94.1",
        answers_close: bool = False,
        messages_reopen: bool = True,
    ) -> None:
        self.name, self.clock, self.timezone, self.version = name, clock, timezone, version
        self.answers_close, self.messages_reopen = answers_close, messages_reopen
        self.people: dict[str, Person] = {}
        self.departments: dict[str, str] = {}
        self.inactive: set[str] = set()
        self.tickets: dict[int, Ticket] = {}
        self.messages: dict[int, Message] = {}
        self._threads: dict[int, list[Message]] = {}
        self.contents: dict[str, bytes] = {}
        self.poisoned: dict[int, str] = {}
        self._ids = itertools.count(1)
        for title in departments:
            self.add_department(title)
        self.add_staff("local-staff", "Local Staff")

    # --- the set-up -----------------------------------------------------------------------------------------

    def add_department(self, title: str) -> str:
        """A new department → its id."""
        department = str(next(self._ids))
        self.departments[department] = title
        return department

    def department(self, name: str) -> str:
        """Name or id → id. Raises KeyError."""
        if name in self.departments:
            return name
        return {title: key for key, title in self.departments.items()}[name]

    def add_staff(self, login: str, realname: str = "", departments: Iterable[str] | None = None) -> Person:
        """Staff of the named departments (all of them when not said)."""
        chosen = self.departments if departments is None else [self.department(d) for d in departments]
        self.people[login] = Person(login, realname or login, True, set(chosen))
        return self.people[login]

    def add_customer(self, login: str, realname: str = "") -> Person:
        """A customer's user."""
        return self.people.setdefault(login, Person(login, realname or login, False))

    # --- what people do -------------------------------------------------------------------------------------

    def client_opens(
        self, customer: str, department: str, subject: str, body: str, files: Sequence[tuple[str, bytes]] = ()
    ) -> str:
        """A customer opens a ticket (and comes into being when new) → ticket id."""
        self.add_customer(customer)
        now = self.clock()
        ticket = Ticket(next(self._ids), subject, customer, self.department(department), NEW, now, now)
        self.tickets[ticket.id] = ticket
        self._say(ticket, "client", customer, body, files)
        self._queue(ticket)
        return str(ticket.id)

    def client_writes(
        self, ticket: str, body: str, *, customer: str | None = None, files: Sequence[tuple[str, bytes]] = ()
    ) -> str:
        """The customer adds a message; it reopens a closed or archived ticket where messages do → message id."""
        found = self.find(ticket)
        said = self._say(found, "client", customer or found.customer, body, files)
        if self.messages_reopen or found.status not in (CLOSED, ARCHIVED):
            found.status, found.closer = REVIEW, None
            self._queue(found)
        return said

    def staff_replies(
        self,
        ticket: str,
        body: str,
        *,
        staff: str = "local-staff",
        files: Sequence[tuple[str, bytes]] = (),
    ) -> str:
        """A public answer; the ticket leaves the queue and waits for the customer, or is closed → message id."""
        found = self.find(ticket)
        said = self._say(found, "staff", staff, body, files)
        if not self.answers_close:
            found.status, found.assignment, found.closer = AWAITING, None, None
        elif found.status not in (CLOSED, ARCHIVED):
            self._move(ticket, CLOSED, f"an answer of {staff}")
        return said

    def note(self, ticket: str, body: str, *, staff: str = "local-staff", kind: str = "note") -> str:
        """An internal note (or a message of any invented ``kind``) → message id. Customers never see a note."""
        return self._say(self.find(ticket), kind, staff, body, (), public=kind != "note")

    def transfer(self, ticket: str, department: str) -> None:
        """Move a ticket to another department: a new place in the queue there; last activity stays as it was."""
        found = self.find(ticket)
        found.department = self.department(department)
        found.assignment, found.taken = next(self._ids), False

    def take(self, ticket: str) -> None:
        """A member of staff assigns it to himself; last activity stays as it was."""
        found = self.find(ticket)
        found.assignment, found.taken = next(self._ids), True

    def close(self, ticket: str, *, staff: str = "local-staff") -> None:
        """Staff close it."""
        self._move(ticket, CLOSED, staff)

    def archive(self, ticket: str, *, customer: str | None = None) -> None:
        """The customer puts it into the archive."""
        self._move(ticket, ARCHIVED, customer or self.find(ticket).customer)

    def reopen(self, ticket: str) -> None:
        """Staff put it back into their queue."""
        found = self.find(ticket)
        if found.assignment is None:
            found.status, found.last_activity, found.closer = REVIEW, self.clock(), None
            self._queue(found)

    def delete(self, ticket: str) -> None:
        """The ticket and its messages vanish."""
        found = self.tickets.pop(int(ticket))
        for said in self._threads.pop(found.id, []):
            del self.messages[said.id]

    def edit(self, message: str, body: str) -> None:
        """A message's text is changed in place; its id stays."""
        said = self.messages[int(message)]
        said.body = body
        self.tickets[said.ticket].last_activity = self.clock()

    def poison(self, ticket: str, reason: str = "control character in the subject") -> None:
        """Make the ticket's row unreadable from now on."""
        self.poisoned[int(ticket)] = reason

    # --- looking --------------------------------------------------------------------------------------------

    def find(self, ticket: str) -> Ticket:
        """Ticket id → ticket. Raises KeyError."""
        return self.tickets[int(ticket)]

    def bodies(self, ticket: str) -> list[str]:
        """The texts of a ticket in order, notes included."""
        return [m.body for m in self.thread(self.find(ticket))]

    def thread(self, ticket: Ticket) -> list[Message]:
        """Messages of one ticket by id."""
        return self._threads.get(ticket.id, [])

    def keep_file(self, name: str, content: bytes) -> FileRef:
        """Store the bytes of an attachment."""
        ref = FileRef(f"f{next(self._ids)}", name, len(content))
        self.contents[ref.file] = content
        return ref

    def _say(
        self,
        ticket: Ticket,
        kind: str,
        user: str,
        body: str,
        files: Sequence[tuple[str, bytes]],
        *,
        public: bool = True,
    ) -> str:
        now, author = self.clock(), self.people[user].realname
        refs = tuple(self.keep_file(name, content) for name, content in files)
        said = Message(next(self._ids), ticket.id, kind, user, author, body, now, refs)
        self.messages[said.id] = said
        self._threads.setdefault(ticket.id, []).append(said)
        ticket.last_activity = now
        if public:
            ticket.last_message = now
        return str(said.id)

    def _queue(self, ticket: Ticket) -> None:
        if ticket.assignment is None:
            ticket.assignment, ticket.taken = next(self._ids), False

    def _move(self, ticket: str, status: int, closer: str) -> None:
        found = self.find(ticket)
        if found.status != status:
            found.status, found.assignment, found.last_activity = status, None, self.clock()
            found.closer = closer
