"""No connection: the message says which of the reasons it was, and what to do about it. Real sockets, one host name."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from connectors.billmanager import Limits, connect_external
from connectors.billmanager.tls import shown
from connectors.errors import ConnectorError, NoConnection, Retriable
from tests.certificates import certified
from tests.hostile_server import HostileServer, http


async def failure(url: str, **trust: str) -> ConnectorError:
    """What the first call raises."""
    limits = Limits(connect_seconds=0.3)
    billing = connect_external("acme", url, "robot", "PASSWORD-CANARY", limits=limits, **trust)
    with pytest.raises(ConnectorError) as caught:
        await billing.identify()
    await billing.aclose()
    assert caught.value.cure
    return caught.value


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def speaking(talk: Talk, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """The https address of a port where ``talk`` answers."""
    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await talk(reader, writer)
        await ended.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/billmgr"
    finally:
        ended.set()
        server.close()
        await server.wait_closed()


async def in_plain_text(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(10)
    writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()


async def not_at_all(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    pass


async def hanging_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(10)
    writer.close()


async def test_refused() -> None:
    """Nobody listens there: the port is named."""
    async with HostileServer() as server:
        url, port = server.url, server.port
    error = await failure(url)
    assert (type(error), error.kind) == (Retriable, NoConnection.REFUSED)
    assert f"127.0.0.1:{port}" in error.what


async def test_name_not_found() -> None:
    """A host name that nobody knows is named."""
    error = await failure("https://nowhere.invalid/billmgr")
    assert (type(error), error.kind) == (Retriable, NoConnection.NAME)
    assert "nowhere.invalid" in error.what


@pytest.mark.parametrize(
    ("talk", "kind", "words"),
    [
        (in_plain_text, NoConnection.TLS, "speaks no TLS"),
        (hanging_up, NoConnection.TLS, "broke off the TLS handshake"),
        (not_at_all, NoConnection.LATE, "in time"),
    ],
)
async def test_no_handshake(talk: Talk, kind: NoConnection, words: str) -> None:
    """What of TLS it was is in the message; a port that never answers is a matter of time."""
    async with speaking(talk) as url:
        error = await failure(url)
        assert await shown(url, 0.3) is None
    assert (type(error), error.kind) == (Retriable, kind)
    assert words in error.what


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ({}, "self-signed"),
        ({"days": -1}, "expired"),
        ({"host": "192.0.2.1"}, "another address"),
    ],
)
async def test_why_a_certificate_is_not_trusted(tmp_path: Path, made: dict[str, int | str], words: str) -> None:
    """Self-signed, expired or of another host: the message says which, and a look shows the fingerprint to pin."""
    mine = certified(tmp_path, "mine", **made)
    trust = {} if not made else {"ca_file": mine.ca_file}
    async with HostileServer(tls=mine.server) as server:
        error = await failure(server.url, **trust)
        look = await shown(server.url)
        assert server.received == 0
    assert error.kind == NoConnection.CERTIFICATE
    assert words in error.what
    assert look is not None
    assert look.fingerprint == mine.fingerprint


async def test_no_look_at_plain_http() -> None:
    """An address without TLS has no certificate, and nothing is asked."""
    async with HostileServer() as server:
        assert await shown(server.url) is None
        assert server.connections == 0


async def test_not_found_is_no_billmanager_there() -> None:
    """HTTP 404 says that the path is wrong, and which one is usual."""
    async with HostileServer({"*": http(b"", status="404 Not Found")}) as server:
        error = await failure(server.url)
    assert "there is no BILLmanager at this address" in error.what
    assert "/billmgr" in error.cure
