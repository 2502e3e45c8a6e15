"""A proxy before one emulated billing that sends other answers than that gave: real HTTP, byte for byte.

``noise`` breaks an answer so that nobody could take it for a good one; ``lies`` change what it says.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum

import httpx

from tests.fuzz.mutations import HEADERS, MEDIA, STATUSES, WHOLE, Answer, mutated

WRITES = "writes"
_REASON = b"Said"
_FUNCTION = re.compile(rb"\bfunc=([a-z_.]+)")
_DROPPED = ("content-length", "transfer-encoding", "connection", "content-type", "date", "server")
# Whole answers that say nothing: no list that is empty, no write that is confirmed, no login that is refused.
_SAYING = (b"elem", b"ok", b"OK", b"auth", b"error", b"access")
NOTHING_SAID = tuple(body for body in WHOLE if not any(word in body for word in _SAYING))
_NO_HTTP = (
    b"\x00" * 50, b"SSH-2.0-x\r\n", b"HTTP/9.9 abc\r\n\r\n", b"HTTP/1.1 200\r\n: x\r\n\r\n", b"\r\n" * 50,
    b"HTTP/1.1 100 Continue\r\n\r\n" * 20, b"HTTP/1.1 200 OK\r\nx: " + b"y" * 200_000,
)  # fmt: skip
_BROKEN = (b"\x00", b"\xff", b"\x1b", b"\xd0", b"\xef\xbf")


class Mood(StrEnum):
    """How a server is ill."""

    HONEST = "honest"
    NOISE = "noise"
    LIES = "lies"


class Proxy:
    """Serves until the block ends; ``mood``, ``share`` and ``only`` may change at any time.

    ``only``: WRITES, or the function whose calls are answered otherwise; "" for any. ``met`` counts what it did;
    ``functions`` are those that were asked for.
    """

    def __init__(self, target: str, chance: random.Random) -> None:
        self._target, self._chance = target, chance
        self.mood, self.share, self.only = Mood.HONEST, 0.0, ""
        self.functions: dict[str, None] = {}
        self.met: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/billmgr"

    async def __aenter__(self) -> Proxy:
        self._client = httpx.AsyncClient(trust_env=False, timeout=30, limits=httpx.Limits(max_keepalive_connections=0))
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.aclose()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request; whether the connection stays open."""
        head = await reader.readuntil(b"\r\n\r\n")
        fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:] if b":" in line)
        body = await reader.readexactly(int(fields.get(b"content-length", b"0")))
        said = await self._client.post(
            self._target, content=body, headers={"content-type": fields.get(b"content-type", b"").strip().decode()}
        )
        more = tuple((k, v) for k, v in said.headers.raw if k.decode().lower() not in _DROPPED)
        answer = Answer(said.content, said.headers.get("content-type", "").encode(), said.status_code, more)
        if self.mood is Mood.HONEST or self._chance.random() >= self._share_of(body):
            self.met["honest"] += 1
            writer.write(_whole(answer))
            await writer.drain()
            return True
        self.met["mutated"] += 1
        writer.write(self._spoilt(answer))
        await writer.drain()
        return False

    def _share_of(self, body: bytes) -> float:
        """How likely this call is answered otherwise; behind a login there is more to break."""
        found = _FUNCTION.search(body)
        function = WRITES if b"sok=" in body else found[1].decode() if found else ""
        self.functions[function] = None
        if self.only and function != self.only:
            return 0.0
        return self.share / 5 if function == "auth" and not self.only else self.share

    def _spoilt(self, answer: Answer) -> bytes:
        chance = self._chance
        if self.mood is Mood.LIES and chance.random() < 0.8:
            return _whole(mutated(chance, answer))
        name, change = chance.choice(NOISES)
        self.met[name] += 1
        return change(chance, answer)


def _whole(answer: Answer) -> bytes:
    head = [(b"Content-Type", answer.media), *answer.headers, (b"Content-Length", str(len(answer.body)).encode())]
    return _raw(answer, head)


def _raw(answer: Answer, head: list[tuple[bytes, bytes]]) -> bytes:
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in head)
    return b"HTTP/1.1 %d %s\r\n" % (answer.status, _REASON) + lines + b"\r\n" + answer.body


# --- noise -----------------------------------------------------------------------------------------------------


def _cut(chance: random.Random, answer: Answer) -> bytes:
    whole = _whole(answer)
    return whole[: chance.randint(0, len(whole) - 1)]


def _cut_document(chance: random.Random, answer: Answer) -> bytes:
    return _whole(replace(answer, body=answer.body[: chance.randint(0, max(len(answer.body) - 2, 0))]))


def _broken(chance: random.Random, answer: Answer) -> bytes:
    """Bytes that no document may hold."""
    at = chance.randint(0, len(answer.body))
    return _whole(replace(answer, body=answer.body[:at] + chance.choice(_BROKEN) + answer.body[at:]))


def _another(chance: random.Random, answer: Answer) -> bytes:
    return _whole(replace(answer, body=chance.choice(NOTHING_SAID)))


def _status(chance: random.Random, answer: Answer) -> bytes:
    status = chance.choice([s for s in STATUSES if s not in (200, 204, 304, 401, 403, 404, 460)])
    return _whole(replace(answer, status=status))


def _header(chance: random.Random, answer: Answer) -> bytes:
    return _whole(replace(answer, headers=(*answer.headers, chance.choice(HEADERS))))


def _media(chance: random.Random, answer: Answer) -> bytes:
    return _whole(replace(answer, media=chance.choice(MEDIA)))


def _charset(chance: random.Random, answer: Answer) -> bytes:
    encoding = chance.choice(("utf-16", "utf-32"))
    return _whole(replace(answer, body=answer.body.decode("utf-8", "replace").encode(encoding)))


def _nested(chance: random.Random, answer: Answer) -> bytes:
    depth = chance.choice((1, 100, 3000))
    return _whole(replace(answer, body=b'{"x":' * depth + answer.body + b"}" * depth))


def _no_http(chance: random.Random, answer: Answer) -> bytes:
    return chance.choice(_NO_HTTP) + answer.body[:20]


def _wrong_length(chance: random.Random, answer: Answer) -> bytes:
    length = chance.choice((b"-1", b"nan", b"9" * 5000, "²".encode(), b"1, 2", str(len(answer.body) + 10).encode()))
    return _raw(answer, [(b"Content-Type", answer.media), (b"Content-Length", length)])


def _bad_chunks(chance: random.Random, answer: Answer) -> bytes:
    head = [(b"Content-Type", answer.media), (b"Transfer-Encoding", b"chunked")]
    size = chance.choice((b"zz", b"f" * 500, b"-1", b"5;" + b"x" * 5000, b"fffffff"))
    return _raw(replace(answer, body=size + b"\r\n" + answer.body[:100]), head)


NOISES: tuple[tuple[str, Callable[[random.Random, Answer], bytes]], ...] = tuple(
    (change.__name__.strip("_").replace("_", " "), change)
    for change in (
        _cut, _cut_document, _broken, _another, _status, _header, _media, _charset, _nested, _no_http, _wrong_length,
        _bad_chunks,
    )
)  # fmt: skip
