"""Pages add up to the whole list, or the walk says that they do not."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.billmanager import connect_external
from connectors.billmanager.page_reader import Sheet
from connectors.billmanager.paging import DoesNotAddUp, Walk
from connectors.billmanager.wire import Node
from connectors.errors import ProtocolError
from remotesupport.core.model import Page
from tests.hostile_server import HostileServer, Request, doc, http


class ListServer:
    """A list that people change between two requests; it shows pages as the server does, traps included."""

    def __init__(self, count: int, before: Callable[[int, list[str]], None] = lambda *_: None) -> None:
        self.rows = [str(n) for n in range(count, 0, -1)]
        self.moved: dict[str, int] = {}
        self.before, self.asked = before, list[tuple[int, int]]()

    async def read(self, number: int, size: int) -> Sheet:
        top = self.rows[0] if self.rows else ""
        self.before(len(self.asked), self.rows)
        self.asked.append((number, size))
        if self.rows and self.rows[0] != top:
            self.moved[self.rows[0]] = len(self.asked)
        last = max(-(-len(self.rows) // size), 1)
        shown = min(number, last)
        chosen = self.rows[(shown - 1) * size : shown * size]
        rows = tuple(Node({"id": {"$": row}, "at": {"$": str(self.moved.get(row, 0))}}) for row in chosen)
        return Sheet(rows, (), len(self.rows), number, size)


async def walked(server: ListServer, size: int = 3) -> list[str]:
    """Every id that the walk yields."""
    return [row.value("id") async for sheet in Walk(server.read, size, sort="at").pages() for row in sheet.rows]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 6, 7])
async def test_a_quiet_list_is_read_once_and_no_page_too_many(count: int) -> None:
    """Every row once, in order, with as many requests as there are pages; one full page is no proof of its total."""
    server = ListServer(count)
    assert await walked(server) == [str(n) for n in range(count, 0, -1)]
    pages = 2 if count == 3 else max(-(-count // 3), 1)
    assert server.asked == [(n, 3) for n in range(1, pages + 1)]


@pytest.mark.parametrize("count", [0, 1, 3, 4, 6, 7])
async def test_a_total_that_counts_one_page_hides_no_row(count: int) -> None:
    """Where each page says its own number of rows as the total, every row of every page still comes once."""
    server = ListServer(count)

    async def read(number: int, size: int) -> Sheet:
        sheet = await server.read(number, size)
        return Sheet(sheet.rows, (), sheet.count, number, size)

    got = [row.value("id") async for sheet in Walk(read, 3).pages() for row in sheet.rows]
    assert got == [str(n) for n in range(count, 0, -1)]


async def test_a_hundred_new_rows_while_paging_lose_nothing() -> None:
    """Rows that arrive on top push others over the border: all old ones come once, and the new ones too."""

    def arrive(call: int, rows: list[str]) -> None:
        rows[:0] = [f"new{call}-{n}" for n in range(20)] if 1 <= call <= 5 else []

    server = ListServer(200, arrive)
    got = await walked(server, 50)
    assert len(got) == len(set(got)) == 300


async def test_rows_that_leave_do_not_hide_others() -> None:
    """A row that leaves pulls another over the border to a page that was read already: it is found there."""

    def leave(call: int, rows: list[str]) -> None:
        if call == 1:
            del rows[:2]

    server = ListServer(9, leave)
    assert {str(n) for n in range(1, 8)} <= set(await walked(server))


async def test_a_row_that_jumps_to_the_top_is_not_lost() -> None:
    """A row bumped from an unread page to page 1 is found, although the total never moved."""

    def bump(call: int, rows: list[str]) -> None:
        if call == 1:
            rows.insert(0, rows.pop())

    assert sorted(await walked(ListServer(9, bump)), key=int) == [str(n) for n in range(1, 10)]


@settings(max_examples=200)
@given(seed=st.integers(0, 10**6), count=st.integers(0, 25), size=st.integers(1, 7))
async def test_what_stays_in_the_list_is_always_seen(seed: int, count: int, size: int) -> None:
    """Under random bumps, arrivals and departures, a completed walk has every row that was there from first to last."""
    chance, gone = random.Random(seed), set[str]()

    def stir(call: int, rows: list[str]) -> None:
        act = chance.choice(["bump", "leave", "arrive", "rest", "rest", "rest"]) if call < 6 and rows else "rest"
        if act == "arrive":
            rows.insert(0, f"new{call}")
        elif act != "rest":
            row = rows.pop(chance.randrange(len(rows)))
            gone.add(row) if act == "leave" else rows.insert(0, row)

    server = ListServer(count, stir)
    before = set(server.rows)
    try:
        got = await walked(server, size)
    except DoesNotAddUp:
        return
    assert before - gone <= set(got)
    assert len(got) == len(set(got))


async def test_a_page_that_is_short_once_is_refused() -> None:
    """Fewer rows than the server's own count demands, and others at a second look, are a cut page and no list."""
    rows = iter(range(2, 9))

    async def read(number: int, size: int) -> Sheet:
        return Sheet(tuple(Node({"id": {"$": str(n)}}) for n in range(next(rows))), (), 9, number, size)

    with pytest.raises(DoesNotAddUp):
        async for _ in Walk(read, 9).pages():
            pass


