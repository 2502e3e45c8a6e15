"""The three functions of remote support.

Their wire is not public: everything in this file is OURS (protocol section 4.5).
What they show depends on who calls: staff see the tickets of their departments (superusers all), the customer's user
the tickets of the account. Internal notes are never in an answer. Both ends have all three.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from remotesupport.emulator.database import marks
from remotesupport.emulator.desk import ARCHIVED, CLOSED
from remotesupport.emulator.message_refusals import refuse_message
from remotesupport.emulator.people import SUPER, User
from remotesupport.emulator.persons import shown_name
from remotesupport.emulator.v4.call import Call, Row
from remotesupport.emulator.v4.errors import invalid
from remotesupport.emulator.v4.rights import granted
from remotesupport.emulator.v4.setup import external_support, is_remote, matches, remote_client
from remotesupport.emulator.v4.tickets import visible

PAGE = 500

# --- clienttickets.syncdepartments ------------------------------------------------------------------------------


def departments(call: Call) -> None:
    """Say who asks, on which release, with which rights; the departments; how the other end is set up. Never a
    password."""
    user = call.user
    call.answer.update(
        version=call.billing.version,
        user=user.login,
        name=shown_name(call.billing.habits, user.level, user.realname),
        level=str(user.level),
        superuser=_on(user.level >= SUPER),
        rights=",".join(granted(call.billing, user)) if user.staff else "",
        timezone=str(user.zone),
        remote=_elsewhere(call),
        elem=[_department(call, each) for each in call.billing.people.departments()],
    )
    if not user.staff:
        call.answer["match"] = [_match(call, row) for row in matches(call.billing, user.id)]


def _elsewhere(call: Call) -> Row:
    user = call.user
    there = remote_client(call.billing) if user.staff else external_support(call.billing, user.id)
    if there is None:
        return {"set": "off"}
    return {"set": "on", "url": there.url, "login": there.login}


def _department(call: Call, department: User) -> Row:
    return {
        "id": str(department.id),
        "name": department.realname,
        "remote": _on(is_remote(call.billing, department.id)),
        "active": _on(department.active),
    }


def _match(call: Call, row: Any) -> Row:
    return {
        "id": str(row.id),
        "remote": row.remote,
        "department": str(row.department),
        "name": call.billing.people.get(row.department).realname,
        "active": _on(row.active),
    }


# --- clienttickets.sync -----------------------------------------------------------------------------------------


def tickets(call: Call) -> None:
    """The list, newest revision first, from the cursor ``before`` on; with ``elid`` one ticket and its messages."""
    ticket = call.elid()
    if ticket is None:
        _list(call)
    else:
        _one(call, ticket)


def _list(call: Call) -> None:
    scope, values = _scope(call)
    size, before = call.number("p_cnt", PAGE) or PAGE, call.number("before", 0)
    db = call.billing.database
    total = db.value(f"SELECT count(*) FROM ticket t WHERE {scope}", *values)  # noqa: S608
    below = " AND t.revision < ?" if before else ""
    sql = (
        "SELECT t.*, c.realname AS client_name FROM ticket t JOIN user c ON c.id = t.client"  # noqa: S608
        f" WHERE {scope}{below} ORDER BY t.revision DESC LIMIT ?"
    )
    rows = db.all(sql, *values, *([before] if before else []), size + 1)
    hidden = call.billing.faults.hides_rows()
    call.answer["elem"] = [] if hidden else [_ticket(call, row) for row in rows[:size]]
    if call.billing.faults.doubles_row():
        call.answer["elem"] = [*call.answer["elem"][:1], *call.answer["elem"]]
    call.answer["total"] = "0" if hidden else str(total)
    if len(rows) > size and not hidden:
        call.answer["cursor"] = str(rows[size - 1]["revision"])


def _scope(call: Call) -> tuple[str, list[Any]]:
    if not call.user.staff:
        return "t.account = ?", [call.user.account]
    if call.user.level >= SUPER:
        return "1", []
    mine = call.billing.people.departments_of(call.user)
    return f"(t.department IN ({marks(mine)}) OR t.responsible = ?)", [*mine, call.user.id]


def _one(call: Call, ticket: int) -> None:
    visible(call, ticket)
    sql = "SELECT t.*, c.realname AS client_name FROM ticket t JOIN user c ON c.id = t.client WHERE t.id = ?"
    row = call.billing.database.one(sql, ticket)
    assert row is not None, "the desk has just shown it"
    call.answer["ticket"] = _ticket(call, row)
    said = call.billing.database.all(
        "SELECT m.*, u.realname, u.level, d.remoteid FROM message m JOIN user u ON u.id = m.user"
        " LEFT JOIN delivered d ON d.message = m.id WHERE m.ticket = ? AND m.kind <> 'note' ORDER BY m.id",
        ticket,
    )
    call.answer["message"] = [_message(call, each) for each in said]


def _ticket(call: Call, row: sqlite3.Row) -> Row:
    return {
        "id": str(row["id"]),
        "subject": call.billing.faults.poison(row["id"], row["subject"]),
        "department": str(row["department"]),
        "author": row["client_name"],
        "state": "closed" if row["status"] in {CLOSED, ARCHIVED} else "open",
        "revision": str(row["revision"]),
        "datelast": call.date(row["last_activity"]),
    }


def _message(call: Call, row: sqlite3.Row) -> Row:
    return {
        "id": str(row["id"]),
        "type": row["kind"],
        "author": shown_name(call.billing.habits, row["level"], row["realname"]),
        "own": _on(row["user"] == call.user.id),
        "date": call.date(row["at"]),
        "text": row["body"],
        "remoteid": row["remoteid"] or "",
    }


# --- clienttickets.syncadmticket --------------------------------------------------------------------------------


def write(call: Call) -> None:
    """``create``, ``message``, ``close`` or ``reopen``, once per ``remoteid``: a repetition does nothing."""
    kind, remoteid = call.text("type"), call.text("remoteid")
    if not call.submitted:
        raise invalid("sok", "sok is missing")
    if kind not in _WRITES:
        raise invalid("type", f"type is none of {', '.join(_WRITES)}")
    if not remoteid or len(remoteid) > 200:
        raise invalid("remoteid", "remoteid is missing or too long")
    db = call.billing.database
    known = db.one("SELECT * FROM delivered WHERE user = ? AND remoteid = ?", call.user.id, remoteid)
    if known is not None:
        call.done(ticket=str(known["ticket"]), id=str(known["message"] or ""), exists="on")
        return
    ticket, message = _WRITES[kind](call)
    db.run("INSERT INTO delivered VALUES (?,?,?,?)", call.user.id, remoteid, ticket, message)
    call.done(ticket=str(ticket), id=str(message or ""))


def _target(call: Call) -> int:
    ticket = call.needed()[0]
    visible(call, ticket)
    return ticket


def _create(call: Call) -> tuple[int, int]:
    if call.user.staff:
        raise invalid("type", "only a customer's user opens tickets")
    department = call.billing.people.department(call.text("department"))
    refuse_message(call.billing, call.user, call.text("text"), None)
    return call.billing.desk.open(call.user, department, call.text("subject"), call.text("text"))


def _say(call: Call) -> tuple[int, int]:
    ticket, desk = _target(call), call.billing.desk
    refuse_message(call.billing, call.user, call.text("text"), ticket)
    if call.user.staff:
        return ticket, desk.staff_message(call.user, _held(call, ticket), call.text("text"))
    return ticket, desk.client_message(call.user, ticket, call.text("text"))


def _close(call: Call) -> tuple[int, int]:
    ticket, desk = _target(call), call.billing.desk
    if call.user.staff:
        if desk.ticket(call.user, ticket)["status"] not in (CLOSED, ARCHIVED):
            held: int | None = _held(call, ticket)
            while held is not None:
                desk.close(call.user, held)
                held = desk.held(call.user, ticket)
    else:
        desk.archive(call.user, [ticket])
    return ticket, 0


def _reopen(call: Call) -> tuple[int, int]:
    ticket, desk = _target(call), call.billing.desk
    if call.user.staff:
        _held(call, ticket)
    else:
        desk.reopen(call.user, ticket)
    return ticket, 0


def _held(call: Call, ticket: int) -> int:
    held = call.billing.desk.held(call.user, ticket)
    return held if held is not None else call.billing.desk.take(call.user, ticket)


_WRITES = {"create": _create, "message": _say, "close": _close, "reopen": _reopen}


def _on(value: bool) -> str:
    return "on" if value else "off"
