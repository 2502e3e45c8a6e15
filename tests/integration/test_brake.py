"""R17: what two machines say to each other stops after some rounds, and a person is told; nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from remotesupport.core.messages.machine_talk import ROUNDS
from remotesupport.core.model import Direction
from remotesupport.core.run import BillingState, RunReport
from remotesupport.steps.record.board import board_of
from tests.cycle_fixtures import Desk
from tests.http_desk import HttpDesk, http_desk
from tests.three_billings import ThreeBillings, texts, three_billings

FEW = "messages_an_hour = 4"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path, "acme", extra=f"[external.guard]\n{FEW}\n")
    yield desk
    desk.store.close()


async def answered(desk: Desk, copy: str, first: int, last: int) -> RunReport:
    """Main's staff say something each minute."""
    for number in range(first, last + 1):
        desk.main.staff_replies(copy, f"answer {number}")
        desk.clock.advance(60)
        report = await desk.run()
    return report


async def linked(desk: Desk) -> tuple[str, str]:
    ticket = desk.externals["acme"].client_opens("ivan", "Technical support", "subject", "first")
    await desk.run()
    return ticket, desk.main_tickets("acme")[0]


async def test_too_many_messages_of_a_ticket_wait_for_a_person(desk: Desk) -> None:
    """The ticket waits in that direction alone, the run says so each minute, and the board needs a person."""
    ticket, copy = await linked(desk)
    report = await answered(desk, copy, 1, 6)
    acme = desk.externals["acme"]
    assert [body for body in acme.bodies(ticket) if "answer" in body] == [f"answer {n}" for n in range(1, 5)]
    assert (report.exit_status, report.billings[0].state) == (1, BillingState.FAILED)
    assert f"ticket {ticket}: 4 messages were carried to acme within an hour" in report.headline
    assert board_of(desk.context).exit_status == 3
    acme.client_writes(ticket, "still there?")
    await desk.run()
    assert desk.main.bodies(copy)[-1].endswith("still there?")


@pytest.mark.thorough("two seconds of CPU time; that the brake holds is in `make test`")
async def test_a_person_lets_it_go_on(desk: Desk) -> None:
    """After ``parked retry`` what waited is delivered in order, and the hour begins anew."""
    ticket, copy = await linked(desk)
    await answered(desk, copy, 1, 6)
    (change,) = desk.store.parked(["acme"])
    assert change.direction is Direction.TO_EXTERNAL
    desk.store.unpark(change.id or 0)
    report = await answered(desk, copy, 7, 7)
    said = [body for body in desk.externals["acme"].bodies(ticket) if "answer" in body]
    assert said == [f"answer {n}" for n in range(1, 8)]
    assert (report.exit_status, desk.store.parked()) == (0, [])


@pytest.mark.thorough("three seconds of CPU time; the brake itself is in `make test`")
async def test_an_hour_later_nobody_counts_any_more(desk: Desk) -> None:
    """As many messages with pauses between them never wait."""
    ticket, copy = await linked(desk)
    for number in range(1, 8):
        desk.clock.advance(1200)
        report = await answered(desk, copy, number, number)
    assert len([body for body in desk.externals["acme"].bodies(ticket) if "answer" in body]) == 7
    assert report.exit_status == 0


@pytest.mark.thorough("three seconds of CPU time; the brake itself is in `make test`")
async def test_a_ticket_that_is_given_up_is_left_alone(desk: Desk) -> None:
    """After ``parked drop`` nothing of it crosses any more, and the runs are done."""
    ticket, copy = await linked(desk)
    await answered(desk, copy, 1, 6)
    (change,) = desk.store.parked(["acme"])
    desk.store.drop(change.id or 0, "two machines", "command line")
    report = await answered(desk, copy, 7, 8)
    assert len([body for body in desk.externals["acme"].bodies(ticket) if "answer" in body]) == 4
    assert (report.exit_status, desk.store.parked()) == (0, [])


class TwoMachines:
    """Both sides thank for each message within a second."""

    def __init__(self, world: ThreeBillings, ticket: str, copy: str) -> None:
        self.world, self.ticket, self.copy = world, ticket, copy
        self.seen = {"main": 1, "acme": 1}

    def answer(self) -> None:
        """Each machine answers what has come since, if the last word is not its own."""
        for target, number, order in (
            (self.world.main, self.copy, {"as_": "anna", "do": "reply", "ticket": self.copy, "keep": True}),
            (self.world.acme, self.ticket, {"as_": "ivan", "do": "reply", "ticket": self.ticket}),
        ):
            said = texts(target, number)
            if len(said) > self.seen[target.core.name]:
                target.act(text=f"Thank you, we have got message {len(said)}", **order)
                self.seen[target.core.name] = len(said) + 1


async def machines(desk: HttpDesk, world: ThreeBillings) -> TwoMachines:
    order = {"subject": "s", "department": "Technical support", "text": "Out of office?"}
    ticket = str(world.acme.act(as_="ivan", do="open", **order)["ticket"])
    await desk.run()
    found = TwoMachines(world, ticket, world.copy(f"[acme #{ticket}]"))
    found.seen["main"] = 0
    return found


@pytest.mark.thorough("eight seconds of CPU time; the other limit and the look at a thread are in `make test`")
async def test_two_machines_are_told_by_how_quickly_they_answer(tmp_path: Path) -> None:
    """Over real HTTP, a loop of automatic answers ends after some rounds, long before the hour's limit."""
    with three_billings(tmp_path) as world:
        async with http_desk(world) as desk:
            both = await machines(desk, world)
            for _ in range(2 * ROUNDS + 4):
                both.answer()
                report = await desk.run()
            causes = [change.cause for change in desk.context.store.parked(["acme"])]
            assert causes
            assert all("answers in a row came within seconds" in cause for cause in causes)
            assert report.exit_status == 1
            assert len(texts(world.acme, both.ticket)) <= 2 * ROUNDS + 4

            world.main.act(as_="anna", do="reply", ticket=both.copy, text="I am a person")
            await desk.drain()
            assert "I am a person" in "\n".join(texts(world.acme, both.ticket))
            assert desk.context.store.parked(["acme"]) == []
