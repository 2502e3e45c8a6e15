"""A recording holds nothing of what people wrote or are called; what readers compare stays comparable."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remotesupport.core.recording.anonymise import Heard, Recorded, Recording, recording
from remotesupport.core.recording.pseudonyms import FIRST_TIME
from remotesupport.core.text.compose import has_header, header, markers_in, origin_of, subject_with_origin, to_main

# Long enough that a piece of five characters is no accident; letters that no field's name and no stand-in has.
CYRILLIC = st.text("абвгдежзийклмнопрстуфхцчшщыэюяАБВГДЕЖЗИЙ ", min_size=6, max_size=40)
SECRET = st.text("QXZJKVWqxzjkvw!?%&*23456789", min_size=8, max_size=30)
PHONE = st.from_regex(r"\+?[1-9][0-9]{10}|[1-9][0-9]{2} [0-9]{3}-[0-9]{2}-[0-9]{2}", fullmatch=True)
ADDRESS = st.builds("{}.{}.{}.{}".format, *[st.integers(100, 255)] * 4) | st.from_regex(
    r"[qxzjk]{5,9}@[qxzjk]{5,9}\.zz", fullmatch=True
)
FIRST, LAST = datetime.fromisoformat("1971-01-01"), datetime.fromisoformat("2199-01-01")
PLANTED = CYRILLIC.filter(lambda text: len(text.strip()) > 5) | SECRET | PHONE | ADDRESS


def heard(document: Any, func: str = "ticket_all", side: str = "external", **asked: str) -> Heard:
    """A JSON answer of the connection acme."""
    return Heard("acme", side, {"func": func, "out": "json", **asked}, 200, "application/json", {"doc": document})


def recorded(*answers: Heard, departments: tuple[tuple[str, str], ...] = ()) -> Recording:
    return recording(answers, [Recorded("acme", departments)])


def rows_of(made: Recording, side: str = "external", number: int = 0) -> Any:
    """What an answer has in ``doc``."""
    (connection,) = made.document["connections"]
    return connection["sides"][side][number]["document"]["doc"]


def planted_everywhere(secrets: list[str]) -> list[Heard]:
    """Answers with each of them in every place where a server may have one."""
    first, *_ = secrets
    elems = [
        {
            "id": {"$": "15"}, "name": {"$": text}, "client": {"$": text, "$orig": text}, "text": text,
            "tstatus": {"$": text, "$orig": text}, "responsible": {"$": f"Sales ({text})", "$orig": f"d_{number}"},
            "level": {"$": text, "$level": text}, "p_num": {"$": text}, "note": {"$": text}, "billmgr": {"$": text},
        }
        for number, text in enumerate(secrets, 1)
    ]  # fmt: skip
    messages = [
        {"$id": "7", "$type": text, "body": {"$": text}, "date_post": {"$": text}, "user": {"$name": text, "$": text},
         "file": [{"name": {"$": text}, "param": {"$": text}}]}
        for text in secrets
    ]  # fmt: skip
    departments = {"elem": [{"id": {"$": "3"}, "name": {"$": text}} for text in [*secrets, "Sales"]]}
    whoami = {"user": {"$name": first, "$id": "4", "$timezone": first, "$level": first}, "version": {"$version": first}}
    error = {"error": {"$type": first, "$object": first, "code": first, "msg": {"$": first}, "authfail": first}}
    return [
        heard({"auth": {"$id": first, "$": first}}, "auth", username=first, password=first),
        heard({"elem": elems, "$host": first, "tparams": {"auth": {"$": first}, first: first}}, auth=first),
        heard({"elem": elems, "password": first, first: {"$": first, f"${first}": first}}, elid=first, id=first),
        heard({"subject": {"$": f"[acme #{first}] {first}"}, "mlist": [{"message": messages}]}, "ticket_all.edit"),
        heard({"slist": [{"$name": "client_department", "val": [{"$key": "3", "$": first}]}]}, "clientticket.edit"),
        heard(departments, "department"),
        heard(whoami, "whoami", authinfo=f"{first}:{first}", sesid=first, cookie=first),
        heard(error, side="main"),
        Heard("acme", "main", {"func": "tickets"}, 200, first, {"elem": [{"subject": first, "text": [first, None]}]}),
    ]


def leaked(written: str, secret: str) -> list[str]:
    """Pieces of five characters of a secret that the file has."""
    return [piece for n in range(len(secret) - 4) if (piece := secret[n : n + 5]).strip() and piece in written]


@given(st.lists(PLANTED, min_size=1, max_size=4))
def test_nothing_of_what_was_planted_is_in_it(secrets: list[str]) -> None:
    """No five characters of a secret, a name, an address, a phone number or a Cyrillic text are in the file."""
    made = recorded(*planted_everywhere(secrets), departments=((secrets[0], "Sales"),))
    for written in (json.dumps(made.document, ensure_ascii=False), json.dumps(made.document)):
        assert {secret: leaked(written, secret) for secret in secrets} == {secret: [] for secret in secrets}


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=30))
def test_ids_keep_their_order_and_equality(numbers: list[int]) -> None:
    """Two ids are equal, or in order, in the recording exactly where they were; with and without a prefix."""
    elems = [{"id": {"$": str(n)}, "responsible": {"$orig": f"d_{n}"}} for n in numbers]
    shown = [(e["id"]["$"], e["responsible"]["$orig"]) for e in rows_of(recorded(heard({"elem": elems})))["elem"]]
    assert all(prefixed == f"d_{plain}" for plain, prefixed in shown)
    after = [int(plain) for plain, _ in shown]
    assert [a < b for a in after for b in after] == [a < b for a in numbers for b in numbers]


@given(st.lists(st.datetimes(FIRST, LAST), min_size=1, max_size=20))
def test_times_keep_their_order_and_distances(times: list[datetime]) -> None:
    """Times are moved together, so that the distances between them stay."""
    written = [at.replace(microsecond=0) for at in times]
    elems = [{"last_message": {"$": f"{at:%Y-%m-%d %H:%M:%S}"}} for at in written]
    rows = rows_of(recorded(heard({"elem": elems})))["elem"]
    moved = [datetime.strptime(row["last_message"]["$"], "%Y-%m-%d %H:%M:%S") for row in rows]  # noqa: DTZ007
    assert min(moved) == FIRST_TIME
    assert [b - a for a in moved for b in moved] == [b - a for a in written for b in written]


@given(PLANTED, PLANTED)
def test_equal_texts_stay_equal(one: str, other: str) -> None:
    """Two texts are equal in the recording exactly where they were, in whichever answer and side."""
    answers = [heard({"elem": [{"name": {"$": one}}]}), heard({"elem": [{"client": {"$": other}}]}, side="main")]
    made = recorded(*answers)
    first, second = (rows_of(made, side)["elem"][0] for side in ("external", "main"))
    assert (first["name"]["$"] == second["client"]["$"]) == (one == other)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Technical support", "Department 3"),
        ("technical  Support", "Department 3"),
        ("Technical support (Ivan)", "Department 3 (Text 1)"),
        ("Technical support, Sales", "Department 3, Department 1"),
        ("Support", "Department 2"),
    ],
)
def test_a_department_has_one_stand_in_wherever_it_stands(said: str, shown: str) -> None:
    """A text that is a department's name, or has it in it as whole words, has that department's stand-in there."""
    departments = [{"id": {"$": str(n)}, "name": {"$": name}} for n, name in enumerate(("Sales", "Support"), 1)]
    rows = heard({"elem": [{"responsible": {"$": said}}]})
    made = recorded(rows, heard({"elem": departments}, "department"), departments=(("Technical support", "Sales"),))
    assert rows_of(made)["elem"][0]["responsible"]["$"] == shown
    assert made.document["connections"][0]["departments"] == [{"external": "Department 3", "main": "Department 1"}]


def test_what_we_wrote_is_still_recognised() -> None:
    """Origins and header lines are those of the connection's stand-in, with the stand-ins of the ids."""
    head = header("acme", "15", "77", "Ivan", "client", "2026-11-20 10:15:00", "Europe/Moscow")
    body, subject = to_main(head, "It broke."), subject_with_origin("acme", "15", "Help")
    main = heard({"elem": [{"name": {"$": subject}, "body": {"$": body}}]}, "clientticket", "main")
    made = recorded(heard({"elem": [{"id": {"$": "15"}}]}), main)
    ticket = rows_of(made)["elem"][0]["id"]["$"]
    (row,) = rows_of(made, "main")["elem"]
    assert origin_of(row["name"]["$"], "connection-1") == ticket
    assert has_header(row["body"]["$"], "connection-1")
    assert len(markers_in(row["body"]["$"], "connection-1", ticket)) == 1
    assert "Ivan" not in row["body"]["$"]


def test_machine_values_stay() -> None:
    """Types of messages, states and their words, switches, counts, fields, errors and versions are as they came."""
    doc = {
        "elem": [{"tstatus": {"$": "In progress", "$orig": "1"}, "unread": {"$": "on"}}],
        "mlist": [{"message": [{"$type": "incoming"}, {"$type": "ticketnote"}, {"$type": "info"}]}],
        "p_elems": {"$": "26"},
        "slist": [{"$name": "client_department"}],
        "error": {"$type": "access", "$object": "func"},
        "version": {"billmgr": {"$": "6.94.1"}},
    }
    assert rows_of(recorded(heard(doc))) == doc


def test_what_was_asked_twice_is_kept_as_last_answered() -> None:
    """One question has one answer in the file, and no credential is part of the question."""
    made = recorded(heard({"elem": []}, auth="one", p_num="1"), heard({"p_num": {"$": "1"}}, auth="two", p_num="1"))
    (answer,) = made.document["connections"][0]["sides"]["external"]
    assert answer["asked"] == {"func": "ticket_all", "out": "json", "p_num": "1"}
    assert answer["document"] == {"doc": {"p_num": {"$": "1"}}}
