"""One line of ``check``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One check. ``person``: waiting does not help. A good one with a ``cure`` is a warning."""

    check: str
    ok: bool
    detail: str = ""
    cure: str = ""
    person: bool = True

    def to_json(self) -> dict[str, Any]:
        """The documented shape."""
        row = asdict(self)
        del row["person"]
        return row
