"""Two plans of one connection compared row by row: what is only in one of them, and what both say otherwise.

What must stay out: making plans, words for a terminal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

Rows: TypeAlias = Sequence[Mapping[str, Any]]

TEXTS = frozenset({"subject", "body", "body_hash", "files", "covers"})
"""The columns of CHANGES that hold texts, or depend on them."""


class What(StrEnum):
    """How a row of a plan differs."""

    GONE = "no longer planned"
    NEW = "newly planned"
    CHANGED = "planned otherwise"


@dataclass(frozen=True, slots=True)
class Difference:
    """One row of CHANGES, by its key. ``columns``: column → its value then and now, of a row that both have."""

    what: What
    kind: str
    direction: str
    ext_ticket: str
    main_ticket: str | None
    act: str
    columns: dict[str, tuple[Any, Any]] = field(default_factory=dict)


def without_texts(rows: Rows) -> list[dict[str, Any]]:
    """Return the rows without the columns that hold texts."""
    return [{name: value for name, value in row.items() if name not in TEXTS} for row in rows]


def differences(then: Rows, now: Rows) -> list[Difference]:
    """Compare two plans of one connection; of rows without texts only what they have is compared."""
    olds, news = _by_key(then), _by_key(now)
    gone = [_difference(What.GONE, row) for key, row in olds.items() if key not in news]
    new = [_difference(What.NEW, row) for key, row in news.items() if key not in olds]
    both = [(olds[key], row) for key, row in news.items() if key in olds]
    changed = [_difference(What.CHANGED, row, _changed(old, row)) for old, row in both if _changed(old, row)]
    return [*gone, *new, *changed]


def _by_key(rows: Rows) -> dict[tuple[str, str, str], Mapping[str, Any]]:
    return {(row["direction"], row["ext_ticket"], row["act"]): row for row in rows}


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {name: (old[name], new[name]) for name in old if name in new and old[name] != new[name]}


def _difference(what: What, row: Mapping[str, Any], columns: dict[str, tuple[Any, Any]] | None = None) -> Difference:
    kind, direction, ext_ticket = row["kind"], row["direction"], row["ext_ticket"]
    return Difference(what, kind, direction, ext_ticket, row["main_ticket"], row["act"], columns or {})
