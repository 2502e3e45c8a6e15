"""Habits of an emulated version 4."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from lxml import html

from tests.emulator_fixtures import password_of
from tests.emulator_habits import Server, open_ticket, server

pytestmark = pytest.mark.thorough("the emulator's side of each habit; what clients make of them is in `make test`")

SYNC = ("clienttickets.sync", "clienttickets.syncadmticket", "clienttickets.syncdepartments")
WRITE = {"sok": "yes", "type": "message", "remoteid": "a:1", "text": "hello"}


def ask(one: Server, login: str, func: str, **params: str) -> Any:
    """What comes in version 4's JSON; None for no bytes at all."""
    secret = f"{login}:{password_of(login)}"
    got = httpx.post(one.running.url, data={"func": func, "out": "json", "authinfo": secret} | params)
    return got.json() if got.content else None


@contextmanager
def scene(**habits: str) -> Iterator[tuple[Server, str]]:
    with server("4.0.68", **habits) as one:
        yield one, open_ticket(one)


def _codes(answer: Any) -> tuple[str, str, str]:
    error = answer.get("error", {"code": "", "obj": "", "msg": ""})
    return error["code"], error["obj"], error["msg"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("result_ok", {"result": "ok"}),
        ("empty", {}),
        ("empty_body", None),
        ("code_4", ("4", "type")),
        ("code_3", ("3", "remoteuser")),
    ],
)
def test_the_three_functions_answer_otherwise(answer: str, expected: Any) -> None:
    """A superuser gets an answer that is not ours from each of the three, and nothing is done; the others work."""
    with scene(v4_sync=answer) as (one, ticket):
        for function in SYNC:
            got = ask(one, "admin", function, elid=ticket, **WRITE)
            assert (_codes(got)[:2] if isinstance(expected, tuple) else got) == expected
        assert len(one.running.state()["messages"]) == 1
        assert ask(one, "admin", "tickets")["elem"][0]["id"] == ticket


def test_the_three_functions_are_ours() -> None:
    """By default they answer as we read them, and keep who may not call them out whatever the habit is."""
    with scene() as (one, ticket):
        assert ask(one, "admin", "clienttickets.sync", elid=ticket)["ticket"]["id"] == ticket
        one.running.habit(v4_sync="result_ok")
        assert _codes(ask(one, "olga", "clienttickets.sync"))[0] == "100"


@pytest.mark.parametrize("answer", ["slist", "absent"])
def test_the_empty_form_lists_departments(answer: str) -> None:
    """The list of categories is in the empty form or not; the numbers are taken all the same."""
    with scene(v4_category=answer) as (one, _):
        assert ("slist" in ask(one, "ivan", "clienttickets.edit")) == (answer == "slist")
        number, new = one.department("Sales"), {"sok": "yes", "subject": "Price", "text": "?"}
        assert ask(one, "ivan", "clienttickets.edit", category=number, **new) == {"result": "ok"}


@pytest.mark.parametrize(("answer", "error"), [("missing", ("3", "elid")), ("access_deny", ("100", ""))])
def test_a_ticket_that_was_moved_away(answer: str, error: tuple[str, str]) -> None:
    """A ticket in a department that the login may not see is missing, or denied, alone: the queue still answers."""
    with scene(v4_hidden_ticket=answer) as (one, ticket):
        other = open_ticket(one)
        one.act(as_="admin", do="transfer", ticket=ticket, department="Sales")
        one.act(do="rights", login="support-robot")
        for function, more in (("tickets.edit", {}), ("clienttickets.sync", {}), (SYNC[1], WRITE)):
            assert _codes(ask(one, "support-robot", function, elid=ticket, **more))[:2] == error
        assert [row["id"] for row in ask(one, "support-robot", "tickets")["elem"]] == [other]
        assert _codes(ask(one, "support-robot", "tickets.edit", elid="1"))[0] == "3"


@pytest.mark.parametrize(("answer", "words"), [("auth_failed", "Auth failed"), ("access_deny", "access deny")])
def test_a_dead_session_in_words(answer: str, words: str) -> None:
    """A dead session is told in the words of a failed login or of a missing right, with the same code."""
    with scene(v4_dead_session=answer) as (one, _):
        got = httpx.post(one.running.url, data={"func": "tickets", "out": "json", "auth": "gone"}).json()
        code, _obj, msg = _codes(got)
        assert (code, words in msg) == ("100", True)


