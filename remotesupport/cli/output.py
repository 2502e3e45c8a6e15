"""What a command prints: one JSON document or tables on standard output, everything else on standard error.

Text of billings is printed as text: rich markup in it is never interpreted and control characters are shown, not sent.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from remotesupport.core.spans import span

STYLES = {
    "ok": "green", "failed": "red", "stopped": "yellow", "skipped": "dim", "yes": "green", "no": "red",
    "behind": "yellow", "paused": "dim", "never read": "yellow", "unreachable": "red", "access": "red",
    "not running": "red",
}  # fmt: skip


def document(value: Any) -> None:
    """One JSON document, alone on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=_plain) + "\n")


def out() -> Console:
    """For results. Made anew on each call, so that a redirected stream is honoured."""
    return Console(file=sys.stdout, highlight=False, soft_wrap=not sys.stdout.isatty())


def err() -> Console:
    """For progress, advice and questions."""
    return Console(file=sys.stderr, highlight=False, soft_wrap=not sys.stderr.isatty())


def say(text: str) -> None:
    """A line for the person, never part of the result."""
    err().print(Text(visible(text, keep="\n")))


def line(text: str) -> None:
    """A line of the result."""
    out().print(Text(visible(text)))


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Rows as a table; a cell that is a known state word is coloured. Outside a terminal: tab-separated lines."""
    listed = [[_cell(c) for c in row] for row in rows]
    console = out()
    if not console.is_terminal:
        lines = [[c.lower() for c in columns], *listed]
        sys.stdout.write("".join("\t".join(line) + "\n" for line in lines))
        return
    drawn = Table(
        title=title, title_justify="left", header_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0)
    )
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for line in listed:
        drawn.add_row(*(Text(c, style=STYLES.get(c, "")) for c in line))
    console.print(drawn)


def visible(text: str, keep: str = "") -> str:
    """``text`` with control and direction characters shown as escapes, so that a ticket cannot drive the terminal."""
    return "".join(
        c if c in keep or unicodedata.category(c) not in ("Cc", "Cf", "Cs") else f"\\x{ord(c):02x}" for c in text
    )


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
    return visible(str(value))


def _plain(value: object) -> object:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)