async def test_a_page_that_stays_short_is_the_end_and_its_total_is_called_wrong() -> None:
    """Where two looks show the same few rows, the server counts rows that it does not show: said, and read on."""
    server = ListServer(7)

    async def read(number: int, size: int) -> Sheet:
        sheet = await server.read(number, size)
        return Sheet(sheet.rows, (), 12, number, size)

    walk = Walk(read, 3)
    got = [row.value("id") async for sheet in walk.pages() for row in sheet.rows]
    assert (got, walk.total_is_wrong) == ([str(n) for n in range(7, 0, -1)], True)


async def test_a_page_that_repeats_is_refused() -> None:
    """The same rows under another page number while the total asks for more do not become a complete list."""
    server = ListServer(7)

    async def read(_: int, size: int) -> Sheet:
        return await server.read(1, size)

    with pytest.raises(DoesNotAddUp):
        async for _ in Walk(read, 3).pages():
            pass
    assert len(server.asked) < 30


async def test_without_a_total_reading_stops_when_rows_repeat() -> None:
    """Past the end the last page comes again: that is the end."""
    server = ListServer(6)

    async def read(number: int, size: int) -> Sheet:
        sheet = await server.read(number, size)
        return Sheet(sheet.rows, (), None)

    got = [row.value("id") async for sheet in Walk(read, 3).pages() for row in sheet.rows]
    assert got == ["6", "5", "4", "3", "2", "1"]


async def test_a_server_with_smaller_pages_is_followed() -> None:
    """When the first page comes in another size than asked, the walk goes on in that size."""
    server = ListServer(7)
    got = [
        row.value("id")
        async for sheet in Walk(lambda number, size: server.read(number, min(size, 2)), 5).pages()
        for row in sheet.rows
    ]
    assert len(set(got)) == len(got) == 7


# --- over HTTP -------------------------------------------------------------------------------------------------


def row(number: int, **columns: str) -> dict[str, Any]:
    """One row of ticket_all."""
    shown = {
        "id": str(number),
        "name": f"subject {number}",
        "tstatus": "0",
        "last_activity": f"2026-11-20 10:{number:04}",
    }
    return {name: {"$": value} for name, value in (shown | columns).items()}


def page_of(rows: list[dict[str, Any]], request: Request, spoil: bytes = b"") -> bytes:
    """The page asked for, with ``@@`` replaced by raw bytes."""
    number, size = int(request.form["p_num"]), int(request.form["p_cnt"])
    shown = rows[(number - 1) * size : number * size]
    body = {"doc": {"elem": shown, "p_elems": {"$": str(len(rows))}, "p_num": {"$": str(number)}}}
    return http(orjson.dumps(body).replace(b"@@", spoil))


async def pages(server: HostileServer, size: int = 500) -> list[Page]:
    """All pages of ticket_all."""
    billing = connect_external("acme", server.url, "robot", "PASSWORD-CANARY", version="6")
    try:
        return [page async for page in billing.pages("ticket_all", page_size=size)]
    finally:
        await billing.aclose()


