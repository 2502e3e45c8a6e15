"""What people wrote arrives once, and what cannot arrive is shown: late, refused, altered, unknown, gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.errors import (
    AccessDenied,
    ConnectorError,
    ProtocolError,
    Refused,
    Retriable,
    Skippable,
    UnknownOutcome,
)
from connectors.memory import MemoryCall, StaffView
from remotesupport.core.model import ChangeKind
from remotesupport.core.run import BillingState, RunKind, RunRequest
from remotesupport.steps.cycle import cycle
from remotesupport.steps.read.scope import CATCH_UP
from tests.cycle_fixtures import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path, "acme")
    yield desk
    desk.store.close()


@pytest.fixture
def one_row_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """The external side's listings show one ticket a page."""
    defaults = StaffView.pages.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "page_size", 1)


@pytest.fixture
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """The external side's listings show ten tickets a page."""
    defaults = StaffView.pages.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "page_size", 10)


def raising(kind: type[ConnectorError]) -> Callable[[MemoryCall], None]:
    """A hook that fails in this way, whatever is called."""

    def fail(call: MemoryCall) -> None:
        raise kind("boom", billing="acme", function=call.function)

    return fail


async def runs(desk: Desk, count: int) -> None:
    """So many minutes pass."""
    for _ in range(count):
        await desk.run()


async def crossed(desk: Desk) -> tuple[str, str]:
    """A ticket that is on both sides: (external, main)."""
    ticket = desk.externals["acme"].client_opens("ivan", "Technical support", "Q", "zero")
    await runs(desk, 2)
    [copy] = desk.main_tickets("acme")
    return ticket, copy


def reason_of(desk: Desk, ticket: str) -> str:
    """The one reason of an external ticket."""
    found = desk.store.reason_of("acme", ticket)
    assert found is not None
    return found[0]


@pytest.mark.thorough("two seconds of CPU time; a refused answer that waits is in `make test`")
@pytest.mark.parametrize("seconds", [3])
@pytest.mark.parametrize("kind", [Refused, AccessDenied])
async def test_an_answer_to_a_ticket_far_down_the_list_is_not_lost(
    desk: Desk, one_row_pages: None, kind: type[ConnectorError], seconds: int
) -> None:
    """An answer that was refused once arrives later, though its ticket is far beyond the first page by then."""
    acme = desk.externals["acme"]
    acme.people["robot"].departments.add(acme.department("Sales"))
    ticket, copy = await crossed(desk)
    acme.staff_replies(ticket, "local")
    for _ in range(3):
        desk.clock.advance(1)
        acme.client_opens("ivan", "Sales", "x", "y")
    await runs(desk, 3)
    desk.main.staff_replies(copy, "ANSWER")

    def refused(call: MemoryCall) -> None:
        desk.clock.advance(seconds)
        raise kind("boom", billing="acme", function=call.function)

    acme.before["reply"] = refused
    await desk.run()
    acme.before.clear()
    await runs(desk, 12)
    assert acme.bodies(ticket).count("ANSWER") == 1


async def test_a_message_of_the_same_second_as_a_read_one_is_not_lost(desk: Desk) -> None:
    """A message that came after its thread was read, within the second of the last one read, still crosses."""
    acme = desk.externals["acme"]
    ticket, copy = await crossed(desk)
    await desk.run()
    desk.clock.advance(60)
    acme.client_writes(ticket, "one")

    def another_comes(call: MemoryCall) -> None:
        desk.main.before.clear()
        acme.client_writes(ticket, "two")
        desk.clock.advance(3)

    desk.main.before["reply"] = another_comes
    await cycle(desk.context, RunRequest(RunKind.SYNC))
    await runs(desk, 3)
    assert [b.splitlines()[-1] for b in desk.main.bodies(copy)] == ["zero", "one", "two"]


@pytest.mark.thorough("many simulated minutes")
async def test_more_than_one_run_takes_is_caught_up_with_over_several(tmp_path: Path, short_pages: None) -> None:
    """A department that is switched on late: each run goes on where the last one stopped, until all is there."""
    desk = Desk(tmp_path, "acme", extra="[external.guard]\ncreates = 1000\n")
    try:
        acme = desk.externals["acme"]
        desk.switch_off({"acme"})
        waiting = [acme.client_opens("ivan", "Technical support", f"Q{n}", "zero") for n in range(CATCH_UP + 20)]
        await runs(desk, 3)
        assert desk.main_tickets("acme") == []
        desk.switch_off(set())
        await runs(desk, 1)
        assert 0 < len(desk.main_tickets("acme")) < len(waiting)
        await runs(desk, 3)
        assert len(desk.main_tickets("acme")) == len(waiting)
    finally:
        desk.store.close()


