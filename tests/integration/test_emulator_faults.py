"""The faults that the emulator makes on purpose: each does what its name says, and nothing more."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from remotesupport.emulator.faults import KINDS
from tests.emulator_fixtures import RunningEmulator, password_of, running_emulator


@pytest.fixture
def acme() -> Iterator[RunningEmulator]:
    with running_emulator("acme") as emulator:
        yield emulator


@pytest.fixture
def ticket(acme: RunningEmulator) -> str:
    return str(acme.act(as_="acme", do="open", department="Sales", subject="s", text="first")["ticket"])


def call(acme: RunningEmulator, func: str, **params: str) -> httpx.Response:
    """One call of the customer's user."""
    form = {"func": func, "out": "json", "authinfo": f"acme:{password_of('acme')}", **params}
    return httpx.post(acme.url, data=form, timeout=5)


def reply(acme: RunningEmulator, ticket: str, text: str) -> httpx.Response:
    """A message of the customer's user."""
    return call(acme, "clientticket.edit", sok="ok", elid=ticket, message=text)


def said(acme: RunningEmulator, ticket: str) -> list[str]:
    """The texts of a ticket."""
    return [m["text"] for m in acme.state()["messages"] if m["ticket"] == ticket]


def until(true: Callable[[], bool]) -> None:
    """Look again until it is so, five seconds at most."""
    end = time.monotonic() + 5
    while not true():
        assert time.monotonic() < end, "it did not happen within 5 s"


def test_a_late_request_is_done_when_nobody_waits(acme: RunningEmulator, ticket: str) -> None:
    """late_s resets at once; the message is there only some time later."""
    acme.fault(func="clientticket.edit", count=1, late_s=0.3)
    with pytest.raises(httpx.HTTPError):
        reply(acme, ticket, "late")
    assert said(acme, ticket) == ["first"]
    until(lambda: said(acme, ticket) == ["first", "late"])
    until(lambda: acme.requests("clientticket.edit")[-1]["outcome"] == "late: ok")


def test_a_late_request_comes_when_the_billing_s_clock_says_so(acme: RunningEmulator, ticket: str) -> None:
    """Whoever moves the clock does not wait: late requests come in the order in which they are due, each once."""
    for text, seconds in (("later", 90), ("late", 60)):
        acme.fault(clear=True)
        acme.fault(func="clientticket.edit", late_s=seconds)
        with pytest.raises(httpx.HTTPError):
            reply(acme, ticket, text)
    acme.core.clock.advance(59)
    assert said(acme, ticket) == ["first"]
    acme.core.clock.advance(60)
    assert said(acme, ticket) == ["first", "late", "later"]
    acme.core.clock.advance(60)
    assert said(acme, ticket) == ["first", "late", "later"]


def test_a_held_answer_comes_after_the_effect(acme: RunningEmulator, ticket: str) -> None:
    """hold_s executes first, so a client that gives up has written all the same."""
    acme.fault(func="clientticket.edit", count=1, hold_s=30)
    form = {"func": "clientticket.edit", "out": "json", "authinfo": f"acme:{password_of('acme')}", "sok": "ok"}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(acme.url, data=form | {"elid": ticket, "message": "held"}, timeout=0.3)
    assert said(acme, ticket) == ["first", "held"]


def test_a_lost_write_is_answered_and_not_done(acme: RunningEmulator, ticket: str) -> None:
    """lost_write answers ok; nothing is there; reading is not touched."""
    acme.fault(func="clientticket.edit", lost_write=True)
    assert "ok" in reply(acme, ticket, "lost").json()["doc"]
    assert call(acme, "clientticket.edit", elid=ticket).json()["doc"]["id"]["$"] == ticket
    assert said(acme, ticket) == ["first"]


def test_sessions_die_in_mid_run(acme: RunningEmulator) -> None:
    """session_gone makes the very call fail for want of a session."""
    login = {"func": "auth", "out": "json", "username": "acme", "password": password_of("acme")}
    session = httpx.post(acme.url, data=login).json()["doc"]["auth"]["$id"]
    acme.fault(func="clientticket", count=1, session_gone=True)
    answer = httpx.post(acme.url, data={"func": "clientticket", "auth": session, "out": "json"}).json()
    assert answer["doc"]["error"]["$type"] == "access"


def test_the_clock_jumps(acme: RunningEmulator) -> None:
    """clock_jump_s moves the billing's clock by that much, once per struck call."""
    before = acme.core.clock.now()
    acme.fault(func="clientticket", count=2, clock_jump_s=-3600)
    call(acme, "clientticket")
    call(acme, "clientticket")
    assert acme.core.clock.now() - before == pytest.approx(-7200, abs=30)


def test_a_row_is_doubled(acme: RunningEmulator, ticket: str) -> None:
    """doubled_row shows the first row twice and leaves the total as it is."""
    acme.fault(func="clientticket", count=1, doubled_row=True)
    doc = call(acme, "clientticket").json()["doc"]
    assert [row["id"]["$"] for row in doc["elem"]] == [ticket, ticket]
    assert doc["p_elems"]["$"] == "1"


def test_connections_are_refused_for_a_while(acme: RunningEmulator) -> None:
    """refuse_s: nobody listens at that port until the time is over; the data are as they were."""
    before = acme.state()["tickets"]
    acme.fault(refuse_s=0.5)

    def refused() -> bool:
        try:
            call(acme, "clientticket")
        except httpx.ConnectError:
            return True
        except httpx.HTTPError:
            pass
        return False

    until(refused)
    until(lambda: not refused())
    assert acme.state()["tickets"] == before


def test_a_ban_after_wrong_passwords(acme: RunningEmulator) -> None:
    """ban_after and ban_s: the right password is refused too while the login is blocked."""
    acme.fault(ban_after=2, ban_s=300)
    wrong = {"func": "clientticket", "out": "json", "authinfo": "acme:wrong"}
    kinds = [httpx.post(acme.url, data=wrong).json()["doc"]["error"]["$object"] for _ in range(3)]
    assert kinds == ["badpassword", "badpassword", "blocklogon"]
    assert call(acme, "clientticket").json()["doc"]["error"]["$object"] == "blocklogon"
    acme.core.clock.advance(301)
    assert "error" not in call(acme, "clientticket").json()["doc"]


@pytest.mark.thorough("over a hundred requests, for a fault that only the thorough tests use")
def test_chance_is_the_same_for_the_same_seed(acme: RunningEmulator) -> None:
    """probability strikes the same calls for the same seed, and about as many as it says."""
    struck = []
    for _ in range(2):
        acme.fault(clear=True)
        acme.fault(func="clientticket", probability=0.3, seed=7, status=503)
        struck.append([call(acme, "clientticket").status_code for _ in range(60)])
    assert struck[0] == struck[1]
    assert 8 <= struck[0].count(503) <= 30
    assert acme.core.faults.struck["status"] == 2 * struck[0].count(503)


def test_an_unknown_fault_is_refused_with_the_known_ones(acme: RunningEmulator) -> None:
    """A mistyped fault is no fault: the answer names all there are."""
    answer = httpx.post(f"{acme.base}/_emulator/faults", json={"explode": True})
    assert answer.status_code == 400
    assert all(kind in answer.json()["error"] for kind in KINDS)
