"""Makes a recording that can be given away of two billings' answers: shapes and machine values, no text and no name.

Only what ``kept_words`` lists stays; all else gets a stand-in (``pseudonyms``), the same one wherever it stands.
The format is documented in docs/recordings.md. Pure. What must stay out: reading bytes, files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from remotesupport.core.recording import kept_words as closed
from remotesupport.core.recording.kept_texts import OwnTexts, number_in
from remotesupport.core.recording.pseudonyms import Kind, Names, Numbers, Times

FORMAT, VERSION = "remotesupport recording", 1
LOGIN = "auth"
_GREATEST_COUNT, _LONGEST_CODE = "9999", 3


@dataclass(frozen=True, slots=True)
class Heard:
    """One answer of one side of a connection, as it came.

    ``document``: its content in the shape of COREmanager's JSON; None where it could not be read, ``unreadable`` says
    how.
    """

    connection: str
    side: str
    asked: Mapping[str, str]
    status: int
    media: str
    document: Any = None
    unreadable: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A connection's name, and the names or ids of its departments that correspond: external, main."""

    name: str
    departments: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Recording:
    """The content of the file, and how many different things of each kind were replaced for it."""

    document: dict[str, Any]
    replaced: dict[Kind, int]


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a value: in the answer of ``func``, in the element ``owner``, as its attribute ``attr`` ("": text).

    ``parent``: the element around that one. ``within``: the name that the list around it has.
    """

    func: str
    owner: str = ""
    attr: str = ""
    parent: str = ""
    within: str = ""


def recording(heard: Sequence[Heard], connections: Sequence[Recorded]) -> Recording:
    """Everything that was heard, anonymised. What was asked again is kept as it was answered last."""
    heard = [one for one in heard if one.asked.get("func") != LOGIN]
    numbers, times = Numbers(), Times()
    names = _names(heard, connections)
    own = OwnTexts([c.name for c in connections])
    _document(heard, connections, _Replacer(numbers, times, names, own))
    numbers.learned()
    times.learned()
    replacer = _Replacer(numbers, times, _names(heard, connections), own)
    document = _document(heard, connections, replacer)
    return Recording(document, replacer.counts(len(connections)))


def _names(heard: Iterable[Heard], connections: Iterable[Recorded]) -> Names:
    departments = {name for c in connections for pair in c.departments for name in pair}
    people: set[str] = set()

    def look(place: Place, value: object) -> object:
        if isinstance(value, str) and number_in(value) is None:
            if _is_department(place):
                departments.add(value)
            elif _is_person(place):
                people.add(value)
        return value

    for one in heard:
        _walk(one.document, Place(one.asked.get("func", "")), look, lambda name: name)
    return Names((name for name in departments if number_in(name) is None), people)


def _is_department(place: Place) -> bool:
    if place.attr:
        return False
    named = place.func in closed.DEPARTMENT_FUNCTIONS and place.owner in ("name", "locale_name")
    offered = place.owner == "val" and place.within in ("client_department", "department", "category")
    return named or offered or place.owner == "client_department"


def _is_person(place: Place) -> bool:
    return place.owner in closed.PEOPLE or (place.owner == "user" and place.attr == "name")


# --- walking through an answer ---------------------------------------------------------------------------------

Leaf = Callable[[Place, object], object]


def _walk(value: Any, place: Place, leaf: Leaf, name: Callable[[str], str]) -> Any:
    """Return the same shape with every value as ``leaf`` gives it; elements and attributes that are secrets are left
    out."""
    if isinstance(value, list):
        return [_walk(each, place, leaf, name) for each in value]
    if not isinstance(value, dict):
        return leaf(place, value)
    within = value.get("$name") if place.owner == "slist" else None
    inside = Place(place.func, place.owner, "", place.parent, within if isinstance(within, str) else place.within)
    return {name(key): _walk(child, _place(inside, key), leaf, name) for key, child in value.items() if _may(key)}


def _place(around: Place, key: str) -> Place:
    if key.startswith("$"):
        return Place(around.func, around.owner, key[1:], around.parent, around.within)
    return Place(around.func, key, "", around.owner, around.within)


def _may(key: str) -> bool:
    return key.lstrip("$").lower() not in closed.SECRETS


# --- replacing -------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Replacer:
    numbers: Numbers
    times: Times
    names: Names
    own: OwnTexts
    zones: set[str] = field(default_factory=set)

    def counts(self, connections: int) -> dict[Kind, int]:
        """Count the different things that were replaced, by kind; none of a kind that did not occur."""
        of_names = {kind: self.names.count(kind) for kind in (Kind.DEPARTMENTS, Kind.PEOPLE, Kind.TEXTS, Kind.FIELDS)}
        others = {Kind.CONNECTIONS: connections, Kind.IDS: len(self.numbers), Kind.TIMES: len(self.times)}
        found = {**of_names, **others, Kind.ZONES: len(self.zones)}
        return {kind: found[kind] for kind in Kind if found.get(kind)}

    def field(self, name: str) -> str:
        """The name of a field, which stays where it is one."""
        return name if closed.is_field(name) else self.names.field(name)

    def leaf(self, place: Place, value: object) -> object:
        """A value's stand-in, or itself where it is on one of the closed lists."""
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, float):
            return 0.0
        if isinstance(value, int):
            return int(_no_longer(str(value))) if _is_count(place, str(value)) else self.numbers.of(abs(value))
        text = str(value)
        return self._zone(text) if place.attr == "timezone" else _kept(place, text) or self.text(text)

    def text(self, text: str) -> str:
        """A text's stand-in, whatever it is."""
        moved = self.times.of(text)
        if moved is not None:
            return moved
        return number_in(text, self.numbers) or self.own.of(text, self.names, self.numbers) or self.names.of(text)

    def _zone(self, text: str) -> str:
        self.zones.add(text)
        return "UTC" if text else ""


