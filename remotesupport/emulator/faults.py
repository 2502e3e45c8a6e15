"""Faults on purpose: a list, each for a function and a number of calls. Applied by ``server``.

A fault is a JSON object: ``func`` (a function's name, or ``*`` for all, the default), ``skip`` (calls that still go
well first, default 0), ``count`` (calls that it then spoils, default all), ``probability`` (0 to 1, with a ``seed``:
the same calls are struck every time), ``only`` (``reads`` or ``writes``), and one or more of ``KINDS`` or ``AT_ONCE``.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

KINDS = {
    "status": "answer with this HTTP status and a short text; the call is not executed",
    "delay_s": "wait so many seconds before executing the call",
    "drip_s": "send the body one piece every so many seconds (20 pieces)",
    "html": "answer a page of HTML; the call is not executed",
    "redirect": "answer 302 to this address; the call is not executed",
    "empty": "execute, then answer an empty body",
    "empty_list": "lists show no rows and a total of 0",
    "truncate": "execute, then send this share of the body (true: half) without Content-Length and close",
    "bad_encoding": "execute, then put bytes into the body that are not UTF-8",
    "reset_before": "reset the connection without executing",
    "reset_after": "execute, then reset the connection instead of answering",
    "hold_s": "execute, then wait so many seconds before answering",
    "late_s": "reset the connection, and execute the call only so many seconds of the billing's clock later (not at all"
    " if stopped before)",
    "lost_write": "answer as if it was done, and do nothing",
    "cut_upload": "reset the connection after this share (true: half) of any request with files has come",
    "lost_files": "take what is written without its files",
    "cut_files": "keep half of each file that is written",
    "session_gone": "forget every session before the call",
    "clock_jump_s": "the billing's clock jumps by so many seconds, and stays there",
    "doubled_row": "lists show their first row twice",
    "control_char": "a control character in the subject of this ticket, in every answer, until cleared",
    "repeat_page": "every page but the first shows the page before it",
}
AT_ONCE = {
    "refuse_s": "refuse connections for so many seconds, from now on",
    "ban_after": "so many wrong passwords in a row block a login (for ban_s seconds)",
    "ban_s": "how long a login is blocked",
}
_POISON = "\x01"
_LABELS = frozenset({"func", "skip", "count", "probability", "seed", "only"})


@dataclass(slots=True)
class _Fault:
    function: str
    kinds: dict[str, Any]
    skip: int
    left: int | None
    probability: float
    chance: random.Random
    only: str = ""

    def strikes(self, function: str, *, write: bool) -> bool:
        """Tell whether this call is spoilt; counts it."""
        if self.function not in {"*", function} or self.left == 0 or self.only == ("reads" if write else "writes"):
            return False
        if self.probability < 1 and self.chance.random() >= self.probability:
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.left is not None:
            self.left -= 1
        return True


class Faults:
    """The active faults, and those of the call under way (calls are executed one at a time).

    ``struck`` counts the calls that each kind has spoilt. ``at_once`` does what an order asks for immediately; whoever
    can do it (the server, the sessions) puts it there.
    """

    def __init__(self) -> None:
        self.struck: Counter[str] = Counter()
        self.at_once: dict[str, Callable[[float], None]] = {}
        self._faults: list[_Fault] = []
        self._poisoned: set[int] = set()
        self._current: dict[str, Any] = {}

    def apply(self, order: dict[str, Any] | list[dict[str, Any]]) -> None:
        """One fault, several, or ``{"clear": true}``. Raises ValueError for what is not known."""
        if isinstance(order, list):
            for each in order:
                self.apply(each)
        elif order.get("clear"):
            self._faults.clear()
            self._poisoned.clear()
        else:
            self._add(order)

    def begin(self, function: str, *, write: bool = False) -> dict[str, Any]:
        """The kinds that strike this call, which is thereby counted."""
        struck: dict[str, Any] = {}
        for fault in self._faults:
            if "cut_upload" not in fault.kinds and fault.strikes(function, write=write):
                struck.update(fault.kinds)
        self.struck.update(struck.keys())
        return struck

    def cut_upload(self) -> float:
        """The share of a request with files that still comes in, 0 where none is cut off; ``func`` is not looked at."""
        for fault in self._faults:
            if "cut_upload" in fault.kinds and fault.strikes(fault.function, write=True):
                self.struck["cut_upload"] += 1
                return _share(fault.kinds["cut_upload"])
        return 0.0

    def during(self, struck: dict[str, Any]) -> None:
        """Make ``struck`` the faults of the call that is executed now."""
        self._current = struck

    def hides_rows(self) -> bool:
        """``empty_list``."""
        return bool(self._current.get("empty_list"))

    def repeats_page(self) -> bool:
        """``repeat_page``."""
        return bool(self._current.get("repeat_page"))

    def doubles_row(self) -> bool:
        """``doubled_row``."""
        return bool(self._current.get("doubled_row"))

    def poison(self, ticket: int, subject: str) -> str:
        """The subject, with a control character in it if this ticket is poisoned."""
        return f"{subject}{_POISON}" if ticket in self._poisoned else subject

    def unescape(self, body: bytes) -> bytes:
        """JSON escapes control characters; a poisoned row has them raw in every format."""
        return body.replace(b"\\u0001", _POISON.encode()) if self._poisoned else body

    def _add(self, order: dict[str, Any]) -> None:
        kinds = {name: value for name, value in order.items() if name not in _LABELS}
        _refuse_unknown(kinds)
        if "control_char" in kinds:
            self._poisoned.add(int(kinds.pop("control_char")))
        for name in [name for name in AT_ONCE if name in kinds]:
            self.at_once[name](float(kinds.pop(name)))
        if kinds:
            self._faults.append(
                _Fault(
                    order.get("func", "*"), kinds, int(order.get("skip", 0)), order.get("count"),
                    float(order.get("probability", 1)), random.Random(order.get("seed", 0)),  # noqa: S311 - chance
                    order.get("only", ""),
                )
            )  # fmt: skip


def _share(given: Any) -> float:
    return 0.5 if given is True else float(given)


def _refuse_unknown(kinds: Iterable[str]) -> None:
    unknown = sorted(set(kinds) - set(KINDS) - set(AT_ONCE))
    if unknown or not list(kinds):
        known = ", ".join((*KINDS, *AT_ONCE))
        raise ValueError(f"not a fault: {', '.join(unknown) or 'nothing given'}; known: {known}, clear")
