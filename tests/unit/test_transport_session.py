"""Sessions and secrets: few logins, and nothing secret anywhere but in POST bodies."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from connectors.billmanager import connect_external
from connectors.billmanager.request import Call, Limits
from connectors.billmanager.session import Credentials, Session
from connectors.billmanager.transport import Transport
from connectors.errors import AccessDenied, ConnectorError, ProtocolError, Retriable
from tests.hostile_server import RESET, WHOAMI, Answer, HostileServer, Request, doc, error, http

PASSWORD = "PASSWORD-CANARY/&? ü"
LIST = Call("ticket_all")
ROWS = doc({"p_elems": {"$": "0"}})


class Clock:
    """A hand-moved monotonic clock."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Sessions:
    """A server's memory of sessions: ``kill`` makes all of them dead."""

    def __init__(self, refusal: Answer) -> None:
        self.refusal, self.alive, self.count = refusal, set[str](), 0

    def login(self, _: Request) -> Answer:
        self.count += 1
        self.alive.add(f"SESSION-CANARY-{self.count}")
        return doc({"auth": {"$id": f"SESSION-CANARY-{self.count}"}})

    def guard(self, good: Answer) -> Any:
        return lambda request: good if request.form.get("auth") in self.alive else self.refusal

    def answers(self) -> dict[str, Any]:
        return {"auth": self.login, "whoami": self.guard(doc(WHOAMI)), LIST.func: self.guard(ROWS)}


def session(server: HostileServer, clock: Clock | None = None) -> Session:
    """A session with that server."""
    transport = Transport(server.url, where="acme (external)", limits=Limits(read_seconds=2.0))
    return Session(transport, Credentials("robot", PASSWORD), monotonic=clock or Clock())


async def test_ten_calls_at_once_log_in_once() -> None:
    """Calls that all need a session wait for one login."""
    sessions = Sessions(error("access"))
    async with HostileServer(sessions.answers()) as server:
        mine = session(server)
        await asyncio.gather(*(mine.document(LIST) for _ in range(10)))
        assert server.funcs().count("auth") == 1
        assert server.connections <= 10
        await mine.aclose()


@pytest.mark.parametrize(
    "refusal",
    [
        error("access", "ticket_all"),
        error("auth", "session"),
        http(b"<html>Sign in</html>", media="text/html"),
        http(b"", status="301 There", Location="/"),
    ],
    ids=["access", "auth", "html", "redirect"],
)
async def test_a_dead_session_is_renewed_once_for_all(refusal: Answer) -> None:
    """Ten reads that meet the dead session cause one new login, and all of them get their answer."""
    sessions = Sessions(refusal)
    async with HostileServer(sessions.answers()) as server:
        mine = session(server)
        await mine.document(LIST)
        sessions.alive.clear()
        await asyncio.gather(*(mine.document(LIST) for _ in range(10)))
        assert server.funcs().count("auth") == 2
        await mine.aclose()


async def test_never_more_than_two_logins_a_minute() -> None:
    """A session that keeps dying makes calls Retriable until the minute is over, then there is a login again."""
    clock, sessions = Clock(), Sessions(error("auth", "session"))
    async with HostileServer(sessions.answers()) as server:
        mine = session(server, clock)
        for _ in range(2):
            await mine.document(LIST)
            sessions.alive.clear()
        with pytest.raises(Retriable) as caught:
            await mine.document(LIST)
        assert (caught.value.kind, caught.value.retry_after) == ("logins", 60.0)
        clock.now += 60
        await mine.document(LIST)
        assert sessions.count == 3
        await mine.aclose()


async def test_a_session_that_dies_as_it_is_given_is_no_refused_login() -> None:
    """A server that is restarted twice in a moment knows neither session: that is tried again, and no person called."""
    clock, sessions = Clock(), Sessions(error("access", "ticket_all"))
    answers = sessions.answers() | {"auth": doc({"auth": {"$id": "forgotten"}})}
    async with HostileServer(answers) as server:
        mine = session(server, clock)
        with pytest.raises(Retriable) as caught:
            await mine.document(LIST)
        assert caught.value.kind == "session"
        assert server.funcs().count("auth") == 2
        clock.now += 60
        sessions.alive.add("forgotten")
        await mine.document(LIST)
        await mine.aclose()


async def test_a_login_that_may_do_nothing_stays_refused_where_no_call_tells_a_dead_session() -> None:
    """Without ``whoami`` a login that is denied everything cannot be told from a dead session: a person is called."""
    sessions = Sessions(error("access", "ticket_all"))
    answers = sessions.answers() | {"auth": doc({"auth": {"$id": "forgotten"}}), "whoami": error("missed", "func")}
    async with HostileServer(answers) as server:
        mine = session(server)
        with pytest.raises(AccessDenied):
            await mine.document(LIST)
        await mine.aclose()


