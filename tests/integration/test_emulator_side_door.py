"""The side door of the emulated billing: state, acts, clock; and the seeds."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import datetime

import httpx
import pytest

from remotesupport.emulator.billing import Billing
from remotesupport.emulator.refusal import Refusal
from remotesupport.emulator.side_door import act, state
from tests.emulator_fixtures import Api, RunningEmulator, error_of, password_of, running_emulator

PARTS = {"users", "departments", "tickets", "messages", "notes", "files", "requests"}


@pytest.fixture
def acme() -> Iterator[RunningEmulator]:
    with running_emulator("acme") as running:
        yield running


@pytest.fixture
def billing() -> Iterator[Billing]:
    one = Billing("acme", seed=0)
    yield one
    one.close()


def test_state_and_acts_over_http(acme: RunningEmulator) -> None:
    """An act's ids are those of the state, whose users have login, password and level."""
    with httpx.Client(base_url=f"{acme.base}/_emulator") as door:
        file = {"name": "я.txt", "content_base64": base64.b64encode(b"abc").decode()}
        order = {"as": "ivan", "do": "open", "department": "Technical support", "subject": "S", "text": "t"}
        made = door.post("/act", json=order | {"files": [file]}).json()
        shown = door.get("/state").json()
    assert set(shown) >= PARTS
    assert (shown["tickets"][0]["id"], shown["messages"][0]["id"]) == (made["ticket"], made["message"])
    assert shown["files"][0]["name"] == "я.txt"
    assert {"login": "support-robot", "password": "demo-robot-password", "level": 29}.items() <= next(
        user.items() for user in shown["users"] if user["login"] == "support-robot"
    )


def test_the_side_door_takes_json_only(acme: RunningEmulator) -> None:
    """A form of another origin is refused; an unknown act and a refused one say why."""
    with httpx.Client(base_url=f"{acme.base}/_emulator") as door:
        assert door.post("/act", data={"do": "open"}).status_code == 415
        assert door.post("/act", json={"as": "ivan", "do": "dance"}).status_code == 400
        assert door.post("/act", json={"as": "ivan", "do": "reply", "ticket": 1, "text": "x"}).status_code == 409
        assert door.post("/faults", json={"explode": True}).status_code == 400


def test_the_clock_can_be_moved_and_stopped(acme: RunningEmulator) -> None:
    """Messages carry the time that a test has set."""
    with httpx.Client(base_url=f"{acme.base}/_emulator") as door:
        door.post("/clock", json={"set": "2026-11-20T07:15:00+00:00", "freeze": True})
        acme.act(as_="ivan", do="open", department="Sales", subject="S", text="t")
        assert door.post("/clock", json={"advance_s": 60}).json()["now"] == "2026-11-20T07:16:00+00:00"
    assert Api(acme.core, "ivan").rows("clientticket")[0]["last_message"] == "2026-11-20 10:15:00"


def test_every_act_is_done(billing: Billing) -> None:
    """A whole life by acts ends where the rules of tickets say."""
    ticket = act(billing, {"as": "ivan", "do": "open", "department": "Sales", "subject": "S", "text": "t"})["ticket"]
    steps = [
        {"as": "petr", "do": "note", "text": "n"},
        {"as": "petr", "do": "transfer", "department": "Technical support"},
        {"as": "olga", "do": "take"},
        {"as": "olga", "do": "reply", "text": "kept", "keep": True},
        {"as": "olga", "do": "close"},
        {"as": "ivan", "do": "archive"},
        {"as": "ivan", "do": "reopen"},
        {"as": "olga", "do": "reply", "text": "done"},
        {"as": "ivan", "do": "read"},
    ]
    for step in steps:
        act(billing, step | {"ticket": ticket})
    shown = state(billing)
    (row,) = shown["tickets"]
    assert (row["status"], row["department"], row["unread"], row["assignments"]) == (2, "Technical support", False, [])
    assert [message["text"] for message in shown["messages"] if message["kind"] == "staff"] == ["kept", "done"]
    assert [note["text"] for note in shown["notes"]] == ["n"]
    act(billing, {"as": "admin", "do": "delete", "ticket": ticket})
    assert state(billing)["messages"] == []