@pytest.mark.parametrize(
    ("answer", "shown"), [("waiting", {"new", "kept"}), ("unanswered", {"new"}), ("open", {"new", "kept", "answered"})]
)
def test_the_staff_queue(answer: str, shown: set[str]) -> None:
    """The queue shows what waits, what nobody has answered, or all that is not closed."""
    with scene(v4_queue=answer) as (one, new):
        tickets = {"new": new, "kept": open_ticket(one), "answered": open_ticket(one), "closed": open_ticket(one)}
        one.act(as_="support-robot", do="reply", ticket=tickets["kept"], text="Wait.", keep=True)
        one.act(as_="support-robot", do="reply", ticket=tickets["answered"], text="Done.")
        one.act(as_="support-robot", do="close", ticket=tickets["closed"])
        for login in ("support-robot", "admin"):
            seen = {row["id"] for row in ask(one, login, "tickets")["elem"]}
            assert seen == {tickets[name] for name in shown}


@pytest.mark.parametrize(("answer", "other"), [("text", "message"), ("message", "text")])
def test_the_field_of_a_staff_reply(answer: str, other: str) -> None:
    """One field is taken, the other is not looked at; the form shows the unusual one."""
    with scene(v4_reply_field=answer) as (one, ticket):
        assert ("message" in ask(one, "olga", "tickets.edit", elid=ticket)) == (answer == "message")
        assert _codes(ask(one, "olga", "tickets.edit", elid=ticket, sok="yes", **{other: "Done."}))[0] == "4"
        assert ask(one, "olga", "tickets.edit", elid=ticket, sok="yes", **{answer: "Done."}) == {"result": "ok"}


@pytest.mark.parametrize(
    ("answer", "before", "after"),
    [("presence", (None, "on"), ("on", "on")), ("on_off", ("off", "on"), ("on", "on"))],
)
def test_flags_of_the_clients_list(answer: str, before: tuple[str | None, str], after: tuple[str, str]) -> None:
    """A flag that is false is not there, or is ``off``."""
    with scene(v4_flags=answer) as (one, ticket):
        seen = []
        for _ in range(2):
            (row,) = ask(one, "ivan", "clienttickets")["elem"]
            seen.append((row.get("unread"), row.get("open")))
            one.act(as_="olga", do="reply", ticket=ticket, text="Done.", keep=True)
        assert seen == [before, after]


@pytest.mark.parametrize(
    ("answer", "tags"),
    [
        ("img", [[], ["img"]]),
        ("none", [[], []]),
        ("div", [["div", "img"], ["div", "img"]]),
        ("span", [["span", "img"], ["span", "img"]]),
        ("nested", [["div", "span", "img", "div", "span", "img"]] * 2),
    ],
)
def test_decoration_of_messages(answer: str, tags: list[list[str]]) -> None:
    """Around the author and the text of a block stand elements without any text, nested as the habit says."""
    with scene(v4_decoration=answer) as (one, ticket):
        one.act(as_="olga", do="reply", ticket=ticket, text="Done.")
        blocks = html.fragments_fromstring(ask(one, "ivan", "clienttickets.edit", elid=ticket)["hist"])
        told = {"support-from", "support-body"}
        seen = [[each.tag for each in block.iterdescendants() if each.get("class") not in told] for block in blocks]
        assert seen == tags
        texts = [block.find_class("support-body")[0].text_content() for block in blocks]
        assert texts == ["It broke.", "Done."]
        outside = "".join(block.text_content() for block in blocks)
        assert outside.count("From: ") == 2


def test_shared_names_in_version_4() -> None:
    """Employees with one real name have it in the conversation and in the three functions."""
    with scene(realnames="shared") as (one, ticket):
        one.act(as_="olga", do="reply", ticket=ticket, text="Done.")
        assert "From: Support - " in ask(one, "ivan", "clienttickets.edit", elid=ticket)["hist"]
        authors = [each["author"] for each in ask(one, "admin", "clienttickets.sync", elid=ticket)["message"]]
        assert authors == ["Иван Петров", "Support"]


@pytest.mark.parametrize(
    ("answer", "code"), [("too_long", "4"), ("blocked", "8"), ("rate", "5"), ("rate_all", "5"), ("paid", "5")]
)
def test_refused_messages_in_version_4(answer: str, code: str) -> None:
    """What is refused has a number of the error list, and is not there afterwards."""
    with scene(message_refusal=answer) as (one, ticket):
        asked = {"category": one.department("Sales"), "subject": "S"} if answer == "paid" else {"elid": ticket}
        got = ask(one, "ivan", "clienttickets.edit", sok="yes", text="x" * 2001, **asked)
        assert _codes(got)[0] == code
        assert len(one.running.state()["messages"]) == 1
