"""The close after a departure's note: offered until it is done or people have decided, and never a second note."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from connectors.errors import Refused, UnknownOutcome
from remotesupport.core.model import ChangeKind
from remotesupport.core.records import Intent
from remotesupport.core.run import BillingState, RunKind
from remotesupport.store.tables import intents
from tests.cycle_fixtures import Desk

pytestmark = pytest.mark.thorough("one act of ours in all its outcomes, many simulated minutes each")


@pytest.fixture
async def desk(tmp_path: Path) -> Any:
    """A linked ticket that staff in main have answered, and a department that the login sees besides the remote one."""
    made = Desk(tmp_path, "acme")
    acme = made.externals["acme"]
    acme.people["robot"].departments.add(acme.department("Sales"))
    made.ticket = acme.client_opens("ivan", "Technical support", "Q", "one")
    await made.run()
    (made.copy,) = made.main_tickets("acme")
    yield made
    made.store.close()


async def leaves(desk: Any) -> Any:
    """The ticket goes to Sales; the run that tells of it. Main's staff hold the copy, so closing it is refused."""
    desk.externals["acme"].transfer(desk.ticket, "Sales")
    return await desk.run()


def let_go(desk: Any) -> None:
    """Staff take the copy out of their queue without a word: from now on the customer may archive it."""
    desk.main.find(desk.copy).assignment = None


def closes(desk: Any) -> int:
    """How often a close was sent to main."""
    return sum(call.function == "close" for call in desk.main.writes())


def notes(desk: Any) -> int:
    """How often main was told that the ticket has left."""
    return sum("has left the remote department" in text for text in desk.main.bodies(desk.copy))


def is_closed(desk: Any) -> bool:
    return desk.main.find(desk.copy).status in (3, 10)


async def runs(desk: Any, count: int, later: float = 0) -> Any:
    """So many runs, each a minute and ``later`` s after the one before; the last one's report."""
    for _ in range(count):
        desk.clock.advance(later)
        report = await desk.run()
    return report


async def test_a_close_that_is_refused_is_parked_and_not_sent_each_minute(desk: Any) -> None:
    """Told once, parked with its cause, tried ever more rarely, and no failure of the runs: the ticket has departed."""
    report = await leaves(desk)
    assert report.billings[0].state is BillingState.OK
    (parked,) = desk.store.parked()
    assert (parked.kind, parked.ext_ticket, parked.attempts) == (ChangeKind.CLOSE, desk.ticket, 1)
    report = await runs(desk, 9)
    assert report.billings[0].state is BillingState.OK
    assert (notes(desk), closes(desk), is_closed(desk)) == (1, 4, False)
    assert desk.store.parked()[0].attempts == 4
    assert desk.store.connection_states()[0].pending_since is None
    assert desk.store.reason_of("acme", desk.ticket)[0] == "departed"
    assert [e.event for e in desk.store.timeline("acme", desk.ticket)].count("departed") == 2  # written, and the reason


async def test_it_is_closed_as_soon_as_the_server_lets_it(desk: Any) -> None:
    """When staff hold the ticket no longer, the next try closes it; then nothing is parked and nothing is written."""
    await leaves(desk)
    await runs(desk, 1)
    let_go(desk)
    await runs(desk, 1, later=120)
    assert (notes(desk), is_closed(desk), desk.store.parked()) == (1, True, [])
    writes = desk.writes()
    await desk.run(RunKind.AUDIT)
    await runs(desk, 1)
    assert desk.writes() == writes


async def test_a_ticket_far_down_the_list_is_still_closed(desk: Any) -> None:
    """The main ticket is looked at when its close is due, though no listing shows that anything has moved."""
    await leaves(desk)
    desk.context.connections["acme"].main.listings = ()  # nothing is listed at all
    let_go(desk)
    await runs(desk, 1)
    assert (is_closed(desk), desk.store.parked()) == (True, [])


async def test_staff_who_close_it_themselves_end_it(desk: Any) -> None:
    """Closed by a person in main: the parked close leaves the list at once, and a later reopening is theirs."""
    await leaves(desk)
    desk.main.close(desk.copy)
    await runs(desk, 1)
    assert desk.store.parked() == []
    tries = closes(desk)
    desk.main.reopen(desk.copy)
    await runs(desk, 1)
    let_go(desk)
    await desk.run(RunKind.AUDIT)
    assert (closes(desk), is_closed(desk)) == (tries, False)


