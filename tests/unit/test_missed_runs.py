"""A time without runs is told once, and once that it is over, also by an `up` that was started again in between."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from deployments.alerts.missed import MissedRuns
from deployments.minding import Minder
from deployments.watchdog import Schedule
from remotesupport.core.connections.alerts import Phase

WALL = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


class Up:
    """One ``up`` after the other in one state folder; ``told``: phase and text of what people heard."""

    def __init__(self, home: Path) -> None:
        self.home, self.now, self.quiet = home, 0.0, False
        self.told: list[tuple[Phase, str]] = []
        self.seen: Schedule | None = Schedule(registered=True, newest="r0")
        self.runs = 0
        self.start()

    def start(self) -> None:
        """A new process."""
        missed = MissedRuns(
            self.home,
            lambda phase, _subject, text: self.told.append((phase, text)),
            lambda: self.quiet,
            wall=lambda: WALL + timedelta(seconds=self.now),
        )
        self.minder = Minder(self.look, None, [], say=print, shout=print, patience=10_000, missed=missed)

    def look(self) -> dict[str, Schedule] | None:
        """The schedule as Prefect shows it."""
        return None if self.seen is None else {"every-minute": self.seen}

    def minutes(self, count: int, *, runs: bool) -> None:
        """So many of them, in which runs begin or do not; a look every ten seconds."""
        for _ in range(count):
            if runs:
                self.runs += 1
                self.seen = Schedule(registered=True, newest=f"r{self.runs}")
            for _ in range(6):
                self.now += 10
                self.minder.tend(self.now)

    @property
    def phases(self) -> list[Phase]:
        """The parts that people heard."""
        return [phase for phase, _ in self.told]


def test_it_is_told_once_after_three_minutes_and_once_that_it_is_over(tmp_path: Path) -> None:
    """Two minutes without a run are none of anybody's business; the text has cause, time and command."""
    up = Up(tmp_path)
    up.minutes(5, runs=True)
    up.minutes(2, runs=False)
    assert up.told == []
    up.minutes(60, runs=False)
    assert up.phases == [Phase.RAISED]
    assert "No run has begun for 3 min" in up.told[0][1]
    assert "the Prefect server schedules no run" in up.told[0][1]
    up.minutes(5, runs=True)
    assert up.phases == [Phase.RAISED, Phase.ENDED]


def test_a_server_that_does_not_answer_is_told_of(tmp_path: Path) -> None:
    """It is the one that could not tell it."""
    up = Up(tmp_path)
    up.minutes(5, runs=True)
    up.seen = None
    up.minutes(5, runs=False)
    assert up.phases == [Phase.RAISED]
    assert "does not answer" in up.told[0][1]


def test_a_restart_neither_tells_it_again_nor_takes_old_runs_for_new_ones(tmp_path: Path) -> None:
    """The first look of a new `up` shows the last run of the old one: that is no end of it."""
    up = Up(tmp_path)
    up.minutes(5, runs=True)
    up.minutes(10, runs=False)
    up.start()
    up.minutes(10, runs=False)
    assert up.phases == [Phase.RAISED]
    up.minutes(3, runs=True)
    assert up.phases == [Phase.RAISED, Phase.ENDED]


def test_quiet_hours_keep_it_for_as_long_as_it_lasts(tmp_path: Path) -> None:
    """In quiet hours nothing is told; what still stands afterwards is told then, what is over is not."""
    up = Up(tmp_path)
    up.quiet = True
    up.minutes(5, runs=True)
    up.minutes(10, runs=False)
    up.minutes(5, runs=True)
    up.quiet = False
    assert up.told == []
    up.quiet = True
    up.minutes(10, runs=False)
    up.quiet = False
    up.minutes(1, runs=False)
    assert up.phases == [Phase.RAISED]


def test_a_pause_by_a_person_is_no_missing_run(tmp_path: Path) -> None:
    """A person who pauses the schedule in Prefect is not called for it."""
    up = Up(tmp_path)
    up.minutes(5, runs=True)
    up.seen = Schedule(registered=True, paused=True)
    up.minutes(60, runs=False)
    assert up.told == []
