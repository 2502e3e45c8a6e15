"""A table as lines for a terminal of a certain width. No word is ever broken.

Where the table has no room, columns that say nothing are left out; where words still have no room beside each other,
each row becomes a block of its own. What holds a word longer than its column stands below its row. Pure: printing is
output's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

STYLES = {
    "ok": "green", "failed": "red", "stopped": "yellow", "skipped": "dim", "yes": "green", "no": "red",
    "behind": "yellow", "paused": "dim", "never read": "yellow", "unreachable": "red", "access": "red",
    "not running": "red",
}  # fmt: skip
SILENT = ("", "-")
_WORD = re.compile(r"\S+")
_COPIED = re.compile(r"""`remotesupport [^`]*`\S* | [a-z_]+\ =\ "[^"]*"\S* | \S+""", re.VERBOSE)
GAP, BELOW = 2, 4  # cells between columns, and before what stands below its row


@dataclass(frozen=True, slots=True)
class Heading:
    """A line between the rows of a table: what the rows after it have in common."""

    text: str


Row = Sequence[str] | Heading


def drawn(columns: Sequence[str], rows: Sequence[Row], width: int) -> list[Text]:
    """The table's lines, the heads of its columns first. Cells are single lines of visible text."""
    widths = _natural(columns, rows, width)
    if widths is None:
        columns, rows = _speaking(columns, rows)
        widths = _natural(columns, rows, width) or _narrowed(columns, rows, width)
    if widths is None:
        return [line for row in rows for line in _block(columns, row, width)]
    heads = [Text(line.plain, style="bold") for line in _in_columns(columns, columns, widths, width)]
    return heads + [line for row in rows for line in _in_columns(columns, row, widths, width)]


def wrapped(text: str, width: int, word: re.Pattern[str] = _WORD) -> list[str]:
    """``text`` in lines of at most ``width`` cells, broken between words only; a longer word has a line of its own."""
    if cell_len(text) <= width:
        return [text]
    lines = [""]
    for part in word.findall(text):
        longer = f"{lines[-1]} {part}" if lines[-1] else part
        if lines[-1] and cell_len(longer) > width:
            lines.append(part)
        else:
            lines[-1] = longer
    return lines


def folded(text: str, width: int) -> list[str]:
    """Each line of ``text`` wrapped; what goes on keeps the line's indent, and a little more.

    A command or a line of configuration to be copied stays on one line, even where that is longer than ``width``.
    """
    lines = []
    for line in text.split("\n"):
        words = line.lstrip(" ")
        indent = " " * (len(line) - len(words))
        first, *rest = wrapped(words, width - len(indent) - GAP * bool(indent), _COPIED)
        lines += [indent + first, *(f"{indent}{' ' * GAP * bool(indent)}{more}" for more in rest)]
    return lines


def _speaking(columns: Sequence[str], rows: Sequence[Row]) -> tuple[list[str], list[Row]]:
    """The table without the columns in which no row says anything."""
    cells = _cells(rows)
    kept = [n for n in range(len(columns)) if n == 0 or any(row[n] not in SILENT for row in cells)]
    return [columns[n] for n in kept], [row if isinstance(row, Heading) else [row[n] for n in kept] for row in rows]


def _natural(columns: Sequence[str], rows: Sequence[Row], width: int) -> list[int] | None:
    """The widths at which nothing is wrapped, if they have room."""
    widths = [max(map(cell_len, column)) for column in zip(columns, *_cells(rows), strict=True)]
    return widths if sum(widths) + GAP * (len(widths) - 1) <= width else None


def _narrowed(columns: Sequence[str], rows: Sequence[Row], width: int) -> list[int] | None:
    """Widths that hold the words of each column, if they have room. Columns that want little more get it first."""
    table = list(zip(columns, *_cells(rows), strict=True))
    longest = max(width // 3, 20)
    widths = [max(_words_up_to(longest, column), default=1) for column in table]
    spare = width - GAP * (len(widths) - 1) - sum(widths)
    if spare < 0:
        return None
    wanted = {n: max(map(cell_len, column)) - widths[n] for n, column in enumerate(table)}
    for served, (n, more) in enumerate(sorted(wanted.items(), key=lambda item: item[1])):
        given = min(more, spare // (len(wanted) - served))
        widths[n] += given
        spare -= given
    return widths


def _words_up_to(longest: int, column: Sequence[str]) -> Iterator[int]:
    return (length for cell in column for length in map(cell_len, cell.split()) if length <= longest)


def _cells(rows: Sequence[Row]) -> list[Sequence[str]]:
    return [row for row in rows if not isinstance(row, Heading)]


def _in_columns(columns: Sequence[str], row: Row, widths: Sequence[int], width: int) -> Iterator[Text]:
    if isinstance(row, Heading):
        yield Text(row.text, style="bold")
        return
    beside = [wrapped(cell, room) for cell, room in zip(row, widths, strict=True)]
    too_long = [max(map(cell_len, lines)) > room for lines, room in zip(beside, widths, strict=True)]
    beside = [[""] if long else lines for lines, long in zip(beside, too_long, strict=True)]
    for number in range(max(map(len, beside))):
        line = Text()
        for cell, lines, room in zip(row, beside, widths, strict=True):
            part = lines[number] if number < len(lines) else ""
            line.append(part, STYLES.get(cell, "")).append(" " * (room - cell_len(part) + GAP))
        line.rstrip()
        yield line
    for column, cell, long in zip(columns, row, too_long, strict=True):
        if long:
            yield from _hanging(f"{column}: {cell}", width)


def _block(columns: Sequence[str], row: Row, width: int) -> Iterator[Text]:
    """A row whose cells stand one after the other, each with the head of its column."""
    if isinstance(row, Heading):
        yield Text(row.text, style="bold")
        return
    yield from (Text(line, style="bold") for line in wrapped(f"{columns[0]} {row[0]}".rstrip(), width))
    flowing = ""
    for part in (f"{column}: {cell}" for column, cell in zip(columns[1:], row[1:], strict=True) if cell not in SILENT):
        longer = f"{flowing}{' ' * GAP}{part}" if flowing else part
        if cell_len(longer) > width - BELOW and flowing:
            yield from _hanging(flowing, width)
            longer = part
        flowing = longer
    if flowing:
        yield from _hanging(flowing, width)


def _hanging(text: str, width: int) -> Iterator[Text]:
    return (Text(" " * BELOW + line) for line in wrapped(text, width - BELOW))
