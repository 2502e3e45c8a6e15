"""One odd value concerns its row or its message, never its connection, and nothing unbounded gets past the rows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from connectors.billmanager import connect_external, headers, v4_hist
from connectors.billmanager.v6_departments import Departments
from connectors.billmanager.v6_rows import BadRow, is_zone, moment, queue_row, ticket_row
from connectors.billmanager.v6_thread import STAFF_KINDS, Viewer, read_thread
from connectors.billmanager.wire import MOST_DEPTH, Node, is_deep, parse
from connectors.contract import ExternalBilling
from connectors.errors import Retriable, Skippable
from remotesupport.core.model import MessageKind
from remotesupport.core.text.foreign import visible
from tests.hostile_server import HostileServer, Request, doc, http

LONG = "a." * 40_000
NO_IDS = [LONG, "9" * 5000, "²", "1 2", "\x1b]0;x\x07", "\u202e7", "a\x00b"]
ROW = {"id": {"$": "7"}, "name": {"$": "s"}, "tstatus": {"$": "In progress", "$orig": "1"}, "last_activity": {"$": "x"}}
VIEWER = Viewer("4", "robot", "Robot", "Europe/Moscow", MessageKind.STAFF, STAFF_KINDS)


def said(number: str = "1", **more: Any) -> Node:
    """A form with one message of a client."""
    message = {"$id": number, "$type": "incoming", "body": {"$": "text"}, **more}
    return Node({"name": {"$": "s"}, "mlist": {"message": [message]}})


@asynccontextmanager
async def listing(rows: list[Any], form: dict[str, Any] | None = None) -> AsyncIterator[ExternalBilling]:
    """A server whose list has these rows, and whose tickets all have this form."""

    def page(request: Request) -> bytes:
        found = [row for row in rows if request.form.get("id") in (None, row["id"]["$"])]
        return doc({"elem": found, "p_elems": {"$": str(len(found))}, "p_num": {"$": "1"}})

    answers = {
        "ticket_all": page,
        "ticket": doc({"elem": [], "p_elems": {"$": "0"}}),
        "ticket_all.edit": doc(form or {}),
    }
    async with HostileServer(answers) as server:
        billing = connect_external("acme", server.url, "robot", "invented", version="6")
        yield billing
        await billing.aclose()


@pytest.mark.parametrize("number", NO_IDS)
async def test_a_row_whose_id_is_none_is_rejected_alone_and_without_it(number: str) -> None:
    """W4, W6: of a list with a row whose id no server gives, the others are read, and that id goes no further."""
    async with listing([ROW, ROW | {"id": {"$": number}}]) as billing:
        (page,) = [page async for page in billing.pages("ticket_all")]
    assert [row.ticket for row in page.rows] == ["7"]
    assert [bad.ticket for bad in page.rejected] == [None]
    assert number not in page.rejected[0].reason


@pytest.mark.parametrize("number", NO_IDS)
async def test_a_message_whose_id_is_none_is_its_tickets_fault(number: str) -> None:
    """W6: a message with an id that no server gives skips its ticket; the list and the login are as ever."""
    form = {"name": {"$": "s"}, "mlist": {"message": [{"$id": number, "$type": "incoming", "body": {"$": "x"}}]}}
    async with listing([ROW], form) as billing:
        with pytest.raises(Skippable):
            await billing.thread("7")
        assert [row.ticket async for page in billing.pages("ticket_all") for row in page.rows] == ["7"]


@pytest.mark.parametrize("number", NO_IDS)
def test_an_id_of_any_row_is_bounded(number: str) -> None:
    """W4: rows of every list say no without the id where it can be none."""
    with pytest.raises(BadRow) as one:
        ticket_row(Node(ROW | {"id": {"$": number}}), Departments(), activity="last_activity")
    with pytest.raises(BadRow) as other:
        queue_row(Node({"ticket": {"$": number}}), Departments())
    assert number not in f"{one.value} {other.value}"


@pytest.mark.parametrize(
    "date", ["0001-01-01 00:00:00", "9999-12-31 23:59:59", "²", "٢٠٢٦-٠١-٠١ ٠٠:٠٠:٠٠", "1" * 5000, "nan"]
)
def test_an_odd_date_costs_its_message_the_time_only(date: str) -> None:
    """W6, R1: a message with a date that cannot be is read all the same; its moment is unknown or in UTC."""
    (row,) = read_thread(said(date_post={"$": date}), VIEWER).rows
    assert row.body == "text"
    assert row.at is None or row.at.utcoffset() is not None
    assert len(row.at_text) <= 40


@pytest.mark.parametrize(
    "date", ["0000-00-00 00:00:00", "1970-01-01 00:00:00", "1601-01-01 00:00:00", "2026-03-29 02:30:00", "", "вчера"]
)
def test_a_date_that_means_nothing_stands_as_it_was_shown(date: str) -> None:
    """R2: no date, a word, the beginning of an era or an hour that summer time leaves out is kept as it stands."""
    (row,) = read_thread(said(date_post={"$": date}), VIEWER).rows
    assert (row.body, row.at_text) == ("text", date)
    assert row.at is None or row.at.utcoffset() is not None


@pytest.mark.parametrize("size", ["²", "-1", "nan", "9" * 5000, "1e9", ""])
def test_an_odd_size_of_a_file_is_unknown(size: str) -> None:
    """W6: a file whose size is no number has none, and its message is read."""
    (row,) = read_thread(said(file=[{"param": "1_file", "name": {"$": LONG}, "size": {"$": size}}]), VIEWER).rows
    assert (row.files[0].size, len(row.files[0].name)) == (None, 300)


def test_what_is_shown_of_a_row_steers_nothing() -> None:
    """W8: names and dates of a row have stand-ins for what steers a terminal, and an end."""
    odd = {"$": "\x1b]0;x\x07\u202e" + LONG}
    row = ticket_row(Node(ROW | {"client": odd, "last_activity": odd}), Departments(), activity="last_activity").row
    (message,) = read_thread(said(user={"realname": odd}, date_post=odd), VIEWER).rows
    for text in (row.author, row.activity, message.author, message.at_text):
        assert visible(text) == text
        assert text.startswith("␛]0;x␇")
        assert len(text) <= 300


def test_a_conversation_of_version_4_has_an_end_of_its_names() -> None:
    """W4, W8: the author of a block of version 4's conversation is harmless and cut."""
    head = f'<div class="support-from">From: {LONG}\u202e - 2026-01-01 10:00:00</div>'
    (row,) = v4_hist.messages(f'<div class="support-msg">{head}<div class="support-body">x</div></div>', "UTC")
    assert len(row.author) <= 300


