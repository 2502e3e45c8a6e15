"""What the server does to a ticket's state when we write to it is no person's act (semantics section 5)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.errors import Retriable, UnknownOutcome
from connectors.memory import MemoryCall
from connectors.memory_world import ARCHIVED, AWAITING, CLOSED, REVIEW
from remotesupport.core.connections.answer_reaction import USUAL
from remotesupport.core.records import Beside
from remotesupport.core.run import RunKind, RunReport
from remotesupport.steps.learned.reaction import doubted_closes
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
    """R16: where an answer closes the client's ticket, the main ticket stays open, and the next answers cross, too."""
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


@pytest.mark.thorough("two seconds of CPU time; an answer that closes its ticket is in `make test`")
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


@pytest.mark.thorough("two seconds of CPU time; an answer that closes its ticket is in `make test`")
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


async def test_a_main_ticket_that_stays_closed_is_nobodys_any_more_when_the_client_s_is_gone(desk: Desk) -> None:
    """Where nobody shows the client's ticket any more, its main ticket need not be opened: the line leaves the list and
    the run goes on."""
    desk.main.messages_reopen = False
    ticket, main = await a_pair(desk)
    desk.externals["acme"].client_opens("ivan", "Technical support", "stays", "so that the list is never empty")
    desk.main.close(main)
    await desk.run()
    desk.externals["acme"].client_writes(ticket, "it is broken again")
    await desk.run()
    assert [p.beside for p in desk.store.parked(["acme"])] == [Beside.STAYS_CLOSED]
    desk.externals["acme"].delete(ticket)
    await desk.run(RunKind.AUDIT)
    assert desk.store.parked(["acme"]) == []


@pytest.mark.thorough("two seconds of CPU time; an answer that closes its ticket is in `make test`")
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


async def test_a_person_who_closes_what_was_opened_without_an_answer_is_followed(desk: Desk) -> None:
    """A main ticket whose opening was never answered, and that staff have closed before it was found, was open: the
    client's ticket is closed, and nothing waits for a person."""

    def lost(call: MemoryCall) -> None:
        raise UnknownOutcome("no answer", billing="main", function=call.function)

    desk.main.after["create"] = lost
    ticket, main = await a_pair(desk)
    desk.main.after.clear()
    desk.main.close(main)
    for _ in range(4):
        await desk.run()
    assert desk.main.find(main).status == CLOSED
    assert desk.externals["acme"].find(ticket).status == CLOSED
    assert desk.store.parked() == []


OTHER_TIMES = pytest.mark.thorough("two seconds of CPU time each; one of four ways is in `make test`")


@pytest.mark.parametrize("answered", [pytest.param("before", marks=OTHER_TIMES), "afterwards"])
@pytest.mark.parametrize("lost", [False, pytest.param(True, marks=OTHER_TIMES)])
async def test_whoever_closes_there_as_our_answer_arrives_is_followed(desk: Desk, answered: str, lost: bool) -> None:
    """A person closes the client's ticket in the second of our answer, or before an unanswered one was found: once this
    server is known to leave answered tickets open, the main ticket is closed, too."""
    acme = desk.externals["acme"]
    ticket, main = await a_pair(desk)
    other = acme.client_opens("ivan", "Technical support", "more", "and this?")
    await desk.run()
    copy = next(number for number in desk.main_tickets("acme") if number != main)

    async def answer_the_other() -> None:
        for number in range(USUAL):
            desk.main.staff_replies(copy, f"answer {number}")
            await desk.run()

    def closed_by_olga(call: MemoryCall) -> None:
        if lost:
            raise UnknownOutcome("no answer", billing="acme", function=call.function)
        acme.close(ticket)

    if answered == "before":
        await answer_the_other()
    desk.main.staff_replies(main, "look again")
    acme.after["reply"] = closed_by_olga
    await desk.run()
    acme.after.clear()
    if lost:
        acme.close(ticket)
        await desk.run()
    if answered == "afterwards":
        assert doubted_closes(desk.store, "acme") == {ticket}
        await answer_the_other()
    assert not doubted_closes(desk.store, "acme")
    await desk.run()
    await quiet(desk)
    assert desk.main.find(main).status == ARCHIVED
    assert desk.main.find(copy).status == acme.find(other).status == AWAITING
    assert acme.bodies(ticket).count("look again") == 1


@pytest.mark.thorough("two seconds of CPU time; a close that comes with the first answer is in `make test`")
async def test_one_close_beside_an_answer_makes_no_habit(desk: Desk) -> None:
    """A ticket that is closed before its unanswered answer was found is doubted too, where one was closed before it."""
    acme = desk.externals["acme"]
    ticket, main = await a_pair(desk)
    other = acme.client_opens("ivan", "Technical support", "more", "and this?")
    await desk.run()
    copy = next(number for number in desk.main_tickets("acme") if number != main)

    def closed_by_olga(_call: MemoryCall) -> None:
        acme.close(ticket)

    def lost(call: MemoryCall) -> None:
        raise UnknownOutcome("no answer", billing="acme", function=call.function)

    desk.main.staff_replies(main, "look again")
    acme.after["reply"] = closed_by_olga
    await desk.run()
    desk.main.staff_replies(copy, "and here")
    acme.after["reply"] = lost
    await desk.run()
    acme.after.clear()
    acme.close(other)
    await desk.run()
    assert doubted_closes(desk.store, "acme") == {ticket, other}
