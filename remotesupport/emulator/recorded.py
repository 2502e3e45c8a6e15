"""A recording as its file has it (docs/recordings.md), and which answer of it belongs to a request.

The file's format is all that this shares with the program that made it. What must stay out: HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import orjson

FORMAT, VERSION = "remotesupport recording", 1
SIDES = ("external", "main")
# What an answer does not depend on: who asks, the format, the words' language, how many rows a page has.
_NOT_COMPARED = frozenset({"auth", "authinfo", "username", "password", "key", "su", "lang", "out", "p_cnt"})

_Key: TypeAlias = frozenset[tuple[str, str]]


class NoRecording(ValueError):
    """The file cannot be served; the message says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. ``document``: None where it could not be read, ``unreadable`` says how."""

    status: int
    media: str
    document: dict[str, Any] | None
    unreadable: str


class RecordedSide:
    """One side of a connection: its answers by what was asked."""

    def __init__(self, connection: str, side: str, answers: Sequence[Mapping[str, Any]]) -> None:
        self.name = f"{connection} {side}"
        self._answers: dict[_Key, dict[str, Answer]] = {}
        for each in answers:
            self._answers.setdefault(_key(each["asked"]), {})[each["asked"].get("out", "")] = _answer(each)

    @property
    def flat(self) -> bool:
        """Tell whether it speaks as version 4 does: without ``doc`` around its JSON."""
        answers = [answer for formats in self._answers.values() for answer in formats.values()]
        documents = [answer.document for answer in answers if answer.document is not None]
        return bool(documents) and not any("doc" in each for each in documents)

    def answer(self, params: Mapping[str, str]) -> Answer:
        """The recorded answer to the same question, in another format where it has only that; else ``missed``."""
        formats = self._answers.get(_key(params), {})
        found = formats.get(params.get("out", "")) or next(iter(formats.values()), None)
        return found or self._missed(params.get("func", ""))

    def begun(self) -> Answer:
        """A session, for any login and password."""
        session: Any = "recorded" if self.flat else {"$id": "recorded", "$": "recorded"}
        return self._of({"auth": session})

    def _missed(self, func: str) -> Answer:
        if self.flat:
            return self._of({"error": {"code": "3", "obj": "func", "msg": "This was not recorded"}})
        return self._of(
            {"error": {"$type": "missed", "$object": func, "msg": {"$": f"The recording has no such answer of {func}"}}}
        )

    def _of(self, content: dict[str, Any]) -> Answer:
        return Answer(200, "application/json", content if self.flat else {"doc": content}, "")


def load(file: Path, connections: Sequence[str] = (), sides: Sequence[str] = SIDES) -> list[RecordedSide]:
    """The sides that the file has, of these connections (none named: all). Raises NoRecording."""
    content = _content(file)
    found = [
        (each["name"], side, each["sides"][side])
        for each in content["connections"]
        for side in SIDES
        if side in sides and side in each["sides"] and (not connections or each["name"] in connections)
    ]
    if not found:
        names = ", ".join(str(each["name"]) for each in content["connections"])
        raise NoRecording(f"{file} has nothing of that; its connections are {names or 'none'}")
    try:
        return [RecordedSide(*each) for each in found]
    except (KeyError, TypeError, AttributeError) as error:
        raise NoRecording(f"{file} has an answer without {error}") from None


def _content(file: Path) -> dict[str, Any]:
    try:
        content = orjson.loads(file.read_bytes())
    except OSError as error:
        raise NoRecording(f"{file} cannot be read ({error.strerror})") from None
    except orjson.JSONDecodeError:
        raise NoRecording(f"{file} is no JSON") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise NoRecording(f"{file} is no recording; `remotesupport check --record FILE` makes one")
    if content.get("version") != VERSION:
        raise NoRecording(f"{file} is a recording of version {content.get('version')}; this program reads {VERSION}")
    if not isinstance(content.get("connections"), list):
        raise NoRecording(f"{file} has no connections")
    return content


def _key(params: Mapping[str, str]) -> _Key:
    return frozenset((name, str(value)) for name, value in params.items() if name not in _NOT_COMPARED)


def _answer(each: Mapping[str, Any]) -> Answer:
    return Answer(int(each["status"]), str(each["media"]), each.get("document"), str(each.get("unreadable", "")))
