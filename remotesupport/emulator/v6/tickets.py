"""Ticket functions of clients and staff: forms that are read, forms that are submitted."""

from __future__ import annotations

import sqlite3

from remotesupport.emulator.desk import ARCHIVED
from remotesupport.emulator.message_refusals import refuse_message
from remotesupport.emulator.people import CLIENT, DEPARTMENT, User
from remotesupport.emulator.refusal import Refusal, missed, wrong
from remotesupport.emulator.v6.call import Call, RawFile
from remotesupport.emulator.v6.departments import department_options, show_in_form
from remotesupport.emulator.v6.lists import store_filter
from remotesupport.emulator.v6.rows import CLIENT_FILTER
from remotesupport.emulator.v6.states import show_in_form as show_state_in_form
from remotesupport.emulator.v6.states import show_options
from remotesupport.emulator.v6.thread import show_thread

# --- clients ---------------------------------------------------------------------------------------------------


def client_edit(call: Call) -> None:
    """``clientticket.edit``: the empty form, a read, a create (answers ``id``), a reply."""
    ticket = call.elid()
    if call.submitted:
        _client_submit(call, ticket)
    elif ticket is None:
        _blank_form(call)
    else:
        _client_read(call, ticket)


def _client_submit(call: Call, ticket: int | None) -> None:
    desk, files = call.billing.desk, call.files
    refuse_message(call.billing, call.user, call.text("message"), ticket)
    if ticket is None:
        department = call.billing.people.get(call.need("client_department"))
        subject = call.text("subject") or call.text("name")
        ticket, _ = desk.open(call.user, department, subject, call.text("message"), files)
        if call.billing.habits["new_id"] == "answer":
            call.doc.add("id", str(ticket))
    else:
        desk.client_message(call.user, ticket, call.text("message"), files)
    call.done()


def _client_read(call: Call, ticket: int) -> None:
    row = call.billing.desk.ticket(call.user, ticket)
    _common_fields(call, row)
    if row["status"] == ARCHIVED:
        call.doc.add("closed_ticket_user", "on")
    show_thread(call, ticket)
    call.billing.desk.client_reads(ticket)


def _blank_form(call: Call) -> None:
    for name in ("subject", "message"):
        call.doc.add(name, "")
    department_options(call)
    call.doc.add("slist", None, name="ticket_item")


def client_archive(call: Call) -> None:
    """``clientticket.archive``: one or several tickets, all or none."""
    tickets = call.elids()
    if not tickets:
        raise missed("elid", "")
    call.billing.desk.archive(call.user, tickets)
    call.done()


def client_filter(call: Call) -> None:
    """``clientticket.filter``: stored for the user until it is stored empty."""
    if call.submitted:
        store_filter(call, "clientticket", CLIENT_FILTER)
        call.done()


# --- staff -----------------------------------------------------------------------------------------------------


def staff_edit(call: Call) -> None:
    """``ticket.edit``: ``elid`` is an assignment. Reading clears its unread mark; submitting answers or notes."""
    desk, assignment = call.billing.desk, call.need()
    held = desk.assignment(call.user, assignment)
    if call.elid("plid") not in {None, held["ticket"]}:
        raise missed("plid", call.text("plid"))
    if call.submitted:
        _staff_submit(call, assignment, held["ticket"])
    else:
        desk.staff_reads(call.user, assignment)
        call.doc.add("plid", str(held["ticket"]))
        _staff_read(call, held["ticket"])


def _staff_submit(call: Call, assignment: int, ticket: int) -> None:
    note = call.text("note_message") if call.text("show_optional") == "on" else ""
    message, files = call.text("message"), call.files
    keep = "ok_message" in {call.text("clicked_button"), call.text("sv_field")}  # both SEEN IN CODE
    if not (message.strip() or note.strip() or files) and call.billing.habits["empty_answer"] == "closes":
        call.billing.desk.close(call.user, assignment)
        call.done("func=ticket", type="list")
        return
    if note.strip():
        call.billing.desk.note(call.user, ticket, note, [] if message.strip() else files)
    if message.strip() or not note.strip():
        refuse_message(call.billing, call.user, message, ticket)
        call.billing.desk.staff_message(call.user, assignment, message, files, keep=keep)
    call.done("func=ticket", type="list")


def all_edit(call: Call) -> None:
    """``ticket_all.edit``: ``elid`` is a ticket. Read without any effect, take (``ok_get``), create for a client."""
    ticket = call.elid()
    if not call.submitted:
        _all_read(call, ticket)
    elif ticket is None:
        _create_for_client(call)
    elif call.text("clicked_button") == "ok_get":
        _take(call, ticket)
    else:
        raise wrong("clicked_button", "Assign the ticket to yourself first", call.text("clicked_button"))


