"""One call as the functions of the dialect see it, and the small helpers that they share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from remotesupport.emulator.desk import Attachment
from remotesupport.emulator.node import Node
from remotesupport.emulator.people import User
from remotesupport.emulator.refusal import missed
from remotesupport.emulator.texts import date_cells

if TYPE_CHECKING:
    from remotesupport.emulator.billing import Billing

NOISE = ("_l", "_s", "_locale_time")


@dataclass(slots=True)
class RawFile:
    """An answer that is not a document."""

    name: str
    content: bytes


@dataclass(slots=True)
class Call:
    """``params`` without secrets of the log-in; ``doc`` is what the function fills; ``file`` replaces it."""

    billing: Billing
    function: str
    user: User
    params: dict[str, str]
    files: list[Attachment]
    doc: Node
    lang: str
    session: str = ""
    file: RawFile | None = None
    cookies: dict[str, str] = field(default_factory=dict)

    @property
    def submitted(self) -> bool:
        """``sok`` must not be empty (DOCUMENTED)."""
        return bool(self.params.get("sok"))

    def text(self, name: str) -> str:
        return self.params.get(name, "")

    def elid(self, name: str = "elid") -> int | None:
        """The key of the one row meant; an empty one is ignored (SEEN IN CODE)."""
        ids = self.elids(name)
        return ids[0] if ids else None

    def elids(self, name: str = "elid") -> list[int]:
        """Several keys joined with ", " (DOCUMENTED). Raises Refusal missed for what is not a number."""
        words = [word.strip() for word in self.text(name).split(",") if word.strip()]
        for word in words:
            if not word.isascii() or not word.isdigit() or len(word) > 18:
                raise missed(name, word)
        return [int(word) for word in words]

    def need(self, name: str = "elid") -> int:
        """Like ``elid``, for functions that make no sense without."""
        key = self.elid(name)
        if key is None:
            raise missed(name, "")
        return key

    def date(self, parent: Node, name: str, stamp: int) -> None:
        """A date column and the localised noise beside it."""
        cells = date_cells(stamp, self.user.zone, self.lang)
        parent.add(name, cells[0])
        if self.billing.habits["extra_columns"] != "none":
            for suffix, cell in zip(NOISE, cells[1:], strict=True):
                parent.add(name + suffix, cell)

    def done(self, text: str | None = None, **attributes: str) -> None:
        """The answer to a successful write (SEEN IN CODE)."""
        self.doc.add("ok", text, **attributes)


Handler = Callable[[Call], None]


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the API and the levels that may call it."""

    handler: Handler
    low: int = 1
    high: int = 99

    def allows(self, user: User) -> bool:
        return self.low <= user.level <= self.high
