"""The contract of every billing, whatever its version: the two roles as Protocols.

Implementations: ``connectors.memory`` (reference), ``connectors.billmanager`` (4, 5 and 6). All pass tests/contract.
Nothing here knows HTTP, Prefect, the store or the diff.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from remotesupport.core.connections.habits import Habit, HabitObservation
from remotesupport.core.connections.watch import WatchedLook, WatchedRow
from remotesupport.core.model import (
    CallStats,
    DepartmentRow,
    FileRef,
    Identity,
    MessageRow,
    Page,
    Side,
    TicketRow,
    Upload,
    WriteReceipt,
)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The abilities of a dialect.

    ``listings`` are the names that ``pages`` takes, in the order to read them. ``states`` maps every raw status of the
    server to open or closed; ``states_back`` says which raw status the product's own close and reopen lead to: a map
    that does not lead back is refused at load. ``exhaustive``: a listing read to its end shows every ticket there is;
    where it does not, a ticket's absence says nothing, nor does an empty list. ``closes``, ``reopens``: there is a way
    to close a ticket and to open it again; where there is none, no such change is planned. ``names_departments``: the
    server tells the names of departments; where it does not, the configuration must have their numbers. ``follows``:
    list → the list before it without which it shows nothing new (a ticket is archived by leaving the open ones).
    """

    dialect: str
    message_ids: bool
    attachments: bool
    listings: tuple[str, ...]
    states: dict[str, str]
    states_back: dict[str, str]
    exhaustive: bool = True
    closes: bool = True
    reopens: bool = True
    names_departments: bool = True
    follows: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises ValueError for a map of states that does not lead back (semantics, section 5)."""
        for state in ("open", "closed"):
            raw = self.states_back.get(state)
            if raw is None or self.states.get(raw) != state:
                raise ValueError(
                    f"the states of {self.dialect} do not lead back: our own {state} leads to {raw!r}, "
                    f"which reads as {self.states.get(raw or '')!r}"
                )
        strange = sorted(set(self.states.values()) - {"open", "closed"})
        if strange:
            raise ValueError(f"{self.dialect} has states that are neither open nor closed: {', '.join(strange)}")


class Sink(Protocol):
    """A receiver of the bytes of an attachment, piece by piece."""

    def restart(self) -> None:
        """Forget what came so far: it comes again from its beginning."""

    def write(self, chunk: bytes, /) -> None:
        """The next piece."""


@dataclass(frozen=True, slots=True)
class Match:
    """A row of "Remote support departments": the remote department's name, our department, on or off."""

    remote: str
    department: str
    name: str
    active: bool


@dataclass(frozen=True, slots=True)
class Setup:
    """The set-up of one end of a version 4 as it says it itself (the document); never a password.

    ``enabled``, ``url``, ``login``: the stored way to the other end. ``matches``: of the main billing only.
    """

    version: str
    superuser: bool
    rights: tuple[str, ...]
    enabled: bool
    url: str
    login: str
    matches: tuple[Match, ...] | None = None


@runtime_checkable
class Billing(Protocol):
    """Reading, the same on both sides. Every method may raise any ``connectors.errors.ConnectorError``."""

    name: str
    side: Side

    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def stats(self) -> CallStats: ...

    @property
    def habits(self) -> tuple[Habit, ...]:
        """The questions about this server that its own data answers while it is read."""

    def learned(self, answers: Mapping[str, frozenset[str]]) -> None:
        """Read by these answers of the server's habits, which earlier runs have learned."""

    def observations(self) -> tuple[HabitObservation, ...]:
        """Hand over what reading and writing have shown of the habits since this was last asked."""

    async def identify(self) -> Identity:
        """Log in and say who we are. Raises AccessDenied, TooOld, Fatal, Retriable."""

    async def departments(self) -> Sequence[DepartmentRow]:
        """All departments that this login can see (staff) or write to (customer)."""

    def pages(self, listing: str, *, page_size: int = 500) -> AsyncIterator[Page]:
        """The listing newest first, page by page, complete when the iterator ends without an error.

        The caller may stop early. A bad row is in ``Page.rejected`` alone. Raises ProtocolError when the pages do
        not add up to the server's own total.
        """

    async def ticket(self, ticket: str) -> TicketRow:
        """A direct look at one ticket. Raises Missing when the server says that it is not there, NotUnderstood."""

    async def thread(self, ticket: str) -> tuple[MessageRow, ...]:
        """The whole conversation in order; always complete or an error. Reading changes nothing on the server.

        Raises NotUnderstood where it cannot be told who speaks.
        """

    async def file(self, ref: FileRef, into: Sink, *, limit: int) -> bool:
        """An attachment as a stream: never much of it at a time is in memory.

        Returns whether the server said how long it is: where it did not, a file that was cut off looks whole. Raises
        Skippable as soon as it is larger than ``limit`` bytes, or when it is gone; what ``into`` has got by then is
        worth nothing.
        """

    async def setup(self) -> Setup | None:
        """Tell how this end is set up for remote support; None where the version has no such settings."""

    async def aclose(self) -> None:
        """Close connections. Never raises."""


class WatchedLists(Protocol):
    """The list of all tickets of main that an employee is shown. It can do one thing only: no ticket is opened here."""

    async def look(self, known: Mapping[str, WatchedRow]) -> WatchedLook:
        """Read ids, times and states, the newest activity first, down to a page on which every row is as ``known``.

        With nothing ``known`` to the end. Raises ConnectorError, with no word of the server in it, where the list
        cannot be read well.
        """

    async def aclose(self) -> None:
        """Close connections. Never raises."""


@runtime_checkable
class ExternalBilling(Billing, Protocol):
    """The staff view. Writes are one POST each, never repeated by anything below; no answer → UnknownOutcome.

    ``key`` names a write for ever (the intent's key); a version whose server knows such keys does it once.
    """

    async def sees(self) -> frozenset[str] | None:
        """Ids of the departments whose tickets this login is shown; None where nothing says it.

        A department may well be listed, and none of its tickets ever.
        """

    async def reply(self, ticket: str, body: str, files: Sequence[Upload] = (), *, key: str = "") -> WriteReceipt:
        """A public reply as staff. Raises Refused, UnknownOutcome, AccessDenied, Missing."""

    async def close(self, ticket: str, *, key: str = "") -> WriteReceipt:
        """Close for the staff side. Idempotent on the server."""

    async def reopen(self, ticket: str, *, key: str = "") -> WriteReceipt:
        """Put it back into the staff queue. Idempotent on the server."""


@runtime_checkable
class MainBilling(Billing, Protocol):
    """The customer's own view: internal notes are never in any answer it gets. ``key``: as for ExternalBilling."""

    async def create(
        self, department: str, subject: str, body: str, files: Sequence[Upload] = (), *, key: str = ""
    ) -> WriteReceipt:
        """Open a ticket in ``department`` (an id). The receipt names the new ticket."""

    async def reply(self, ticket: str, body: str, files: Sequence[Upload] = (), *, key: str = "") -> WriteReceipt:
        """A message of the customer's user; reopens a closed ticket."""

    async def close(self, ticket: str, notice: str, *, key: str = "") -> WriteReceipt:
        """Archive it; where staff still hold it and the server refuses, post ``notice`` instead so that they see it.

        With an empty ``notice`` the server's refusal is raised.
        """

    async def reopen(self, ticket: str, notice: str, *, key: str = "") -> WriteReceipt:
        """Make it open again. Where the version knows no such call, ``notice`` is posted: a message reopens."""
