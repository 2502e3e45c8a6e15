"""Does what a person could do, as one JSON object: ``{"as": login, "do": ..., ...}``. Same rules as through the API.

``do`` is one of ``open`` (department, subject, text, files; by staff also client), ``reply`` (ticket, text, files;
by staff with ``keep`` true the ticket stays in the queue), ``note``, ``close``, ``archive``, ``reopen``, ``transfer``
(to a department, or ``employee``), ``take``, ``delete``, ``read`` (as by a person: clears the unread mark), ``lock``,
``unlock``, ``edit`` (message, text: in place). Without ``as``, set-up of the billing: ``user`` (login, and any of
password, realname, timezone, lang, active, level, departments) and ``department`` (department, active, name); what only
version 4 has is in ``v4.acts``.
Departments are given by id or name, files as ``[{"name", "content_base64"}]`` or, with bytes made here, ``[{"name",
"size"}]``.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Callable
from typing import Any

from remotesupport.emulator.billing import Billing
from remotesupport.emulator.desk import Attachment
from remotesupport.emulator.people import CLIENT, DEPARTMENT, User
from remotesupport.emulator.v4.acts import SET_UPS as V4_SET_UPS

Order = dict[str, Any]
Act = Callable[[Billing, User, Order], dict[str, int | None]]


def act(billing: Billing, order: Order) -> dict[str, str]:
    """Do it; ids of "ticket", "message", "assignment", "user" if any. Raises Refusal, ValueError, KeyError."""
    with billing.database.transaction():
        done = _set_up(billing, order) if order["do"] in _SET_UPS else _as_person(billing, order)
    return {name: str(key) for name, key in done.items() if key is not None}


def _as_person(billing: Billing, order: Order) -> dict[str, int | None]:
    if order["do"] not in _ACTS:
        raise ValueError(f"no act {order['do']!r}; there are {', '.join((*_ACTS, *_SET_UPS))}")
    return _ACTS[order["do"]](billing, billing.people.named(order["as"]), order)


def _set_up(billing: Billing, order: Order) -> dict[str, int | None]:
    return _SET_UPS[order["do"]](billing, order)


def _files(order: Order) -> list[Attachment]:
    return [Attachment(file["name"], _content(file)) for file in order.get("files") or []]


def _content(file: Order) -> bytes:
    if "size" in file:
        size = int(file["size"])
        return random.Random(size).randbytes(size)  # noqa: S311 - the same bytes for the same size
    return base64.b64decode(file["content_base64"])


def _open(billing: Billing, who: User, order: Order) -> dict[str, int | None]:
    department = billing.people.department(order["department"])
    subject, text = order["subject"], order.get("text", "")
    if who.staff:
        client = billing.people.named(order["client"])
        ticket, message = billing.desk.open_for(who, client, department, subject, text, _files(order))
    else:
        ticket, message = billing.desk.open(who, department, subject, text, _files(order))
    return {"ticket": ticket, "message": message, "assignment": _assignment(billing, ticket)}


def _reply(billing: Billing, who: User, order: Order) -> dict[str, int | None]:
    ticket, text, files = int(order["ticket"]), order.get("text", ""), _files(order)
    if who.staff:
        message = billing.desk.staff_message(
            who, _held(billing, who, ticket), text, files, keep=bool(order.get("keep"))
        )
    else:
        message = billing.desk.client_message(who, ticket, text, files)
    return {"ticket": ticket, "message": message, "assignment": _assignment(billing, ticket)}


def _note(billing: Billing, who: User, order: Order) -> dict[str, int | None]:
    return {
        "ticket": int(order["ticket"]),
        "message": billing.desk.note(who, int(order["ticket"]), order["text"], _files(order)),
    }


def _close(billing: Billing, who: User, order: Order) -> dict[str, int | None]:
    ticket = int(order["ticket"])
    return {"ticket": billing.desk.close(who, _held(billing, who, ticket))}


def _archive(billing: Billing, who: User, order: Order) -> dict[str, int | None]:
    billing.desk.archive(who, [int(order["ticket"])])
    return {"ticket": int(order["ticket"])}


def _reopen(billing: Billing, who: User, order: Order) -> dict[str, int | None]:
    if who.staff:
        return _take(billing, who, order)
    billing.desk.reopen(who, int(order["ticket"]))
    return {"ticket": int(order["ticket"]), "assignment": _assignment(billing, int(order["ticket"]))}


def _transfer(billing: Billing, who: User, order: Order) -> dict[str, int | None]:
    people = billing.people
    target = people.named(order["employee"]) if "employee" in order else people.department(order["department"])
    return {"ticket": int(order["ticket"]), "assignment": billing.desk.transfer(who, int(order["ticket"]), target)}


def _take(billing: Billing, who: User, order: Order) -> dict[str, int | None]:
    return {"ticket": int(order["ticket"]), "assignment": billing.desk.take(who, int(order["ticket"]))}


def _delete(billing: Billing, who: User, order: Order) -> dict[str, int | None]:
    billing.desk.delete(who, int(order["ticket"]))
    return {"ticket": int(order["ticket"])}


def _edit(billing: Billing, _who: User, order: Order) -> dict[str, int | None]:
    billing.desk.edit_message(int(order["message"]), order["text"])
    return {"message": int(order["message"])}


def _read(billing: Billing, who: User, order: Order) -> dict[str, int | None]:
    ticket = int(order["ticket"])
    billing.desk.ticket(who, ticket)
    if not who.staff:
        billing.desk.client_reads(ticket)
    elif (held := billing.desk.held(who, ticket)) is not None:
        billing.desk.staff_reads(who, held)
    return {"ticket": ticket}


def _lock(billing: Billing, who: User, order: Order) -> dict[str, int | None]:
    (billing.desk.lock if order["do"] == "lock" else billing.desk.unlock)(who, int(order["ticket"]))
    return {"ticket": int(order["ticket"])}


def _user(billing: Billing, order: Order) -> dict[str, int | None]:
    people, db = billing.people, billing.database
    user = people.find(order["login"]) or people.add(order["login"], int(order.get("level", CLIENT)))
    for column in ("password", "realname", "timezone", "lang", "level", "active"):
        if column in order:
            db.run(f"UPDATE user SET {column} = ? WHERE id = ?", order[column], user.id)  # noqa: S608
    if "departments" in order:
        db.run("DELETE FROM member WHERE employee = ?", user.id)
        for department in order["departments"]:
            people.join(people.department(department).id, user.id)
    return {"user": user.id}


def _department(billing: Billing, order: Order) -> dict[str, int | None]:
    name = str(order["department"])
    known = {name_or_id: each for each in billing.people.departments() for name_or_id in (each.realname, str(each.id))}
    department = known.get(name) or billing.people.add(f"department {name}", DEPARTMENT, realname=name)
    shown = str(order.get("name", department.realname))
    active = bool(order.get("active", True))
    billing.database.run("UPDATE user SET active = ?, realname = ? WHERE id = ?", active, shown, department.id)
    return {"department": department.id}


def _held(billing: Billing, who: User, ticket: int) -> int:
    """The assignment to answer with; taken first where the employee has none."""
    held = billing.desk.held(who, ticket)
    return held if held is not None else billing.desk.take(who, ticket)


def _assignment(billing: Billing, ticket: int) -> int | None:
    newest: int | None = billing.database.value("SELECT max(id) FROM assignment WHERE ticket = ?", ticket)
    return newest


_ACTS: dict[str, Act] = {
    "open": _open,
    "reply": _reply,
    "note": _note,
    "close": _close,
    "archive": _archive,
    "reopen": _reopen,
    "transfer": _transfer,
    "take": _take,
    "delete": _delete,
    "edit": _edit,
    "read": _read,
    "lock": _lock,
    "unlock": _lock,
}
_SET_UPS: dict[str, Callable[[Billing, Order], dict[str, int | None]]] = {
    "user": _user,
    "department": _department,
    **V4_SET_UPS,
}
