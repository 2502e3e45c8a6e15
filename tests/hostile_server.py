"""A tiny server that answers what it is told, byte for byte: for everything that no decent server would send.

async with HostileServer(answers) as server:
    server.url, server.requests, server.connections, server.received
``answers`` maps a function's name (or ``*``) to what is sent: bytes, a list of pieces and waits, or a callable.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

Piece = bytes | Callable[[], Awaitable[Any]]
Answer = bytes | Sequence[Piece]
RESET = b"\x00RESET\x00"
LOGIN = {"auth": {"$id": "SESSION-CANARY", "$level": "29"}}
WHOAMI = {
    "user": {"$name": "robot", "$level": "29", "$id": "4", "$timezone": ""},
    "version": {"billmgr": {"$": "6.94.1-2024"}},
}


def http(body: bytes, *, status: str = "200 OK", media: str = "application/json", **headers: str) -> bytes:
    """A whole answer with its length."""
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = f"HTTP/1.1 {status}\r\nContent-Type: {media}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


def doc(content: Mapping[str, Any], **headers: str) -> bytes:
    """A JSON document of version 6."""
    return http(json.dumps({"doc": content}).encode(), **headers)


def error(kind: str, subject: str = "", text: str = "no") -> bytes:
    """An error document of version 6."""
    return doc({"error": {"$type": kind, "$object": subject, "msg": {"$": text}}})


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came: its first line, headers in lower case, the form."""

    line: str
    headers: str
    form: dict[str, str]

    @property
    def func(self) -> str:
        return self.form.get("func", "")


@dataclass
class HostileServer:
    """Serves until the block ends; every request is kept."""

    answers: Mapping[str, Answer | Callable[[Request], Answer]] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    received: int = 0

    @property
    def url(self) -> str:
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}/billmgr"

    def funcs(self) -> list[str]:
        """The functions asked for, in order."""
        return [request.func for request in self.requests]

    async def __aenter__(self) -> HostileServer:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        self._tasks: set[asyncio.Task[Any]] = set()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        self.received += len(head)
        line, _, headers = head.decode().partition("\r\n")
        length = next((int(h[15:]) for h in headers.lower().split("\r\n") if h.startswith("content-length:")), 0)
        body = await reader.readexactly(length)
        self.received += len(body)
        request = Request(line, headers.lower(), dict(parse_qsl(body.decode(), keep_blank_values=True)))
        self.requests.append(request)
        return await self._answer(self._chosen(request), writer)

    def _chosen(self, request: Request) -> Answer:
        decent = {"auth": doc(LOGIN), "whoami": doc(WHOAMI)}
        chosen = self.answers.get(request.func) or self.answers.get("*") or decent.get(request.func, error("missed"))
        return chosen(request) if callable(chosen) else chosen

    async def _answer(self, answer: Answer, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection stays open: only after one whole answer."""
        pieces: Sequence[Piece] = [answer] if isinstance(answer, bytes) else answer
        for piece in pieces:
            if piece == RESET:
                writer.transport.abort()
                return False
            if isinstance(piece, bytes):
                writer.write(piece)
                await writer.drain()
            else:
                await piece()
        return isinstance(answer, bytes)
