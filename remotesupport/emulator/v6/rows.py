"""The lists of the dialect: which rows the caller sees, by what they sort and filter, what each row shows.

Column names: DOCUMENTED; flags as children with the value ``on`` and ``orig`` of translated columns: SEEN IN CODE.
How ``responsible`` and ``tstatus`` look is a habit: ``departments``, ``states``.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from remotesupport.emulator.database import marks
from remotesupport.emulator.desk import ARCHIVED, AWAITING
from remotesupport.emulator.node import Node
from remotesupport.emulator.people import CLIENT, DEPARTMENT, EMPLOYEE, SUPER
from remotesupport.emulator.persons import shown_name
from remotesupport.emulator.texts import plain_date, utc_date, waiting
from remotesupport.emulator.v6.call import Call
from remotesupport.emulator.v6.departments import show_in_list, show_in_queue
from remotesupport.emulator.v6.lists import AMONG, NARROW, PART, Listing
from remotesupport.emulator.v6.states import show_state

_WIDE_TICKET = (
    "ticket t JOIN user c ON c.id = t.client JOIN user r ON r.id = t.responsible"
    " LEFT JOIN user b ON b.id = t.blocked_by AND t.blocked_by > 0"
)
_TICKET_COLUMNS = (
    "t.*, c.realname AS client_name, r.realname AS responsible_name, r.level AS responsible_level,"
    " b.realname AS blocker, EXISTS (SELECT 1 FROM assignment x WHERE x.ticket = t.id) AS held"
)
_MESSAGE_FILTER = "EXISTS (SELECT 1 FROM message m WHERE m.ticket = t.id AND m.kind <> 'note' AND contains(m.body, ?))"
_TICKET_FILTERS = {
    "id": (AMONG, "t.id"),
    "name": (PART, "t.subject"),
    "subject": (PART, "t.subject"),
    "tstatus": (AMONG, "t.status"),
    "responsible": (
        AMONG,
        "(SELECT CASE r.level WHEN 28 THEN 'd_' ELSE 'e_' END || r.id FROM user r WHERE r.id = t.responsible)",
    ),
    "client": (PART, "(SELECT c.realname FROM user c WHERE c.id = t.client)"),
    "message": (_MESSAGE_FILTER, ""),
    "message_poststart": ("date(t.last_message, 'unixepoch') >= ?", ""),
    "message_postend": ("date(t.last_message, 'unixepoch') <= ?", ""),
}
_TICKET_SORTS = {
    "id": "t.id",
    "name": "t.subject",
    "date_start": "t.started",
    "last_message": "t.last_message",
    "last_activity": "t.last_activity",
    "tstatus": "t.status",
}
CLIENT_FILTER = ("id", "message", "name", "abuse", "tstatus", "message_poststart", "message_postend")


def _own_departments(call: Call) -> tuple[str, list[Any]]:
    if call.user.level >= SUPER:
        return "1", []
    departments = call.billing.people.departments_of(call.user)
    return f"(t.department IN ({marks(departments)}) OR t.responsible = ?)", [*departments, call.user.id]


def _own_queue(call: Call) -> tuple[str, list[Any]]:
    if call.user.level >= SUPER:
        return "1", []
    hands = call.billing.desk.hands(call.user)
    return f"a.user IN ({marks(hands)})", list(hands)


def _subject(call: Call, ticket: int, subject: str) -> str:
    return call.billing.faults.poison(ticket, subject)


def _show_ticket(call: Call, elem: Node, row: sqlite3.Row) -> None:
    elem.add("id", str(row["id"]))
    elem.add("name", _subject(call, row["id"], row["subject"]))
    elem.add("client", row["client_name"])
    for name, column in (
        ("date_start", "started"),
        ("last_message", "last_message"),
        ("last_activity", "last_activity"),
    ):
        call.date(elem, name, row[column])
    show_in_list(call, elem, row)
    elem.add("project_name", call.billing.name)
    show_state(call, elem, row["status"])
    _flags(call, elem, row)


def _flags(call: Call, elem: Node, row: sqlite3.Row) -> None:
    if row["noted"]:
        elem.add("note", "on")
    if row["blocked_by"]:
        blocker = shown_name(call.billing.habits, EMPLOYEE, row["blocker"])
        elem.add("blocked_by", f"{blocker}, {plain_date(row['blocked_at'], call.user.zone)}")


def _show_queued(call: Call, elem: Node, row: sqlite3.Row) -> None:
    elem.add("id", str(row["assignment"]))
    elem.add("ticket", str(row["id"]))
    elem.add("name", _subject(call, row["id"], row["subject"]))
    elem.add("client", row["client_name"])
    elem.add("delay", waiting(call.billing.clock.now() - row["since"]))
    call.date(elem, "date_start", row["started"])
    call.date(elem, "deadline", row["since"] + 86_400)
    show_in_queue(call, elem, row)
    for name in ("project", "queue", "location"):
        elem.add(name, call.billing.name if name == "project" else "")
    if row["unread"]:
        elem.add("unread", "on")
    _flags(call, elem, row)


def _show_open(call: Call, elem: Node, row: sqlite3.Row) -> None:
    elem.add("id", str(row["assignment"]))
    elem.add("name", _subject(call, row["id"], row["subject"]))
    elem.add("client", row["client_name"])
    call.date(elem, "date_start", row["started"])


def _show_client_ticket(call: Call, elem: Node, row: sqlite3.Row) -> None:
    unread = not row["client_read"]
    elem.add("id", str(row["id"]))
    elem.add("name", _subject(call, row["id"], row["subject"]))
    call.date(elem, "last_message", row["last_message"])
    if call.billing.habits["utc_times"] == "last_message_utc":
        elem.add("last_message_utc", utc_date(row["last_message"]))
    elem.add("wait_time", waiting(call.billing.clock.now() - row["last_message"]) if row["status"] < AWAITING else "")
    elem.add("create_user", row["client_name"])
    show_state(call, elem, row["status"], unread=unread)
    if unread:
        elem.add("unread", "on")
    if row["status"] != ARCHIVED and not row["held"]:
        elem.add("toarchive", "on")


def _show_department(call: Call, elem: Node, row: sqlite3.Row) -> None:
    elem.add("id", str(row["id"]))
    for name in ("name", "locale_name"):
        if call.billing.habits["department_names"] in {name, "both"}:
            elem.add(name, row["realname"])
    elem.add("orderpriority", str(row["id"]))
    elem.add("status", "Active" if row["active"] else "Suspended", orig="on" if row["active"] else "off")


def _show_person(call: Call, elem: Node, row: sqlite3.Row) -> None:
    elem.add("id", str(row["id"]))
    elem.add("name", row["login"])
    elem.add("realname", shown_name(call.billing.habits, row["level"], row["realname"]))
    elem.add("email", row["email"])
    if row["level"] == CLIENT:
        elem.add("account", str(row["account"]))
    else:
        names = [call.billing.people.get(department).realname for department in _memberships(call, row["id"])]
        elem.add("department", ", ".join(names))
    elem.add("status", "Active" if row["active"] else "Suspended", orig="on" if row["active"] else "off")


def _memberships(call: Call, employee: int) -> list[int]:
    return [row[0] for row in call.billing.database.all("SELECT department FROM member WHERE employee = ?", employee)]


def _show_message(call: Call, elem: Node, row: sqlite3.Row) -> None:
    elem.add("id", str(row["id"]))
    elem.add("message", row["body"])
    call.date(elem, "date_post", row["at"])
    elem.add("message_user", shown_name(call.billing.habits, row["level"], row["realname"]))


def _of_ticket(call: Call) -> tuple[str, list[Any]]:
    ticket = call.billing.desk.ticket(call.user, call.need("plid"))
    return "m.ticket = ? AND m.kind IN ('client', 'staff')", [ticket["id"]]


def _people(low: int, high: int) -> Listing:
    sorts = {"id": "u.id", "name": "u.login", "realname": "u.realname", "locale_name": "u.realname"}
    filters = {"id": (AMONG, "u.id"), "name": (NARROW.format("u.login"), ""), "realname": (PART, "u.realname")}
    show = _show_department if high == DEPARTMENT else _show_person
    scope = f"u.level BETWEEN {low} AND {high}"
    return Listing("user u", "user u", "u.*", "u.id", show, lambda _call: (scope, []), sorts, filters)


def _tickets(scope: Any, show: Any, default: tuple[str, str]) -> Listing:
    return Listing(
        "ticket t", _WIDE_TICKET, _TICKET_COLUMNS, "t.id", show, scope, _TICKET_SORTS, _TICKET_FILTERS, default
    )


def _queue(show: Any) -> Listing:
    filters = _TICKET_FILTERS | {"id": (AMONG, "a.id"), "ticket": (AMONG, "a.ticket")}
    sorts = _TICKET_SORTS | {"id": "a.id", "ticket": "a.ticket", "delay": "a.since", "deadline": "a.since"}
    return Listing(
        "assignment a JOIN ticket t ON t.id = a.ticket",
        f"assignment a JOIN {_WIDE_TICKET.replace('ticket t JOIN', 'ticket t ON t.id = a.ticket JOIN', 1)}",
        f"a.id AS assignment, a.since, a.unread, {_TICKET_COLUMNS}",
        "a.id", show, _own_queue, sorts, filters, ("deadline", "asc"),
    )  # fmt: skip


def _of_account(archived: bool) -> Any:
    status = f"t.status {'=' if archived else '<>'} {ARCHIVED}"
    return lambda call: (f"t.account = ? AND {status}", [call.user.account])


LISTINGS: dict[str, Listing] = {
    "ticket_all": _tickets(_own_departments, _show_ticket, ("last_activity", "desc")),
    "ticket": _queue(_show_queued),
    "ticket_open": _queue(_show_open),
    "clientticket": _tickets(_of_account(archived=False), _show_client_ticket, ("last_message", "desc")),
    "clientticket_archive": _tickets(_of_account(archived=True), _show_client_ticket, ("last_message", "desc")),
    "department": _people(DEPARTMENT, DEPARTMENT),
    "employee": _people(EMPLOYEE, SUPER),
    "user": _people(CLIENT, CLIENT),
    "ticket.message": Listing(
        "message m", "message m JOIN user u ON u.id = m.user", "m.*, u.realname, u.level", "m.id",
        _show_message, _of_ticket, {"id": "m.id", "date_post": "m.at"}, {"id": (AMONG, "m.id")},
    ),
}  # fmt: skip