def test_lists_in_lists_are_no_text() -> None:
    """W3: a list within a list is no value, however deep it is; nothing recurses into it."""
    node = parse(b'{"doc":{"elem":' + b"[" * 1000 + b"]" * 1000 + b"}}").all("elem")[0]
    assert (node.text, node.value("id")) == ("", "")


@pytest.mark.parametrize("levels", [MOST_DEPTH + 2, 900])
def test_a_document_of_many_levels_is_recorded_as_unreadable(levels: int) -> None:
    """W3: whoever walks through documents by recursion is given none of more levels than real ones ever have."""
    assert is_deep(parse(b'{"doc":' * levels + b"{}" + b"}" * levels).tree)
    assert not is_deep(parse(b'{"doc":{"elem":[{"id":{"$":"7"}}]}}').tree)


@pytest.mark.parametrize("name", ["a/" * 2000, "x" * 300, "../Moscow", "America", "", "\x00", "/etc/passwd", "a/b/c/d"])
def test_what_is_no_name_of_a_zone_is_looked_for_nowhere(name: str) -> None:
    """W6: a text that cannot be a zone's name is none, whatever there is of that name on this machine."""
    assert not is_zone(name)
    assert moment("2026-01-01 10:00:00", name) is None


@pytest.mark.parametrize(
    ("header", "read"),
    [
        ("Text/XML; Charset=UTF-8", ("text/xml", "utf-8")),
        ('text/html;charset="KOI8-R" ; x=y', ("text/html", "koi8-r")),
        ("text/xml; charset*" + "9" * 5000 + "=x", ("text/xml", "utf-8")),
        ("text/xml" + ';"' * 50_000, ("text/xml", "utf-8")),
        ("", ("", "utf-8")),
    ],
)
def test_a_content_type_is_read_at_its_beginning(header: str, read: tuple[str, str]) -> None:
    """W2, W6: a type and a charset are read from the beginning of the header; nothing else of it is looked at."""
    assert headers.content_type(header) == read


@pytest.mark.parametrize(
    "extra",
    [
        {"Location": "http://[::1"}, {"Location": "//\x01:99999/"}, {"Set_Cookie": "a=b; expires=" + "9" * 5000},
        {"Set_Cookie": "x=y; max-age=" + "9" * 5000}, {"Retry_After": "nan"}, {"Retry_After": "9" * 5000},
    ],
)  # fmt: skip
async def test_headers_that_nobody_reads_are_not_parsed(extra: dict[str, str]) -> None:
    """W7: no header of an answer, however odd, makes of its status anything but what the status means."""
    async with HostileServer({"whoami": http(b"", status="503 Later", **extra)}) as server:
        billing = connect_external("acme", server.url, "robot", "invented", version="6")
        with pytest.raises(Retriable) as raised:
            await billing.identify()
        await billing.aclose()
    assert raised.value.retry_after is None


def test_a_department_is_looked_for_in_a_text_of_its_own_length() -> None:
    """W2: a name of a department is not looked for in a text, nor a text for a name, that no department has."""
    known = Departments()
    known.add("1", "a")
    known.add("2", "b" * 50_000)
    assert known.of(Node({"$": "a " * 50_000})) is None
    assert known.of(Node({"$": "b" * 50_000})) is None
    assert known.of(Node({"$": "the a of it"})) is not None
