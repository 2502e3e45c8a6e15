"""What the server does to a ticket's state when we write to it is no person's act (semantics section 5)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.errors import Retriable
from connectors.memory_world import ARCHIVED, AWAITING, CLOSED, REVIEW
from remotesupport.core.report import RunReport
from tests.cycle_fixtures import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """One connection."""
    made = Desk(tmp_path, "acme")
    yield made
    made.store.close()


async def a_pair(desk: Desk) -> tuple[str, str]:
    """A client's ticket and its main ticket."""
    ticket = desk.externals["acme"].client_opens("ivan", "Technical support", "help", "it does not work")
    await desk.run()
    (main,) = desk.main_tickets("acme")
    return ticket, main


def closes(desk: Desk) -> list[str]:
    """Every close that the product wrote, by billing."""
    return [name for name, function in desk.writes() if function == "close"]


async def quiet(desk: Desk) -> RunReport:
    """Three more runs write nothing; the last one's report."""
    reports = [await desk.run() for _ in range(3)]
    assert [line.written for report in reports for line in report.billings] == [0, 0, 0]
    return reports[-1]


async def test_a_ticket_that_our_answer_closed_does_not_close_its_main_ticket(desk: Desk) -> None:
    """Where an answer closes the client's ticket, the main ticket stays open, and the next answers cross, too."""
    desk.externals["acme"].answers_close = True
    ticket, main = await a_pair(desk)
    for text in ("look again", "and now?"):
        desk.main.staff_replies(main, text)
        await desk.run()
        await quiet(desk)
        assert desk.externals["acme"].bodies(ticket)[-1] == text
    assert desk.externals["acme"].find(ticket).status == CLOSED
    assert desk.main.find(main).status == AWAITING
    assert closes(desk) == []


async def test_a_person_who_closes_there_is_still_followed(desk: Desk) -> None:
    """After the client has opened the answered ticket again, a close by local staff closes the main ticket."""
    acme = desk.externals["acme"]
    acme.answers_close = True
    ticket, main = await a_pair(desk)
    desk.main.staff_replies(main, "look again")
    await desk.run()
    acme.client_writes(ticket, "still broken")
    await desk.run()
    assert desk.main.find(main).status == REVIEW
    desk.main.staff_replies(main, "now it works")
    await desk.run()
    acme.reopen(ticket)
    await desk.run()
    acme.close(ticket)
    await desk.run()
    assert desk.main.find(main).status == ARCHIVED


async def test_an_answer_found_only_later_is_judged_by_what_the_server_did_before(desk: Desk) -> None:
    """Where the read-back fails after the answer, the close that came with it does not cross in a later run either."""
    acme = desk.externals["acme"]
    acme.answers_close = True
    ticket, main = await a_pair(desk)
    desk.main.staff_replies(main, "first")
    await desk.run()
    acme.client_writes(ticket, "thanks, but")
    await desk.run()

    def cut(_call: object) -> None:
        raise Retriable("the line was cut", billing="acme")

    def spoil(_call: object) -> None:
        acme.before["thread"] = cut

    desk.main.staff_replies(main, "second")
    acme.after["reply"] = spoil
    await desk.run()
    acme.before.clear()
    acme.after.clear()
    for _ in range(4):
        await desk.run()
    assert acme.bodies(ticket).count("second") == 1
    assert closes(desk) == []
    assert desk.main.find(main).status == AWAITING


async def test_a_main_ticket_that_stays_closed_is_told_to_a_person(desk: Desk) -> None:
    """Where a message does not open the closed main ticket, it is parked with the cure, until somebody opens it."""
    desk.main.messages_reopen = False
    ticket, main = await a_pair(desk)
    desk.main.close(main)
    await desk.run()
    desk.externals["acme"].client_writes(ticket, "it is broken again")
    await desk.run()
    assert "it is broken again" in desk.main.bodies(main)[-1]
    (parked,) = desk.store.parked(["acme"])
    assert f"main ticket {main}" in parked.cause
    assert parked.next_try is None
    await quiet(desk)
    assert desk.externals["acme"].find(ticket).status == REVIEW
    desk.main.reopen(main)
    await desk.run()
    assert desk.store.parked(["acme"]) == []


async def test_a_reopening_that_main_does_not_do_is_told_to_a_person(desk: Desk) -> None:
    """Where the notice of a reopened client's ticket does not open its main ticket, that is parked, too."""
    desk.main.messages_reopen = False
    ticket, main = await a_pair(desk)
    desk.main.close(main)
    await desk.run()
    desk.externals["acme"].reopen(ticket)
    await desk.run()
    assert "was opened again there" in desk.main.bodies(main)[-1]
    assert [p.ext_ticket for p in desk.store.parked(["acme"])] == [ticket]
    await quiet(desk)
