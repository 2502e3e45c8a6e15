"""The public ticket functions of version 4: the client's own (SEEN IN CODE) and the staff's queue (SEEN IN CODE).

Staff see in ``tickets`` only what waits for staff (DOCUMENTED). The name of the staff reply's field is INFERRED from
the client's form, as is the name ``tickets.unblock`` from the queue's toolbar.
"""

from __future__ import annotations

import sqlite3

from remotesupport.emulator.database import marks
from remotesupport.emulator.desk import ARCHIVED, CLOSED
from remotesupport.emulator.people import SUPER
from remotesupport.emulator.texts import waiting
from remotesupport.emulator.v4.call import Call, Row
from remotesupport.emulator.v4.errors import no_such
from remotesupport.emulator.v4.hist import hist

# --- the client -------------------------------------------------------------------------------------------------


def client_list(call: Call) -> None:
    """``clienttickets``: every ticket of the account that is not in the archive."""
    _client_rows(call, "status <> ?")


def client_archive_list(call: Call) -> None:
    """``archivedclienttickets``."""
    _client_rows(call, "status = ?")


def _client_rows(call: Call, which: str) -> None:
    sql = f"SELECT * FROM ticket WHERE account = ? AND {which} ORDER BY last_message DESC, id DESC"  # noqa: S608
    rows = call.billing.database.all(sql, call.user.account, ARCHIVED)
    _show(call, [_client_row(call, row) for row in rows])


def _client_row(call: Call, row: sqlite3.Row) -> Row:
    """``unread`` and ``open`` are there only when true (SEEN IN CODE)."""
    shown = {
        "id": str(row["id"]),
        "subject": call.billing.faults.poison(row["id"], row["subject"]),
        "category": str(row["department"]),
        "datelast": call.date(row["last_message"]),
    }
    if not row["client_read"]:
        shown["unread"] = "on"
    if row["status"] not in {CLOSED, ARCHIVED}:
        shown["open"] = "on"
    return shown


def client_edit(call: Call) -> None:
    """``clienttickets.edit``: the empty form, a read, a new ticket, a reply."""
    ticket = call.elid()
    if call.submitted:
        _client_submit(call, ticket)
    elif ticket is None:
        _blank_form(call)
    else:
        row = call.billing.desk.ticket(call.user, ticket)
        _form(call, row)
        call.answer["product"] = ""
        call.billing.desk.client_reads(ticket)


def _client_submit(call: Call, ticket: int | None) -> None:
    """The answer names no new ticket: only ``result`` was ever seen."""
    if ticket is None:
        category = call.text("category")
        department = call.billing.people.department(category) if category.isdigit() else None
        if department is None:
            raise no_such("category", category)
        call.billing.desk.open(call.user, department, call.text("subject"), call.text("text"))
    else:
        call.billing.desk.client_message(call.user, ticket, call.text("text"))
    call.done()


def _blank_form(call: Call) -> None:
    """The options of a form in version 4's JSON were never seen; this shape is OURS."""
    departments = call.billing.people.departments()
    call.answer.update(subject="", product="", text="")
    call.answer["slist"] = [
        {"name": "category", "val": [{"key": str(d.id), "value": d.realname} for d in departments if d.active]}
    ]


def client_to_archive(call: Call) -> None:
    """``clienttickets.archive``: one or several, all or none."""
    call.billing.desk.archive(call.user, call.needed())
    call.done()


def client_from_archive(call: Call) -> None:
    """``archivedclienttickets.open``."""
    for ticket in call.needed():
        call.billing.desk.reopen(call.user, ticket)
    call.done()


# --- staff ------------------------------------------------------------------------------------------------------


def staff_list(call: Call) -> None:
    """``tickets``: the queue of the caller and of the caller's departments."""
    scope, values = "1", []
    if call.user.level < SUPER:
        values = call.billing.desk.hands(call.user)
        scope = f"a.user IN ({marks(values)})"
    rows = call.billing.database.all(
        "SELECT t.*, min(a.since) AS waits_since, c.realname AS client_name FROM assignment a"  # noqa: S608
        f" JOIN ticket t ON t.id = a.ticket JOIN user c ON c.id = t.client WHERE {scope}"
        " GROUP BY t.id ORDER BY t.last_message DESC, t.id DESC",
        *values,
    )
    _show(call, [_staff_row(call, row) for row in rows])


def _staff_row(call: Call, row: sqlite3.Row) -> Row:
    shown = {
        "id": str(row["id"]),
        "subject": call.billing.faults.poison(row["id"], row["subject"]),
        "account": row["client_name"],
        "datelast": call.date(row["last_message"]),
        "delay": waiting(call.billing.clock.now() - row["waits_since"]),
        "project": "Provider",
    }
    if row["blocked_by"]:
        shown["blocked"] = "on"
    return shown


def staff_edit(call: Call) -> None:
    """``tickets.edit``: ``elid`` is the ticket. A read, or an answer, which takes it out of the queue."""
    ticket = call.needed()[0]
    row = call.billing.desk.ticket(call.user, ticket)
    if call.submitted:
        held = call.billing.desk.held(call.user, ticket)
        assignment = held if held is not None else call.billing.desk.take(call.user, ticket)
        call.billing.desk.staff_message(call.user, assignment, call.text("text"))
        call.done()
    else:
        _form(call, row)
        call.answer["account"] = call.billing.people.get(row["client"]).realname


def unblock(call: Call) -> None:
    """``tickets.unblock``: end another administrator's lock."""
    for ticket in call.elids():
        call.billing.desk.unlock(call.user, ticket)
    call.done()


# --- both -------------------------------------------------------------------------------------------------------


def _form(call: Call, row: sqlite3.Row) -> None:
    call.answer["elid"] = str(row["id"])
    call.answer["subject"] = call.billing.faults.poison(row["id"], row["subject"])
    call.answer["hist"] = hist(call, row["id"])


def _show(call: Call, rows: list[Row]) -> None:
    if call.billing.faults.doubles_row():
        rows = [*rows[:1], *rows]
    call.answer["elem"] = [] if call.billing.faults.hides_rows() else rows
