"""The emulated version 4: what each kind of login may do, what a conversation looks like, what the settings mean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from lxml import etree

from remotesupport.emulator.v4.rights import SYNC_FUNCTIONS
from tests.emulator_fixtures import RunningEmulator, password_of, running_emulator

DEPARTMENT = "Technical support"


class Login:
    """One login's calls over HTTP."""

    def __init__(self, emulator: RunningEmulator, login: str, path: str = "/billmgr") -> None:
        self.url, self.secret = emulator.base + path, f"{login}:{password_of(login)}"

    def __call__(self, func: str, **params: str) -> dict[str, Any]:
        form = {"func": func, "authinfo": self.secret, "out": "json", **params}
        answer: dict[str, Any] = httpx.post(self.url, data=form).raise_for_status().json()
        return answer


@pytest.fixture
def old() -> Iterator[RunningEmulator]:
    with running_emulator("acme", "4.0.68") as emulator:
        yield emulator


def _open(emulator: RunningEmulator, text: str = "Site is down", department: str = DEPARTMENT) -> str:
    done = emulator.act(as_="ivan", do="open", department=department, subject="Help", text=text)
    return str(done["ticket"])


def test_a_session_and_its_refusal(old: RunningEmulator) -> None:
    """A login gives a session in both formats, a wrong password gives authfail, a dead session code 100."""
    form = {"func": "auth", "username": "ivan", "password": password_of("ivan"), "out": "json"}
    session = httpx.post(old.url, data=form).json()["auth"]
    shown = httpx.get(f"{old.base}/manager/billmgr", params={"func": "clienttickets", "auth": session, "out": "json"})
    assert shown.json() == {"elem": []}
    xml = httpx.post(old.url, data=form | {"out": "xml"}).content
    assert etree.fromstring(xml).find("auth").get("id")
    assert "authfail" in httpx.post(old.url, data=form | {"password": "wrong"}).json()
    dead = httpx.post(old.url, data={"func": "clienttickets", "auth": "gone", "out": "json"}).json()
    assert dead["error"] == {"code": "100", "obj": "", "msg": "Auth failed from 127.0.0.1"}


def test_a_right_that_is_missing_is_code_100_too(old: RunningEmulator) -> None:
    """A client who asks for the staff's queue is denied with the same code and another text."""
    assert Login(old, "ivan")("tickets")["error"] == {"code": "100", "obj": "", "msg": "access deny"}


def test_a_conversation_is_one_piece_of_html(old: RunningEmulator) -> None:
    """The client's words are escaped inside their block, the staff's have their own, and no ids are shown."""
    ticket = _open(old, "a <b> & 'c'\nline two")
    assert Login(old, "olga")("tickets.edit", elid=ticket, sok="yes", text="Restarted")["result"] == "ok"
    hist = Login(old, "ivan")("clienttickets.edit", elid=ticket)["hist"]
    assert "<div class='support-body'>a &lt;b&gt; &amp; 'c'<br/>line two</div>" in hist
    assert "<div class='support-msg-admin'>" in hist
    assert "From: Ольга Смирнова - " in hist


def test_the_queue_holds_what_waits_for_staff(old: RunningEmulator) -> None:
    """An answered ticket leaves the queue; the client sees it as unread, and as open until it is closed."""
    ticket, olga, ivan = _open(old), Login(old, "olga"), Login(old, "ivan")
    assert [row["id"] for row in olga("tickets")["elem"]] == [ticket]
    olga("tickets.edit", elid=ticket, sok="yes", text="Done")
    assert olga("tickets")["elem"] == []
    assert ivan("clienttickets")["elem"][0]["unread"] == "on"
    ivan("clienttickets.edit", elid=ticket)
    row = ivan("clienttickets")["elem"][0]
    assert "unread" not in row
    assert row["open"] == "on"


def test_the_archive_and_back(old: RunningEmulator) -> None:
    """A ticket that nobody holds goes into the archive and comes out of it; one in work is refused."""
    ticket, ivan = _open(old), Login(old, "ivan")
    assert ivan("clienttickets.archive", elid=ticket)["error"]["code"] == "4"
    Login(old, "olga")("tickets.edit", elid=ticket, sok="yes", text="Done")
    assert ivan("clienttickets.archive", elid=ticket)["result"] == "ok"
    assert [row["id"] for row in ivan("archivedclienttickets")["elem"]] == [ticket]
    assert ivan("archivedclienttickets.open", elid=ticket)["result"] == "ok"
    assert ivan("archivedclienttickets")["elem"] == []


