"""Errors of a billing, classed by what to do next (semantics sections 7 and 9). Nothing here knows HTTP.

Every message says what happened, on which billing, in which function and for which ticket, and what to do; none
ever holds a password, a session id or a message body.
"""

from __future__ import annotations

from enum import StrEnum

from remotesupport.core.model import Side
from remotesupport.core.text.expected_errors import Foreseen
from remotesupport.core.text.foreign import visible

_LONGEST = 2000


class NoConnection(StrEnum):
    """The reason for which no connection came about, as the ``kind`` of the error: nothing of a request was sent.

    All are Retriable but a certificate that is not trusted, which is Fatal.
    """

    NAME = "name"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    LATE = "late"
    TLS = "tls"
    CERTIFICATE = "certificate"


class ConnectorError(Foreseen):
    """Base. ``billing`` is the connection's name and side in words, ``cure`` one sentence with what to do.

    ``side``: which of the two billings it came from; None until somebody who knows it has said so.
    """

    def __init__(
        self,
        what: str,
        *,
        billing: str,
        function: str = "",
        ticket: str = "",
        cure: str = "",
        kind: str = "",
        side: Side | None = None,
    ) -> None:
        what, function = visible(" ".join(what[:_LONGEST].split())), visible(function[:_LONGEST])
        self.what, self.billing, self.function, self.ticket, self.cure = what, billing, function, ticket, cure
        self.kind, self.side = kind, side
        super().__init__(what, billing, function, ticket, cure, kind)

    def __str__(self) -> str:
        ticket = visible(self.ticket[:80])
        parts = (self.billing, self.function and f"in {self.function}", ticket and f"ticket {ticket}")
        where = " ".join(p for p in parts if p)
        return f"{where}: {self.what}" + (f". {self.cure}" if self.cure else "")

    def __repr__(self) -> str:
        """The words first: this is what Prefect puts into a run's log."""
        return f"{self} ({type(self).__name__})"

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.__dict__.copy()))


def _rebuild(cls: type[ConnectorError], state: dict[str, object]) -> ConnectorError:
    error = cls.__new__(cls)
    Exception.__init__(error, *(state.get(k, "") for k in ("what", "billing", "function", "ticket", "cure", "kind")))
    error.__dict__.update(state)
    return error


class Retriable(ConnectorError):
    """Try again later in this minute or the next: refused, reset, 5xx or 429 on a read, too slow.

    ``retry_after`` in seconds where the server said it.
    """

    retry_after: float | None = None


class OutOfTime(Retriable):
    """The time that one run has for this connection is over: the next run tries again, this one does not."""


class AccessDenied(ConnectorError):
    """Wrong password, expired, banned, no right on the function. Never retried in a storm: a person is needed."""


class Fatal(ConnectorError):
    """It will not get better by itself: wrong URL, untrusted certificate, version too old."""


class TooOld(Fatal):
    """The billing's version cannot be used in this role."""


class Skippable(ConnectorError):
    """Only this ticket is affected; the others go on."""


class Missing(Skippable):
    """The server says that the ticket does not exist (or is not visible to this login)."""


class NotUnderstood(Skippable):
    """The server's way to say something can mean two things, or nothing that we know: this ticket waits.

    ``kind`` is the habit's name.
    """


class ContradictoryHabit(Fatal):
    """A server answers a question otherwise than it did: nothing is written until a person has looked."""


class TicketDenied(Skippable):
    """The login may not see this one ticket (or file), or not write to it; elsewhere the server lets it in."""


class ProtocolError(ConnectorError):
    """The answer does not fit the protocol: HTML, redirect, cut off, wrong encoding, missing columns."""


class OverBudget(ConnectorError):
    """The billing shows more than one run reads of it: what was read is left, the next run begins again."""


class Refused(ConnectorError):
    """The server understood a write and said no: nothing was written (for example: locked, empty text, limit)."""


class FilesRefused(Refused):
    """The server does not take a request this large, or one of its files: nothing was written."""


class TextRefused(Refused):
    """The server does not take this text, perhaps because of its length: nothing was written."""


class UnknownOutcome(ConnectorError):
    """A write got no readable answer: done, not done, or not done yet. Never repeat it; read back first."""
