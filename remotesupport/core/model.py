"""The words of the domain as types (glossary: docs/life-of-a-ticket.md).

What a connector hands over, what the ledger remembers, what a change is. No behaviour beyond trivial
derivations, no pandas, no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Side(StrEnum):
    """Which of the two billings of a connection a row was read from."""

    EXTERNAL = "external"
    MAIN = "main"


class Direction(StrEnum):
    """Where a write goes."""

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
    """Who speaks in a message. Only PEOPLE ever cross; everything else is denied by default."""

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


class IntentState(StrEnum):
    """States of one write, semantics section 7."""

    INTENT = "intent"  # committed, perhaps sent
    ACKED = "acked"  # the server said yes
    UNKNOWN = "unknown"  # done, not done, or not done yet
    ADOPTED = "adopted"  # a read-back found it
    REFUSED = "refused"  # the server answered no: nothing was written
    ABSENT = "absent"  # quarantine passed, two complete read-backs showed nothing: may be written again


@dataclass(frozen=True, slots=True)
class FileRef:
    """An attachment as its message names it. ``size`` in bytes, None when the server does not say."""

    file: str
    name: str
    size: int | None = None


class PublicBecause(StrEnum):
    """Why a version 4 is spoken to by its public functions, and not by the three of remote support."""

    CONFIGURED = "configured"  # the configuration says so
    NO_RIGHT = "no right"  # the login may not call the three
    NOT_UNDERSTOOD = "not understood"  # the three answer otherwise than this program reads them


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the login is on that billing. ``timezone`` is an IANA name, None when the server does not say.

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
    """What the server answered to a write: the new ticket's id (create), the new message's id if it said one."""

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


# --- what the ledger remembers ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a listing last showed of a ticket, and when *we* (our clock) first saw it so and last read its thread.

    The thread is settled when it was read at least ``SETTLE_SECONDS`` after the row first looked like this.
    """

    connection: str
    side: Side
    listing: str
    ticket: str
    row_hash: str
    row_since: datetime
    read_at: datetime | None = None
    department: str | None = None
    state: str | None = None
    activity: str = ""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write for one connection until ``expires_at`` (store's clock), with a fencing token."""

    connection: str
    holder: str
    token: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Carried:
    """Source message ``source_message`` is now ``target_message`` on the other side (None: not read back yet)."""

    source_message: str
    body_hash: str
    target_message: str | None = None


@dataclass(frozen=True, slots=True)
class Intent:
    """One write that is about to happen. ``key`` is unique: connection, direction, ticket, source message or act.

    ``last_known`` is the last message id seen in the target thread before the write (None: thread unknown);
    ``last_ordinal`` its ordinal. ``deadline`` is when the client will have given up, by our clock. ``files_hash`` has
    the beginnings of the SHA-256 of its files with / between them.
    """

    key: str
    connection: str
    kind: ChangeKind
    direction: Direction
    ext_ticket: str
    main_ticket: str | None
    body_hash: str
    files_hash: str
    last_known: str | None
    last_ordinal: int
    deadline: datetime
    run: str
    covers: tuple[Carried, ...] = ()
    subject: str = ""
    state: IntentState = IntentState.INTENT
    id: int | None = None
    attempt: int = 1
    absent_reads: int = 0
    cause: str = ""

    @property
    def side(self) -> Side:
        """The side that it writes to."""
        return self.direction.target

    @property
    def target(self) -> str:
        """The ticket that it writes to, on that side."""
        return self.ext_ticket if self.side is Side.EXTERNAL else str(self.main_ticket)

    @property
    def file_hashes(self) -> list[str]:
        """One for each of its files."""
        return self.files_hash.split("/") if self.files_hash else []


@dataclass(frozen=True, slots=True)
class LinkRow:
    """The agreed state of a linked pair, as the ledger keeps it."""

    connection: str
    ext_ticket: str
    main_ticket: str
    ext_state: str
    main_state: str
    department: str | None
    departed: bool = False


@dataclass(frozen=True, slots=True)
class ParkedChange:
    """A change that failed and waits. ``next_try`` None means: a person is needed."""

    connection: str
    ext_ticket: str
    direction: Direction | None
    kind: ChangeKind
    key: str
    cause: str
    since: datetime
    attempts: int
    next_try: datetime | None
    run: str
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a ticket's timeline. ``flow_run``: the Prefect flow run that ``run`` was, None where it was none."""

    at: datetime
    connection: str
    ext_ticket: str
    event: str
    run: str
    detail: str = ""
    flow_run: str | None = None


@dataclass(frozen=True, slots=True)
class CallStats:
    """What talking to one billing has cost so far."""

    requests: int = 0
    bytes_in: int = 0
    seconds: float = 0.0
    by_function: dict[str, int] = field(default_factory=dict)
