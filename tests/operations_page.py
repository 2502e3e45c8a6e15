"""The commands of docs/operations.md as a test runs them: what is tried is what the page says."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "operations.md"


def section(heading: str) -> list[str]:
    """The lines under a heading, up to the next one of its rank or a higher one."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    begin = lines.index(heading)
    ends = re.compile(rf"#{{1,{len(heading.partition(' ')[0])}}} ")
    return list(takewhile(lambda line: not ends.match(line), lines[begin + 1 :]))


def table(heading: str) -> list[list[str]]:
    """The cells of the one table under a heading, without its head."""
    rows = [line for line in section(heading) if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows[2:]]


def command_of(heading: str, begin: str, put: Mapping[str, str]) -> list[str]:
    """The one command under ``heading`` that begins so, as words, with the words of ``put`` put in their places."""
    lines = [line[4:] for line in section(heading) if line.startswith(f"    {begin}")]
    assert len(lines) == 1, f"{heading}: {lines}"
    line = lines[0].partition("  # ")[0]
    for old, new in put.items():
        assert old in line, f"{old} is not in {line}"
        line = line.replace(old, shlex.quote(new))
    return shlex.split(line)
