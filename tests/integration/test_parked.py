"""What failed and waits: offered again, held in order, and given up only by a person, with a reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connectors.errors import ConnectorError, ProtocolError, Refused, Retriable, Skippable
from remotesupport.core.model import ChangeKind, Direction
from remotesupport.core.plan.change_keys import intent_key
from remotesupport.core.records import Beside, ParkedChange
from remotesupport.core.run import RunKind
from remotesupport.steps.operator.reoffer import reoffer
from remotesupport.store.errors import NotRetriable
from tests.cycle_fixtures import Desk
from tests.http_desk import http_desk
from tests.three_billings import three_billings


def refuse(text: str) -> Any:
    """A hook: the server refuses what contains ``text``."""

    def hook(call: Any) -> None:
        if text in str(call.args):
            raise Refused("the server says no", billing="test", function=call.function, kind="value")

    return hook


@pytest.fixture
async def desk(tmp_path: Path) -> Any:
    """One connection with a linked ticket."""
    made = Desk(tmp_path, "acme")
    made.ticket = made.externals["acme"].client_opens("ivan", "Technical support", "subject", "first")
    await made.run()
    made.copy = made.main_tickets("acme")[0]
    yield made
    made.store.close()


def said(desk: Any) -> str:
    """The main copy's texts."""
    return "\n".join(desk.main.bodies(desk.copy))


async def test_later_messages_wait_behind_a_parked_one(desk: Any) -> None:
    """A refused message holds back the later ones of its ticket and direction, and no other direction."""
    desk.main.before["reply"] = refuse("poison")
    for text in ("poison", "second", "third"):
        desk.externals["acme"].client_writes(desk.ticket, text)
    desk.main.staff_replies(desk.copy, "answer")
    for _ in range(3):
        await desk.run()
    assert "second" not in said(desk)
    assert "answer" in desk.externals["acme"].bodies(desk.ticket)
    (parked,) = desk.store.parked(["acme"])
    assert (parked.kind, parked.attempts >= 1, parked.next_try is not None) == (ChangeKind.POST, True, True)
    assert "the server says no" in parked.cause


async def test_a_dropped_message_lets_the_later_ones_go(desk: Any) -> None:
    """Given up with a reason: it never crosses, the later ones do in order, and the timeline keeps the reason."""
    desk.main.before["reply"] = refuse("poison")
    for text in ("poison", "second", "third"):
        desk.externals["acme"].client_writes(desk.ticket, text)
    await desk.run()
    (parked,) = desk.store.parked(["acme"])
    assert desk.store.drop(parked.id, "agreed with the provider", "olga") is not None
    desk.main.before.clear()
    for _ in range(3):
        await desk.run()
    assert "poison" not in said(desk)
    assert said(desk).index("second") < said(desk).index("third")
    assert desk.store.parked(["acme"]) == []
    (line,) = [e for e in desk.store.timeline("acme", desk.ticket) if e.event == "dropped"]
    assert (line.run, "agreed with the provider" in line.detail) == ("olga", True)


@pytest.mark.thorough("a second of CPU time; a message that is given up is in `make test`")
async def test_a_dropped_create_leaves_the_ticket_alone(desk: Any) -> None:
    """A ticket that was given up is never created, whatever is written in it, and why says who decided."""
    desk.main.before["create"] = refuse("new one")
    ticket = desk.externals["acme"].client_opens("maria", "Technical support", "new one", "text")
    await desk.run()
    (parked,) = desk.store.parked(["acme"])
    desk.store.drop(parked.id, "spam", "olga")
    desk.main.before.clear()
    desk.externals["acme"].client_writes(ticket, "more")
    report = await desk.run(tickets=(ticket,))
    report = await desk.run()
    assert len(desk.main_tickets("acme")) == 1
    assert report.billings[0].written == 0
    reason, detail, _ = desk.store.reason_of("acme", ticket)
    assert (reason, detail) == ("parked", "dropped by a person: spam")


@pytest.mark.thorough("two seconds of CPU time; what is parked, offered again and given up is in `make test`")
async def test_a_dropped_close_counts_as_done(desk: Any) -> None:
    """A close that was given up is not offered again; the next human action crosses as ever."""
    desk.main.staff_replies(desk.copy, "done")
    await desk.run()
    desk.main.before["close"] = refuse("")
    desk.externals["acme"].close(desk.ticket)
    await desk.run()
    (parked,) = desk.store.parked(["acme"])
    assert parked.kind is ChangeKind.CLOSE
    desk.store.drop(parked.id, "they keep it open", "olga")
    desk.main.before.clear()
    writes = len(desk.writes())
    for _ in range(2):
        await desk.run()
    assert len(desk.writes()) == writes
    desk.externals["acme"].client_writes(desk.ticket, "again")
    await desk.run()
    assert "again" in said(desk)


