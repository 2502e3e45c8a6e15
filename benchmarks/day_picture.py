"""The plot of one or two days, as an SVG written by hand: a library for drawings would be a heavy dependency for this.

``python -m benchmarks.day_picture FILE.svg NAME=FILE.csv …`` draws days that were measured one by one.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.day_marks import MB, Mark, read

# Title; then of each line: field, words, colour, how much is one.
PANELS = (
    ("Memory, MB", (("worker_memory", "worker", "#1f77b4", MB), ("server_memory", "server", "#d62728", MB))),
    ("Open files", (("worker_files", "worker", "#1f77b4", 1), ("server_files", "server", "#d62728", 1))),
    ("Databases, MB", (("prefect_bytes", "Prefect", "#d62728", MB), ("store_bytes", "store", "#1f77b4", MB))),
)
DASHES = ("", "7 4")
WIDTH, HEIGHT, LEFT, TOP, RIGHT, FOOT = 860, 210, 60, 34, 690, 26


def picture(days: Mapping[str, Sequence[Mark]]) -> str:
    """One panel below the other; the first day's lines are whole, the second's are broken."""
    drawn = [_panel(number, title, lines, days) for number, (title, lines) in enumerate(PANELS)]
    size = f'width="{WIDTH}" height="{len(PANELS) * HEIGHT}" viewBox="0 0 {WIDTH} {len(PANELS) * HEIGHT}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">'
    return "\n".join([head, '<rect width="100%" height="100%" fill="white"/>', *drawn, "</svg>\n"])


def _panel(
    number: int, title: str, lines: Sequence[tuple[str, str, str, float]], days: Mapping[str, Sequence[Mark]]
) -> str:
    top, bottom = number * HEIGHT + TOP, (number + 1) * HEIGHT - FOOT
    most = max(getattr(mark, line[0]) / line[3] for line in lines for marks in days.values() for mark in marks) * 1.1
    runs = max(mark.runs for marks in days.values() for mark in marks)

    def at(mark: Mark, field: str, one: float) -> str:
        x = LEFT + (RIGHT - LEFT) * mark.runs / runs
        return f"{x:.1f},{bottom - (bottom - top) * getattr(mark, field) / one / most:.1f}"

    parts = [_text(LEFT, top - 10, title, weight="bold"), _grid(top, bottom, most, runs)]
    for row, (field, words, colour, one) in enumerate(lines):
        for column, (name, marks) in enumerate(days.items()):
            look = f'fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{DASHES[column % len(DASHES)]}"'
            y = top + 14 + 18 * (row * len(days) + column)
            parts.append(f'<polyline points="{" ".join(at(mark, field, one) for mark in marks)}" {look}/>')
            parts.append(f'<line x1="{RIGHT + 14}" x2="{RIGHT + 44}" y1="{y - 4}" y2="{y - 4}" {look}/>')
            parts.append(_text(RIGHT + 50, y, f"{words}, {name}"))
    return "\n".join(parts)


def _grid(top: int, bottom: int, most: float, runs: int) -> str:
    parts = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        y, x = bottom - (bottom - top) * share, LEFT + (RIGHT - LEFT) * share
        parts.append(f'<line x1="{LEFT}" x2="{RIGHT}" y1="{y}" y2="{y}" stroke="#ddd"/>')
        parts.append(_text(LEFT - 6, y + 4, f"{most * share:.{0 if most >= 10 else 1}f}", anchor="end"))
        parts.append(_text(x, bottom + 16, f"run {runs * share:.0f}" if share else "0", anchor="middle"))
    return "\n".join(parts)


def _text(x: float, y: float, words: str, anchor: str = "start", weight: str = "normal") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-weight="{weight}">{words}</text>'


if __name__ == "__main__":
    named = dict(argument.split("=", 1) for argument in sys.argv[2:])
    Path(sys.argv[1]).write_text(picture({name: read(Path(file)) for name, file in named.items()}))