@pytest.mark.parametrize("subject", ["badpassword", "badip", "blocklogon", "blockgeoip"])
async def test_a_refused_login_is_tried_once_a_minute(subject: str) -> None:
    """Ten calls with a wrong password make one attempt and all raise AccessDenied with the cure; later one more."""
    clock = Clock()
    async with HostileServer({"auth": error("auth", subject, "Invalid username or password ")}) as server:
        mine = session(server, clock)
        results = await asyncio.gather(*(mine.document(LIST) for _ in range(10)), return_exceptions=True)
        assert {type(result) for result in results} == {AccessDenied}
        assert all(result.cure for result in results if isinstance(result, AccessDenied))
        assert server.funcs() == ["auth"]
        clock.now += 60
        with pytest.raises(AccessDenied):
            await mine.document(LIST)
        assert server.funcs() == ["auth", "auth"]
        await mine.aclose()


async def test_a_login_without_a_session_is_no_login() -> None:
    """An answer to auth that names no session is a protocol error."""
    async with HostileServer({"auth": doc({"auth": {}})}) as server:
        mine = session(server)
        with pytest.raises(ProtocolError):
            await mine.document(LIST)
        await mine.aclose()


async def test_no_cookie_is_kept_or_sent() -> None:
    """Cookies of the server go nowhere: neither back to it nor to another billing on the same host."""
    cookie = {"Set_Cookie": "billmgrses5=COOKIE-CANARY; Path=/"}
    answers = {"auth": doc({"auth": {"$id": "one"}}, **cookie), LIST.func: doc({"p_elems": {"$": "0"}}, **cookie)}
    async with HostileServer(answers) as first, HostileServer(answers) as second:
        for server in (first, second, first):
            mine = session(server)
            await mine.document(LIST)
            await mine.document(LIST)
            await mine.aclose()
        assert not any("cookie" in request.headers for request in first.requests + second.requests)


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Everything that is logged, at DEBUG."""
    with caplog.at_level(logging.DEBUG):
        yield caplog


async def test_secrets_are_in_post_bodies_only(log: pytest.LogCaptureFixture) -> None:
    """Through logins, renewals and failures: no password or session in a URL, header, log, repr or error."""
    sessions = Sessions(error("access"))
    failures = [
        [RESET],
        error("value", "x", f"{PASSWORD} SESSION-CANARY-1"),
        http(b"", status="500 No"),
        http(b"<html>"),
    ]
    answers = sessions.answers() | {f"bad{n}": answer for n, answer in enumerate(failures)}
    said: list[str] = []
    async with HostileServer(answers) as server:
        mine = session(server)
        for n in range(len(failures)):
            try:
                await mine.document(Call(f"bad{n}"))
            except ConnectorError as error_:
                said += [repr(error_), str(error_), str(error_.__reduce__())]
        said += [repr(mine), repr(mine.transport), str(vars(mine)["_credentials"]), repr(mine.transport.stats)]
        for request in server.requests:
            said += [request.line, request.headers]
        await mine.aclose()
        assert any(request.form.get("password") == PASSWORD for request in server.requests)
    everything = "\n".join([*said, log.text])
    for secret in (PASSWORD, "SESSION-CANARY-1", "CANARY"):
        for spelling in (secret, quote(secret), base64.b64encode(secret.encode()).decode()):
            assert spelling not in everything


async def test_a_wrong_password_is_not_in_the_error(log: pytest.LogCaptureFixture) -> None:
    """Not even when the server repeats it."""
    async with HostileServer({"auth": error("auth", "badpassword", f"{PASSWORD} is wrong")}) as server:
        billing = connect_external("acme", server.url, "robot", PASSWORD, version="6")
        with pytest.raises(AccessDenied) as caught:
            await billing.identify()
        await billing.aclose()
    assert "CANARY" not in f"{caught.value}{caught.value!r}{billing!r}{log.text}"


async def test_calls_are_counted_by_function() -> None:
    """The statistics name every function with its requests, logins included, and the bytes that came."""
    async with HostileServer() as server:
        billing = connect_external("acme", server.url, "robot", PASSWORD, version="6")
        await billing.identify()
        await billing.identify()
        await billing.aclose()
    assert (billing.stats.requests, billing.stats.by_function) == (3, {"auth": 1, "whoami": 2})
    assert billing.stats.bytes_in > 100
    assert billing.stats.seconds > 0


async def test_a_version_4_login_that_may_do_nothing_is_refused_and_not_put_off() -> None:
    """Where everything is denied the second login of the minute is the last, and the denial stays what is said."""
    denied = http(b'{"error":{"code":"100","obj":"","msg":"access deny"}}')
    async with HostileServer({"auth": http(b'{"auth":"s1"}'), "*": denied}) as server:
        billing = connect_external("acme", server.url, "robot", PASSWORD, version="4", departments=["A"])
        await billing.identify()  # the login is let in
        for _ in range(3):
            with pytest.raises(AccessDenied):
                await anext(billing.pages("tickets"))
        assert server.funcs().count("auth") == 2
        await billing.aclose()