async def test_a_retry_by_hand_is_offered_at_once(desk: Any) -> None:
    """What a person offers again goes with the next run, before its own time."""
    desk.main.before["reply"] = refuse("poison")
    desk.externals["acme"].client_writes(desk.ticket, "poison")
    for _ in range(4):
        await desk.run()
    (parked,) = desk.store.parked(["acme"])
    desk.main.before.clear()
    desk.store.unpark(parked.id, "olga")
    await desk.run()
    assert "poison" in said(desk)


OTHERS = pytest.mark.thorough("a refusal is in `make test`; the same law for the other errors")
ERRORS = [Refused, *(pytest.param(error, marks=OTHERS) for error in (ProtocolError, Skippable))]


@pytest.mark.parametrize("error", ERRORS)
async def test_whatever_stopped_a_change_its_next_tries_are_the_same(desk: Any, error: type[ConnectorError]) -> None:
    """After 1, 2, 5, 15 and then every 60 minutes: one answer that was cut off costs a client no hour."""

    def hook(_call: Any) -> None:
        raise error("something was wrong", billing="acme", function="reply")

    desk.main.before["reply"] = hook
    desk.externals["acme"].client_writes(desk.ticket, "poison")
    waited = []
    for _ in range(6):
        await desk.run()
        (parked,) = desk.store.parked(["acme"])
        waited.append((parked.next_try - desk.clock()).total_seconds() / 60)
        desk.clock.advance(waited[-1] * 60)
    assert waited == [1, 2, 5, 15, 60, 60]


@pytest.mark.thorough("a second of CPU time; writes of unknown outcome are in `make test`")
async def test_a_close_that_cannot_be_looked_at_is_read_back_and_waits_for_nobody(desk: Any) -> None:
    """A look that fails after a close says nothing about the close: nothing is parked, and it is not sent again."""
    acme, closes = desk.externals["acme"], []

    def closed(call: Any) -> None:
        closes.append(call)
        acme.before["ticket"] = gone

    def gone(call: Any) -> None:
        raise Retriable("the line is dead", billing="acme", function=call.function)

    acme.after["close"] = closed
    desk.main.close(desk.copy)
    await desk.run()
    assert (desk.store.parked(["acme"]), len(desk.store.open_intents("acme"))) == ([], 1)
    del acme.before["ticket"]
    for _ in range(2):
        desk.clock.advance(150)
        await desk.run()
    assert (desk.store.parked(["acme"]), desk.store.open_intents("acme"), len(closes)) == ([], [], 1)


async def test_nothing_parked_expires(desk: Any) -> None:
    """Retention takes away old runs and never a parked change."""
    desk.main.before["reply"] = refuse("poison")
    desk.externals["acme"].client_writes(desk.ticket, "poison")
    await desk.run()
    desk.clock.advance(400 * 86400)
    desk.store.prune(desk.clock())
    assert len(desk.store.parked(["acme"])) == 1


async def test_the_board_says_since_when_something_waits(desk: Any) -> None:
    """From the run that could not carry it until the run that has; a quiet run in between changes nothing."""
    desk.main.before["reply"] = refuse("poison")
    desk.externals["acme"].client_writes(desk.ticket, "poison")
    await desk.run()
    first = desk.clock()
    await desk.run()
    (state,) = desk.store.connection_states()
    assert state.pending_since == first
    desk.main.before.clear()
    desk.clock.advance(7200)
    await desk.run()
    (state,) = desk.store.connection_states()
    assert state.pending_since is None


@pytest.mark.thorough("a simulated night")
async def test_the_night_offers_again_what_waits(desk: Any) -> None:
    """What would be tried in an hour is tried in the first run after maintenance, which says how much and how old."""
    desk.main.before["reply"] = refuse("poison")
    desk.externals["acme"].client_writes(desk.ticket, "poison")
    for _ in range(20):
        await desk.run()
    desk.main.before.clear()
    await desk.run()
    assert "poison" not in said(desk)
    age = desk.clock() - desk.store.parked()[0].since
    assert str(reoffer(desk.context)) == (
        f"1 parked changes are offered again, 0 wait for a person, the oldest for {age.seconds // 60} min"
    )
    assert "poison" not in said(desk)
    await desk.run()
    assert said(desk).count("poison") == 1
    assert str(reoffer(desk.context)) == "nothing is parked"


