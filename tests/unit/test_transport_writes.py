"""One write is one POST; what is not known to be undone is unknown."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from connectors.billmanager import Limits, connect_main
from connectors.contract import MainBilling
from connectors.errors import (
    AccessDenied,
    ConnectorError,
    FilesRefused,
    Missing,
    Refused,
    Retriable,
    TextRefused,
    TicketDenied,
    UnknownOutcome,
)
from remotesupport.core.model import Upload
from tests.files import upload
from tests.hostile_server import RESET, WHOAMI, Answer, HostileServer, Request, doc, error, http

SHORT = Limits(read_seconds=0.3, write_seconds=0.3)
WRITE = "clientticket.edit"
CLOSE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"


@asynccontextmanager
async def answering(answers: dict[str, Any]) -> AsyncIterator[tuple[HostileServer, MainBilling]]:
    """A server with these answers, and the customer's connection to it."""
    async with HostileServer(answers) as server:
        billing = connect_main("acme", server.url, "robot", "PASSWORD-CANARY", limits=SHORT, version="6")
        yield server, billing
        await billing.aclose()


async def never() -> None:
    """Wait until the server is stopped."""
    import asyncio

    await asyncio.Event().wait()


OUTCOMES: dict[str, tuple[Answer, type[ConnectorError]]] = {
    "reset": ([RESET], UnknownOutcome),
    "no answer": ([never], UnknownOutcome),
    "half an answer": ([CLOSE + b'{"doc": {"ok"'], UnknownOutcome),
    "empty": (http(b""), UnknownOutcome),
    "html": (http(b"<html>Sign in</html>", media="text/html"), UnknownOutcome),
    "redirect": (http(b"", status="302 There", Location="/"), UnknownOutcome),
    "404": (http(b"", status="404 No"), UnknownOutcome),
    "500": (http(b"", status="500 No"), UnknownOutcome),
    "502": (http(b"", status="502 No"), UnknownOutcome),
    "no ok": (doc({"elid": {"$": "7"}}), UnknownOutcome),
    "inner failure": (error("xml", "xpath"), UnknownOutcome),
    "429": (http(b"", status="429 Slow"), Retriable),
    "413": (http(b"", status="413 Big"), FilesRefused),
    "403": (http(b"", status="403 No"), AccessDenied),
    "value": (error("value", "elid"), Refused),
    "a text": (error("value", "message"), TextRefused),
    "a file": (error("value", "file_1"), FilesRefused),
    "locked": (error("blocked", "ticket"), Refused),
    "missed": (error("missed", "ticket"), Missing),
}


@pytest.mark.parametrize("name", OUTCOMES)
async def test_each_outcome_of_a_write_has_its_class_after_one_post(name: str) -> None:
    """The POST is sent once, whatever comes back, and the error names the ticket but not the text."""
    answer, wanted = OUTCOMES[name]
    async with answering({WRITE: answer}) as (server, billing):
        with pytest.raises(ConnectorError) as caught:
            await billing.reply("7", "BODY-CANARY")
        assert type(caught.value) is wanted
        assert server.funcs() == ["auth", WRITE]
    assert caught.value.function == WRITE
    assert "CANARY" not in f"{caught.value}{caught.value!r}"


async def test_a_complaint_that_quotes_the_text_is_not_repeated() -> None:
    """A server's message that holds what was sent is dropped from the error."""
    async with answering({WRITE: error("value", "message", "bad value: BODY-CANARY of SESSION-CANARY")}) as (
        _,
        billing,
    ):
        with pytest.raises(Refused) as caught:
            await billing.reply("7", "BODY-CANARY")
    assert "CANARY" not in str(caught.value)


async def test_nothing_is_unknown_when_nobody_listens() -> None:
    """Without a connection nothing was written: Retriable."""
    async with HostileServer() as server:
        billing = connect_main("acme", server.url, "robot", "PASSWORD-CANARY", limits=SHORT, version="6")
    with pytest.raises(Retriable):
        await billing.reply("7", "text")
    await billing.aclose()


async def test_nothing_is_unknown_when_the_login_took_all_the_time() -> None:
    """The deadline passed before the write was sent: Retriable."""
    async with answering({"auth": [never]}) as (server, billing):
        with pytest.raises(Retriable) as caught:
            await billing.reply("7", "text")
        assert (caught.value.kind, server.funcs()) == ("deadline", ["auth"])


async def test_a_refused_session_is_renewed_and_the_write_repeated_once() -> None:
    """An error document of access, and whoami agrees that the session is dead: nothing was done, so once more."""
    sessions = iter(["first", "second"])

    def login(_: Request) -> Answer:
        return doc({"auth": {"$id": next(sessions)}})

    def guarded(good: Answer) -> Any:
        return lambda request: good if request.form["auth"] == "second" else error("access", request.func)

    answers = {"auth": login, "whoami": guarded(doc(WHOAMI)), WRITE: guarded(doc({"ok": {}}))}
    async with answering(answers) as (server, billing):
        await billing.reply("7", "text")
        assert server.funcs() == ["auth", WRITE, "whoami", "auth", WRITE]


async def test_a_missing_right_costs_no_login() -> None:
    """The same error document while whoami knows us is a missing right on that ticket, or on the function where no
    ticket is named: one POST, no new login."""
    async with answering({WRITE: error("access", WRITE)}) as (server, billing):
        for _ in range(2):
            with pytest.raises(TicketDenied):
                await billing.reply("7", "text")
        with pytest.raises(AccessDenied):
            await billing.create("1", "subject", "text")
        assert server.funcs().count("auth") == 1
        assert server.funcs().count(WRITE) == 3


async def test_a_created_ticket_without_an_id_is_unknown() -> None:
    """The server says ok but not which ticket: a read-back has to find it."""
    async with answering({WRITE: doc({"ok": {}})}) as (_, billing):
        with pytest.raises(UnknownOutcome):
            await billing.create("1", "subject", "text")


async def test_an_unanswered_take_is_not_an_unknown_reply() -> None:
    """When taking the ticket got no answer, the reply was not sent: Retriable."""
    from connectors.billmanager import connect_external

    answers = {"ticket": doc({"p_elems": {"$": "0"}}), "ticket_all.edit": http(b"", status="500 No")}
    async with HostileServer(answers) as server:
        billing = connect_external("acme", server.url, "robot", "PASSWORD-CANARY", limits=SHORT, version="6")
        with pytest.raises(Retriable):
            await billing.reply("7", "text")
        assert server.funcs() == ["auth", "ticket", "ticket_all.edit"]
        await billing.aclose()


async def test_uploads_travel_as_file_1_and_on() -> None:
    """Files are parts of the same single POST, and the text is a field beside them."""
    seen: list[str] = []
    async with answering({"": lambda request: (seen.append(request.headers), doc({"ok": {}}))[1]}) as (server, billing):
        await billing.reply("7", "text", [upload('a".txt', b"content"), upload("b", b"")])
        assert len(server.requests) == 2
    assert "multipart/form-data" in seen[0]


@pytest.mark.parametrize("files", [[], [upload("a", b"")]], ids=["form", "multipart"])
async def test_half_a_character_is_refused_before_anything_is_sent(files: list[Upload]) -> None:
    """A text that has no UTF-8 is Refused, without a request."""
    async with answering({}) as (server, billing):
        with pytest.raises(Refused):
            await billing.reply("7", "half \ud83d", files)
        assert server.funcs() == ["auth"]
