"""A ticket that is kept out is a state: of the run, of its exit status, of the board and of the list of what waits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import ProtocolError
from remotesupport.core.records import Beside
from remotesupport.core.run import BillingState, RunReport
from remotesupport.steps.record.board import board_of
from tests.backups import lose
from tests.cycle_fixtures import Desk

WHY = "no such date"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path, "acme")
    yield desk
    desk.store.close()


def poisoned(desk: Desk) -> str:
    """An external ticket whose row cannot be read, beside a good one."""
    acme = desk.externals["acme"]
    good, bad = (acme.client_opens("ivan", "Technical support", subject, "text") for subject in ("good", "bad"))
    acme.poisoned[int(bad)] = WHY
    assert good != bad
    return bad


def cut_off(ticket: str) -> Any:
    """A hook: an answer about that ticket ends in the middle."""

    def hook(call: Any) -> None:
        if call.args.get("ticket") == ticket:
            raise ProtocolError("the answer ends in the middle", billing="main", function=call.function, kind="cut")

    return hook


async def settled(desk: Desk) -> RunReport:
    """A minute later."""
    desk.clock.advance(60)
    return await desk.run()


async def test_a_run_that_keeps_a_ticket_out_is_not_done(desk: Desk) -> None:
    """R7: the run ends with status 1 and names the ticket and the reason; the other ticket crosses all the same."""
    bad = poisoned(desk)
    report = await desk.run()
    (line,) = report.billings
    assert (report.exit_status, line.state, line.quarantined, line.written) == (1, BillingState.FAILED, 1, 1)
    assert f"ticket {bad}" in report.headline
    assert WHY in report.headline
    assert "remotesupport parked --billing acme" in report.headline


async def test_what_is_kept_out_is_parked_with_its_age(desk: Desk) -> None:
    """It is on the list of what waits since it was first kept out, with the number of looks, and on the board."""
    bad = poisoned(desk)
    await desk.run()
    since = desk.clock()
    await settled(desk)
    (change,) = desk.store.parked(["acme"])
    assert (change.ext_ticket, change.since, change.attempts) == (bad, since, 2)
    assert WHY in change.cause
    assert change.next_try is not None
    (row,) = board_of(desk.context).rows
    assert (row.kept_out, row.parked, row.parked_for_person) == (1, 1, 0)


async def test_it_crosses_and_leaves_the_list_when_it_can_be_read(desk: Desk) -> None:
    """Once the billing shows it as it should, the next run carries it and nothing waits any more."""
    poisoned(desk)
    await desk.run()
    desk.externals["acme"].poisoned.clear()
    report = await settled(desk)
    assert (report.exit_status, report.billings[0].written, desk.store.parked()) == (0, 1, [])
    assert len(desk.main_tickets("acme")) == 2


async def test_what_a_person_gives_up_is_kept_out_in_silence(desk: Desk) -> None:
    """After ``parked drop`` the runs are done without it, and it is never carried."""
    poisoned(desk)
    await desk.run()
    (change,) = desk.store.parked(["acme"])
    desk.store.drop(change.id or 0, "not ours", "command line")
    assert (await settled(desk)).exit_status == 0
    assert desk.store.parked() == []
    desk.externals["acme"].poisoned.clear()
    await settled(desk)
    assert len(desk.main_tickets("acme")) == 1


async def test_a_main_ticket_that_is_kept_out_names_its_external_one(desk: Desk) -> None:
    """A linked main ticket that cannot be read is parked under the external ticket's number."""
    ticket = desk.externals["acme"].client_opens("ivan", "Technical support", "good", "text")
    await desk.run()
    (copy,) = desk.main_tickets("acme")
    desk.main.staff_replies(copy, "an answer")
    desk.main.poisoned[int(copy)] = WHY
    report = await settled(desk)
    assert report.exit_status == 1
    (change,) = desk.store.parked(["acme"])
    assert (change.ext_ticket, f"main ticket {copy}" in change.cause) == (ticket, True)
    desk.main.poisoned.clear()
    report = await settled(desk)
    assert (report.exit_status, report.billings[0].written, desk.store.parked()) == (0, 1, [])


async def test_a_main_ticket_that_nothing_is_linked_to_leaves_the_list_when_it_can_be_read(desk: Desk) -> None:
    """After a lost store, a copy of a ticket that the external billing shows no more was cut off once: then read."""
    acme = desk.externals["acme"]
    ticket, _ = (acme.client_opens("ivan", "Technical support", subject, "text") for subject in ("leaves", "stays"))
    await desk.run()
    copy = desk.store.linked("acme")[ticket]
    acme.delete(ticket)
    lose(desk)
    desk.main.before["thread"] = cut_off(copy)
    for _ in range(3):
        await settled(desk)
    assert [(p.ext_ticket, p.beside) for p in desk.store.parked()] == [(ticket, Beside.KEPT_OUT)]
    desk.main.before.clear()
    await settled(desk)
    assert desk.store.parked() == []
