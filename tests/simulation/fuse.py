"""A process that dies at any point: its store and its connections raise ``Death``, and nothing comes after it.

Points are the store's methods by their names, ``read`` and ``write`` (a request), and ``any``.
"""

from __future__ import annotations

import ssl
import threading
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.writing_machine.billings import Death

POINTS = ("write", "intend", "receive", "confirm", "mark", "read", "any")


@dataclass(slots=True)
class Fuse:
    """Burns down at the ``left``-th passing of ``point``, before it or (``after``) behind its effect; 0: never."""

    point: str = ""
    left: int = 0
    after: bool = False
    dead: bool = False
    inside: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def passes(self, point: str, *, after: bool) -> None:
        """Raises Death when it is time, and ever after."""
        with self._changed:
            if not self.dead and after is self.after and self.point in (point, "any"):
                self.left -= 1
                self.dead = self.left == 0
            if self.dead:
                raise Death

    def enter(self) -> None:
        """A thread works for the process from now on."""
        with self._changed:
            self.inside += 1

    def leave(self) -> None:
        """It has ended."""
        with self._changed:
            self.inside -= 1
            self._changed.notify_all()

    def wait_for_threads(self) -> None:
        """What a dead process's threads had begun in the store is committed or not; only then may the next one come."""
        with self._changed:
            self._changed.wait_for(lambda: self.inside == 0, timeout=30)


class MortalStore:
    """The real store of a process that may die at any call of it."""

    def __init__(self, store: Any, fuse: Fuse) -> None:
        self._store, self._fuse = store, fuse

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if not callable(found) or name == "close":
            return found

        def call(*positional: Any, **named: Any) -> Any:
            self._fuse.enter()
            try:
                self._fuse.passes(name, after=False)
                result = found(*positional, **named)
                self._fuse.passes(name, after=True)
                return result
            finally:
                self._fuse.leave()

        return call


class MortalTransport(httpx.AsyncBaseTransport):
    """Real HTTP of a process that may die before a request is sent, or when it is done."""

    def __init__(self, fuse: Fuse) -> None:
        self._fuse = fuse
        plain = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # never used: loopback speaks plain HTTP
        self._real = httpx.AsyncHTTPTransport(verify=plain, trust_env=False, retries=0)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        point = "write" if isinstance(request.stream, httpx.SyncByteStream) and b"sok=" in request.content else "read"
        self._fuse.passes(point, after=False)
        response = await self._real.handle_async_request(request)
        try:
            self._fuse.passes(point, after=True)
        except Death:
            await response.aclose()
            raise
        return response

    async def aclose(self) -> None:
        await self._real.aclose()
