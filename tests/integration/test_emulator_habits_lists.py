"""Habits of an emulated server in its lists, and in how its answers come."""

from __future__ import annotations

import httpx
import pytest

from tests.emulator_fixtures import password_of
from tests.emulator_habits import Server, open_ticket, server

pytestmark = pytest.mark.thorough("the emulator's side of each habit; what clients make of them is in `make test`")


def _several(one: Server) -> list[str]:
    """Three tickets of Technical support and one that the robot may not see; the first has the last activity."""
    tickets = [open_ticket(one, text) for text in ("one", "two", "three")]
    one.act(as_="maria", do="open", department="Sales", subject="Price", text="?")
    one.running.core.clock.advance(60)
    one.act(as_="ivan", do="reply", ticket=tickets[0], text="again")
    return tickets


@pytest.mark.parametrize(
    ("answer", "robot", "admin", "in_xml"),
    [
        ("present", "3", "4", "4"),
        ("absent", None, None, None),
        ("absent_in_xml", "3", "4", None),
        ("wrong", "4", "4", "4"),
        ("page", "2", "4", "4"),
    ],
)
def test_totals(answer: str, robot: str | None, admin: str | None, in_xml: str | None) -> None:
    """``p_elems`` is there, is missing, or is wrong for a login below level 30; a superuser's is right."""
    with server(total=answer) as one:
        _several(one)
        asked = {"p_cnt": "2", "p_num": "1"}
        seen = [login("ticket_all", **asked).get("p_elems", {}).get("$") for login in (one.robot, one.admin)]
        assert seen == [robot, admin]
        assert (f"<p_elems>{in_xml}</p_elems>" in one.admin.raw("ticket_all", out="xml").text) == (in_xml is not None)
        assert ("p_elems" in one.admin.raw("ticket_all", out="xml").text) == (in_xml is not None)


@pytest.mark.parametrize(
    ("answer", "by_activity", "by_id"),
    [("asked", [1, 2, 0], [2, 1, 0]), ("ignored", [0, 1, 2], [0, 1, 2]), ("id_only", [0, 1, 2], [2, 1, 0])],
)
def test_sorting(answer: str, by_activity: list[int], by_id: list[int]) -> None:
    """What is not sorted by what was asked comes by id, smallest first, with no other sign of it."""
    with server(sort=answer) as one:
        tickets = _several(one)
        for column, order, expected in (("last_activity", "asc", by_activity), ("id", "desc", by_id)):
            shown = one.robot("ticket_all", p_sort=column, p_order=order)
            assert [tickets.index(each["id"]["$"]) for each in shown["elem"]] == expected
            assert (shown["p_sort"]["$"], shown["p_order"]["$"]) == (column, order)


@pytest.mark.parametrize(
    ("answer", "suffixes"),
    [("dates", {"_l", "_s", "_locale_time"}), ("none", set()), ("many", {"_l", "_s", "_locale_time", "_locale"})],
)
def test_extra_columns(answer: str, suffixes: set[str]) -> None:
    """Beside a date stand its localised copies; with ``many`` every column has one more."""
    with server(extra_columns=answer) as one:
        row = one.robot.row("ticket_all", open_ticket(one))
        names = {name.removeprefix("date_start") for name in row if name.startswith("date_start")}
        assert names >= suffixes | {""}
        assert suffixes >= names & {"_l", "_s", "_locale_time", "_locale"}
        assert ("client_locale" in row) == (answer == "many")


@pytest.mark.parametrize("answer", ["last_message_utc", "absent"])
def test_times_in_utc(answer: str) -> None:
    """The client's list has its times in UTC or does not."""
    with server(utc_times=answer) as one:
        assert ("last_message_utc" in one.ivan.row("clientticket", open_ticket(one))) == (answer != "absent")


@pytest.mark.parametrize("answer", ["shown", "missing"])
def test_whoami(answer: str) -> None:
    """``whoami`` tells the version, or does not exist."""
    with server(whoami=answer) as one:
        shown = one.robot("whoami")
        assert ("version" in shown) == (answer == "shown")
        assert shown.get("error", {}).get("$object") == (None if answer == "shown" else "func")


@pytest.mark.parametrize("version", ["6.94.1", "4.0.68"])
@pytest.mark.parametrize(("answer", "expected"), [("json", "application/json"), ("text", "text/plain")])
def test_the_type_of_json(version: str, answer: str, expected: str) -> None:
    """JSON comes under one content type or the other; XML under its own."""
    with server(version, content_type=answer) as one:
        function = "tickets" if version.startswith("4") else "ticket_all"
        assert one.robot.raw(function).headers["content-type"].startswith(expected)
        assert one.robot.raw(function).json()
        assert one.robot.raw(function, out="xml").headers["content-type"].startswith("text/xml")


@pytest.mark.parametrize("answer", ["accepted", "redirected", "redirected_session_gone"])
def test_posts_of_forms(answer: str) -> None:
    """A form that is posted without ``sfrom=ajax`` is sent elsewhere and not executed; lists never are."""
    with server(form_posts=answer) as one:
        session = one.ivan("auth", username="ivan", password=password_of("ivan"))["auth"]["$id"]
        ticket, text = open_ticket(one), {"sok": "ok", "message": "hello"}
        call = {"func": "clientticket.edit", "out": "json", "auth": session, "elid": ticket}
        got = httpx.post(one.running.url, data=call | text)
        assert got.status_code == (200 if answer == "accepted" else 301)
        assert len(one.ivan.rows("clientticket")) == 1
        said = [message["text"] for message in one.running.state()["messages"]]
        assert ("hello" in said) == (answer == "accepted")
        alive = "error" not in httpx.post(one.running.url, data=call | {"sfrom": "ajax"}).json()["doc"]
        assert alive == (answer != "redirected_session_gone")
        assert "error" not in one.ivan("clientticket.edit", elid=ticket, sfrom="ajax")


@pytest.mark.parametrize(
    ("answer", "status", "start"), [("error", 200, '{"doc"'), ("redirect", 301, ""), ("html", 200, "<!doctype html>")]
)
def test_a_dead_session(answer: str, status: int, start: str) -> None:
    """Without a living session comes an error, an address, or a page; a missing right is always an error."""
    with server(dead_session=answer) as one:
        got = httpx.post(one.running.url, data={"func": "ticket_all", "out": "json", "auth": "gone"})
        assert got.status_code == status
        assert got.text.startswith(start)
        assert got.headers.get("location") == ("/" if answer == "redirect" else None)
        assert one.ivan("ticket_all")["error"]["$type"] == "access"


@pytest.mark.parametrize("version", ["5.x", "5.100.5", "5.314"])
def test_version_five(version: str) -> None:
    """Version 5 is spoken by name: its number in whoami, no total in XML, no times in UTC; the rest as version 6."""
    with server(version) as one:
        shown = one.robot("whoami")["version"]["billmgr"]["$"]
        assert shown == ("5.100.5" if version == "5.x" else version)
        row = one.ivan.row("clientticket", open_ticket(one))
        assert "last_message_utc" not in row
        assert "p_elems" in one.robot("ticket_all")
        assert "p_elems" not in one.robot.raw("ticket_all", out="xml").text
