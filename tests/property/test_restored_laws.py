"""The laws of a ledger that was lost, or put back as it was some time ago, for any history of both sides."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given

from remotesupport.core import frames
from remotesupport.core.reconcile import reconcile
from tests.property.test_reconcile_laws import HISTORIES, LAWS, act, live
from tests.reconcile_world import World

pytestmark = pytest.mark.thorough("each law takes seconds of CPU time; those of the diff are in `make test`")

History = list[tuple[str, int, str]]
WRITES_NOTHING = {"adopt"}


def at_rest(history: History) -> World:
    """The world after a history, when nothing is left to be written."""
    world = live(history)
    world.settle()
    return world


def shown(world: World) -> dict[str, Any]:
    """All that people see on both sides."""
    return {
        f"{side} {t.id}": (t.state, [(m.kind, m.body) for m in t.messages])
        for side, tickets in (("external", world.external), ("main", world.main))
        for t in tickets.values()
    }


def never_told(world: World) -> set[str]:
    """External tickets that left while their copy was closed: nobody was told, since a note would have opened it."""
    gone = [link for link in world.links.values() if link["departed"]]
    return {
        link["ext_ticket"]
        for link in gone
        if not any("no longer delivered" in m.body for m in world.main[link["main_ticket"]].messages)
    }


def nothing_is_written(world: World, never_told: frozenset[str] = frozenset()) -> None:
    """However often it syncs, it only fills its ledger; that a ticket of ``never_told`` has left may be told, once."""
    before, told = shown(world), 0
    for _ in range(3):
        changes = world.sync().changes
        late = changes["kind"].eq("departure") & changes["ext_ticket"].isin(never_told)
        told += int(late.sum())
        changes = changes[~late]
        assert set(changes["kind"]) <= WRITES_NOTHING, changes[["kind", "direction", "act", "body"]].to_string()
    assert told <= len(never_told)
    assert told or shown(world) == before
    assert world.sync().changes.empty


@LAWS
@given(HISTORIES)
def test_a_lost_ledger_repeats_nothing(history: History) -> None:
    """With the ledger lost when all was at rest, nothing is created, posted, closed, opened or told a second time."""
    world = at_rest(history)
    world.links.clear()
    world.carried.clear()
    world.written.clear()
    nothing_is_written(world)


@LAWS
@given(HISTORIES, HISTORIES)
def test_a_restored_ledger_repeats_nothing(before: History, after: History) -> None:
    """With the ledger put back as it was some time ago, nothing that was done since is done again or taken back."""
    world = at_rest(before)
    links, carried = copy.deepcopy(world.links), copy.deepcopy(world.carried)
    for step in after:
        act(world, *step)
    world.settle()
    silent = frozenset(never_told(world))
    world.links, world.carried = links, carried
    world.written.clear()
    nothing_is_written(world, silent)


@pytest.mark.parametrize("put_back", ["before they were told", "afterwards"])
def test_a_departure_that_nobody_was_told_of_is_told_once(put_back: str) -> None:
    """It left while its copy was closed; the copy was opened since: staff learn it now, once, whatever became of the
    ledger meanwhile."""
    world = at_rest([])
    links, carried = copy.deepcopy(world.links), copy.deepcopy(world.carried)
    for step in (("leave", 0, ""), ("main close", 0, ""), ("sync", 0, ""), ("reply", 0, "ok")):
        act(world, *step)
    if put_back == "afterwards":
        assert world.sync().changes["kind"].tolist() == ["departure"]
        world.settle()
    world.links, world.carried = links, carried
    world.written.clear()
    assert world.sync().changes["kind"].tolist() == ["departure"] * (put_back == "before they were told")
    nothing_is_written(world)


@pytest.mark.parametrize("waits", ["to_main", "to_external"])
def test_a_direction_that_waits_hides_nothing_of_the_other_one(waits: str) -> None:
    """A write of a restored ledger has an unknown outcome: what arrived in the other direction since is known again."""
    world = at_rest([])
    links, carried = copy.deepcopy(world.links), copy.deepcopy(world.carried)
    for step in (("client", 0, "still broken"), ("reply", 0, "look again")):
        act(world, *step)
    world.settle()
    world.links, world.carried = links, carried
    ticket, cause = next(iter(links)), "a post was sent"
    row = {"connection": "acme", "ext_ticket": ticket, "direction": waits, "cause": cause, "kind": "", "parked": False}
    planned = reconcile(world.inputs(blocked=frames.build(frames.BLOCKED, [row]))).changes
    assert planned[["kind", "direction"]].to_numpy().tolist() == [
        ["adopt", {"to_main": "to_external", "to_external": "to_main"}[waits]]
    ]


@LAWS
@given(HISTORIES, HISTORIES)
def test_what_people_do_after_a_loss_crosses_as_always(before: History, after: History) -> None:
    """After a lost ledger was filled again, people's next messages arrive as they would have with the old one."""
    calm = [step for step in after if step[0] in ("client", "staff", "reply")]
    kept = at_rest([*before, ("sync", 0, "")])
    lost = copy.deepcopy(kept)
    lost.links.clear()
    lost.carried.clear()
    lost.written.clear()
    for world in (kept, lost):
        world.settle()
        for step in calm:
            act(world, *step)
        world.settle()
    open_ones = {f"main {link['main_ticket']}" for link in lost.links.values()}
    same = {k: sorted(v[1]) for k, v in shown(kept).items() if k in open_ones}
    assert same == {k: sorted(v[1]) for k, v in shown(lost).items() if k in open_ones}
