"""Open and closed (semantics, section 5): one status write for each human act at most, and both sides come to agree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.property.test_reconcile_laws import LAWS, act
from tests.reconcile_world import REMOTE, World

pytestmark = pytest.mark.thorough("each law takes seconds of CPU time; those of the diff are in `make test`")

STATES = ["close", "open", "main close", "main open"]
STEPS = st.lists(st.sampled_from([*STATES, "client", "reply", "sync", "sync"]), max_size=20)


def statuses(world: World) -> int:
    """Status writes of one sync."""
    return int(world.sync().changes["kind"].isin(["close", "reopen"]).sum())


@LAWS
@given(STEPS)
def test_a_status_crosses_at_most_once_for_each_human_act(steps: list[str]) -> None:
    """Whatever people open, close and write on both sides in between runs, no status is written that nobody caused, and
    there is no ping-pong: at rest both sides are alike."""
    world, caused, written = World(), 0, 0
    world.open_ticket(REMOTE, "first")
    world.settle()
    for step in steps:
        if step == "sync":
            once = statuses(world)
            assert once <= 1
            written += once
        else:
            caused += 1
            act(world, step, 0, "word")
        assert written <= caused
    for _ in range(3):
        written += statuses(world)
    assert written <= caused
    [external], [main] = world.external.values(), world.main.values()
    assert external.state == main.state
    assert world.sync().changes.empty


@LAWS
@given(STEPS)
def test_open_wins_where_both_sides_acted(steps: list[str]) -> None:
    """When both sides changed since they agreed, the side that opened is not closed by the other's close."""
    world = World()
    world.open_ticket(REMOTE, "first")
    world.settle()
    for step in steps:
        world.sync() if step == "sync" else act(world, step, 0, "word")
    world.settle()
    [external], [main] = world.external.values(), world.main.values()
    world.set_state(external, "closed")
    world.set_state(main, "closed")
    world.settle()
    world.set_state(external, "open")
    world.set_state(main, "open")
    world.set_state(main, "closed")
    world.settle()
    assert (external.state, main.state) == ("open", "open")
