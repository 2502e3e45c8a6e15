"""Bounds what one run writes for one connection: beyond it no further change is begun, and the next run goes on.

At least the first changes are always begun, so every run comes further.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from remotesupport.core.model import MEGABYTE, Upload
from remotesupport.core.run import RunKind


@dataclass(frozen=True, slots=True)
class MostWritten:
    """The limits of one connection in one run. ``seconds``: after so many no change is begun; ``files``: sent along."""

    seconds: float = math.inf
    files: float = math.inf
    megabytes: float = math.inf


IN_A_MINUTE = MostWritten(seconds=45, files=200, megabytes=500)
IN_AN_AUDIT = MostWritten(seconds=600, files=5_000, megabytes=5_000)
UNBOUNDED = MostWritten()  # somebody waits for exactly these changes


def most_written(kind: RunKind) -> MostWritten:
    """The limits of a run of ``kind``: those that nobody started have some."""
    return {RunKind.SYNC: IN_A_MINUTE, RunKind.AUDIT: IN_AN_AUDIT}.get(kind, UNBOUNDED)


class WritingBudget:
    """The cost of writing for one connection so far, against ``most``; its time begins now."""

    def __init__(self, most: MostWritten = UNBOUNDED, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._most, self._monotonic = most, monotonic
        self._began, self._files, self._bytes = monotonic(), 0, 0

    def add_files(self, files: Sequence[Upload]) -> None:
        """These go along with a message."""
        self._files += len(files)
        self._bytes += sum(file.size for file in files)

    def over(self) -> str:
        """Tell which limit is reached, in words; empty while none is."""
        counts = (
            (self._monotonic() - self._began, self._most.seconds, "seconds of writing"),
            (self._files, self._most.files, "files"),
            (self._bytes / MEGABYTE, self._most.megabytes, "megabytes of files"),
        )
        for count, most, what in counts:
            if count >= most:
                return f"{count:.0f} {what}, and the most for one connection in one run is {most:.0f}"
        return ""
