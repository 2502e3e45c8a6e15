"""A window that a person chose: old conversations come over quietly, and as often as it is asked for only once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from remotesupport.core.run import BillingState, RunKind
from tests.cycle_fixtures import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path, "acme")
    yield desk
    desk.store.close()


class Died(BaseException):
    """The process ended here."""


def old_tickets(desk: Desk, count: int) -> list[str]:
    """Closed conversations, one a day, the newest last; then a week of silence."""
    acme, opened = desk.externals["acme"], []
    for n in range(count):
        ticket = acme.client_opens("ivan", "Technical support", f"Old {n}", "question")
        acme.staff_replies(ticket, "local answer")
        acme.archive(ticket)
        opened.append(ticket)
        desk.clock.advance(24 * 3600)
    desk.clock.advance(7 * 24 * 3600)
    return opened


async def test_closed_tickets_come_only_when_they_are_asked_for(desk: Desk) -> None:
    """A ticket that was closed before it was ever linked is left alone by the minute and brought by a backfill."""
    *_, newest = old_tickets(desk, 3)
    report = await desk.run()
    assert report.billings[0].reasons == {"too_old_for_window": 3}
    since = desk.clock() - timedelta(days=8, hours=12)
    done = await desk.run(RunKind.BACKFILL, since=since, quiet=True)
    assert done.billings[0].changes["create"] == 1
    [copy] = desk.main_tickets("acme")
    assert desk.main.find(copy).subject == f"[acme #{newest}] Old 2"
    assert "question" in desk.main.bodies(copy)[0]
    assert "local answer" in desk.main.bodies(copy)[0]


async def test_a_backfill_writes_nothing_to_the_external_side_and_nothing_twice(desk: Desk) -> None:
    """Run again, a backfill writes nothing; and it never writes to the external side."""
    old_tickets(desk, 3)
    since = desk.clock() - timedelta(days=30)
    await desk.run(RunKind.BACKFILL, since=since, quiet=True)
    desk.main.staff_replies(desk.main_tickets("acme")[0], "late answer")
    before = len(desk.main.writes())
    again = await desk.run(RunKind.BACKFILL, since=since, quiet=True)
    assert again.billings[0].written == 0
    assert len(desk.main.writes()) == before
    assert desk.externals["acme"].writes() == []


async def test_a_plan_only_backfill_writes_to_no_billing(desk: Desk) -> None:
    """Plan only shows what would be created and writes nothing."""
    old_tickets(desk, 3)
    done = await desk.run(RunKind.BACKFILL, since=desk.clock() - timedelta(days=30), quiet=True, plan_only=True)
    assert done.billings[0].changes["create"] == 3
    assert desk.writes() == []


@pytest.mark.thorough("six seconds of CPU time; smaller backfills are in `make test`")
async def test_a_big_backfill_waits_for_a_person_and_resumes_where_it_was_cut_off(desk: Desk) -> None:
    """A window above the guard's limit is applied by its id; cut off in the middle, the rest is a plan of its own."""
    old_tickets(desk, 60)
    since = desk.clock() - timedelta(days=300)
    [stopped] = (await desk.run(RunKind.BACKFILL, since=since, quiet=True)).billings
    assert stopped.state is BillingState.STOPPED

    def gone(call: object) -> None:
        if len(desk.main_tickets("acme")) >= 20:
            raise Died

    desk.main.before["create"] = gone
    with pytest.raises(Died):
        await desk.run(RunKind.APPLY, plan_id=stopped.plan_id)
    desk.main.before.clear()
    desk.clock.advance(600)
    first = len(desk.main_tickets("acme"))
    assert 20 <= first < 60
    for _ in range(3):
        [line] = (await desk.run(RunKind.BACKFILL, since=since, quiet=True)).billings
        desk.clock.advance(200)
    if line.state is BillingState.STOPPED:
        await desk.run(RunKind.APPLY, plan_id=line.plan_id)
    subjects = [desk.main.find(t).subject for t in desk.main_tickets("acme")]
    assert len(subjects) == len(set(subjects)) == 60


async def test_a_plan_only_backfill_says_what_would_come_to_whom(desk: Desk) -> None:
    """Counts, a duration, the user of main that opens the tickets; after something was written the duration is measured
    by that."""
    tickets = old_tickets(desk, 12)
    since = desk.clock() - timedelta(days=300)
    [line] = (await desk.run(RunKind.BACKFILL, since=since, quiet=True, plan_only=True)).billings
    said = line.estimate
    assert said is not None
    assert (said.tickets, said.messages, said.closes, said.others) == (12, 24, 12, 0)
    assert (said.customer, said.first in tickets, said.measured) == ("acme", True, False)
    assert line.to_json()["estimate"]["tickets"] == 12
    [done] = (await desk.run(RunKind.BACKFILL, since=since, quiet=True)).billings
    assert (done.written, done.estimate) == (24, None)
    old_tickets(desk, 1)
    [more] = (await desk.run(RunKind.BACKFILL, since=since, quiet=True, plan_only=True)).billings
    assert more.estimate is not None
    assert (more.estimate.tickets, more.estimate.measured) == (1, True)


async def test_a_pause_ends_a_backfill_and_the_same_again_goes_on(desk: Desk) -> None:
    """Paused while it writes, it stops before the next change and says how to go on; the rest comes, nothing twice."""
    old_tickets(desk, 12)
    since = desk.clock() - timedelta(days=300)

    def pause(call: object) -> None:
        if len(desk.main_tickets("acme")) == 2:
            desk.store.set_connection("acme", paused=True)

    desk.main.before["create"] = pause
    [line] = (await desk.run(RunKind.BACKFILL, since=since, quiet=True)).billings
    assert line.state is BillingState.FAILED
    assert "paused by a person" in line.reason
    assert "remotesupport resume acme" in line.reason
    there = len(desk.main_tickets("acme"))
    assert 2 <= there < 10
    [left_out] = (await desk.run(RunKind.BACKFILL, since=since, quiet=True)).billings
    assert (left_out.state, len(desk.main_tickets("acme"))) == (BillingState.SKIPPED, there)
    desk.main.before.clear()
    desk.store.set_connection("acme", paused=False)
    [rest] = (await desk.run(RunKind.BACKFILL, since=since, quiet=True)).billings
    assert (rest.state, rest.changes["create"], rest.changes["close"]) == (BillingState.OK, 12 - there, 12)
    subjects = [desk.main.find(t).subject for t in desk.main_tickets("acme")]
    assert len(subjects) == len(set(subjects)) == 12
