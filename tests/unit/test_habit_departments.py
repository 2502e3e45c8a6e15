"""Every spelling of a department that can only mean one is understood; nothing is guessed."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.billmanager import habits
from connectors.billmanager.v6_departments import Departments
from connectors.billmanager.wire import Node


def known() -> Departments:
    """Support and its night shift, sales, and two that share a name."""
    found = Departments()
    for department, *names in (
        ("12", "Support", "Поддержка"),
        ("13", "Night support"),
        ("14", "Sales"),
        ("15", "Twins"),
        ("16", "twins"),
    ):
        found.add(department, *names)
    return found


def column(text: str = "", orig: str | None = None) -> Node:
    """The column ``responsible``."""
    return Node({"$": text} | ({} if orig is None else {"$orig": orig}))


@pytest.mark.parametrize(
    ("node", "department", "how"),
    [
        (column("Support", "d_12"), "12", habits.ORIG),
        (column("anything", "d_99"), "99", habits.ORIG),
        (column("Support", "12"), "12", habits.ORIG_NUMBER),
        (column("d_12"), "12", habits.PREFIXED),
        (column("12"), "12", habits.NUMBER),
        (column("Support"), "12", habits.NAME),
        (column(" night  SUPPORT "), "13", habits.NAME),
        (column("Поддержка"), "12", habits.NAME),
        (column("Department: Sales (3)"), "14", habits.NAME_INSIDE),
        (column("Night support, first line"), "13", habits.NAME_INSIDE),
    ],
)
def test_a_spelling_that_means_one_department_is_understood(node: Node, department: str, how: str) -> None:
    """By id in any form, by a name, by the only name inside a text."""
    told = known().of(node)
    assert told is not None
    assert (told.department, told.how) == (department, how)


@pytest.mark.parametrize(
    "node",
    [
        None,
        column(),
        column("Olga", "e_5"),
        column("Support", "e_5"),
        column("e_5"),
        column("Support", "77"),
        column("77"),
        column("Olga"),
        column("Twins"),
        column("Sales and Support"),
        column("Supporters"),
        column("d_"),
        column("d_12x"),
    ],
)
def test_what_may_mean_two_things_or_an_employee_names_no_department(node: Node | None) -> None:
    """An employee, an unknown number, equal names, two names in one text, a name that is only part of a word."""
    assert known().of(node) is None


@pytest.mark.parametrize(
    ("form", "department"),
    [
        ({"client_department": {"$": "12"}, "responsible": {"$": "e_5"}}, "12"),
        ({"responsible": {"$": "d_13"}}, "13"),
        ({"client_department": {"$": "Support", "$key": "12"}}, "12"),
        (
            {"slist": [{"$name": "client_department", "val": [{"$key": "12"}, {"$key": "14", "$selected": "yes"}]}]},
            "14",
        ),
        ({"client_department": {"$": "12"}, "responsible": {"$": "d_12"}}, "12"),
        ({"client_department": {"$": "12"}, "responsible": {"$": "d_13"}}, None),
        ({"slist": [{"$name": "client_department", "val": [{"$key": "12", "$": "Support"}]}]}, None),
        ({"slist": [{"$name": "tstatus", "val": [{"$key": "12", "$selected": "yes"}]}]}, None),
        ({"responsible": {"$": "e_5"}}, None),
        ({}, None),
    ],
)
def test_a_form_names_a_department_once_or_not_at_all(form: dict[str, Any], department: str | None) -> None:
    """A field or the selected choice of a list; two fields that differ name none."""
    told = known().in_form(Node(form))
    assert (told.department if told else None) == department


def test_the_list_is_needed_for_whatever_is_no_id_with_its_letter() -> None:
    """``d_12`` and ``e_5`` explain themselves; everything else costs a look at the list of departments."""
    assert not known().needed_for(column("Support", "d_12"))
    assert not known().needed_for(column("Olga", "e_5"))
    assert not known().needed_for(None)
    assert known().needed_for(column("Support"))
    assert known().needed_for(column("x", "12"))
