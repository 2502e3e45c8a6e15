"""Each run of the schedule is told of once, when it has ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from deployments.ended_runs import LOOK_EVERY_S, EndedRuns
from deployments.prefect_api import NoAnswer, PrefectApi, RunSeen

BEGAN = datetime(2026, 11, 28, 10, 0, tzinfo=UTC)


class Given(PrefectApi):
    """An API that gives what it was given, or does not answer."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:9/api", {})
        self.list: list[RunSeen] | None = []

    def runs(
        self, states: Sequence[str], *, deployments: Sequence[str] = (), sort: str = "", limit: int = 20
    ) -> list[RunSeen]:
        """What was put into ``list``; None is no answer."""
        if self.list is None:
            raise NoAnswer("http://127.0.0.1:9/api does not answer")
        return self.list


def run(name: str, minutes: float, *, scheduled: bool = True) -> RunSeen:
    """A run that ended so many minutes after the beginning."""
    at = BEGAN + timedelta(minutes=minutes)
    return RunSeen(name, name, "Completed", "", scheduled, at, at, at)


def told_of(api: Given, looks: list[list[RunSeen] | None]) -> list[str]:
    """The names that are told, one look after the other."""
    told: list[str] = []
    watch = EndedRuns(api, BEGAN, lambda seen: told.append(seen.name))
    for number, api.list in enumerate(looks, start=1):
        watch.tend(number * LOOK_EVERY_S)
    return told


def test_each_run_is_told_once_and_the_earliest_first() -> None:
    """A run is told when it is first seen ended and never again, in the order of their ends."""
    assert told_of(Given(), [[run("b", 2), run("a", 1)], [run("c", 3), run("b", 2), run("a", 1)]]) == ["a", "b", "c"]


def test_other_runs_are_not_told() -> None:
    """Runs that people started, and those that had ended before, are none of the schedule's news."""
    assert told_of(Given(), [[run("by hand", 1, scheduled=False), run("old", -1)]]) == []


def test_a_server_that_does_not_answer_is_asked_again() -> None:
    """What ended meanwhile is told with the next answer."""
    assert told_of(Given(), [None, [run("a", 1)]]) == ["a"]
