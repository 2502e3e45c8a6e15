"""Errors of the configuration, in words: where, what, and the cure.

Here: the one error of the settings and how pydantic's findings become sentences. What must stay out: the rules
themselves (settings_models) and any value from the file, which may be a secret.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding: ``where`` names the file's section and key, ``cure`` says what to do."""

    where: str
    what: str
    cure: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" + (f". {self.cure}" if self.cure else "")


class SettingsError(Exception):
    """The configuration cannot be used. ``str()`` holds every problem found, one per line."""

    def __init__(self, problems: Sequence[Problem], source: str = "") -> None:
        self.problems, self.source = tuple(problems), source
        super().__init__(self.problems, source)

    def __str__(self) -> str:
        if len(self.problems) == 1 and not self.source:
            return str(self.problems[0])
        head = f"{self.source or 'The configuration'} cannot be used:"
        return "\n".join([head, *(f"  - {p}" for p in self.problems)])


def nearest(word: str, known: Iterable[str]) -> str:
    """``Did you mean "x"?`` for the nearest known word, else the list of all that are known."""
    listed = sorted(known)
    return _meant(word, listed) or "Known: " + (", ".join(listed) or "none")


def offered(word: str, known: Iterable[str], most: int = 20) -> str:
    """``Did you mean "x"? There are: …``: the nearest known word where one is near, and the known ones."""
    listed = sorted(dict.fromkeys(known))
    named = ", ".join(f'"{one}"' for one in listed[:most]) or "none"
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return " ".join(p for p in (_meant(word, listed), f"There are: {named}{more}") if p)


def _meant(word: str, listed: Sequence[str]) -> str:
    folded = {one.casefold(): one for one in reversed(listed)}
    close = difflib.get_close_matches(word.strip().casefold(), list(folded), n=1, cutoff=0.5)
    return f'Did you mean "{folded[close[0]]}"?' if close else ""


def problems_of(error: ValidationError, model: type[BaseModel], raw: Mapping[str, Any]) -> list[Problem]:
    """pydantic's findings about ``raw`` as problems, without the values that were found."""
    return [_problem(finding["type"], finding["loc"], finding["msg"], model, raw) for finding in error.errors()]


# pydantic's words for these would show a regular expression or its own type names.
_WORDS = {"missing": "missing", "string_pattern_mismatch": "not allowed here"}


def _problem(kind: str, loc: Sequence[int | str], msg: str, model: type[BaseModel], raw: Mapping[str, Any]) -> Problem:
    path = _plain(loc, model)
    what = _WORDS.get(kind) or _sentence(msg)
    if kind == "value_error" and _is_section(path, model):
        return Problem(section(path, raw), what)
    owner, key = _owner(path, model), str(path[-1])
    where = f"{section(path[:-1], raw)}, {key}"
    if kind == "extra_forbidden":
        return Problem(where, "unknown key", nearest(key, owner.model_fields))
    found = owner.model_fields.get(key)
    return Problem(where, what, f"Expected: {found.description}" if found is not None and found.description else "")


def section(path: Sequence[int | str], raw: Mapping[str, Any]) -> str:
    """Write the section as the file does at ``path``: ``[main]``, ``[[external]] "acme"`` and so on."""
    words = [p for p in path if isinstance(p, str)]
    numbers = [p for p in path if isinstance(p, int)]
    if not words:
        return "the file's top level"
    dotted = ".".join(words)
    listed = bool(path) and isinstance(path[-1], int)
    title = f"[[{dotted}]]" if listed else f"[{dotted}]"
    if words[0] != "external" or not numbers:
        return title
    name = _name_of(raw, numbers[0])
    return f"{title} {name}" if len(numbers) == 1 else f"{title} number {numbers[1] + 1} of {name}"


def _name_of(raw: Mapping[str, Any], number: int) -> str:
    try:
        name = raw["external"][number]["name"]
    except (KeyError, IndexError, TypeError):
        name = None
    return f'"{name}"' if isinstance(name, str) else f"number {number + 1}"


def _plain(loc: Sequence[int | str], model: type[BaseModel]) -> tuple[int | str, ...]:
    """The location without pydantic's own words for union members, cut after the first key that is no model's."""
    path: list[int | str] = []
    current: type[BaseModel] | None = model
    for part in loc:
        path.append(part)
        if isinstance(part, str):
            current = _inner(current, part) if current is not None else None
            if current is None:
                break
    return tuple(path)


def _is_section(path: Sequence[int | str], model: type[BaseModel]) -> bool:
    return not path or isinstance(path[-1], int) or _inner(_owner(path, model), path[-1]) is not None


def _owner(path: Sequence[int | str], model: type[BaseModel]) -> type[BaseModel]:
    owner = model
    for part in path[:-1]:
        if isinstance(part, str):
            owner = _inner(owner, part) or owner
    return owner


def _inner(model: type[BaseModel], key: str) -> type[BaseModel] | None:
    """The model that ``key`` of ``model`` holds, alone or in a tuple."""
    field = model.model_fields.get(key)
    if field is None:
        return None
    kinds = [field.annotation, *getattr(field.annotation, "__args__", ())]
    return next((k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)), None)


def _sentence(msg: str) -> str:
    text = msg.removeprefix("Value error, ").rstrip(".")
    return text[:1].lower() + text[1:] if not text.startswith(("IANA",)) else text