@pytest.mark.thorough("many simulated minutes")
async def test_an_answer_that_the_server_alters_does_not_hold_the_ticket(desk: Desk) -> None:
    """An answer to which the server adds its signature is told of once, and what is written next still crosses."""
    acme = desk.externals["acme"]
    ticket, copy = await crossed(desk)
    desk.main.staff_replies(copy, "ANSWER")

    def sign(call: MemoryCall) -> None:
        acme.thread(acme.find(ticket))[-1].body += "\n--\nRegards, acme"

    acme.after["reply"] = sign
    [told] = (await desk.run()).billings
    assert told.state is BillingState.OK
    assert [e.event for e in desk.store.timeline("acme", ticket)].count("altered") == 1
    acme.client_writes(ticket, "THANKS")
    await runs(desk, 5)
    assert sum(b.endswith("THANKS") for b in desk.main.bodies(copy)) == 1
    assert len([w for w in acme.writes() if w.function == "reply"]) == 1


@pytest.mark.thorough("a second of CPU time; a parked change holds its own direction only in `make test` too")
async def test_a_refused_answer_does_not_hold_the_other_direction(desk: Desk) -> None:
    """A client's message crosses in the very run in which the answer to the same ticket is refused."""
    acme = desk.externals["acme"]
    ticket, copy = await crossed(desk)
    desk.main.staff_replies(copy, "answer")
    acme.client_writes(ticket, "client's word")
    acme.before["reply"] = raising(Refused)
    await desk.run()
    assert desk.main.bodies(copy)[-1].endswith("client's word")


@pytest.mark.thorough("a second of CPU time; a backfill and the runs beside it are in `make test`")
async def test_a_windowed_backfill_hides_nothing_older_from_the_next_runs(desk: Desk, one_row_pages: None) -> None:
    """What a backfill's window left out is still found by the runs that follow."""
    acme = desk.externals["acme"]
    await desk.run()
    for subject in ("older", "newer"):
        since = desk.clock()
        desk.clock.advance(60)
        ticket = acme.client_opens("ivan", "Technical support", subject, "text")
        acme.staff_replies(ticket, "local")
        desk.clock.advance(7200)
    await desk.run(RunKind.BACKFILL, quiet=True, since=since)
    assert len(desk.main_tickets("acme")) == 1
    await runs(desk, 5)
    assert len(desk.main_tickets("acme")) == 2


async def test_a_backfill_window_without_tickets_is_in_order(desk: Desk) -> None:
    """A window in which nobody wrote is no empty billing, and stops nothing."""
    await crossed(desk)
    since, until = datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 2, 1, tzinfo=UTC)
    report = await desk.run(RunKind.BACKFILL, quiet=True, since=since, until=until)
    assert [b.state for b in report.billings] == [BillingState.OK]
    assert report.exit_status == 0


@pytest.mark.thorough("many simulated minutes")
async def test_a_departure_of_unknown_outcome_is_noted_once(desk: Desk) -> None:
    """A note of leaving whose answer was lost is read back and not written again."""
    acme = desk.externals["acme"]
    acme.people["robot"].departments.add(acme.department("Sales"))
    ticket, copy = await crossed(desk)
    acme.transfer(ticket, "Sales")
    desk.main.after["reply"] = raising(UnknownOutcome)
    await desk.run()
    desk.main.after.clear()
    await runs(desk, 5)
    assert len([b for b in desk.main.bodies(copy) if "has left" in b]) == 1


@pytest.mark.thorough("many simulated minutes")
async def test_a_return_of_unknown_outcome_is_noted_once(desk: Desk) -> None:
    """A reopening whose answer was lost is read back and not written again, and the new message follows it."""
    acme = desk.externals["acme"]
    acme.people["robot"].departments.add(acme.department("Sales"))
    ticket, copy = await crossed(desk)
    acme.transfer(ticket, "Sales")
    await runs(desk, 2)
    acme.transfer(ticket, "Technical support")
    acme.client_writes(ticket, "again")
    desk.main.after["reopen"] = raising(UnknownOutcome)
    await desk.run()
    desk.main.after.clear()
    await runs(desk, 5)
    assert len([b for b in desk.main.bodies(copy) if "is back" in b]) == 1
    assert desk.main.bodies(copy)[-1].endswith("again")


