"""Errors that the Prefect server's own services write into its log: counted by kind, the last one kept.

Reads only what was added since the last look, so a log of any length costs nothing. Must stay out: what follows.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

MOST_AT_ONCE = 4 * 1024 * 1024
MOST_KINDS = 50
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# The last line of a traceback: the exception's name and what it says.
_EXCEPTION = re.compile(r"^(?:[a-zA-Z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Refused|Timeout|Failed|Denied|Exit): .+$")
_LINE_LENGTH = 300
_NUMBERS = re.compile(r"0x[0-9a-f]+|\d+")


class ServerErrors:
    """The errors in one log file. ``counts``: kind (an exception's line without its numbers) → how often."""

    def __init__(self, log: Path) -> None:
        self.log, self.last = log, ""
        self.counts: Counter[str] = Counter()
        self._read_to = 0

    def look(self) -> list[str]:
        """Read what is new; returns the lines of kinds that were not seen before, at most ``MOST_KINDS`` ever."""
        fresh = []
        for line in self._new_exceptions():
            kind = _NUMBERS.sub("#", line)
            self.last = line
            if kind not in self.counts and len(self.counts) >= MOST_KINDS:
                continue
            if kind not in self.counts:
                fresh.append(line)
            self.counts[kind] += 1
        return fresh

    @property
    def total(self) -> int:
        """Count the errors of all kinds."""
        return self.counts.total()

    def _new_exceptions(self) -> Iterator[str]:
        for line in self._new_text().splitlines():
            plain = _COLOUR.sub("", line).strip()
            if _EXCEPTION.match(plain):
                yield plain[:_LINE_LENGTH]

    def _new_text(self) -> str:
        try:
            size = self.log.stat().st_size
            if size < self._read_to:  # the server was started again: a new log
                self._read_to = 0
            with self.log.open("rb") as file:
                file.seek(max(self._read_to, size - MOST_AT_ONCE))
                text = file.read(MOST_AT_ONCE)
        except OSError:
            return ""
        whole = text[: text.rfind(b"\n") + 1]  # a line that is being written is read next time
        self._read_to = max(self._read_to, size - MOST_AT_ONCE) + len(whole)
        return whole.decode("utf-8", "replace")
