"""Reads a ticket's department in versions 5 and 6: tolerant in form, strict in meaning.

A spelling counts when it can mean only one department of the list that the server itself showed; an employee names
none. Pure. Must stay out: asking the server for anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from connectors.billmanager import habits
from connectors.billmanager.wire import Node

_PREFIXED = re.compile(r"d_([0-9]{1,20})\Z")
_EMPLOYEE = re.compile(r"e_[0-9]{1,20}\Z")
_LONGEST = 300  # of a text that names a department, and of its name: each is looked for in the other
_IN_QUEUE = ("responsible", "department", "queue")
_IN_FORM = ("responsible", "client_department", "department")


@dataclass(frozen=True, slots=True)
class Told:
    """A department's id and the answer of the habit that named it."""

    department: str
    how: str


@dataclass(slots=True)
class Departments:
    """The departments of a billing under everything that may stand for them."""

    ids: set[str] = field(default_factory=set)
    _named: dict[str, set[str]] = field(default_factory=dict)

    def add(self, department: str, *names: str) -> None:
        """One department with its id and its names."""
        self.ids.add(department)
        for name in names:
            if len(name) <= _LONGEST and _plain(name):
                self._named.setdefault(_plain(name), set()).add(department)

    def of(self, node: Node | None) -> Told | None:
        """A column → its department: by the machine value first, else by the text. None: an employee, or unclear."""
        if node is None:
            return None
        machine = node.attr("orig").strip()
        if _EMPLOYEE.match(machine):
            return None
        if machine and (found := _PREFIXED.match(machine)):
            return Told(found[1], habits.ORIG)
        if machine in self.ids:
            return Told(machine, habits.ORIG_NUMBER)
        if machine.isdigit():
            return None
        return self._in_text(node.text.strip())

    def _in_text(self, text: str) -> Told | None:
        if found := _PREFIXED.match(text):
            return Told(found[1], habits.PREFIXED)
        if text in self.ids:
            return Told(text, habits.NUMBER)
        if text.isdigit() or _EMPLOYEE.match(text) or len(text) > _LONGEST:
            return None
        exact = self._named.get(_plain(text), set())
        if exact:
            return Told(min(exact), habits.NAME) if len(exact) == 1 else None
        inside = self._inside(_plain(text))
        return Told(inside.pop(), habits.NAME_INSIDE) if len(inside) == 1 else None

    def _inside(self, text: str) -> set[str]:
        """The departments whose names stand in the text as whole words; a name within a longer one counts not."""
        spans = [(found.span(), name) for name in self._named for found in _whole_words(name, text)]
        longest = [
            name
            for (start, end), name in spans
            if not any(s <= start and end <= e and (s, e) != (start, end) for (s, e), _ in spans)
        ]
        return {department for name in longest for department in self._named[name]}

    def needed_for(self, node: Node | None) -> bool:
        """Tell whether only the list of departments explains what the column says."""
        said = [] if node is None else [node.attr("orig").strip() or node.text.strip()]
        return any(one and not _PREFIXED.match(one) and not _EMPLOYEE.match(one) for one in said)

    def in_queue(self, row: Node) -> Told | None:
        """The department that a row of the queue names."""
        return next((told for name in _IN_QUEUE if (told := self.of(row.first(name)))), None)

    def in_form(self, doc: Node) -> Told | None:
        """The department that a ticket's form names; None where two of its fields name two."""
        found = [told for name in _IN_FORM for told in self._fields(doc, name)]
        return Told(found[0].department, habits.FORM) if len({told.department for told in found}) == 1 else None

    def _fields(self, doc: Node, name: str) -> Iterator[Told]:
        """A field of the form, and the choice of its list that is marked as selected."""
        chosen = [
            val
            for choices in doc.all("slist")
            if choices.attr("name") == name
            for val in choices.all("val")
            if val.attr("selected") in ("yes", "on")
        ]
        for node in (doc.first(name), *chosen):
            told = self.of(node) or (self.of(Node(node.attr("key"))) if node is not None else None)
            if told is not None:
                yield told


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()


def _whole_words(name: str, text: str) -> Iterator[re.Match[str]]:
    return re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", text)