@pytest.mark.parametrize("spoil", [b"\x01", b"\xff", b"\\ud800"], ids=["control", "utf-8", "surrogate"])
async def test_one_bad_row_of_500_is_found_with_few_requests(spoil: bytes) -> None:
    """499 rows are read, the bad one is rejected by its id, and finding it takes about thirty requests."""
    rows = [row(n) for n in range(500, 0, -1)]
    rows[321]["name"]["$"] = "bad @@ row"
    async with HostileServer({"ticket_all": lambda request: page_of(rows, request, spoil)}) as server:
        (page,) = await pages(server)
        assert len(page.rows) == 499
        assert [bad.ticket for bad in page.rejected] == ["179"]
        assert len(server.requests) < 45


async def test_a_server_whose_every_row_is_bad_is_an_error() -> None:
    """More than a handful of unreadable rows are no poisoned tickets: the listing fails, after few requests."""
    rows = [row(n, name="@@") for n in range(500, 0, -1)]
    async with HostileServer({"ticket_all": lambda request: page_of(rows, request, b"\xff")}) as server:
        with pytest.raises(ProtocolError):
            await pages(server)
        assert len(server.requests) < 150


async def test_bad_rows_are_rejected_with_their_reason() -> None:
    """A row without an id or with an unknown status is rejected; the others stay, control characters and all."""
    rows = [row(4), row(3, tstatus="77"), row(2, name="a\x07b"), {"name": {"$": "x"}}, row(1)]
    async with HostileServer({"ticket_all": lambda request: page_of(rows, request)}) as server:
        (page,) = await pages(server)
    assert [r.ticket for r in page.rows] == ["4", "2", "1"]
    assert [(bad.ticket, bad.reason.partition(".")[0], bad.habit) for bad in page.rejected] == [
        ("3", "its state '77' is not understood", "state"),
        (None, "the row has no id", ""),
    ]


async def test_a_missing_column_stops_the_listing() -> None:
    """When no row has a column that must be there, that is no bad row but another protocol."""
    rows = [{k: v for k, v in row(n).items() if k != "last_activity"} for n in (2, 1)]
    async with HostileServer({"ticket_all": lambda request: page_of(rows, request)}) as server:
        with pytest.raises(ProtocolError, match="last_activity"):
            await pages(server)


async def test_rows_that_do_not_say_their_state_are_not_understood_each() -> None:
    """Staff's list without states stops nothing else: each of its tickets waits, and the habit is named."""
    rows = [{k: v for k, v in row(n).items() if k != "tstatus"} for n in (2, 1)]
    async with HostileServer({"ticket_all": lambda request: page_of(rows, request)}) as server:
        [page] = await pages(server)
    assert page.rows == ()
    assert [(bad.ticket, bad.habit) for bad in page.rejected] == [("2", "state"), ("1", "state")]


async def test_an_answer_that_is_no_list_is_no_empty_list() -> None:
    """Neither rows nor a total: a protocol error, never an empty snapshot."""
    async with HostileServer({"ticket_all": doc({"ok": {}})}) as server:
        with pytest.raises(ProtocolError):
            await pages(server)


async def test_a_list_in_another_order_is_read_whole_and_sorted() -> None:
    """A server that ignores sorting must not make a caller stop early: all is read first, then given newest first."""
    rows = [row(n) for n in (3, 7, 1, 5, 2, 6, 4)]
    async with HostileServer({"ticket_all": lambda request: page_of(rows, request)}) as server:
        (page,) = await pages(server, 3)
    assert [r.ticket for r in page.rows] == ["7", "6", "5", "4", "3", "2", "1"]


async def test_page_size_and_sorting_are_sent_every_time() -> None:
    """The server remembers the last page size and a stored filter, so nothing is left to its memory."""
    rows = [row(n) for n in range(7, 0, -1)]
    async with HostileServer({"ticket_all": lambda request: page_of(rows, request)}) as server:
        await pages(server, 3)
    for request in server.requests[1:]:
        assert {"p_num", "p_cnt", "p_sort", "p_order", "filter"} <= request.form.keys()


async def test_the_caller_may_stop_early() -> None:
    """Reading the first page of a long list costs one request."""
    rows = [row(n) for n in range(50, 0, -1)]
    async with HostileServer({"ticket_all": lambda request: page_of(rows, request)}) as server:
        billing = connect_external("acme", server.url, "robot", "PASSWORD-CANARY", version="6")
        async for _ in billing.pages("ticket_all", page_size=5):
            break
        await billing.aclose()
        assert server.funcs() == ["auth", "ticket_all"]
