"""Conflicts: nothing is guessed and nothing is written until a person has decided, and then it goes on by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.errors import TicketDenied, UnknownOutcome
from connectors.memory import MemoryCall
from remotesupport.core.model import ChangeKind
from remotesupport.core.run import RunKind
from remotesupport.steps.operator.rebuild_links import rebuild_links
from tests.backups import image, rewind, runs
from tests.cycle_fixtures import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path, "acme")
    yield desk
    desk.store.close()


def opened(desk: Desk, subject: str) -> str:
    """A client's ticket in the remote department."""
    return desk.externals["acme"].client_opens("ivan", "Technical support", subject, f"{subject}: words")


async def crossed(desk: Desk, *subjects: str) -> dict[str, tuple[str, str]]:
    """Tickets on both sides: subject → (external, main)."""
    tickets = {s: opened(desk, s) for s in subjects}
    await desk.run()
    copies = {t.subject.split("] ")[1]: str(t.id) for t in desk.main.tickets.values()}
    return {s: (tickets[s], copies[s]) for s in subjects}


def waiting(desk: Desk) -> dict[str, str]:
    """Ticket → cause of the conflicts that a person has on the board."""
    return {p.ext_ticket: p.cause for p in desk.store.parked() if p.kind is ChangeKind.CONFLICT}


async def test_two_main_tickets_of_one_origin_wait_until_one_lets_go(desk: Desk) -> None:
    """A second main ticket with the same origin stops the ticket both ways; renamed, all goes on."""
    known = await crossed(desk, "one")
    ticket, copy = known["one"]
    rival = desk.main.client_opens("acme", "Outsourced support", f"[acme #{ticket}] forged", "me too")
    desk.externals["acme"].client_writes(ticket, "for whom?")
    desk.main.staff_replies(rival, "not for the client")
    reports = await runs(desk)
    assert reports[-1].exit_status == 3
    assert copy in waiting(desk)[ticket]
    assert rival in waiting(desk)[ticket]
    assert len(desk.main.bodies(copy)) == 1
    assert desk.externals["acme"].bodies(ticket) == ["one: words", "for whom?"]
    desk.main.find(rival).subject = "a ticket of its own"
    reports = await runs(desk)
    assert waiting(desk) == {}
    assert reports[-1].exit_status == 0
    assert desk.main.bodies(copy)[-1].endswith("for whom?")
    assert desk.externals["acme"].bodies(ticket) == ["one: words", "for whom?"]


@pytest.mark.thorough("three seconds of CPU time; two main tickets of one origin are in `make test`")
async def test_two_external_tickets_of_one_main_wait_until_the_subject_is_put_right(desk: Desk) -> None:
    """A main ticket whose subject names another ticket than the ledger does stops both; corrected, both go on."""
    known = await crossed(desk, "one", "two")
    (one, first), (two, second) = known["one"], known["two"]
    desk.main.find(first).subject = f"[acme #{two}] two, again"
    desk.externals["acme"].client_writes(one, "hello?")
    await runs(desk)
    assert set(waiting(desk)) == {one, two}
    assert [len(desk.main.bodies(t)) for t in (first, second)] == [1, 1]
    desk.main.find(first).subject = f"[acme #{one}] one"
    reports = await runs(desk)
    assert waiting(desk) == {}
    assert reports[-1].exit_status == 0
    assert desk.main.bodies(first)[-1].endswith("hello?")


@pytest.mark.thorough("two seconds of CPU time; a main ticket that was deleted stays a conflict in `make test`")
async def test_a_main_ticket_that_is_gone_is_never_made_again_by_itself(desk: Desk) -> None:
    """The words of a ticket whose main ticket was deleted wait for a person; nothing is created, whatever runs."""
    known = await crossed(desk, "one", "two")
    ticket, copy = known["one"]
    desk.main.delete(copy)
    await desk.run(RunKind.AUDIT)
    desk.externals["acme"].client_writes(ticket, "anybody?")
    await runs(desk)
    assert "is gone" in waiting(desk)[ticket]
    assert len(desk.main_tickets("acme")) == 1


async def test_a_conflict_of_one_ticket_holds_no_other(desk: Desk) -> None:
    """While one ticket waits for a person, messages of the others cross."""
    known = await crossed(desk, "one", "two")
    desk.main.find(known["one"][1]).subject = "renamed by somebody"
    await desk.run()
    desk.externals["acme"].client_writes(known["two"][0], "still here")
    await desk.run()
    assert desk.main.bodies(known["two"][1])[-1].endswith("still here")
    assert set(waiting(desk)) == {known["one"][0]}


