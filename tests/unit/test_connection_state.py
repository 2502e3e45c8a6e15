"""The board's decision by itself: which state a connection is in, who is worst, what the exit status is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remotesupport.core.connections.board import Board, board
from remotesupport.core.connections.connection_state import READ_WITHIN, RUNS_WITHIN, ConnectionState, Failure, State
from remotesupport.core.model import Side

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
FINE = ConnectionState("acme", last_good=NOW, last_run=NOW, last_read=NOW, state=State.OK, state_since=NOW - MINUTE)


def failed(name: str, failure: Failure, side: Side | None = None, **more: Any) -> ConnectionState:
    """A connection whose last run, a moment ago, ended so; it was read an hour ago."""
    hour = NOW - timedelta(hours=1)
    known = ConnectionState(name, last_good=hour, last_read=hour, last_run=NOW, stopped_why=f"{name}: words")
    return replace(known, failure=failure, failed_side=side, **more)


def fine(name: str, **more: Any) -> ConnectionState:
    """A connection in order."""
    return replace(FINE, name=name, **more)


def on_board(*known: ConnectionState, began: datetime | None = NOW, now: datetime = NOW) -> Board:
    """The board of exactly these connections."""
    return board([each.name for each in known], known, began, now)


def state(known: ConnectionState, **when: Any) -> tuple[State, int]:
    """The state of one connection, and the exit status with nothing beside it."""
    found = on_board(known, **when)
    return found.rows[0].state, found.exit_status


def test_read_within_its_time_is_ok() -> None:
    """A connection that was read within its time, with nothing left over, is ok, and since when is kept."""
    (row,) = on_board(FINE).rows
    assert (row.state, row.since, row.why, on_board(FINE).exit_status) == (State.OK, NOW - MINUTE, "", 0)


def test_a_store_in_which_nothing_was_read_is_never_ok() -> None:
    """No connection heard of, one without a read, none at all: exit status 1, and the word is never read."""
    found = board(["acme"], [], None, NOW)
    assert (found.rows[0].state, found.rows[0].state.words, found.exit_status) == (State.NEVER_READ, "never read", 1)
    assert state(ConnectionState("acme")) == (State.NEVER_READ, 1)
    assert board([], [], NOW, NOW).exit_status == 1


def test_one_that_is_not_read_while_runs_go_on_is_behind() -> None:
    """Only the connection whose turns are lost is behind, since it was last read; the others stay ok."""
    late = fine("globex", last_read=NOW - READ_WITHIN - MINUTE)
    found = on_board(FINE, late)
    assert [(row.name, row.state) for row in found.rows] == [("globex", State.BEHIND), ("acme", State.OK)]
    assert (found.rows[0].since, found.exit_status) == (late.last_read, 1)
    assert state(replace(late, last_read=NOW - READ_WITHIN)) == (State.OK, 0)


def test_when_no_run_begins_everything_is_not_running() -> None:
    """All that was ok, behind or unreachable is not running since the newest run; exit status 1."""
    later = NOW + RUNS_WITHIN + MINUTE
    known = (FINE, fine("late", last_read=NOW - timedelta(hours=2)), failed("gone", Failure.UNREACHABLE, Side.MAIN))
    found = on_board(*known, now=later)
    assert {(row.state, row.since) for row in found.rows} == {(State.NOT_RUNNING, NOW)}
    assert (found.exit_status, found.stands_still, found.stands_still_since, found.main) == (1, True, NOW, None)
    assert "gone: words" in next(row.why for row in found.rows if row.name == "gone")
    assert state(FINE, now=NOW + RUNS_WITHIN) == (State.OK, 0)


@pytest.mark.parametrize(
    ("failure", "expected", "status"),
    [
        (Failure.UNREACHABLE, State.UNREACHABLE, 1),
        (Failure.UNREADABLE, State.UNREACHABLE, 1),
        (Failure.ACCESS, State.ACCESS, 3),
        (Failure.SECRET, State.ACCESS, 3),
        (Failure.VERSION, State.STOPPED, 3),
        (Failure.FATAL, State.STOPPED, 3),
        (Failure.STORE, State.BEHIND, 1),
        (Failure.REJECTED, State.STOPPED, 3),
        (Failure.GUARD, State.STOPPED, 3),
        (Failure.CONFLICT, State.BEHIND, 3),
        (Failure.INCOMPLETE, State.BEHIND, 1),
    ],
)
def test_a_failed_run_is_never_ok(failure: Failure, expected: State, status: int) -> None:
    """Each kind of failure has its state, its words as the cause, and 3 where only a person can help."""
    known = failed("acme", failure)
    assert state(known) == (expected, status)
    assert on_board(known).rows[0].why == "acme: words"


def test_every_failure_is_in_the_table() -> None:
    """A kind of failure without a state would end the command: there is none."""
    assert {state(failed("acme", failure))[0] for failure in Failure} <= set(State)


@pytest.mark.parametrize("failure", [Failure.ACCESS, Failure.GUARD])
def test_what_waits_for_a_person_stays_so_when_nothing_runs(failure: Failure) -> None:
    """A refused login and a stopped plan keep their state, and 3, when runs have ended beside."""
    known = failed("acme", failure)
    later = on_board(known, now=NOW + timedelta(hours=1))
    assert (later.rows[0].state, later.exit_status, later.stands_still) == (state(known)[0], 3, True)


def test_a_paused_one_is_a_persons_decision() -> None:
    """A paused connection is shown as that, since when, and alone makes no exit status."""
    paused = failed("globex", Failure.ACCESS, paused=True, paused_since=NOW - MINUTE, parked_for_person=2)
    found = on_board(FINE, paused)
    assert next((row.name, row.state, row.since) for row in found.rows) == ("globex", State.PAUSED, NOW - MINUTE)
    assert found.exit_status == 0
    assert on_board(FINE, paused, now=NOW + timedelta(hours=1)).exit_status == 1


@pytest.mark.parametrize(
    ("left", "status"),
    [
        ({"parked": 2, "parked_for_person": 1, "pending_since": NOW - MINUTE}, 3),
        ({"parked": 2, "pending_since": NOW - MINUTE}, 1),
        ({"pending_since": NOW - MINUTE}, 1),
        ({"kept_out": 3}, 1),
    ],
)
def test_nothing_is_green_while_something_does_not_cross(left: dict[str, Any], status: int) -> None:
    """Parked, pending and kept-out tickets make a connection behind, and 3 where one waits for a person."""
    known = replace(FINE, **left)
    assert state(known) == (State.BEHIND, status)
    assert on_board(known).rows[0].why


def test_a_close_that_others_must_do_is_not_behind() -> None:
    """A parked change that holds back no human action, and is tried again by itself, leaves a connection ok."""
    assert state(replace(FINE, parked=1)) == (State.OK, 0)


def test_the_main_billing_is_one_sentence() -> None:
    """When it fails everybody it is named once, with those that wait for it and for nothing else."""
    began = NOW - timedelta(minutes=5)
    known = [failed(n, Failure.UNREACHABLE, Side.MAIN, state=State.UNREACHABLE, state_since=began) for n in "ab"]
    known.append(failed("c", Failure.UNREACHABLE, Side.MAIN, parked_for_person=1))
    known.append(failed("d", Failure.UNREACHABLE, Side.EXTERNAL))
    main = on_board(*known).main
    assert main is not None
    assert (main.names, main.since, main.why) == (("a", "b"), began, "a: words")


@pytest.mark.parametrize(
    "known",
    [
        [failed("a", Failure.UNREACHABLE, Side.MAIN), fine("b")],
        [failed("a", Failure.ACCESS, Side.MAIN)],
        [failed("a", Failure.UNREACHABLE, Side.EXTERNAL)],
        [failed("a", Failure.UNREACHABLE)],
        [failed("a", Failure.UNREACHABLE, Side.MAIN, paused=True)],
        [fine("b")],
    ],
)
def test_the_main_billing_is_not_blamed_for_others(known: list[ConnectionState]) -> None:
    """Somebody read it in the same run, one login was refused, or the other side failed: that is no main's trouble."""
    assert on_board(*known).main is None


