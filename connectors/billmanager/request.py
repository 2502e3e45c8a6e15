"""The small values of a call: what is asked, within which limits, what came back, how far it got.

Must stay out: sending anything, judging anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Call:
    """A function of the server, and whether it changes anything there."""

    func: str
    write: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds, bytes and counts for one login. The deadlines cover a call as a whole, waiting and login included."""

    read_seconds: float = 30.0
    write_seconds: float = 30.0
    connect_seconds: float = 10.0
    max_bytes: int = 16 * 1024 * 1024
    in_flight: int = 10
    logins_a_minute: int = 2

    def deadline(self, call: Call) -> float:
        """Seconds that ``call`` may take in all."""
        return self.write_seconds if call.write else self.read_seconds


@dataclass(frozen=True, slots=True)
class Answer:
    """A server's answer: status, the headers that matter, the raw bytes (of a stream: those that it did not get).

    ``measured``: the server said how many there are, so none is missing. ``attached``: it said that this is a file.
    """

    status: int
    charset: str
    retry_after: float | None
    body: bytes
    media: str = ""
    measured: bool = True
    attached: bool = False


# Told of each answer that is no stream, with the parameters that were sent, credentials among them.
Listener = Callable[[Mapping[str, str], Answer], None]


class Progress:
    """The progress of a request: whether a byte of it may have reached the server. When in doubt, it has."""

    __slots__ = ("sent",)

    def __init__(self) -> None:
        self.sent = False

    async def trace(self, event: str, _info: Mapping[str, object]) -> None:
        """httpcore's own account of the steps of one request."""
        if event in ("connection.connect_tcp.started", "connection.start_tls.started"):
            self.sent = False
        elif event.endswith("send_request_headers.started"):
            self.sent = True
