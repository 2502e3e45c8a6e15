"""A run that a bell began: it reads what was rung for, waits for the run before it, and is no person's word."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from remotesupport.core.run import BillingState, RunKind, RunReport
from remotesupport.steps.pipeline.turns import MINUTE_PATIENCE
from remotesupport.steps.selection import ACCESS_PATIENCE
from tests.cycle_fixtures import Desk

ACME = ("acme",)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path, "acme", "globex")
    yield desk
    desk.store.close()


async def rung(desk: Desk, *tickets: str) -> RunReport:
    """The run that follows from a ring for each of these tickets of acme."""
    return await desk.run(billings=ACME, hints=tuple(("acme", ticket) for ticket in tickets))


async def linked(desk: Desk, name: str = "acme") -> str:
    """A ticket that has crossed, and whose rows nothing moves any more."""
    ticket = desk.externals[name].client_opens("ivan", "Technical support", "Q", "one")
    for _ in range(4):
        await desk.run()
    assert len(desk.main_tickets(name)) == 1
    return ticket


def threads(desk: Desk) -> list[tuple[str, str]]:
    """(billing, ticket) of each thread that was read since the last look."""
    worlds = (desk.main, *desk.externals.values())
    read = [(w.name, str(c.args["ticket"])) for w in worlds for c in w.calls if c.function == "thread"]
    for world in worlds:
        world.calls.clear()
    return read


async def test_a_linked_ticket_is_read_on_both_sides_however_its_row_looks(desk: Desk) -> None:
    """A quiet run reads no thread; with a ring it reads that ticket's and its copy's, and no other."""
    ticket, other = await linked(desk), await linked(desk, "globex")
    (copy,) = desk.main_tickets("acme")
    threads(desk)
    await desk.run(billings=ACME)
    assert threads(desk) == []
    await rung(desk, ticket)
    assert sorted(threads(desk)) == sorted([("acme", ticket), ("main", copy)])
    await desk.run(billings=("globex",), hints=(("acme", other),))
    assert threads(desk) == []


async def test_a_ring_for_what_is_not_linked_reads_no_thread_and_fails_nothing(desk: Desk) -> None:
    """Its number opens nothing: what the login is not shown by the list stays unread."""
    await linked(desk)
    threads(desk)
    (line,) = (await rung(desk, "any", "999999", "..", "1; DROP TABLE links")).billings
    assert (line.state, line.written, threads(desk)) == (BillingState.OK, 0, [])


@pytest.mark.parametrize("ticket", ["any", "{ticket}"])
async def test_a_ring_brings_a_new_ticket_over(desk: Desk, ticket: str) -> None:
    """It is in the billing's list, whatever number was rung for; only the billing that was rung for is read."""
    await desk.run()
    new = desk.externals["acme"].client_opens("ivan", "Technical support", "Q", "one")
    desk.externals["globex"].client_opens("maria", "Technical support", "W", "two")
    await rung(desk, ticket.format(ticket=new))
    assert (len(desk.main_tickets("acme")), desk.main_tickets("globex")) == (1, [])


async def test_a_ring_waits_for_the_sync_that_began_before_it(desk: Desk) -> None:
    """That one may have read the ticket too early; without a ring it is left to do the work."""
    await desk.run()
    desk.externals["acme"].client_opens("ivan", "Technical support", "Q", "one")
    before = desk.clock.now
    assert desk.store.acquire_lease("acme", f"another/{RunKind.SYNC}", 60 + MINUTE_PATIENCE / 2)
    (line,) = (await desk.run(billings=ACME)).billings
    assert (line.state, desk.main_tickets("acme")) == (BillingState.SKIPPED, [])
    assert (desk.clock.now - before).total_seconds() == 60
    desk.clock.now = before
    (line,) = (await rung(desk, "any")).billings
    assert (line.state, len(desk.main_tickets("acme"))) == (BillingState.OK, 1)


async def test_a_ring_waits_no_longer_than_a_sync_may(desk: Desk) -> None:
    """Where the other run keeps its right to write, the ring's run ends without a turn, and the minute looks."""
    await desk.run()
    assert desk.store.acquire_lease("acme", f"another/{RunKind.SYNC}", 600)
    before = desk.clock.now
    (line,) = (await rung(desk, "any")).billings
    assert line.state is BillingState.SKIPPED
    assert (desk.clock.now - before).total_seconds() == 60 + MINUTE_PATIENCE


async def test_a_ring_tries_no_login_that_was_refused_a_moment_ago(desk: Desk) -> None:
    """A bell is no person who has mended it, so a storm of rings locks no login; a person's word is tried at once."""
    acme = desk.externals["acme"]
    acme.denied.add("robot")
    await desk.run()
    acme.denied.clear()
    acme.calls.clear()
    (line,) = (await rung(desk, "any")).billings
    assert (line.state, line.access, acme.calls) == (BillingState.FAILED, True, [])
    desk.clock.advance(ACCESS_PATIENCE.total_seconds())
    assert (await rung(desk, "any")).billings[0].state is BillingState.OK
    acme.denied.add("robot")
    await desk.run()
    acme.denied.clear()
    assert (await desk.run(billings=ACME)).billings[0].state is BillingState.OK


async def test_a_paused_billing_is_not_rung_awake(desk: Desk) -> None:
    """Nothing is read or written there until a person resumes it."""
    await desk.run()
    desk.store.set_connection("acme", paused=True)
    desk.externals["acme"].calls.clear()
    (line,) = (await rung(desk, "any")).billings
    assert (line.state, desk.externals["acme"].calls) == (BillingState.SKIPPED, [])