def test_the_newest_run_says_how_the_main_billing_is() -> None:
    """Who read it before it failed proves nothing any more; whoever read it since does."""
    down = failed("a", Failure.UNREACHABLE, Side.MAIN)
    assert on_board(down, fine("b", last_run=NOW - MINUTE, last_read=NOW - MINUTE)).main is not None
    assert on_board(replace(down, last_run=NOW - MINUTE), fine("b")).main is None


def test_the_board_shows_the_worst_first() -> None:
    """Who waits for a person comes first, then the unreachable, the never read, the late, the paused, the fine."""
    known = [
        fine("fine"),
        fine("paused", paused=True),
        fine("late", last_read=NOW - timedelta(hours=1)),
        failed("gone", Failure.UNREACHABLE),
        ConnectionState("new"),
        failed("stopped", Failure.GUARD),
        failed("denied", Failure.ACCESS),
        fine("left", parked=1, parked_for_person=1),
    ]
    names = [row.name for row in on_board(*known).rows]
    assert names == ["denied", "stopped", "left", "gone", "new", "late", "paused", "fine"]


def test_behind_counts_from_the_oldest_waiting_action() -> None:
    """A connection is as far behind as the oldest human action that was not carried yet."""
    (row,) = on_board(replace(FINE, pending_since=NOW - timedelta(minutes=5))).rows
    assert (row.behind_s, row.oldest_unsynced_s) == (300, 300)


def test_a_state_begins_when_the_runs_saw_it() -> None:
    """The moment on record holds as long as the state is the one on record."""
    known = failed("acme", Failure.UNREACHABLE, state=State.UNREACHABLE, state_since=NOW - timedelta(hours=2))
    assert on_board(known).rows[0].since == NOW - timedelta(hours=2)
    assert on_board(replace(known, state=State.OK)).rows[0].since == NOW


moments = st.none() | st.timedeltas(timedelta(0), timedelta(minutes=10)).map(lambda ago: NOW - ago)
connections = st.builds(
    ConnectionState,
    name=st.sampled_from("abc"),
    last_good=moments,
    last_run=moments,
    last_read=moments,
    paused=st.booleans(),
    pending_since=st.none() | moments,
    parked_for_person=st.sampled_from([0, 0, 1]),
    kept_out=st.sampled_from([0, 0, 1]),
    failure=st.sampled_from([Failure.NONE, *Failure]),
    failed_side=st.sampled_from([None, *Side]),
    state=st.sampled_from([None, *State]),
    state_since=moments,
)


@given(st.lists(connections, unique_by=lambda c: c.name, max_size=3), moments)
def test_zero_means_that_all_is_well(known: list[ConnectionState], began: datetime | None) -> None:
    """Whatever is on record: exit status 0 only when runs go on and each connection was read in time and is done."""
    found = on_board(*known, began=began)
    if found.exit_status:
        return
    assert began is not None
    assert NOW - began <= RUNS_WITHIN
    assert any(each.last_read for each in known)
    for each in (c for c in known if not c.paused):
        assert each.last_read is not None
        assert began - each.last_read <= READ_WITHIN
        assert (each.failure, each.pending_since, each.kept_out, each.parked_for_person) == (Failure.NONE, None, 0, 0)
