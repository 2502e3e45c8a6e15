"""Lists: filters (in the call or stored), sorting, paging with its two traps. What a row shows is in ``rows``."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from remotesupport.emulator.database import Database, marks
from remotesupport.emulator.node import Node
from remotesupport.emulator.people import SUPER
from remotesupport.emulator.v6.call import Call

DEFAULT_SIZE = 1000  # SEEN IN CODE
NARROW = "{} = ?"
AMONG = "among"
PART = "contains({}, ?)"

Scope = Callable[[Call], tuple[str, list[Any]]]
ShowRow = Callable[[Call, Node, sqlite3.Row], None]


@dataclass(frozen=True, slots=True)
class Listing:
    """``source`` is the FROM clause for counting and paging, ``wide`` the one for showing, ``key`` the row's id."""

    source: str
    wide: str
    columns: str
    key: str
    show: ShowRow
    scope: Scope
    sorts: dict[str, str]
    filters: dict[str, tuple[str, str]]
    default: tuple[str, str] = ("id", "asc")


@dataclass(frozen=True, slots=True)
class _Page:
    number: int
    size: int
    shown: int
    total: int


def list_rows(call: Call, listing: Listing) -> None:
    """Fill ``call.doc`` with one page of rows and the echo of paging and sorting."""
    db = call.billing.database
    where, values = _where(call, listing)
    total: int = db.value(f"SELECT count(*) FROM {listing.source} WHERE {where}", *values)  # noqa: S608
    column, order = _sorting(call, listing)
    page = _page(call, total)
    by = _order_by(call, listing, column, order)
    ids = f"SELECT {listing.key} FROM {listing.source} WHERE {where} ORDER BY {by} LIMIT ? OFFSET ?"  # noqa: S608
    sql = f"SELECT {listing.columns} FROM {listing.wide} WHERE {listing.key} IN ({ids}) ORDER BY {by}"  # noqa: S608
    rows = db.all(sql, *values, page.size, (page.shown - 1) * page.size)
    call.doc.add("p_sort", column)
    call.doc.add("p_order", order)
    if call.billing.faults.doubles_row():
        rows = [*rows[:1], *rows]
    for row in [] if call.billing.faults.hides_rows() else rows:
        elem = call.doc.add("elem")
        listing.show(call, elem, row)
        _decorate(call, elem)
    _echo(call, page, listing, len(rows))


def _decorate(call: Call, elem: Node) -> None:
    if call.billing.habits["extra_columns"] == "many":
        for child in list(elem.children):
            elem.add(f"{child.tag}_locale", f"«{child.text}»")


def _echo(call: Call, page: _Page, listing: Listing, rows: int) -> None:
    call.doc.add("p_cnt", str(page.size))
    call.doc.add("p_num", str(page.number))
    total = _total(call, page, listing, rows)
    if total is not None:
        call.doc.add("p_elems", "0" if call.billing.faults.hides_rows() else str(total))


def _total(call: Call, page: _Page, listing: Listing, rows: int) -> int | None:
    """The habit ``total``; None: not shown."""
    habit, low = call.billing.habits["total"], call.user.level < SUPER
    if habit == "absent" or (habit == "absent_in_xml" and call.params.get("out", "xml") == "xml"):
        return None
    if habit == "wrong" and low:
        return int(call.billing.database.value(f"SELECT count(*) FROM {listing.source}"))  # noqa: S608
    return rows if habit == "page" and low else page.total


def _page(call: Call, total: int) -> _Page:
    """The size is remembered as the user's own; a number past the end shows the last page again (both SEEN IN CODE).

    The number asked for is echoed, not the one shown (INFERRED).
    """
    size = _number(call.text("p_cnt"))
    if size:
        remember(call.billing.database, call.user.id, "p_cnt", str(size))
    else:
        size = _number(recall(call.billing.database, call.user.id, "p_cnt")) or DEFAULT_SIZE
    number = _number(call.text("p_num")) or 1
    last = max(-(-total // size), 1)
    shown = min(number, last)
    if call.billing.faults.repeats_page():
        shown = max(shown - 1, 1)
    return _Page(number, size, shown, total)


def _sorting(call: Call, listing: Listing) -> tuple[str, str]:
    column, order = listing.default
    if (wish := call.text("p_col").strip()).lstrip("+-") in listing.sorts:
        column, order = wish.lstrip("+-"), "desc" if wish.startswith("-") else "asc"
    if call.text("p_sort") in listing.sorts:
        column, order = call.text("p_sort"), "asc"
    if call.text("p_order") in {"asc", "desc"}:
        order = call.text("p_order")
    return column, order


def _order_by(call: Call, listing: Listing, column: str, order: str) -> str:
    """The habit ``sort``."""
    habit = call.billing.habits["sort"]
    if habit == "ignored" or (habit == "id_only" and column != "id"):
        return f"{listing.key} asc"
    return f"{listing.sorts[column]} {order}, {listing.key} {order}"


def _where(call: Call, listing: Listing) -> tuple[str, list[Any]]:
    clause, values = listing.scope(call)
    clauses = [clause]
    for name, wanted in _wanted(call).items():
        if name in listing.filters and wanted:
            sql, more = _condition(*listing.filters[name], wanted)
            clauses.append(sql)
            values.extend(more)
    return " AND ".join(clauses), values


def _wanted(call: Call) -> dict[str, str]:
    """A filter in the call replaces the stored one for this call (INFERRED); without one, the stored one rules."""
    if call.text("filter") in {"on", "yes"}:
        return call.params
    return stored_filter(call.billing.database, call.user.id, call.function)


def _condition(how: str, column: str, wanted: str) -> tuple[str, list[Any]]:
    if how != AMONG:
        return how.format(column), [wanted]
    words = [int(word) if word.isascii() and word.isdigit() else word for word in map(str.strip, wanted.split(","))]
    return f"{column} IN ({marks(words)})", list(words)


def store_filter(call: Call, function: str, names: tuple[str, ...]) -> None:
    """``X.filter``: keep (or, with nothing in it, drop) the user's filter of list X (SEEN IN CODE)."""
    for name in names:
        remember(call.billing.database, call.user.id, f"filter.{function}.{name}", call.text(name))


def stored_filter(db: Database, user: int, function: str) -> dict[str, str]:
    """Return what the user's stored filter of that list holds."""
    prefix = f"filter.{function}."
    rows = db.all("SELECT name, value FROM preference WHERE user = ? AND name LIKE ? || '%'", user, prefix)
    return {row["name"].removeprefix(prefix): row["value"] for row in rows}


def remember(db: Database, user: int, name: str, value: str) -> None:
    """A setting of the user, kept on the server."""
    db.run("INSERT OR REPLACE INTO preference VALUES (?,?,?)", user, name, value)


def recall(db: Database, user: int, name: str) -> str:
    """The setting, or ""."""
    return db.value("SELECT value FROM preference WHERE user = ? AND name = ?", user, name) or ""


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