@pytest.mark.thorough("many simulated minutes after a disaster")
async def test_states_wait_while_tickets_look_restored(desk: Desk) -> None:
    """A close seen beside a renamed ticket waits, says why, and crosses once the subject is put right."""
    known = await crossed(desk, "one", "two")
    acme, main = desk.externals["acme"], desk.main
    main.find(known["one"][1]).subject = "renamed by somebody"
    main.archive(known["two"][1])
    await runs(desk)
    assert acme.find(known["two"][0]).status != 3
    found = desk.store.reason_of("acme", known["two"][0])
    assert found is not None
    assert found[0] == "pending"
    assert "restored" in found[1]
    main.find(known["one"][1]).subject = f"[acme #{known['one'][0]}] one"
    await runs(desk)
    assert acme.find(known["two"][0]).status == 3


REBUILD = "`remotesupport links rebuild --billing acme` takes links that do not hold out of the ledger"


@pytest.mark.thorough("many simulated minutes after a disaster")
async def test_a_number_that_was_given_again_is_cured_as_the_message_says(desk: Desk) -> None:
    """Main lost a ticket and gave its number to the next one: both wait, the cure is named, and it cures."""
    await crossed(desk, "zero")
    before = image(desk.main)
    one, copy = (await crossed(desk, "one"))["one"]
    rewind(desk.main, before)
    two = opened(desk, "two")
    await desk.run()
    assert desk.main.find(copy).subject == f"[acme #{two}] two"
    await runs(desk)
    told = waiting(desk)
    assert set(told) == {one, two}
    assert all(REBUILD in cause and "writes to no billing" in cause for cause in told.values())
    assert REBUILD in desk.store.reason_of("acme", one)[1]  # type: ignore[index]
    writes = desk.writes()
    await rebuild_links(desk.context, ("acme",))
    assert desk.writes() == writes
    desk.externals["acme"].client_writes(one, "still there?")
    reports = await runs(desk)
    assert (reports[-1].exit_status, desk.store.parked(), desk.store.open_intents("acme")) == (0, [], [])
    assert sorted(t.subject for t in desk.main.tickets.values())[1:] == [f"[acme #{one}] one", f"[acme #{two}] two"]


async def test_a_main_ticket_that_is_not_ours_any_more_names_its_cure(desk: Desk) -> None:
    """A main ticket that this login may not write to is parked by itself and says what it may be, with the command."""
    known = await crossed(desk, "one")
    ticket, copy = known["one"]

    def not_yours(call: MemoryCall) -> None:
        raise TicketDenied("access deny", billing="acme (main)", function="reply", ticket=copy, kind="access")

    desk.main.before["reply"] = not_yours
    desk.externals["acme"].client_writes(ticket, "hello?")
    report = await desk.run()
    assert f"If only main ticket {copy} is refused" in report.billings[0].reason
    (parked,) = desk.store.parked(["acme"])
    assert REBUILD in parked.cause
    assert desk.store.connection_states()[0].access == ""


async def test_an_audit_that_finds_a_conflict_says_so_and_needs_a_person(desk: Desk) -> None:
    """G1: the first audit that sees it and each one after it end with 3 and name the ticket and the matter."""
    known = await crossed(desk, "one", "two")
    ticket, copy = known["one"]
    desk.main.find(copy).subject = "renamed by somebody"
    first = await desk.run(RunKind.AUDIT)
    assert (first.exit_status, first.billings[0].changes["conflict"]) == (3, 1)
    assert f"main ticket {copy} does not begin with [acme #{ticket}]" in first.headline
    second = await desk.run(RunKind.AUDIT)
    assert (second.exit_status, second.billings[0].changes["conflict"]) == (3, 1)
    assert f"contradict each other ({ticket})" in second.headline
    assert "`remotesupport parked`" in second.headline


@pytest.mark.thorough("a second of CPU time; a conflict and its exit status are in `make test`")
async def test_a_conflict_counts_while_an_earlier_write_is_open(desk: Desk) -> None:
    """It cannot be parked yet, because a write of its ticket has no known outcome; the status is 3, and it is named."""
    known = await crossed(desk, "one")
    ticket, _ = known["one"]

    def unanswered(call: MemoryCall) -> None:
        raise UnknownOutcome("no answer", billing="acme (main)", function="reply")

    desk.main.before["reply"] = unanswered
    desk.externals["acme"].client_writes(ticket, "hello?")
    await desk.run()
    assert desk.store.open_intents("acme")
    rival = desk.main.client_opens("acme", "Outsourced support", f"[acme #{ticket}] forged", "me too")
    report = await desk.run(RunKind.AUDIT)
    assert (report.exit_status, report.billings[0].changes["conflict"], desk.store.parked()) == (3, 1, [])
    assert f"ticket {ticket}: more than one claim" in report.headline
    assert rival in report.headline
