"""One call as the functions of version 4 see it. The answer is flat: names with texts, and lists of such rows.

JSON has no ``doc`` and only strings (SEEN IN CODE); XML has the same names as children of ``doc`` (SEEN IN CODE).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from remotesupport.emulator.node import Node, to_xml
from remotesupport.emulator.people import User
from remotesupport.emulator.texts import plain_date
from remotesupport.emulator.v4.errors import Error, invalid, no_such

if TYPE_CHECKING:
    from remotesupport.emulator.billing import Billing

Row = dict[str, Any]


@dataclass(slots=True)
class Call:
    """``answer`` is what the function fills; ``silent``: not one byte of it is sent."""

    billing: Billing
    function: str
    user: User
    params: dict[str, str]
    answer: Row = field(default_factory=dict)
    silent: bool = False

    @property
    def submitted(self) -> bool:
        """``sok``: "must not be empty, generally yes" (DOCUMENTED); ``ok`` is accepted too (SEEN IN CODE)."""
        return bool(self.params.get("sok"))

    def text(self, name: str) -> str:
        return self.params.get(name, "")

    def elids(self) -> list[int]:
        """Several keys joined with ", " (SEEN IN CODE). Raises Error 3 for what is no number."""
        words = [word.strip() for word in self.text("elid").split(",") if word.strip()]
        for word in words:
            if not word.isascii() or not word.isdigit() or len(word) > 18:
                raise no_such("elid", word)
        return [int(word) for word in words]

    def elid(self) -> int | None:
        """The one row meant; None when the parameter is empty or absent."""
        ids = self.elids()
        return ids[0] if ids else None

    def needed(self) -> list[int]:
        """Like ``elids``, for functions that make no sense without. Raises Error 3."""
        ids = self.elids()
        if not ids:
            raise no_such("elid", "")
        return ids

    def number(self, name: str, default: int) -> int:
        """A number from 0 up. Raises Error 4."""
        text = self.text(name)
        if not text:
            return default
        if not text.isascii() or not text.isdigit() or len(text) > 18:
            raise invalid(name, f"{name} is no number")
        return int(text)

    def date(self, stamp: int) -> str:
        """``YYYY-MM-DD HH:MM:SS`` in the caller's own zone, without an offset (INFERRED)."""
        return plain_date(stamp, self.user.zone)

    def done(self, **more: str) -> None:
        """The answer to a successful write (SEEN IN CODE)."""
        self.answer["result"] = "ok"
        self.answer.update(more)


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the API, the levels that may call it, and the first release that has it."""

    handler: Callable[[Call], None]
    low: int = 1
    high: int = 99


def as_json(answer: Row) -> bytes:
    """Top level, no ``doc``, plain strings (SEEN IN CODE)."""
    return orjson.dumps(answer)


def as_xml(answer: Row) -> bytes:
    """``<doc>`` with flat children; lists repeat their name; session and error have attributes (SEEN IN CODE)."""
    doc = Node("doc")
    for name, value in answer.items():
        if name == "auth":
            doc.add("auth", None, id=value)
        elif name == "error":
            doc.add("error", value["msg"], code=value["code"], obj=value["obj"])
        else:
            _hang(doc, name, value)
    return to_xml(doc)


def _hang(parent: Node, name: str, value: Any) -> None:
    if isinstance(value, list):
        for one in value:
            _hang(parent, name, one)
    elif isinstance(value, dict):
        child = parent.add(name)
        for key, inner in value.items():
            _hang(child, key, inner)
    else:
        parent.add(name, value)


def error_answer(error: Error) -> Row:
    """``{"error": {"code", "obj", "msg"}}`` (SEEN IN CODE)."""
    return {"error": {"code": str(error.code), "obj": error.obj, "msg": error.text}}