def test_a_locked_ticket_is_refused(old: RunningEmulator) -> None:
    """While one administrator writes, another's answer is refused with code 8."""
    ticket = _open(old)
    old.act(as_="admin", do="lock", ticket=ticket)
    assert Login(old, "olga")("tickets.edit", elid=ticket, sok="yes", text="Mine")["error"]["code"] == "8"


@pytest.mark.parametrize(
    ("version", "login", "granted", "verdict"),
    [
        ("4.0.62", "admin", SYNC_FUNCTIONS, "3"),
        ("4.0.63", "admin", (), "ok"),
        ("4.0.63", "support-robot", SYNC_FUNCTIONS, "100"),
        ("4.0.68", "support-robot", (), "100"),
        ("4.0.68", "support-robot", SYNC_FUNCTIONS, "ok"),
        ("4.0.68", "admin", (), "ok"),
    ],
)
def test_who_may_call_the_three_functions(version: str, login: str, granted: tuple[str, ...], verdict: str) -> None:
    """Superusers from 4.0.63, administrators with the right from 4.0.68, nobody before."""
    with running_emulator("acme", version) as emulator:
        emulator.act(do="rights", login="support-robot", functions=list(granted))
        for function in ("clienttickets.sync", "clienttickets.syncdepartments"):
            answer = Login(emulator, login)(function)
            assert answer.get("error", {"code": "ok"})["code"] == verdict


def test_a_department_gives_its_rights_to_its_members(old: RunningEmulator) -> None:
    """A right of the department is a right of those who work in it."""
    old.act(do="rights", department=DEPARTMENT, functions=["clienttickets.sync"])
    assert "elem" in Login(old, "olga")("clienttickets.sync")
    assert Login(old, "petr")("clienttickets.sync")["error"]["msg"] == "access deny"


def test_the_cursor_loses_nothing_that_moves(old: RunningEmulator) -> None:
    """Pages follow the cursor down; a ticket that changes meanwhile is at the top of the next reading."""
    old.act(do="rights", login="support-robot")
    made, robot = [_open(old, f"n {n}") for n in range(5)], Login(old, "support-robot")
    first = robot("clienttickets.sync", p_cnt="2")
    old.act(as_="ivan", do="reply", ticket=made[1], text="more")
    second = robot("clienttickets.sync", p_cnt="2", before=first["cursor"])
    seen = [row["id"] for page in (first, second) for row in page["elem"]]
    assert seen == [made[4], made[3], made[2], made[0]]
    assert "cursor" not in second
    assert robot("clienttickets.sync", p_cnt="1")["elem"][0]["id"] == made[1]


def test_a_note_is_in_no_answer_of_the_three(old: RunningEmulator) -> None:
    """Internal notes are never given out by the sync functions."""
    old.act(do="rights", login="support-robot")
    ticket = _open(old)
    old.act(as_="olga", do="note", ticket=ticket, text="internal-canary")
    answer = Login(old, "support-robot")("clienttickets.sync", elid=ticket)
    assert [m["text"] for m in answer["message"]] == ["Site is down"]


def test_the_same_remoteid_is_one_message(old: RunningEmulator) -> None:
    """A repeated write does nothing and names the message of the first."""
    old.act(do="rights", login="support-robot")
    ticket, robot = _open(old), Login(old, "support-robot")
    order = {"sok": "yes", "type": "message", "elid": ticket, "remoteid": "main/77", "text": "Hello"}
    first, again = robot("clienttickets.syncadmticket", **order), robot("clienttickets.syncadmticket", **order)
    assert again == first | {"exists": "on"}
    assert [m["text"] for m in robot("clienttickets.sync", elid=ticket)["message"]] == ["Site is down", "Hello"]


def test_both_ends_show_how_they_are_set_up() -> None:
    """The settings of the document are shown to the login that they concern, and never a password."""
    with running_emulator("main", "4.0.63") as main:
        main.act(
            do="external_support", login="acme", url="https://a.invalid/billmgr", other_login="robot",
            other_password="canary-secret",
        )  # fmt: skip
        main.act(do="remote_department", login="acme", remote="Technical support", department="Outsourced support")
        main.act(do="department_flag", department="Sales")
        shown = Login(main, "acme")("clienttickets.syncdepartments")
        assert shown["remote"] == {"set": "on", "url": "https://a.invalid/billmgr", "login": "robot"}
        assert [(m["remote"], m["name"], m["active"]) for m in shown["match"]] == [
            ("Technical support", "Outsourced support", "on")
        ]
        assert {d["name"] for d in shown["elem"] if d["remote"] == "on"} == {"Sales"}
        assert "canary-secret" not in str(shown)
        assert Login(main, "ivan")("clienttickets.sync")["error"]["msg"] == "access deny"
