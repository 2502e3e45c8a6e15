"""Prints a command's answer: one JSON document or tables on standard output, everything else on standard error.

Text of billings is printed as text: rich markup in it is never interpreted and control characters are shown, not sent.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from remotesupport.cli.streams import as_written, is_unicode
from remotesupport.cli.tables import Heading, drawn, folded
from remotesupport.core.text.durations import span
from remotesupport.core.text.foreign import visible


def document(value: Any) -> None:
    """One JSON document, alone on standard output; escaped where the stream cannot write every character."""
    escaped = not is_unicode(sys.stdout)
    sys.stdout.write(json.dumps(value, ensure_ascii=escaped, indent=2, default=_plain) + "\n")


def out() -> Console:
    """For results. Made anew on each call, so that a redirected stream is honoured."""
    return Console(file=sys.stdout, highlight=False, soft_wrap=not sys.stdout.isatty())


def err() -> Console:
    """For progress, advice and questions."""
    return Console(file=sys.stderr, highlight=False, soft_wrap=not sys.stderr.isatty())


def say(text: str) -> None:
    """A line for the person, never part of the result."""
    _print(err(), text, keep="\n")


def line(text: str) -> None:
    """A line of the result."""
    _print(out(), text)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object] | Heading]) -> None:
    """Rows as a table that has room on the terminal; a cell that is a known state word is coloured.

    Outside a terminal: tab-separated lines without headings, every column of them.
    """
    listed = [row if isinstance(row, Heading) else [_cell(c) for c in row] for row in rows]
    console = out()
    if not console.is_terminal:
        lines = [[c.lower() for c in columns], *(row for row in listed if not isinstance(row, Heading))]
        sys.stdout.write("".join("\t".join(line) + "\n" for line in lines))
        return
    if title:
        console.print(Text(title, style="italic"), soft_wrap=True)
    for line in drawn(columns, listed, console.width):
        console.print(line, soft_wrap=True)


def _print(console: Console, text: str, keep: str = "") -> None:
    """On a terminal wrapped between words only: one that is longer than a line can still be copied whole."""
    shown = as_written(visible(text, keep=keep), console.file)
    lines = folded(shown, console.width) if console.is_terminal else [shown]
    for each in lines:
        console.print(Text(each), soft_wrap=True)


def age(since: datetime | None, now: datetime) -> str:
    """``3 min`` and the like; a dash for never."""
    if since is None:
        return "-"
    return span((now - since).total_seconds())


def moment(at: datetime | None) -> str:
    """UTC to the second, as in the JSON documents."""
    return "-" if at is None else at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return moment(value)
    return as_written(visible(str(value)), sys.stdout)


def _plain(value: object) -> object:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)
