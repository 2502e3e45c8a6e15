"""Whatever a server answers to a read becomes a classed error, never rows."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from connectors.billmanager import Limits, connect_external
from connectors.contract import ExternalBilling
from connectors.errors import (
    AccessDenied,
    ConnectorError,
    Fatal,
    Missing,
    NoConnection,
    ProtocolError,
    Retriable,
    TicketDenied,
    TooOld,
)
from remotesupport.core.model import FileRef
from tests.files import fetched
from tests.hostile_server import RESET, WHOAMI, Answer, HostileServer, doc, error, http

SHORT = Limits(read_seconds=0.3, write_seconds=0.3, max_bytes=100_000)


@asynccontextmanager
async def answering(answer: Answer, func: str = "whoami") -> AsyncIterator[tuple[HostileServer, ExternalBilling]]:
    """A server that answers so to ``func``, and a connection to it."""
    async with HostileServer({func: answer}) as server:
        billing = connect_external("acme", server.url, "robot", "PASSWORD-CANARY", limits=SHORT, version="6")
        yield server, billing
        await billing.aclose()


async def failure(answer: Answer, func: str = "whoami") -> ConnectorError:
    """What reading such an answer raises."""
    async with answering(answer, func) as (_, billing):
        with pytest.raises(ConnectorError) as caught:
            await billing.identify()
    return caught.value


BODY = doc(WHOAMI).partition(b"\r\n\r\n")[2]
CLOSE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
BAD_ANSWERS = {
    "html": (http(b"<!DOCTYPE html><html><body>Sign in</body></html>", media="text/html"), ProtocolError, "html"),
    "html called json": (http(b"  <html></html>"), ProtocolError, "html"),
    "empty": (http(b""), ProtocolError, "empty"),
    "blank": (http(b" \n "), ProtocolError, "empty"),
    "text": (http(b"OK"), ProtocolError, "shape"),
    "json of another kind": (http(b'{"status": "ok"}'), ProtocolError, "shape"),
    "a cut body without a length": ([CLOSE + BODY[:-20]], ProtocolError, "cut"),
    "a length that is not reached": ([http(BODY)[:-5]], ProtocolError, "cut"),
    "a chunk that is cut": (
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n" + BODY[:10]],
        ProtocolError,
        "cut",
    ),
    "not utf-8": (http(BODY.replace(b"robot", b"\xcf\xf0\xe8")), ProtocolError, "encoding"),
    "another charset": (http(BODY, media="application/json; charset=windows-1251"), ProtocolError, "shape"),
    "compressed": (http(gzip.compress(BODY), Content_Encoding="gzip"), ProtocolError, "compressed"),
    "doctype": (http(b'<!DOCTYPE doc [<!ENTITY a "b">]><doc>&a;</doc>', media="text/xml"), ProtocolError, "doctype"),
    "version 4 json": (http(b'{"error": {"code": "100", "obj": "", "msg": "access deny"}}'), TooOld, "v4"),
    "version 4 xml": (http(b'<doc><error code="6" obj="">no</error></doc>', media="text/xml"), TooOld, "v4"),
    "version 4 login": (http(b"<doc><authfail/></doc>", media="text/xml"), TooOld, "v4"),
    "401": (http(b"", status="401 No"), AccessDenied, "http-401"),
    "403": (http(b"", status="403 No"), AccessDenied, "http-403"),
    "460": (http(b"", status="460 No"), AccessDenied, "http-460"),
    "404": (http(b"", status="404 No"), Fatal, "http-404"),
    "405": (http(b"", status="405 No"), ProtocolError, "http-405"),
    "500": (http(b"", status="500 No"), Retriable, "http-500"),
    "204": (b"HTTP/1.1 204 Nothing\r\n\r\n", ProtocolError, "http-204"),
    "no HTTP": ([b"220 mail.invalid ESMTP\r\n\r\n"], ProtocolError, "http"),
    "reset": ([RESET], Retriable, "connection"),
    "an unknown complaint": (error("dbfailure"), Retriable, "dbfailure"),
    "a complaint about values": (error("value"), ProtocolError, "value"),
    "second factor": (doc({"ok": {"$": "func=totp.confirm"}}), AccessDenied, "auth"),
}


@pytest.mark.parametrize("name", BAD_ANSWERS)
async def test_each_bad_answer_has_its_class(name: str) -> None:
    """The class says what to do next, the kind what came, and the message neither quotes the answer nor a secret."""
    answer, wanted, kind = BAD_ANSWERS[name]
    caught = await failure(answer)
    assert (type(caught), caught.kind) == (wanted, kind)
    assert "acme (external)" in str(caught)
    assert "CANARY" not in str(caught)
    assert "Sign in" not in str(caught)


async def test_a_server_without_whoami_is_one_that_does_not_say_its_version() -> None:
    """Where that function is missing, the login is known and nothing else; everything else is read as ever."""
    async with answering(error("missed")) as (_, billing):
        identity = await billing.identify()
    assert (identity.version, identity.user, identity.level, bool(identity.name)) == ("", "", 0, True)


@pytest.mark.parametrize("name", sorted(BAD_ANSWERS.keys() - {"second factor"}))
async def test_a_bad_answer_to_the_login_is_classed_the_same(name: str) -> None:
    """The login is a read like any other, and is not tried again by itself."""
    answer, wanted, _ = BAD_ANSWERS[name]
    async with answering(answer, "auth") as (server, billing):
        with pytest.raises(wanted):
            await billing.identify()
        assert server.funcs() == ["auth"]


async def test_429_and_503_say_when_to_come_back() -> None:
    """Retry-After is handed on in seconds; one that is no number is not."""
    assert (await failure(http(b"", status="429 Slow", Retry_After="7"))).retry_after == 7.0
    assert (await failure(http(b"", status="503 Later", Retry_After="90"))).retry_after == 90.0
    assert (await failure(http(b"", status="503 Later", Retry_After="tomorrow"))).retry_after is None


async def test_a_drip_is_cut_by_the_total_deadline() -> None:
    """A server that sends a byte now and then is left when the whole call has taken its time."""

    async def moment() -> None:
        await asyncio.sleep(0.02)

    drip = [http(BODY)[:200], *(piece for byte in BODY * 50 for piece in (bytes([byte]), moment))]
    started = asyncio.get_running_loop().time()
    caught = await failure([drip[0].replace(b"Content-Length: ", b"Content-Length: 9"), *drip[1:]])
    assert (type(caught), caught.kind) == (Retriable, "deadline")
    assert asyncio.get_running_loop().time() - started < 2.0


async def test_an_endless_body_is_cut_at_the_cap() -> None:
    """More bytes than the cap are never kept."""
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    endless = [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *[chunk] * 200]
    assert (await failure(endless)).kind == "size"


async def test_a_gzip_bomb_is_never_inflated() -> None:
    """300 MB in a small gzip body cost no memory: the encoding was not asked for, so it is refused."""
    bomb = http(gzip.compress(b" " * 30_000_000), Content_Encoding="gzip")
    async with answering(bomb) as (server, billing):
        tracemalloc.start()
        with pytest.raises(ProtocolError):
            await billing.identify()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert "accept-encoding: identity" in server.requests[0].headers
    assert peak < 5_000_000


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(status: int) -> None:
    """The place a redirect points to is never asked, and is not in the message."""
    async with HostileServer() as elsewhere:
        caught = await failure(http(b"", status=f"{status} There", Location=f"{elsewhere.url}?auth=LOCATION-CANARY"))
        assert (type(caught), caught.kind) == (ProtocolError, "redirect")
        assert elsewhere.connections == 0
    assert "CANARY" not in str(caught)


async def test_a_refused_connection_is_retriable() -> None:
    """Nobody listens: try again later; the two logins of the minute are not used up by it."""
    async with HostileServer() as server:
        url = server.url
    billing = connect_external("acme", url, "robot", "PASSWORD-CANARY", limits=SHORT, version="6")
    for _ in range(4):
        with pytest.raises(Retriable) as caught:
            await billing.identify()
        assert caught.value.kind is NoConnection.REFUSED
    await billing.aclose()


async def test_a_file_that_is_a_document_is_still_a_file() -> None:
    """A JSON attachment comes as its bytes; an error document instead of a file raises what it means."""

    for body, media in ((b'{"a": 1}', "application/json"), (b"<doc><x/></doc>", "text/xml"), (b"", "text/plain")):
        async with answering(http(body, media=media), "ticket.file") as (_, billing):
            assert await fetched(billing, FileRef("1", "a.json"), limit=100) == body
    async with answering(error("missed", "file"), "ticket.file") as (_, billing):
        with pytest.raises(Missing):
            await fetched(billing, FileRef("1", "a.json"), limit=1000)


@pytest.mark.parametrize("kind", ["access", "auth", "missed", "value", "dbfailure"])
async def test_a_file_is_a_file_whatever_its_words_are(kind: str) -> None:
    """R3: a client's file whose content looks like the panel's own error is fetched like any other, and nobody's login
    is in question."""
    said = b'{"doc": {"error": {"$type": "%s", "$object": "user", "msg": {"$": "no"}}}}' % kind.encode()
    answer = http(said, media="application/json", Content_Disposition='attachment; filename="answer.json"')
    async with answering(answer, "ticket.file") as (server, billing):
        assert await fetched(billing, FileRef("1", "answer.json"), limit=1000) == said
        assert server.funcs().count("auth") == 1


async def test_words_that_deny_one_file_concern_that_file_only() -> None:
    """R3: where the server does not say that it is a file, a denial in a session that lives is of this file alone."""
    async with answering(error("access", "user"), "ticket.file") as (_, billing):
        with pytest.raises(TicketDenied):
            await fetched(billing, FileRef("1", "answer.json"), limit=1000)
        await billing.identify()
