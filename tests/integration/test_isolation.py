"""One connection's fault, slowness or wrong name is its own line of the report and costs no other connection a run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connectors.errors import AccessDenied, Retriable, UnknownOutcome
from connectors.memory import MemoryCall
from remotesupport.core.records import Intent, Lease
from remotesupport.core.run import BillingResult, BillingState, RunKind, RunReport
from remotesupport.store.errors import StoreUnavailable
from tests.cycle_fixtures import Desk
from tests.inline_executor import Inline


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path, "acme", "globex")
    yield desk
    desk.store.close()


def line(report: RunReport, name: str) -> BillingResult:
    """The line of one connection."""
    return {b.name: b for b in report.billings}[name]


def raising(error: Exception) -> Callable[[MemoryCall], None]:
    """A hook that fails in this way, whatever is called."""

    def fail(call: MemoryCall) -> None:
        raise error

    return fail


def assert_globex_is_served(desk: Desk, report: RunReport) -> None:
    """Its one new ticket is in main, and its line is in order."""
    assert line(report, "globex").state is BillingState.OK
    assert len(desk.main_tickets("globex")) == 1


async def test_a_refused_attachment_stops_nobody_else(desk: Desk) -> None:
    """A login that may not fetch a file costs the other connections nothing."""
    acme, globex = desk.externals["acme"], desk.externals["globex"]
    acme.client_opens("ivan", "Technical support", "Q", "one", files=[("a.txt", b"x")])
    globex.client_opens("maria", "Technical support", "W", "two")
    acme.before["file"] = raising(AccessDenied("no right", billing="acme", function="file"))
    assert_globex_is_served(desk, await desk.run())


async def test_an_unforeseen_error_while_reading_stops_nobody_else(desk: Desk) -> None:
    """An error of no known class while one connection is read is that connection's failed line only."""
    desk.externals["acme"].before["pages"] = raising(ValueError("bad date"))
    desk.externals["globex"].client_opens("maria", "Technical support", "W", "two")
    report = await desk.run()
    assert line(report, "acme").state is BillingState.FAILED
    assert_globex_is_served(desk, report)


async def test_an_unforeseen_error_while_writing_stops_nobody_else(desk: Desk) -> None:
    """An error of no known class while one connection is written is that connection's failed line only."""
    acme = desk.externals["acme"]
    acme.client_opens("ivan", "Technical support", "Q", "one")
    await desk.run()
    desk.main.staff_replies(desk.main_tickets("acme")[0], "answer")
    desk.externals["globex"].client_opens("maria", "Technical support", "W", "two")
    acme.before["reply"] = raising(ValueError("bad date"))
    report = await desk.run()
    assert line(report, "acme").state is BillingState.FAILED
    assert_globex_is_served(desk, report)


async def test_a_store_error_of_one_connection_stops_nobody_else(desk: Desk) -> None:
    """An intent that cannot be stored ends one connection's writing; the books of the others are closed."""
    desk.externals["acme"].client_opens("ivan", "Technical support", "Q", "one")
    ticket = desk.externals["globex"].client_opens("maria", "Technical support", "W", "two")
    intend = desk.store.intend

    def unavailable_for_acme(lease: Lease, intent: Intent) -> Intent:
        if intent.connection == "acme":
            raise StoreUnavailable("locked")
        return intend(lease, intent)

    desk.store.intend = unavailable_for_acme  # type: ignore[method-assign]
    report = await desk.run()
    assert line(report, "acme").state is BillingState.FAILED
    assert_globex_is_served(desk, report)
    reason = desk.store.reason_of("globex", ticket)
    assert reason is not None
    assert reason[0] == "in_sync"
    assert desk.main_tickets("acme") == []
    assert desk.store.lease_holder("globex") is None


async def test_a_slow_connection_does_not_cost_others_their_lease(desk: Desk) -> None:
    """While one connection is read again and again for longer than a lease lasts, the others are still written."""

    def slow(call: MemoryCall) -> None:
        desk.clock.advance(15)
        raise Retriable("too slow", billing="acme")

    desk.externals["acme"].before["pages"] = slow
    desk.externals["globex"].client_opens("maria", "Technical support", "W", "two")
    assert_globex_is_served(desk, await desk.run())


@pytest.mark.thorough("a second of CPU time; a billing that is slow stops nobody in `make test` too")
async def test_a_slow_read_back_does_not_cost_others_their_lease(desk: Desk) -> None:
    """A connection whose unknown write is read back for longer than a lease lasts does not stop the others."""
    asyncio.get_running_loop().set_default_executor(Inline())  # the clock jumps: in the same order each time
    acme = desk.externals["acme"]
    acme.client_opens("ivan", "Technical support", "Q", "one")
    await desk.run()
    desk.main.staff_replies(desk.main_tickets("acme")[0], "answer")
    acme.after["reply"] = raising(UnknownOutcome("no answer came", billing="acme", function="reply"))
    await desk.run()
    assert desk.store.open_intents("acme")
    desk.externals["globex"].client_opens("maria", "Technical support", "W", "two")

    def slow(call: MemoryCall) -> None:
        desk.clock.advance(60)

    acme.before["thread"] = slow
    assert_globex_is_served(desk, await desk.run())


async def test_an_audit_longer_than_a_lease_still_writes(desk: Desk) -> None:
    """A lease that lapsed while reading, and that nobody else took, is regained and the plan is written."""
    await desk.run()
    acme = desk.externals["acme"]
    acme.client_opens("ivan", "Technical support", "Q", "one")

    def slow(call: MemoryCall) -> None:
        desk.clock.advance(13)

    acme.before["pages"] = desk.main.before["pages"] = slow
    report = await desk.run(RunKind.AUDIT)
    assert line(report, "acme").written == 1
    assert len(desk.main_tickets("acme")) == 1


async def test_an_unknown_name_stops_nobody_else(desk: Desk) -> None:
    """A name that is no connection is a failed line of its own; the connections named beside it are served."""
    desk.externals["globex"].client_opens("maria", "Technical support", "W", "two")
    report = await desk.run(billings=("globex", "nope"))
    assert line(report, "nope").state is BillingState.FAILED
    assert_globex_is_served(desk, report)