def _take(call: Call, ticket: int) -> None:
    desk, habit = call.billing.desk, call.billing.habits["reopen"]
    if habit != "ok_get" and not desk.in_queue(call.user, ticket):
        if habit == "support_tool_responsible_refused":
            raise wrong("clicked_button", "The ticket is in no queue", "ok_get")
        call.done("func=ticket_all", type="list")
        return
    assignment = desk.take(call.user, ticket)
    call.done(f"func=ticket.edit&elid={assignment}&plid={ticket}", type="form")


def _all_read(call: Call, ticket: int | None) -> None:
    if ticket is None:
        _blank_form(call)
    else:
        call.billing.desk.ticket(call.user, ticket)
        _staff_read(call, ticket)


def _create_for_client(call: Call) -> None:
    people, department = call.billing.people, call.billing.people.get(call.need("client_department"))
    account = call.need("ticket_account")
    client = next((user for user in people.everyone(CLIENT, CLIENT) if user.account == account), None)
    if client is None:
        raise missed("ticket_account", account)
    subject = call.text("subject") or call.text("name")
    refuse_message(call.billing, call.user, call.text("message"), None)
    ticket, _ = call.billing.desk.open_for(call.user, client, department, subject, call.text("message"), call.files)
    call.doc.add("id", str(ticket))
    call.done()


def all_delete(call: Call) -> None:
    """``ticket_all.delete``."""
    for ticket in call.elids():
        call.billing.desk.delete(call.user, ticket)
    call.done()


def open_delete(call: Call) -> None:
    """``ticket_open.delete``: off the queue without an answer; ``elid`` is an assignment."""
    assignments = call.elids()
    if not assignments:
        raise missed("elid", "")
    for assignment in assignments:
        call.billing.desk.close(call.user, assignment)
    call.done()


def transfer(call: Call) -> None:
    """``support_tool_responsible``: ``set_responsible`` is ``d_<department>`` or ``e_<employee>``."""
    assignment, ticket = _handed_over(call)
    if call.elid("plid") not in {None, ticket}:
        raise missed("plid", call.text("plid"))
    if not call.submitted:
        options = call.doc.add("slist", None, name="set_responsible")
        for target in call.billing.people.everyone(DEPARTMENT):
            options.add("val", target.realname, key=target.tag)
        return
    call.billing.desk.transfer(call.user, ticket, _target(call), assignment)
    call.done()


def _handed_over(call: Call) -> tuple[int | None, int]:
    """(assignment, ticket): ``elid`` is an assignment; where staff reopen so, a ticket (SEEN IN CODE)."""
    desk, key = call.billing.desk, call.need()
    if call.billing.habits["reopen"] != "ok_get":
        ticket = call.billing.database.one("SELECT id FROM ticket WHERE id = ?", key)
        if ticket is not None and not desk.in_queue(call.user, key):
            return None, key
    return key, desk.assignment(call.user, key)["ticket"]


def _target(call: Call) -> User:
    wanted = call.text("set_responsible")
    for target in call.billing.people.everyone(DEPARTMENT):
        if target.tag == wanted:
            return target
    raise wrong("set_responsible", "Neither a department nor an employee", wanted)


def unblock(call: Call) -> None:
    """``ticket.unblock``: ``elid`` is an assignment."""
    held = call.billing.desk.assignment(call.user, call.need())
    call.billing.desk.unlock(call.user, held["ticket"])
    call.done()


def file(call: Call) -> None:
    """``ticket.file``: raw bytes instead of a document."""
    call.file = RawFile(*call.billing.desk.file(call.user, call.need()))


# --- fields ----------------------------------------------------------------------------------------------------


def _staff_read(call: Call, ticket: int) -> None:
    row = call.billing.database.one("SELECT * FROM ticket WHERE id = ?", ticket)
    if row is None:
        raise Refusal("missed", "ticket", "The ticket does not exist", str(ticket))
    _common_fields(call, row)
    people = call.billing.people
    call.doc.add("client", people.get(row["client"]).realname)
    call.doc.add("ticket_account", str(row["account"]))
    show_in_form(call, row)
    call.date(call.doc, "date_start", row["started"])
    show_options(call)
    show_thread(call, ticket)


def _common_fields(call: Call, row: sqlite3.Row) -> None:
    subject = call.billing.faults.poison(row["id"], row["subject"])
    call.doc.add("elid", call.text("elid").strip())
    call.doc.add("id", str(row["id"]))
    call.doc.add("name", subject)
    call.doc.add("subject", subject)
    show_state_in_form(call, row)
    call.doc.add("item", "")
