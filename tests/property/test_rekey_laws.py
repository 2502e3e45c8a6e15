"""The laws of a ledger whose billing got other message ids, for any history of both sides."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remotesupport.core import frames
from remotesupport.core.ledger.rekey import rekeyed
from remotesupport.core.model import Side
from tests.property.test_reconcile_laws import HISTORIES, LAWS
from tests.property.test_restored_laws import History, at_rest, nothing_is_written
from tests.reconcile_world import CONNECTION, REMOTE, World

pytestmark = pytest.mark.thorough("each law takes seconds of CPU time; those of the diff are in `make test`")

SIDES = st.sampled_from([{Side.EXTERNAL}, {Side.MAIN}, {Side.EXTERNAL, Side.MAIN}])


def in_other_words(world: World, sides: set[Side]) -> None:
    """Every message of these sides has another id, and the ledger is rekeyed."""
    for side, tickets in ((Side.EXTERNAL, world.external), (Side.MAIN, world.main)):
        for message in (m for t in tickets.values() if side in sides for m in t.messages):
            message.id = f"h{message.id}"
    rows = frames.records(rekeyed(world.inputs(), {(CONNECTION, side) for side in sides}))
    world.carried = {(r["direction"], r["ext_ticket"], r["source_message"]): r for r in rows}


@LAWS
@given(HISTORIES, SIDES)
def test_other_ids_repeat_nothing(history: History, sides: set[Side]) -> None:
    """When all was at rest, a rekeyed ledger leaves nothing to write."""
    world = at_rest(history)
    in_other_words(world, sides)
    nothing_is_written(world)


@LAWS
@given(HISTORIES, SIDES)
def test_what_was_said_meanwhile_crosses_once(history: History, sides: set[Side]) -> None:
    """A message that nobody had carried when the ids changed is on the other side once."""
    world = at_rest(history)
    ticket = next(iter(world.external.values()))
    ticket.department = REMOTE
    world.settle()
    world.say(ticket, "client", "said meanwhile")
    in_other_words(world, sides)
    world.settle()
    copy = world.main[world.links[ticket.id]["main_ticket"]]
    assert sum("said meanwhile" in m.body for m in copy.messages) == 1


def test_the_same_ids_change_nothing() -> None:
    """Without a change of dialect the ledger stays as it is."""
    world = at_rest([("reply", 0, "ok"), ("sync", 0, ""), ("client", 0, "ok"), ("edit", 0, "a")])
    before = world.inputs().carried
    assert rekeyed(world.inputs(), set()).equals(before)
