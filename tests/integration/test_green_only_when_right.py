"""Nothing is green while something that should cross does not: not in the runs between two tries, not for a type of
message that nobody knows."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import Refused
from remotesupport.cli.status import _table
from remotesupport.core.connections.board import board
from remotesupport.core.connections.connection_state import Failure, State
from remotesupport.core.model import Reason
from remotesupport.core.run import BillingResult, BillingState, RunKind
from tests.cycle_fixtures import Desk


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """One connection."""
    made = Desk(tmp_path, "acme")
    yield made
    made.store.close()


def refuse(call: Any) -> None:
    """A hook: the server refuses it."""
    raise Refused("the server says no", billing="test", function=call.function, kind="value")


async def refused_message(desk: Desk) -> str:
    """A ticket that is in main, to which main refuses every further message; its client has written one."""
    acme = desk.externals["acme"]
    ticket = acme.client_opens("ivan", "Technical support", "Q", "first")
    await desk.run()
    desk.main.before["reply"] = refuse
    acme.client_writes(ticket, "poison")
    return ticket


async def line_of(desk: Desk, kind: RunKind = RunKind.SYNC) -> BillingResult:
    [line] = (await desk.run(kind)).billings
    return line


async def test_every_run_is_red_while_a_parked_change_waits(desk: Desk) -> None:
    """Also those in which it is not tried again; a person's backfill of something else is not."""
    ticket = await refused_message(desk)
    lines = [await line_of(desk) for _ in range(6)]
    assert {(one.state, one.failure) for one in lines} == {(BillingState.FAILED, Failure.PARKED)}
    assert len([one for one in lines if one.reason.startswith(f"parked: ticket {ticket}: ")]) >= 3
    assert all("the server says no" in one.reason for one in lines)
    [row] = board(["acme"], desk.store.connection_states(), desk.clock.now, desk.clock.now).rows
    assert (row.state, row.failure) == (State.BEHIND, Failure.PARKED)
    backfill = await desk.run(RunKind.BACKFILL, tickets=("999",))
    assert backfill.billings[0].failure is not Failure.PARKED
    del desk.main.before["reply"]
    desk.clock.advance(7200)
    await desk.run()
    assert (await line_of(desk)).state is BillingState.OK


async def test_what_no_run_tries_again_needs_a_person(desk: Desk) -> None:
    """A parked change without a next try ends the run with the exit status that calls a person."""
    await refused_message(desk)
    report = await desk.run()
    assert report.exit_status == 1
    [parked] = desk.store.parked(["acme"])
    desk.store.park(replace(parked, next_try=None))
    assert (await desk.run()).exit_status == 3


async def test_a_ticket_of_which_every_message_is_of_an_unknown_type_is_not_understood(desk: Desk) -> None:
    """Nobody can tell who speaks in it, so it waits by name until somebody does."""
    acme = desk.externals["acme"]
    ticket = acme.client_opens("ivan", "Technical support", "Q", "first")
    for message in acme.messages.values():
        message.kind = "sms"
    for _ in range(2):
        line = await line_of(desk)
        assert (line.state, line.not_understood) == (BillingState.FAILED, 1)
        assert f"ticket {ticket}: nothing in it may cross yet; messages of an unknown type did not" in line.reason
    assert desk.store.reason_of("acme", ticket)[0] == Reason.NOT_UNDERSTOOD  # type: ignore[index]
    acme.client_writes(ticket, "an ordinary one")
    await desk.run()
    assert "an ordinary one" in desk.main.bodies(desk.main_tickets("acme")[0])[0]
    assert (await line_of(desk)).state is BillingState.OK


async def test_an_answer_of_an_unknown_type_is_named(desk: Desk) -> None:
    """`why` names each message of a main ticket whose type is unknown; the client does not get it."""
    ticket = desk.externals["acme"].client_opens("ivan", "Technical support", "Q", "first")
    await desk.run()
    said = desk.main.note(desk.main_tickets("acme")[0], "Mended.", kind="answer")
    await desk.run()
    reason, detail, _ = desk.store.reason_of("acme", ticket)  # type: ignore[misc]
    assert (reason, detail) == (Reason.IN_SYNC, f"messages of main of an unknown type did not cross: {said}")
    assert "Mended." not in desk.externals["acme"].bodies(ticket)


async def test_status_says_on_a_terminal_that_nothing_corresponds(tmp_path: Path) -> None:
    """A connection that is in order, and to which no open ticket belongs, has its words below the table."""
    desk = Desk(tmp_path, "acme")
    desk.switch_off({"acme"})
    for number in range(3):
        desk.externals["acme"].client_opens("ivan", "Technical support", f"Q{number}", "first")
    await desk.run()
    [row] = board(["acme"], desk.store.connection_states(), desk.clock.now, desk.clock.now).rows
    assert (row.state, row.why[:22]) == (State.OK, "0 of 3 open tickets ar")
    with contextlib.redirect_stdout(Screen()) as shown:
        _table([row], desk.clock.now)
    assert "acme: ok since" in shown.getvalue()
    assert "0 of 3 open tickets are in a department that corresponds" in " ".join(shown.getvalue().split())
    desk.store.close()
