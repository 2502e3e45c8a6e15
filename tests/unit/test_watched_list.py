"""The employee's list: what of it leaves the connector, how far it is read, and when a connection rests by it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.billmanager import connect_watch
from connectors.billmanager.request import Limits
from connectors.billmanager.v6_watch import EmployeesList
from connectors.errors import AccessDenied, ConnectorError, Fatal, ProtocolError, Retriable
from remotesupport.core.connections.looks import REST, ListLook
from remotesupport.core.connections.watch import WatchedLook, WatchedRow, WatchedTickets, same_moment, same_tickets
from tests.hostile_server import RESET, HostileServer, Request, doc, error, http

WORDS = "CANARY-OF-A-CLIENT"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SETTLE = timedelta(seconds=2)


def row(ticket: int, at: str, state: str = "1", **more: Any) -> dict[str, Any]:
    """A row as version 6 shows it to an employee, with a client's words wherever there is room for some."""
    texts = {"name": WORDS, "client": WORDS, "responsible": WORDS, "last_message_text": WORDS, "project_name": WORDS}
    told = {"id": str(ticket), "date_start": at, "last_message": at, "last_activity": at, **texts, **more}
    shown = {name: {"$": value} for name, value in told.items()}
    return shown | {"tstatus": {"$orig": state, "$": f"In progress {WORDS}"}, "props": {"note": {"$": WORDS}}}


def listed(*rows: dict[str, Any]) -> Any:
    """A server's answers, in pages as they are asked for."""

    def answer(request: Request) -> bytes:
        number, size = int(request.form["p_num"]), int(request.form["p_cnt"])
        page = rows[(number - 1) * size : number * size]
        return doc({"elem": list(page), "p_elems": {"$": str(len(rows))}, "p_num": {"$": str(number)}})

    return {"ticket_all": answer}


def clock(second: int) -> str:
    return f"2026-11-23 {second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"


async def looked(answers: Mapping[str, Any]) -> WatchedLook:
    """One look at a server's list."""
    async with HostileServer(answers) as server:
        lists = connect_watch(server.url, "watcher", "PASSWORD-CANARY", limits=Limits(read_seconds=1.0))
        try:
            return await lists.look({})
        finally:
            await lists.aclose()


async def test_nothing_but_ids_times_and_states_leaves(caplog: pytest.LogCaptureFixture) -> None:
    """Of a row with a client's words in it there remain an id, the time of its last message and a digest."""
    caplog.set_level(logging.DEBUG)
    look = await looked(listed(row(7, clock(70)), row(5, clock(50))))
    assert {ticket: one.at for ticket, one in look.rows.items()} == {"7": clock(70), "5": clock(50)}
    assert WORDS not in repr(look) + caplog.text
    same = await looked(listed(row(7, clock(70), name="Other words", client="X"), row(5, clock(50), "3")))
    assert [same.rows[ticket].mark == look.rows[ticket].mark for ticket in ("7", "5")] == [True, False]


def without(column: str) -> dict[str, Any]:
    """A row without that column."""
    return {name: value for name, value in row(7, clock(70)).items() if name != column}


WRONG: dict[str, tuple[Any, type[ConnectorError]]] = {
    "refused": (error("access", WORDS, WORDS), AccessDenied),
    "no such function": (error("missed", WORDS, WORDS), AccessDenied),
    "out of order": (error(WORDS, WORDS, WORDS), Retriable),
    "a strange value": (error("value", WORDS, WORDS), ProtocolError),
    "a page of HTML": (http(f"<html>{WORDS}</html>".encode(), media="text/html"), ProtocolError),
    "no document": (http(f"{WORDS}".encode()), ProtocolError),
    "a document that is cut": (http(b'{"doc": {"elem": [{"name": "' + WORDS.encode()), ProtocolError),
    "no answer": (RESET, Retriable),
    "no list": (doc({"name": {"$": WORDS}}), ProtocolError),
    "a total that is none": (doc({"p_elems": {"$": WORDS}}), ProtocolError),
    "an id that is none": (listed(row(7, clock(70), id=f"{WORDS} and more"))["ticket_all"], ProtocolError),
    "a time that is none": (listed(row(7, clock(70), last_message=WORDS))["ticket_all"], ProtocolError),
    "no time of the last activity": (listed(without("last_activity"))["ticket_all"], ProtocolError),
    "a version 4": (http(b'{"authfail": ""}'), Fatal),
}


