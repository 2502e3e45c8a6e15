"""Tell that no run begins, from outside of what ought to run: ``up`` tells it itself, and when runs begin again.

An automation of the Prefect server would be silent where that server is what hangs. No clock and no I/O of its own but
the file that remembers that it was told: ``up`` may end over it and be started again. Must stay out: looking at the
schedule (``minding``).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from remotesupport.core.connections.alert_words import name_of
from remotesupport.core.connections.alerts import Cause, Phase
from remotesupport.core.connections.connection_state import RUNS_WITHIN
from remotesupport.core.text.durations import span

FILE_NAME = "alerts.missed"
Tell = Callable[[Phase, str, str], None]
RAISED, ENDED = name_of(Cause.RUN, Phase.RAISED), name_of(Cause.RUN, Phase.ENDED)


class MissedRuns:
    """``tell`` hears phase, subject and text. ``is_quiet``: whether quiet hours keep it. ``wall``: the time of day."""

    def __init__(
        self,
        home: Path,
        tell: Tell,
        is_quiet: Callable[[], bool] = lambda: False,
        *,
        patience: timedelta = RUNS_WITHIN,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._file, self._tell, self._is_quiet = home / FILE_NAME, tell, is_quiet
        self._patience, self._wall = patience.total_seconds(), wall
        self._alive_at: float | None = None

    def note(self, alive: bool, now: float, why: Callable[[], str]) -> None:
        """Hear what a look at the schedule showed, at ``now`` seconds (monotonic). ``why``: what is wrong and what to
        do, where it is not ``alive``."""
        if self._alive_at is None:
            self._alive_at = now
        if alive:
            self._alive_at = now
            self._over()
        elif now - self._alive_at >= self._patience:
            self._missed(now - self._alive_at, why())

    def ending(self, now: float, why: str) -> None:
        """``up`` ends because nothing runs: it is told now, or not at all."""
        self._missed(now - (now if self._alive_at is None else self._alive_at), why)

    def _missed(self, seconds: float, why: str) -> None:
        if self._file.exists() or self._is_quiet():
            return
        since = self._wall() - timedelta(seconds=seconds)
        self._file.write_text(since.isoformat(), encoding="ascii")
        text = f"No run has begun for {span(seconds)} (since {since:%Y-%m-%d %H:%M} UTC). {why}"
        self._tell(Phase.RAISED, "remotesupport: no run begins, nothing is carried over", text)

    def _over(self) -> None:
        if not self._file.exists() or self._is_quiet():
            return
        since = datetime.fromisoformat(self._file.read_text(encoding="ascii"))
        self._file.unlink()
        lasted = span((self._wall() - since).total_seconds())
        text = f"Runs begin again, after {lasted} without any. What was missed is carried over now."
        self._tell(Phase.ENDED, "remotesupport: over: runs begin again", text)
