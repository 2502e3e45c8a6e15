"""Shows staff a ticket's department, in lists and form: the habits ``responsible`` and ``form_department``."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from remotesupport.emulator.node import Node
from remotesupport.emulator.people import DEPARTMENT
from remotesupport.emulator.persons import shown_name
from remotesupport.emulator.v6.call import Call

_EMPLOYEE = "employee"
_SILENT = frozenset({"employee", "employee_with_queue_row"})


class _Shown(NamedTuple):
    text: str
    orig: str | None = None


class _Who(NamedTuple):
    id: int
    level: int
    realname: str

    @property
    def tag(self) -> str:
        return f"{'d' if self.level == DEPARTMENT else 'e'}_{self.id}"


def show_in_list(call: Call, elem: Node, row: sqlite3.Row) -> None:
    """The column ``responsible`` of ``ticket_all``."""
    _add(elem, _spelt(call, _in_row(row)))


def show_in_queue(call: Call, elem: Node, row: sqlite3.Row) -> None:
    """Return the same of ``ticket``, which may tell more."""
    if call.billing.habits["responsible"] == "employee_with_queue_row":
        department = call.billing.people.get(row["department"])
        _add(elem, _Shown(department.realname, department.tag))
    else:
        _add(elem, _spelt(call, _in_row(row)))


def show_in_form(call: Call, row: sqlite3.Row) -> None:
    """Fields of a staff form, and the list of departments with or without a selected one."""
    department = call.billing.people.get(row["department"])
    habits = call.billing.habits
    says = "" if habits["responsible"] in _SILENT else habits["form_department"]
    if says in {"both", "client_department"}:
        call.doc.add("client_department", str(department.id))
    if says == "both":
        who = call.billing.people.get(row["responsible"])
        shown = _spelt(call, _Who(who.id, who.level, who.realname))
        call.doc.add("responsible", shown.orig or shown.text)
    if says == "responsible":
        call.doc.add("responsible", department.tag)
    department_options(call, department.id if says == "selected" else 0)


def department_options(call: Call, selected: int = 0) -> None:
    """Return what a form offers as ``client_department``."""
    options = call.doc.add("slist", None, name="client_department")
    for department in call.billing.people.departments():
        if department.active:
            chosen = {"selected": "yes"} if department.id == selected else {}
            options.add("val", department.realname, key=str(department.id), **chosen)


def _add(elem: Node, shown: _Shown) -> None:
    elem.add("responsible", shown.text, **({"orig": shown.orig} if shown.orig else {}))


def _in_row(row: sqlite3.Row) -> _Who:
    return _Who(row["responsible"], row["responsible_level"], row["responsible_name"])


def _spelt(call: Call, who: _Who) -> _Shown:
    habit = call.billing.habits["responsible"]
    if habit.startswith(_EMPLOYEE):
        return _Shown(_employee(call, who))
    name = shown_name(call.billing.habits, who.level, who.realname)
    spellings = {
        "orig": _Shown(name, who.tag),
        "orig_bare_id": _Shown(name, str(who.id)),
        "text": _Shown(who.tag),
        "bare_id": _Shown(str(who.id)),
        "name": _Shown(name),
    }
    return spellings[habit]


def _employee(call: Call, who: _Who) -> str:
    """Return the name of the employee who has taken it, else of the department's first member, else nothing."""
    if who.level != DEPARTMENT:
        return shown_name(call.billing.habits, who.level, who.realname)
    members = call.billing.people.members(who.id)
    if not members:
        return ""
    first = call.billing.people.get(min(members))
    return shown_name(call.billing.habits, first.level, first.realname)
