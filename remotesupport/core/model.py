"""The words of the domain as types (glossary: docs/life-of-a-ticket.md).

What a connector hands over, what the ledger remembers, what a change is. No behaviour beyond trivial
derivations, no pandas, no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

MEGABYTE = 1024 * 1024


class Side(StrEnum):
    """One of the two billings of a connection."""

    EXTERNAL = "external"
    MAIN = "main"


class Direction(StrEnum):
    """The way of a write: to main, or to the external billing."""

    TO_MAIN = "to_main"
    TO_EXTERNAL = "to_external"

    @property
    def source(self) -> Side:
        """The side that the words come from."""
        return Side.EXTERNAL if self is Direction.TO_MAIN else Side.MAIN

    @property
    def target(self) -> Side:
        """The side that is written to."""
        return Side.MAIN if self is Direction.TO_MAIN else Side.EXTERNAL


class MessageKind(StrEnum):
    """The speaker of a message. Only PEOPLE ever cross; everything else is denied by default."""

    CLIENT = "client"
    STAFF = "staff"
    NOTE = "note"
    SYSTEM = "system"
    UNKNOWN = "unknown"


PEOPLE = (MessageKind.CLIENT, MessageKind.STAFF)


class TicketState(StrEnum):
    """The two states that cross."""

    OPEN = "open"
    CLOSED = "closed"


class ChangeKind(StrEnum):
    """The kinds of rows a plan has."""

    CREATE = "create"
    ADOPT = "adopt"
    POST = "post"
    CLOSE = "close"
    REOPEN = "reopen"
    DEPARTURE = "departure"
    CONFLICT = "conflict"


class Reason(StrEnum):
    """The closed list of semantics section 11: the one answer to "why?"."""

    IN_SYNC = "in_sync"
    PENDING = "pending"
    DEPARTMENT_NOT_REMOTE = "department_not_remote"
    DEPARTMENT_UNMAPPED = "department_unmapped"
    CORRESPONDENCE_OFF = "correspondence_off"
    CONNECTION_PAUSED = "connection_paused"
    BILLING_UNREACHABLE = "billing_unreachable"
    ACCESS_DENIED = "access_denied"
    VERSION_TOO_OLD = "version_too_old"
    INVALID_ROW = "invalid_row"
    NOT_UNDERSTOOD = "not_understood"
    PARKED = "parked"
    GUARD_STOPPED = "guard_stopped"
    CONFLICT = "conflict"
    DEPARTED = "departed"
    TOO_OLD_FOR_WINDOW = "too_old_for_window"


@dataclass(frozen=True, slots=True)
class FileRef:
    """An attachment as its message names it. ``size`` in bytes, None when the server does not say."""

    file: str
    name: str
    size: int | None = None


class PublicBecause(StrEnum):
    """The reason for which a version 4 is spoken to by its public functions, and not by the three of remote support."""

    CONFIGURED = "configured"  # the configuration says so
    NO_RIGHT = "no right"  # the login may not call the three
    NOT_UNDERSTOOD = "not understood"  # the three answer otherwise than this program reads them


@dataclass(frozen=True, slots=True)
class Identity:
    """The person behind the login on that billing. ``timezone`` is an IANA name, None when the server does not say.

    ``public``: set where a version 4 is spoken to by its public functions; ``detail``: what the three said instead.
    """

    version: str
    user: str
    name: str
    level: int
    timezone: str | None = None
    public: PublicBecause | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class DepartmentRow:
    """One department as one side shows it. ``remote``: flagged as handled elsewhere; None where no version says it."""

    department: str
    name: str
    active: bool = True
    remote: bool | None = None


@dataclass(frozen=True, slots=True)
class TicketRow:
    """One row of a ticket list.

    ``department`` is None where the list does not say it (always so on the main side after creation).
    ``activity`` is the host's own text for the last activity, comparable only within that host.
    ``partial`` rows (a queue) only say that the ticket moved: subject, state and department need a direct look.
    ``row_hash`` is a digest over every column the list showed: equal hash, nothing moved.
    """

    ticket: str
    subject: str
    state: TicketState
    status: str
    row_hash: str
    department: str | None = None
    author: str = ""
    activity: str = ""
    partial: bool = False


@dataclass(frozen=True, slots=True)
class MessageRow:
    """One message of a thread, in thread order.

    ``message`` is the server's id, or a stable synthesised key where there are none. ``ordinal`` counts from 0
    over every message of the thread, notes included. ``at_text`` is the original text, ``zone`` the IANA zone
    it is in, ``at`` the same moment in UTC (None when the text cannot be read). ``own`` is whether this login's
    account wrote it, None when the server does not say.
    """

    message: str
    ordinal: int
    kind: MessageKind
    author: str
    body: str
    at_text: str = ""
    zone: str = "UTC"
    at: datetime | None = None
    files: tuple[FileRef, ...] = ()
    own: bool | None = None


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that could not be read; the rest of its page was. ``ticket`` is None when even the id is unreadable.

    ``habit``: the habit of the server that is not understood, where that is why.
    """

    ticket: str | None
    reason: str
    habit: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing, newest first. ``total`` is the server's own count over all pages, None if unsaid."""

    listing: str
    number: int
    rows: tuple[TicketRow, ...]
    total: int | None
    rejected: tuple[RejectedRow, ...] = ()


@dataclass(frozen=True, slots=True)
class WriteReceipt:
    """A server's answer to a write: the new ticket's id (create), the new message's id if it said one."""

    ticket: str
    message: str | None = None


class Content(Protocol):
    """The bytes of an attachment, to be read from their beginning as often as it takes."""

    def read(self, size: int = -1, /) -> bytes: ...

    def seek(self, offset: int, whence: int = 0, /) -> int: ...

    def tell(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Upload:
    """An attachment to be written: a safe name, its content (whoever opened it closes it), size in bytes, SHA-256 in
    hex."""

    name: str
    content: Content
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class CallStats:
    """Counts of what talking to one billing has cost so far."""

    requests: int = 0
    bytes_in: int = 0
    seconds: float = 0.0
    by_function: dict[str, int] = field(default_factory=dict)
