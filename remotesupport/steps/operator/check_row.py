"""One line of ``check``, and what all lines together come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any


class Part(StrEnum):
    """The subject of a row. People see the rows of a part together, in this order."""

    HERE = "this machine"
    EXTERNAL = "external billing"
    MAIN = "main billing"
    SETUP = "set-up"
    SERVER = "what this server does"
    REHEARSAL = "rehearsal"


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One check. ``person``: waiting does not help. A good one with a ``cure`` is a warning.

    ``not_in``: the version that has no such thing, so that there is nothing to look at. ``looked_at``: no earlier
    failure was in the way. ``minor``: a fact that people see with ``--all`` only.
    """

    check: str
    ok: bool
    detail: str = ""
    cure: str = ""
    person: bool = True
    part: Part = Part.SETUP
    not_in: str = ""
    looked_at: bool = True
    minor: bool = False

    @property
    def failed(self) -> bool:
        """Looked at and not in order."""
        return self.looked_at and not self.ok

    def to_json(self) -> dict[str, Any]:
        """The documented shape."""
        return {"check": self.check, "ok": self.ok, "detail": self.detail, "cure": self.cure}


def of_part(part: Part, rows: Sequence[CheckRow]) -> list[CheckRow]:
    """The rows as those of ``part``."""
    return [replace(row, part=part) for row in rows]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of ``check``: a sentence, what must be put right or is worth a look, and the next command."""

    sentence: str
    wrong: tuple[str, ...]
    warnings: tuple[str, ...]
    next: str

    @property
    def text(self) -> str:
        """Everything that must be done, as one line."""
        return self.sentence + (" " + "; ".join(self.wrong) if self.wrong else "")


def verdict(found: Mapping[str, Sequence[CheckRow]]) -> Verdict:
    """The verdict over all connections. What several have in common (the main billing's certificate) counts once."""
    wrong = _told({name: [row for row in rows if row.failed] for name, rows in found.items()})
    warnings = _told({name: [row for row in rows if row.ok and row.cure] for name, rows in found.items()})
    if not found:
        wrong = ["no connection is enabled. Add an [[external]] section, or set enabled = true in one"]
    if not wrong:
        return Verdict("Everything is in order.", (), tuple(warnings), "remotesupport plan")
    things = "1 thing" if len(wrong) == 1 else f"{len(wrong)} things"
    return Verdict(f"{things} must be put right first:", tuple(wrong), tuple(warnings), "remotesupport check")


def _told(rows: Mapping[str, Sequence[CheckRow]]) -> list[str]:
    """Each thing once, with the connections that it is about."""
    names: dict[tuple[str, str, str], list[str]] = {}
    for name, listed in rows.items():
        for row in listed:
            names.setdefault((row.check, row.detail, row.cure), []).append(name)
    return [
        f"{', '.join(dict.fromkeys(about))}, {check}: {detail}" + (f". {cure}" if cure else "")
        for (check, detail, cure), about in names.items()
    ]