def _kept(place: Place, text: str) -> str:
    """The value as it may stay: "" where it may not."""
    plain = closed.words(text)
    if (
        text in closed.SWITCHES
        or closed.RIGHTS.issuperset(text.split(","))
        or (place.attr == "func" and text == place.func)
    ):
        return text
    if place.owner == "tstatus" and (plain in closed.STATE_WORDS or text in closed.STATE_NUMBERS):
        return text
    if place.owner == "message" and place.attr == "type" and text in closed.MESSAGE_TYPES:
        return text
    if place.attr == "name" and place.owner == "slist" and text in closed.FORM_FIELDS:
        return text
    if place.attr == "version" or (place.owner in ("billmgr", "core", "version") and not place.attr):
        return closed.version(text) or ""
    if _is_count(place, text):
        return _no_longer(text)
    return _kept_of_error(place, text, plain)


def _no_longer(count: str) -> str:
    """A count that is as long as a phone number says as much as the greatest one that stays."""
    return count if len(count) <= len(_GREATEST_COUNT) else _GREATEST_COUNT


def _is_count(place: Place, text: str) -> bool:
    if not (text.isascii() and text.isdigit()):
        return False
    if place.owner in closed.COUNTS and not place.attr:
        return True
    of_error = "error" in (place.owner, place.parent) and "code" in (place.owner, place.attr)
    return (of_error or place.attr == "level") and len(text) <= _LONGEST_CODE


def _kept_of_error(place: Place, text: str, plain: str) -> str:
    if "error" not in (place.owner, place.parent) and place.owner != "authfail":
        return ""
    if "type" in (place.owner, place.attr) and text in closed.ERROR_TYPES:
        return text
    if {"object", "obj"} & {place.owner, place.attr} and text in closed.ERROR_OBJECTS:
        return text
    return next((said for said in sorted(closed.ERROR_TEXTS) if plain.startswith(said)), "")


# --- the file --------------------------------------------------------------------------------------------------


def _document(heard: Iterable[Heard], connections: Sequence[Recorded], replacer: _Replacer) -> dict[str, Any]:
    sides: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for one in heard:
        answer = _answer(one, replacer)
        sides.setdefault((one.connection, one.side), {})[repr(sorted(answer["asked"].items()))] = answer
    return {
        "format": FORMAT,
        "version": VERSION,
        "connections": [
            {
                "name": replacer.own.connection(one.name),
                "departments": [
                    {"external": replacer.text(out), "main": replacer.text(inside)} for out, inside in one.departments
                ],
                "sides": {side: list(answers.values()) for (name, side), answers in sides.items() if name == one.name},
            }
            for one in connections
        ],
    }


def _answer(one: Heard, replacer: _Replacer) -> dict[str, Any]:
    func = one.asked.get("func", "")
    shown: dict[str, Any] = {"asked": _asked(one.asked, replacer), "status": one.status, "media": _media(one.media)}
    if one.unreadable:
        return {**shown, "unreadable": one.unreadable}
    return {**shown, "document": _walk(one.document, Place(func), replacer.leaf, replacer.field)}


def _asked(asked: Mapping[str, str], replacer: _Replacer) -> dict[str, str]:
    """The parameters that an answer depends on. Their names are the product's own; no credential is among them."""
    return {
        name: value if _is_ours(name, value) else replacer.text(value)
        for name, value in asked.items()
        if name not in closed.NOT_ASKED
    }


def _is_ours(name: str, value: str) -> bool:
    if name in closed.COUNTS:
        return value.isascii() and value.isdigit() and len(value) <= len(_GREATEST_COUNT)
    known = {"p_sort": closed.SORTED_BY, "p_order": closed.ORDERS, "out": closed.FORMATS, "sfrom": {"ajax"}}
    return name == "func" or value in closed.SWITCHES or value in known.get(name, ())


def _media(media: str) -> str:
    known = ("application/json", "text/plain", "text/xml", "text/html")
    return media if media in known else "application/octet-stream"