@pytest.mark.thorough("a second of CPU time; a conflict that stays is in `make test`")
async def test_the_night_leaves_alone_what_a_person_decides(desk: Any) -> None:
    """A conflict and a lost file are counted and stay as they are: the next run writes nothing."""
    acme = desk.externals["acme"]
    acme.before["file"] = lambda call: (_ for _ in ()).throw(Retriable("boom", billing="acme", function="file"))
    lost = acme.client_opens("ivan", "Technical support", "files", "see file", files=[("a.txt", b"x")])
    await desk.run()
    acme.before.clear()
    desk.main.delete(desk.copy)
    await desk.run(RunKind.AUDIT)
    before = desk.store.parked()
    assert sorted(p.kind for p in before) == [ChangeKind.CONFLICT, ChangeKind.CREATE]
    done, writes = reoffer(desk.context), desk.writes()
    assert (done.offered, done.for_a_person) == (0, 2)
    await desk.run()
    assert desk.store.parked() == before
    assert desk.writes() == writes
    (file,) = [p for p in before if p.ext_ticket == lost]
    with pytest.raises(NotRetriable, match=f"remotesupport parked drop {file.id}"):
        desk.store.unpark(file.id, "olga")
    assert desk.store.parked() == before


@pytest.mark.thorough("two seconds of CPU time; what is parked, offered again and given up is in `make test`")
async def test_an_act_that_nobody_wants_any_more_is_not_parked_for_ever(desk: Any) -> None:
    """A close that was refused and is reopened where it came from leaves the list, and the timeline says so."""
    desk.main.staff_replies(desk.copy, "done")
    await desk.run()
    desk.main.before["close"] = refuse("")
    desk.externals["acme"].close(desk.ticket)
    await desk.run()
    desk.externals["acme"].reopen(desk.ticket)
    for _ in range(4):
        await desk.run()
    assert desk.store.parked() == []
    assert "unparked" in [e.event for e in desk.store.timeline("acme", desk.ticket)]


@pytest.mark.thorough("two seconds of CPU time; what is parked, offered again and given up is in `make test`")
async def test_a_close_of_a_ticket_that_is_gone_is_not_parked_for_ever(desk: Any) -> None:
    """A close towards a ticket that was deleted there leaves the list once main was told that it is gone."""
    desk.externals["acme"].client_opens("ivan", "Technical support", "stays", "so that the list is never empty")
    desk.main.staff_replies(desk.copy, "done")
    await desk.run()
    desk.externals["acme"].delete(desk.ticket)
    desk.main.archive(desk.copy)
    await desk.run()
    assert [change.kind for change in desk.store.parked()] == [ChangeKind.CLOSE]
    desk.main.client_writes(desk.copy, "opened again")
    for _ in range(3):
        desk.clock.advance(300)
        await desk.run(RunKind.AUDIT)
    assert [change for change in desk.store.parked() if change.direction is Direction.TO_EXTERNAL] == []
    assert desk.store.link_rows("acme", [desk.ticket])[0]["departed"]


async def test_a_close_of_a_ticket_that_is_gone_does_not_wait_beside_an_answer(tmp_path: Path) -> None:
    """Where an answer to a ticket that nobody shows any more waits, its close does not: nothing is left to close."""
    with three_billings(tmp_path) as world:
        asked = [
            world.acme.act(as_="ivan", do="open", department="Technical support", subject=subject, text=subject)
            for subject in ("leaves", "stays, so that the list is never empty")
        ]
        ticket = str(asked[0]["ticket"])
        async with http_desk(world) as desk:
            await desk.drain()
            copy = world.copy(f"[acme #{ticket}]")
            world.acme.act(as_="admin", do="transfer", ticket=ticket, department="Sales")
            world.main.act(as_="anna", do="close", ticket=copy)
            await desk.run()
            world.main.act(as_="anna", do="reply", ticket=copy, text="one more thing")
            world.main.act(as_="anna", do="close", ticket=copy)
            await desk.run()
            waiting = desk.context.store.parked()
            assert sorted(change.kind for change in waiting) == [ChangeKind.CLOSE, ChangeKind.POST]
            await desk.run(RunKind.AUDIT, later=1)
            assert [change.kind for change in desk.context.store.parked()] == [ChangeKind.POST]


@pytest.mark.parametrize("kind", [ChangeKind.CLOSE, ChangeKind.REOPEN])
async def test_what_is_only_told_stays_on_the_list_when_its_ticket_leaves(desk: Any, kind: ChangeKind) -> None:
    """A note of which main shows less than was sent waits for a person, whatever becomes of its ticket: the
    run goes on."""
    key = intent_key("acme", Direction.TO_MAIN, desk.ticket, f"{kind}{Beside.ALTERED}")
    told = ParkedChange("acme", desk.ticket, None, kind, key, "cut there", desk.clock(), 1, None, "run")
    desk.store.park(told)
    desk.externals["acme"].client_opens("ivan", "Technical support", "stays", "so that the list is never empty")
    await desk.run()
    desk.externals["acme"].delete(desk.ticket)
    for _ in range(2):
        await desk.run(RunKind.AUDIT)
    assert "cut there" in [change.cause for change in desk.store.parked()]