async def test_staff_who_go_on_with_it_end_it(desk: Any) -> None:
    """A reply in main after the note is a decision: the ticket is not closed behind their back, and nothing waits."""
    await leaves(desk)
    tries = closes(desk)
    desk.main.staff_replies(desk.copy, "I call the client myself")
    await runs(desk, 1)
    await desk.run(RunKind.AUDIT)
    assert (closes(desk), is_closed(desk), notes(desk), desk.store.parked()) == (tries, False, 1, [])


async def test_a_reopened_ticket_is_left_alone(desk: Any) -> None:
    """What was closed after its departure and is opened again by staff stays open."""
    desk.main.after["reply"] = lambda call: let_go(desk)
    await leaves(desk)
    assert is_closed(desk)
    desk.main.reopen(desk.copy)
    writes = desk.writes()
    await runs(desk, 1)
    await desk.run(RunKind.AUDIT)
    assert desk.writes() == writes


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_close_of_unknown_outcome_is_found_or_sent_again(desk: Any, when: str) -> None:
    """An unanswered close is read back; where it was not done it is sent once more after the quarantine."""
    desk.main.after["reply"] = lambda call: let_go(desk)
    getattr(desk.main, when)["close"] = lambda call: (_ for _ in ()).throw(
        UnknownOutcome("no answer", billing="main", function="close")
    )
    await leaves(desk)
    desk.main.before.pop("close", None)
    desk.main.after.clear()
    await runs(desk, 3, later=90)
    assert (notes(desk), is_closed(desk), desk.store.open_intents("acme")) == (1, True, [])
    assert closes(desk) == (2 if when == "before" else 1)
    assert desk.store.parked() == []


async def test_a_close_that_an_older_release_left_open_is_known(desk: Any) -> None:
    """Its intent has the older name, departure/DIGEST/close: it is read back, and is no act of a person."""
    desk.main.after["reply"] = lambda call: let_go(desk)
    desk.main.after["close"] = lambda call: (_ for _ in ()).throw(
        UnknownOutcome("no answer", billing="main", function="close")
    )
    await leaves(desk)
    desk.main.after.clear()
    (left,) = desk.store.open_intents("acme")
    assert rename_as_before(desk, left) != left.key
    await runs(desk, 1)
    assert (is_closed(desk), closes(desk), desk.store.open_intents("acme")) == (True, 1, [])
    assert [e.detail for e in desk.store.timeline("acme", desk.ticket) if e.event == "closed"] == [
        f"to_main {desk.copy}: after it had left"
    ]


def rename_as_before(desk: Any, left: Intent) -> str:
    """Give an open intent of a departure's close the key that an older release gave it; return that."""
    start, digest, run = re.fullmatch("(.*/departure)/close/([0-9a-f]{8})/(.*)", left.key).groups()
    old = f"{start}/{digest}/close/{run}"
    with desk.store._db.write() as conn:
        conn.execute(update(intents).where(intents.c.key == left.key).values(key=old))
    return old


async def test_a_close_that_an_older_release_parked_is_sent_again(desk: Any) -> None:
    """What waits under departure/close is tried when it is due, and leaves the list with its success."""
    desk.main.after["reply"] = lambda call: let_go(desk)
    desk.main.before["close"] = lambda call: (_ for _ in ()).throw(Refused("locked", billing="main", function="close"))
    await leaves(desk)
    desk.main.before.clear()
    (waiting,) = desk.store.parked()
    assert (waiting.key, waiting.direction) == (f"acme/to_main/{desk.ticket}/departure/close", None)
    await runs(desk, 1, later=120)
    assert (is_closed(desk), desk.store.parked()) == (True, [])


async def test_a_return_does_not_wait_for_the_parked_close(desk: Any) -> None:
    """A ticket that comes back is opened in the next run, and its old close is wanted no more."""
    await leaves(desk)
    await runs(desk, 2, later=60)
    desk.externals["acme"].transfer(desk.ticket, "Technical support")
    desk.externals["acme"].client_writes(desk.ticket, "again")
    await runs(desk, 2)
    assert desk.main.bodies(desk.copy)[-1].endswith("again")
    await runs(desk, 2)
    assert desk.store.parked() == []


async def test_a_close_that_a_person_gave_up_is_not_sent(desk: Any) -> None:
    """Dropped: the main ticket stays as it is for good."""
    await leaves(desk)
    desk.store.drop(desk.store.parked()[0].id, "they keep it", "olga")
    tries = closes(desk)
    let_go(desk)
    await runs(desk, 1)
    await desk.run(RunKind.AUDIT)
    assert (closes(desk), is_closed(desk), desk.store.parked()) == (tries, False, [])