@pytest.mark.thorough("many simulated minutes")
async def test_a_refused_close_is_parked_until_it_is_done(desk: Desk) -> None:
    """A refused close is parked, tried ever more rarely, and parked no longer once it went through."""
    acme = desk.externals["acme"]
    ticket, copy = await crossed(desk)
    desk.main.archive(copy)
    acme.before["close"] = raising(Refused)
    await runs(desk, 8)
    [parked] = desk.store.parked()
    assert parked.kind is ChangeKind.CLOSE
    assert 1 < parked.attempts < 8
    acme.before.clear()
    await runs(desk, 8)
    assert desk.store.parked() == []
    assert acme.find(ticket).status == 3


async def test_a_write_of_unknown_outcome_is_not_counted_as_parked(desk: Desk) -> None:
    """The count of parked changes in a line is the number that the store has parked."""
    desk.externals["acme"].client_opens("ivan", "Technical support", "Q", "one")
    desk.main.after["create"] = raising(UnknownOutcome)
    [unknown] = (await desk.run()).billings
    assert unknown.parked == len(desk.store.parked()) == 0


async def test_a_conflict_is_parked_and_stays_the_reason(desk: Desk) -> None:
    """A main ticket that was deleted is a conflict for a person, in every run and not only in the first."""
    ticket, copy = await crossed(desk)
    await desk.run()
    desk.main.delete(copy)
    await desk.run(RunKind.AUDIT)
    for _ in range(2):
        report = await desk.run()
        assert report.exit_status == 3
    assert reason_of(desk, ticket) == "conflict"
    assert [p.kind for p in desk.store.parked()] == [ChangeKind.CONFLICT]
    assert desk.main_tickets("acme") == []


async def test_an_attachment_that_could_not_be_fetched_is_named_and_parked(desk: Desk) -> None:
    """The text crosses without its file, says so, and the missing file stays on the list of what waits."""
    acme = desk.externals["acme"]
    acme.client_opens("ivan", "Technical support", "Q", "one", files=[("a.txt", b"x")])
    acme.before["file"] = raising(Retriable)
    await desk.run()
    acme.before.clear()
    await runs(desk, 3)
    [copy] = desk.main_tickets("acme")
    assert "attachment not carried: a.txt" in desk.main.bodies(copy)[0]
    assert ["boom" in p.cause for p in desk.store.parked()] == [True]


async def test_a_ticket_that_is_gone_is_departed(desk: Desk) -> None:
    """A ticket deleted on the external side is noted in main, and its reason says that it departed."""
    acme = desk.externals["acme"]
    acme.client_opens("ivan", "Technical support", "stays", "one")
    ticket = acme.client_opens("ivan", "Technical support", "goes", "one")
    await runs(desk, 2)
    acme.delete(ticket)
    await desk.run(RunKind.AUDIT)
    await desk.run()
    assert reason_of(desk, ticket) == "departed"


@pytest.mark.thorough("many simulated minutes")
@pytest.mark.parametrize("kind", [Skippable, ProtocolError])
async def test_a_thread_that_cannot_be_read_back_holds_up_its_own_ticket_only(
    desk: Desk, kind: type[ConnectorError]
) -> None:
    """What was written to it stays unproven and nothing more is sent there; other tickets of the connection go on, and
    the run names it. When it can be read again, all is there once."""
    acme = desk.externals["acme"]
    bad, _ = await crossed(desk)
    (copy,) = desk.main_tickets("acme")

    def garbled(call: MemoryCall) -> None:
        if call.args["ticket"] == bad:
            raise kind("garbled", billing="acme", function=call.function)

    acme.before["thread"] = garbled
    desk.main.staff_replies(copy, "one")
    await desk.run()
    desk.main.staff_replies(copy, "two")
    good = acme.client_opens("ivan", "Technical support", "other", "another one")
    report = await desk.run()
    assert any("another one" in body for c in desk.main_tickets("acme") for body in desk.main.bodies(c))
    assert acme.bodies(bad) == ["zero", "one"]
    assert f"ticket {bad}: what was written could not be read back" in report.billings[0].reason
    del acme.before["thread"]
    await runs(desk, 3)
    assert acme.bodies(bad) == ["zero", "one", "two"]
    assert reason_of(desk, bad) == reason_of(desk, good) == "in_sync"