def test_an_edit_changes_the_text_and_no_date(billing: Billing) -> None:
    """An edited message keeps its id and moves neither the ticket's dates nor its place."""
    made = act(billing, {"as": "ivan", "do": "open", "department": "Sales", "subject": "S", "text": "t"})
    before = Api(billing, "petr").rows("ticket_all")
    billing.clock.advance(100)
    act(billing, {"as": "ivan", "do": "edit", "message": made["message"], "text": "changed"})
    assert Api(billing, "petr").thread("ticket_all.edit", elid=made["ticket"]) == [("incoming", "changed")]
    assert Api(billing, "petr").rows("ticket_all") == before


def test_acts_keep_the_rules(billing: Billing) -> None:
    """What the API refuses, an act is refused too, and nothing is left behind."""
    with pytest.raises(Refusal):
        act(billing, {"as": "ivan", "do": "open", "department": "Sales", "subject": "S", "text": " "})
    assert state(billing)["tickets"] == []


def test_people_can_be_changed(billing: Billing) -> None:
    """A new password, a suspension and a membership take effect at once."""
    robot = Api(billing, "support-robot")
    act(billing, {"do": "user", "login": "support-robot", "departments": ["Sales"]})
    act(billing, {"as": "ivan", "do": "open", "department": "Sales", "subject": "S", "text": "t"})
    assert len(robot.rows("ticket_all")) == 1
    act(billing, {"do": "user", "login": "support-robot", "password": "another-invented-one"})
    assert error_of(robot("whoami")) == "auth/badpassword"
    act(billing, {"do": "department", "department": "Sales", "active": False})
    offered = Api(billing, "ivan")("clientticket.edit")["slist"][0]["val"]
    assert "Sales" not in {option["$"] for option in offered}


def test_the_week_is_the_same_every_time() -> None:
    """Two billings of one name and seed have the same tickets, texts and files; another seed has others."""
    kept = ("id", "ticket", "user", "kind", "text")
    stories = []
    for seed in (1, 1, 2):
        one = Billing("acme", seed=seed)
        one.clock.set(datetime.fromisoformat("2026-11-23T12:00:00+00:00"), freeze=True)
        stories.append([tuple(message[name] for name in kept) for message in state(one)["messages"]])
        one.close()
    assert stories[0] == stories[1] != stories[2]


def test_the_week_has_what_breaks_naive_code() -> None:
    """Cyrillic, 4-byte characters, quotes, markup, a long thread, notes, files and every status are in the seed."""
    one = Billing("acme", seed=1)
    shown = state(one)
    one.close()
    texts = " ".join(message["text"] for message in shown["messages"]) + str(shown["tickets"])
    assert all(part in texts for part in ("Добрый", "🚀", '"', "<script>", "\r\n"))
    assert {ticket["status"] for ticket in shown["tickets"]} >= {0, 1, 2, 3, 10}
    threads = [message["ticket"] for message in shown["messages"]]
    assert max(threads.count(ticket) for ticket in set(threads)) > 60
    assert len(shown["notes"]) >= 3
    assert len(shown["files"]) >= 3


def test_ids_of_different_billings_and_kinds_do_not_meet() -> None:
    """Ticket, assignment and message ids lie apart, and start elsewhere in each billing."""
    firsts = []
    for name in ("acme", "globex"):
        one = Billing(name, seed=0)
        made = act(one, {"as": "ivan", "do": "open", "department": "Sales", "subject": "S", "text": "t"})
        firsts.append(tuple(made.values()))
        one.close()
    assert len({key for made in firsts for key in made}) == 6


def test_customers_are_chosen_by_name() -> None:
    """Every customer gets a user with the invented password, and no tickets."""
    one = Billing("main", seed=1, customers=("initech",))
    initech = Api(one, "initech")
    assert initech("whoami")["user"]["$level"] == "16"
    assert initech.rows("clientticket") == []
    assert password_of("initech") == "demo-initech-password"
    one.close()


def test_many_tickets_of_one_client() -> None:
    """Bulk tickets can all be one customer's, for measuring the main side."""
    one = Billing("main", seed=0, tickets=50, tickets_of="acme")
    active, archived = (Api(one, "acme").rows(func) for func in ("clientticket", "clientticket_archive"))
    assert (len(active), len(archived)) == (40, 10)
    one.close()