@pytest.mark.parametrize("how", WRONG)
async def test_no_word_of_the_server_is_in_an_error(how: str, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever it answers instead of a list, the error is classed as everywhere, and its words are ours."""
    caplog.set_level(logging.DEBUG)
    answer, made = WRONG[how]
    with pytest.raises(made) as caught:
        await looked({"ticket_all": answer})
    told = f"{caught.value} {caught.value.__dict__} {caught.value.args} {caught.value.__context__!r}"
    assert "CANARY" not in told + caplog.text


def test_it_has_no_way_to_open_a_ticket() -> None:
    """All that it can do is look, and be closed."""
    assert {name for name in dir(EmployeesList) if not name.startswith("_")} == {"look", "aclose"}


async def test_it_is_read_down_to_a_page_on_which_nothing_moved() -> None:
    """A list that came in order is read whole once, then its first pages, as far as something moved; whole again where
    a ticket has left it."""
    rows = [row(number, clock(number)) for number in range(1200, 0, -1)]
    answers = listed(*rows)
    async with HostileServer(answers) as server:
        lists = connect_watch(server.url, "watcher", "PASSWORD-CANARY")
        first = await lists.look({})
        second = await lists.look(first.rows)
        pages = [request.form["p_num"] for request in server.requests if request.func == "ticket_all"]
        assert (pages, first.whole, second.whole, second.rows == first.rows) == (
            ["1", "2", "3", "1"],
            True,
            False,
            True,
        )
        rows.insert(0, rows.pop() | {"last_activity": {"$": clock(5000)}})
        server.answers = listed(*rows)
        third = await lists.look(second.rows)
        assert {ticket for ticket in third.rows if third.rows[ticket] != first.rows[ticket]} == {"1"}
        server.answers = listed(*rows[1:])
        fourth = await lists.look(third.rows)
        assert (fourth.whole, "1" in fourth.rows) == (True, False)
        await lists.aclose()


async def test_a_list_that_is_not_sorted_is_read_whole_each_time() -> None:
    """What moved may be anywhere in it, also where its first page happens to be in order."""
    rows = [row(number, clock(number if number > 100 else 5000 - number)) for number in range(1200, 0, -1)]
    async with HostileServer(listed(*rows)) as server:
        lists = connect_watch(server.url, "watcher", "PASSWORD-CANARY")
        first = await lists.look({})
        assert (await lists.look(first.rows)).whole
        await lists.aclose()


def test_a_version_4_is_not_asked() -> None:
    """Where the configuration says version 4, the error comes at once."""
    with pytest.raises(Fatal, match="no list of all tickets"):
        connect_watch("https://main.example/billmgr", "watcher", "x", version="4")


def shown(**marks: str) -> dict[str, WatchedRow]:
    """Rows of the employee's list by ticket."""
    return {ticket: WatchedRow(mark, clock(60)) for ticket, mark in marks.items()}


def look(second: float, *, calm: bool = True) -> ListLook:
    """A look at one of main's own lists."""
    return ListLook(NOON + timedelta(seconds=second), None, 1, calm)


def rests(looks: Mapping[str, ListLook], second: float, tickets: WatchedTickets) -> bool:
    """Whether main's two lists need not be read at that second after noon."""
    now = NOON + timedelta(seconds=second)
    return tickets.at_rest(looks, ("open", "archive"), {"archive": "open"}, now, SETTLE)


def seen(*looks: tuple[float, dict[str, WatchedRow]], tickets: frozenset[str] = frozenset("a")) -> WatchedTickets:
    """What is known after these looks at the employee's list."""
    found = WatchedTickets(tickets=tickets, same=True)
    for second, rows in looks:
        found.see(rows, NOON + timedelta(seconds=second))
    return found


@pytest.mark.parametrize(
    ("tickets", "looks", "second", "expected"),
    [
        (seen((0, shown(a="1")), (60, shown(a="1", b="9"))), (look(2), look(0)), 60, True),
        (seen((0, shown(a="1"))), (look(1.9), look(0)), 60, False),
        (seen((0, shown(a="1")), (60, shown(a="2"))), (look(2), look(0)), 60, False),
        (seen((0, shown(a="1")), (60, shown())), (look(2), look(0)), 60, False),
        (seen((0, shown(a="1")), (1, shown()), (60, shown(a="1"))), (look(2), look(0)), 60, False),
        (seen((0, shown(a="1")), tickets=frozenset("ab")), (look(2), look(0)), 60, False),
        (seen((0, shown(a="1")), tickets=frozenset()), (look(2), look(0)), 60, False),
        (seen((0, shown(a="1"))), (look(2, calm=False), look(0)), 60, False),
        (seen((0, shown(a="1"))), (look(2), look(0, calm=False)), 60, False),
        (seen((0, shown(a="1"))), (look(2), look(-REST.total_seconds() + 60)), 60, False),
        (seen((0, shown(a="1"))), (look(2), look(0)), REST.total_seconds() - 1, True),
        (seen((0, shown(a="1"))), (look(2), look(0)), REST.total_seconds() + 2, False),
        (seen((0, shown(a="1"))), (look(90), look(90)), 60, False),
    ],
)
def test_main_rests_only_while_all_is_as_it_was_when_it_was_read(
    tickets: WatchedTickets, looks: tuple[ListLook, ListLook], second: float, expected: bool
) -> None:
    """A ticket that moved or is not shown, a restless list, a look too near to the change or too old: main is read."""
    named = dict(zip(("open", "archive"), looks, strict=True))
    assert rests(named, second, tickets) is expected
    assert not rests({"open": look(2)}, 60, tickets)
    tickets.same = False
    assert not rests(named, second, tickets)


def test_ids_are_the_same_where_the_times_are() -> None:
    """Another kind of ids shows other times under the same numbers; one ticket may have moved meanwhile."""
    watched = {str(n): WatchedRow("", clock(n * 61)) for n in range(1, 5)}
    customers = {ticket: one.at for ticket, one in watched.items()}
    assert same_tickets(customers, watched) is True
    assert same_tickets(customers | {"1": clock(900)}, watched) is True
    assert same_tickets({str(n): clock((n + 1) * 61) for n in range(1, 5)}, watched) is False
    assert same_tickets({"9": clock(9)}, watched) is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2026-11-23 12:00:07", "2026-11-23 12:00:07", True),
        ("2026-11-23 12:00:07", "2026-11-23 15:00:07", True),
        ("2026-11-23 12:00:07", "2026-11-23 17:45:07", True),
        ("2026-11-23 12:00:07", "2026-11-23 12:00:08", False),
        ("2026-11-23 12:00:07", "2026-11-23 12:01:07", False),
        ("2026-11-23 12:00:07", "", False),
        ("", "", False),
    ],
)
def test_two_zones_are_quarters_of_an_hour_apart(one: str, other: str, same: bool) -> None:
    """The customer and the employee may have different zones; the seconds are the same."""
    assert same_moment(one, other) is same
