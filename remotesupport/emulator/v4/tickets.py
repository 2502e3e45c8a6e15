"""The public ticket functions of version 4: the client's own (SEEN IN CODE) and the staff's queue (SEEN IN CODE).

Staff see in ``tickets`` only what waits for staff (DOCUMENTED). The name of the staff reply's field is INFERRED from
the client's form, as is the name ``tickets.unblock`` from the queue's toolbar.
"""

from __future__ import annotations

import sqlite3

from remotesupport.emulator.database import marks
from remotesupport.emulator.desk import ARCHIVED, CLOSED
from remotesupport.emulator.message_refusals import refuse_message
from remotesupport.emulator.people import SUPER
from remotesupport.emulator.refusal import Refusal
from remotesupport.emulator.texts import waiting
from remotesupport.emulator.v4.call import Call, Row
from remotesupport.emulator.v4.errors import access_denied, no_such
from remotesupport.emulator.v4.hist import hist

_QUEUES = {
    "waiting": "1",
    "unanswered": "(SELECT kind FROM message m WHERE m.ticket = t.id AND m.kind IN ('client', 'staff')"
    " ORDER BY m.id DESC LIMIT 1) = 'client'",
    "open": f"t.status NOT IN ({CLOSED}, {ARCHIVED})",
}

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
    """``unread`` and ``open`` are there only when true (SEEN IN CODE), or always (the habit ``v4_flags``)."""
    shown = {
        "id": str(row["id"]),
        "subject": call.billing.faults.poison(row["id"], row["subject"]),
        "category": str(row["department"]),
        "datelast": call.date(row["last_message"]),
    }
    flags = {"unread": not row["client_read"], "open": row["status"] not in {CLOSED, ARCHIVED}}
    if call.billing.habits["v4_flags"] == "on_off":
        return shown | {name: "on" if value else "off" for name, value in flags.items()}
    return shown | {name: "on" for name, value in flags.items() if value}


def client_edit(call: Call) -> None:
    """``clienttickets.edit``: the empty form, a read, a new ticket, a reply."""
    ticket = call.elid()
    if call.submitted:
        _client_submit(call, ticket)
    elif ticket is None:
        _blank_form(call)
    else:
        row = visible(call, ticket)
        _form(call, row)
        call.answer["product"] = ""
        call.billing.desk.client_reads(ticket)


def _client_submit(call: Call, ticket: int | None) -> None:
    """The answer names no new ticket: only ``result`` was ever seen."""
    refuse_message(call.billing, call.user, call.text("text"), ticket)
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
    if call.billing.habits["v4_category"] == "absent":
        return
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
    """``tickets``: the queue of the caller and of the caller's departments; the habit ``v4_queue`` may widen it."""
    habit, values = call.billing.habits["v4_queue"], call.billing.desk.hands(call.user)
    mine = "1" if call.user.level >= SUPER else f"{{}} IN ({marks(values)})"
    scope = mine.format("t.department" if habit == "open" else "a.user")
    rows = call.billing.database.all(
        "SELECT t.*, coalesce(min(a.since), t.last_message) AS waits_since, c.realname AS client_name FROM ticket t"  # noqa: S608
        f" {'LEFT' if habit == 'open' else ''} JOIN assignment a ON a.ticket = t.id JOIN user c ON c.id = t.client"
        f" WHERE {scope} AND {_QUEUES[habit]}"
        " GROUP BY t.id ORDER BY t.last_message DESC, t.id DESC",
        *([] if call.user.level >= SUPER else values),
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
    ticket, field = call.needed()[0], call.billing.habits["v4_reply_field"]
    row = visible(call, ticket)
    if call.submitted:
        refuse_message(call.billing, call.user, call.text(field), ticket)
        held = call.billing.desk.held(call.user, ticket)
        assignment = held if held is not None else call.billing.desk.take(call.user, ticket)
        call.billing.desk.staff_message(call.user, assignment, call.text(field))
        call.done()
    else:
        _form(call, row)
        call.answer["account"] = call.billing.people.get(row["client"]).realname
        if field != "text":
            call.answer[field] = ""


def unblock(call: Call) -> None:
    """``tickets.unblock``: end another administrator's lock."""
    for ticket in call.elids():
        call.billing.desk.unlock(call.user, ticket)
    call.done()


# --- both -------------------------------------------------------------------------------------------------------


def visible(call: Call, ticket: int) -> sqlite3.Row:
    """The ticket. Raises Refusal missed, or Error 100 where the server says that of a ticket that is hidden."""
    try:
        return call.billing.desk.ticket(call.user, ticket)
    except Refusal:
        there = call.billing.database.one("SELECT id FROM ticket WHERE id = ?", ticket)
        if there is not None and call.billing.habits["v4_hidden_ticket"] == "access_deny":
            raise access_denied() from None
        raise


def _form(call: Call, row: sqlite3.Row) -> None:
    call.answer["elid"] = str(row["id"])
    call.answer["subject"] = call.billing.faults.poison(row["id"], row["subject"])
    call.answer["hist"] = hist(call, row["id"])


def _show(call: Call, rows: list[Row]) -> None:
    if call.billing.faults.doubles_row():
        rows = [*rows[:1], *rows]
    call.answer["elem"] = [] if call.billing.faults.hides_rows() else rows
