"""When ``up`` takes the schedule for dead, and when it must not."""

from __future__ import annotations

import pytest

from deployments.watchdog import LONGEST_RUN_S, PATIENCE_S, Cause, Schedule, Verdict, Watch, cause_of, judge

IDLE = Schedule(registered=True)


def verdicts(looks: list[Schedule | None], every: float = 10.0, **more: bool) -> list[Verdict]:
    """What is judged of one look after the other; a restart is done where one is wanted."""
    watch, found = Watch(0.0), []
    for number, seen in enumerate(looks, 1):
        watch, verdict = judge(watch, seen, number * every, **more)
        if verdict is Verdict.RESTART:
            watch = watch.restart_done(number * every)
        found.append(verdict)
    return found


def test_a_run_each_minute_is_fine() -> None:
    """As long as a new scheduled run starts each minute nothing is done, however long."""
    looks = [Schedule(registered=True, newest=f"run-{n // 6}") for n in range(600)]
    assert set(verdicts(looks)) == {Verdict.FINE}


@pytest.mark.parametrize("seen", [None, Schedule(registered=False), IDLE, Schedule(registered=True, newest="old")])
def test_nothing_for_two_minutes_is_a_restart_and_then_the_end(seen: Schedule | None) -> None:
    """Without a new run the server is started again after two minutes, once, and two minutes later it is given up."""
    found = verdicts([Schedule(registered=True, newest="old"), *[seen] * 30])
    assert found.count(Verdict.RESTART) == 1
    assert found.index(Verdict.RESTART) == PATIENCE_S / 10
    assert found.index(Verdict.GIVE_UP) == found.index(Verdict.RESTART) + PATIENCE_S / 10


def test_somebody_elses_server_is_never_started_again() -> None:
    """Where there is nothing to start again, it is given up at once."""
    found = verdicts([IDLE] * 30, can_restart=False)
    assert Verdict.RESTART not in found
    assert found.index(Verdict.GIVE_UP) == PATIENCE_S / 10 - 1


def test_a_pause_is_a_persons_and_said_once() -> None:
    """A paused schedule is no fault, however long; when it goes on, the patience begins anew."""
    paused = Schedule(registered=True, paused=True)
    found = verdicts([*[paused] * 100, *[IDLE] * 11])
    assert found.count(Verdict.PAUSED) == 1
    assert set(found) == {Verdict.PAUSED, Verdict.FINE}


def test_a_long_run_is_a_sign_of_life() -> None:
    """A first read of an hour is no standstill; a run that goes on for longer than any may is none either."""
    assert set(verdicts([Schedule(registered=True, running_s=10.0 * n) for n in range(360)])) == {Verdict.FINE}
    assert Verdict.RESTART in verdicts([Schedule(registered=True, running_s=LONGEST_RUN_S + 1)] * 20)


def test_a_restart_that_helped_allows_the_next_one() -> None:
    """After a new run the next standstill, hours later, gets its restart, too."""
    looks = [*[IDLE] * 13, Schedule(registered=True, newest="a"), *[Schedule(registered=True, newest="a")] * 13]
    assert verdicts(looks).count(Verdict.RESTART) == 2


def test_a_machine_that_slept_is_given_time() -> None:
    """Time in which nobody looked counts as any other: the schedule has its patience from the last sign of life."""
    watch, _ = judge(Watch(0.0), Schedule(registered=True, newest="a"), 10.0)
    _, verdict = judge(watch, Schedule(registered=True, newest="b"), 10_000.0)
    assert verdict is Verdict.FINE


@pytest.mark.parametrize(
    ("seen", "cause"),
    [
        (None, Cause.NO_ANSWER),
        (Schedule(registered=False), Cause.NOT_REGISTERED),
        (IDLE, Cause.NOTHING_SCHEDULED),
        (Schedule(registered=True, ahead=60), Cause.NOTHING_SCHEDULED),
        (Schedule(registered=True, ahead=60, overdue=2), Cause.NOT_STARTED),
    ],
)
def test_the_cause_says_where_the_run_is_missing(seen: Schedule | None, cause: Cause) -> None:
    """A server that is silent, one without the deployment, one that schedules nothing, one whose runs nobody starts."""
    assert cause_of(seen) is cause
