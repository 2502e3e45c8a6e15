"""A benchmark's result: rows with medians, spread, CPU and the ratio to a named peer. Text and JSON of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.measure import Figures


@dataclass(frozen=True, slots=True)
class Row:
    """One measured thing. ``ratio`` is its median over the peer's; ``more``: further figures of this benchmark."""

    name: str
    figures: Figures | None
    ratio: float | None = None
    more: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        figures = self.figures.to_json() if self.figures else {}
        ratio = None if self.ratio is None else round(self.ratio, 3)
        return {"name": self.name, **figures, "ratio": ratio, **self.more}


@dataclass(frozen=True, slots=True)
class Table:
    """One benchmark's outcome. ``peer``: what the ratios are over. ``notes``: what a reader must know to judge."""

    title: str
    peer: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        rows = [row.to_json() for row in self.rows]
        return {"title": self.title, "peer": self.peer, "rows": rows, "notes": list(self.notes)}

    def text(self) -> str:
        """For a terminal of any width."""
        lines = [self.title, *_grid([_cells(row) for row in self.rows], f"x {self.peer}")]
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])


def against(
    peer: str, figures: Mapping[str, Figures], more: Mapping[str, Mapping[str, Any]] | None = None
) -> list[Row]:
    """Rows with the ratio of each median to ``peer``'s. Raises KeyError when the peer was not measured."""
    base = figures[peer].median
    more = more or {}
    return [Row(name, f, f.median / base if base else None, more.get(name, {})) for name, f in figures.items()]


def _cells(row: Row) -> dict[str, str]:
    cells = {"": row.name}
    if row.figures:
        f = row.figures
        cells |= {
            "median": _s(f.median),
            "min": _s(f.low),
            "max": _s(f.high),
            "CPU": _s(f.cpu),
            "rounds": str(f.rounds),
        }
    cells["ratio"] = "-" if row.ratio is None else f"{row.ratio:.2f}"
    return cells | {key: str(value) for key, value in row.more.items()}


def _s(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _grid(rows: Sequence[Mapping[str, str]], ratio: str) -> list[str]:
    heads = list(dict.fromkeys(key for row in rows for key in row))
    shown = [{key: ratio if key == "ratio" else key for key in heads}, *rows]
    widths = {key: max(len(row.get(key, "-")) for row in shown) for key in heads}
    return ["  " + "  ".join(_pad(row.get(k, "-"), widths[k], first=k == "") for k in heads).rstrip() for row in shown]


def _pad(text: str, width: int, *, first: bool) -> str:
    return text.ljust(width) if first else text.rjust(width)
