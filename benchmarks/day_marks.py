"""What ``benchmarks.day`` writes down at each mark, as a file of its own that other programs can read, and its verdict.

Growth is judged between the first mark after the first hour and the last one; that of the second half beside it tells
what was filled once from what goes on. Must stay out: measuring.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from benchmarks.table import Row

AIM = 0.05
MB = 1e6


@dataclass(frozen=True, slots=True)
class Mark:
    """The state after so many completed scheduled ``runs``.

    ``worker_*``, ``server_*``: resident bytes, open files. ``*_bytes``: of the databases. ``late``: runs that began
    after the next one was due; ``latest_s``: the longest that one was late.
    """

    runs: int
    seconds: float
    worker_memory: int
    server_memory: int
    worker_files: int
    server_files: int
    store_bytes: int
    prefect_bytes: int
    failed: int
    skipped: int
    late: int
    latest_s: float


# Field, its words, its unit and how many of it are one.
LEVELS = (
    ("worker_memory", "memory of the worker", "MB", MB),
    ("server_memory", "memory of the server", "MB", MB),
    ("worker_files", "open files of the worker", "", 1),
    ("server_files", "open files of the server", "", 1),
)
GROWING = (("store_bytes", "store, a run"), ("prefect_bytes", "Prefect's database, a run"))


def write(file: Path, marks: Sequence[Mark]) -> None:
    """Write them with a line of heads."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, [one.name for one in fields(Mark)])
        writer.writeheader()
        writer.writerows(asdict(mark) for mark in marks)


def read(file: Path) -> list[Mark]:
    """The marks of such a file."""
    with file.open(newline="") as opened:
        return [
            Mark(**{name: (float if name in ("seconds", "latest_s") else int)(text) for name, text in row.items()})
            for row in csv.DictReader(opened)
        ]


def rows(name: str, marks: Sequence[Mark]) -> list[Row]:
    """A day's rows of the table, ``name`` before each. Needs three marks."""
    first, middle, last = _three(marks)
    found = []
    for field, words, unit, one in LEVELS:
        ends = [getattr(mark, field) / one for mark in (first, last)]
        half = {"second half": f"{getattr(last, field) / getattr(middle, field) - 1:+.1%}"}
        shown = [f"{end:.{1 if unit else 0}f} {unit}".strip() for end in ends]
        found.append(_row(f"{name}: {words}", shown, ends, half))
    for field, words in GROWING:
        slopes = [_slope(field, a, b) / 1e3 for a, b in ((first, middle), (middle, last))]
        found.append(_row(f"{name}: {words}", [f"{slope:.1f} KB" for slope in slopes], slopes, {"second half": "-"}))
    return found


def notes(name: str, marks: Sequence[Mark]) -> list[str]:
    """What was compared with what, and how the runs went."""
    first, middle, last = _three(marks)
    late, latest = sum(mark.late for mark in marks), max(mark.latest_s for mark in marks)
    return [
        f"{name}: after run {first.runs} and after run {last.runs}; of the databases, what a run adds until and from "
        f"run {middle.runs}",
        f"{name}: {last.runs} runs completed in {last.seconds / 60:.0f} minutes, {last.failed} failed, {last.skipped} "
        f"skipped, {late} late, the latest by {latest:.1f} s",
    ]


def _three(marks: Sequence[Mark]) -> tuple[Mark, Mark, Mark]:
    first, last = marks[0], marks[-1]
    return first, min(marks[1:-1], key=lambda mark: abs(mark.runs - (first.runs + last.runs) / 2)), last


def _slope(field: str, a: Mark, b: Mark) -> float:
    return float(getattr(b, field) - getattr(a, field)) / (b.runs - a.runs)


def _row(name: str, shown: Sequence[str], ends: Sequence[float], half: Mapping[str, str]) -> Row:
    growth = ends[1] / ends[0] - 1 if ends[0] else 0.0
    more = {"early": shown[0], "late": shown[1], "growth": f"{growth:+.1%}", **half, "aim": f"{AIM:.0%}"}
    return Row(name, None, None, more | {"met": "yes" if growth <= AIM else "NO"})
