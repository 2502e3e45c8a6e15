"""Values that the store keeps: sightings, leases, links, carried messages, intents, parked changes, events.

What must stay out: rows as a billing shows them (``model``), and how any of these is stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from remotesupport.core.model import ChangeKind, Direction, Side


class IntentState(StrEnum):
    """States of one write, semantics section 7."""

    INTENT = "intent"  # committed, perhaps sent
    ACKED = "acked"  # the server said yes
    UNKNOWN = "unknown"  # done, not done, or not done yet
    ADOPTED = "adopted"  # a read-back found it
    REFUSED = "refused"  # the server answered no: nothing was written
    ABSENT = "absent"  # quarantine passed, two complete read-backs showed nothing: may be written again


@dataclass(frozen=True, slots=True)
class Sighting:
    """The last look at a ticket: what a listing showed of it, and when *we* (our clock) first saw it so and last read
    its thread.

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
    the beginnings of the SHA-256 of its files with / between them. ``bytes``: of its text and its files.
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
    bytes: int = 0
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
    def act(self) -> str:
        """The end of its key: the source message that it carries, or what it is, what it reacts to and its run."""
        return self.key.split("/", 3)[3]

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


class Beside(StrEnum):
    """Reasons to wait beside a write that was made, or instead of every write of a ticket.

    The value is the end of its key, which begins with the write's own key, or with a word for the write.
    """

    FILES = "/files"  # attachments of it are not on the other side, or not as they were sent
    ALTERED = "/altered"  # the server shows less of its text than was sent
    STAYS_CLOSED = "/stays-closed"  # it did not open the main ticket
    UNPROVEN = "/unproven"  # the server said yes, and it is not seen there
    DENIED = "/denied"  # the login may not see the ticket
    KEPT_OUT = "/kept-out"  # the ticket cannot be read, or a rule keeps it out
    BRAKE = "/brake"  # too much of the ticket was carried in one direction


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

    @property
    def beside(self) -> Beside | None:
        """Say why it waits beside a write or a ticket; None where the write itself waits."""
        return next((one for one in Beside if self.key.endswith(one)), None)

    @property
    def waits(self) -> bool:
        """True where something should be on the other side and is not; the close of a departed ticket is only tidy."""
        return not (self.is_told or self.ends_departure)

    @property
    def is_told(self) -> bool:
        """True where nothing waits to be written: the line is there for a person to read, no plan offers it again."""
        return self.beside in (Beside.FILES, Beside.ALTERED, Beside.STAYS_CLOSED)

    @property
    def write_key(self) -> str:
        """The key of the write that waits, or that it stands beside."""
        return self.key.removesuffix(self.beside or "")

    @property
    def ends_departure(self) -> bool:
        """True for the close after a departure: it is no person's act that is still to be carried."""
        return self.kind is ChangeKind.CLOSE and self.direction is None and self.beside is None


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
