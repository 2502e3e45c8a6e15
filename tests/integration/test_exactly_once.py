"""A write without an answer is done, not done, or not done yet: one effect in every case (semantics, section 7)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connectors.errors import UnknownOutcome
from remotesupport.core.run import RunKind, RunRequest
from remotesupport.steps.decide.reconcile import reconcile
from remotesupport.steps.decide.validate import validate
from remotesupport.steps.leases import LEASE_SECONDS, take
from remotesupport.steps.read.extract import extract
from remotesupport.steps.write.load import load
from tests.cycle_fixtures import Desk


def no_answer(call: Any) -> None:
    """A hook: the connection breaks."""
    raise UnknownOutcome("no answer", billing="test", function=call.function)


@pytest.fixture
async def desk(tmp_path: Path) -> Any:
    """One connection with a linked ticket, in which the client has just written."""
    made = Desk(tmp_path, "acme")
    made.ticket = made.externals["acme"].client_opens("ivan", "Technical support", "subject", "first")
    await made.run()
    made.copy = made.main_tickets("acme")[0]
    made.externals["acme"].client_writes(made.ticket, "second")
    yield made
    made.store.close()


def times(desk: Any, text: str) -> int:
    """How often the main copy has that text."""
    return sum(text in body for body in desk.main.bodies(desk.copy))


async def test_done_without_an_answer_is_adopted(desk: Any) -> None:
    """The request was done: the read-back finds it, and nothing is sent again."""
    desk.main.after["reply"] = no_answer
    await desk.run()
    desk.main.after.clear()
    await desk.run()
    assert desk.store.open_intents("acme") == []
    for _ in range(5):
        await desk.run()
    assert times(desk, "second") == 1
    assert len([f for _, f in desk.writes() if f == "reply"]) == 1


async def test_not_done_is_written_after_the_quarantine_and_not_before(desk: Any) -> None:
    """While the request may still be on its way nothing is sent again; after two looks without it, it is, once."""
    desk.main.before["reply"] = no_answer
    await desk.run()
    desk.main.before.clear()
    sent = []
    for _ in range(5):
        await desk.run()
        sent.append(times(desk, "second"))
    assert sent == [0, 0, 0, 1, 1]  # deadline and quarantine are 140 s; two looks after that


@pytest.mark.thorough("two seconds of CPU time; late requests are drawn by the writing machine of `make test`")
async def test_done_late_is_adopted(desk: Any) -> None:
    """The request is done 90 s after the client gave up: it is found, and there is one message."""
    desk.main.before["reply"] = no_answer
    await desk.run()
    said = [c.args["body"] for c in desk.main.calls if c.function == "reply"][-1]
    desk.main.before.clear()
    await desk.run()
    desk.clock.advance(50)
    desk.main.client_writes(desk.copy, said, customer="acme")
    for _ in range(5):
        await desk.run()
    assert times(desk, "second") == 1


@pytest.mark.thorough("four seconds of CPU time; order is a law of the writing machine of `make test`")
async def test_what_comes_after_an_unknown_one_waits(desk: Any) -> None:
    """The third message is not sent while the second has no outcome."""
    desk.main.before["reply"] = no_answer
    await desk.run()
    desk.main.before.clear()
    desk.externals["acme"].client_writes(desk.ticket, "third")
    await desk.run()
    assert times(desk, "third") == 0
    for _ in range(5):
        await desk.run()
    whole = "\n".join(desk.main.bodies(desk.copy))
    assert whole.index("second") < whole.index("third")


async def test_a_run_whose_lease_has_passed_on_writes_nothing(desk: Any) -> None:
    """A plan made before a long pause is refused at the first write: another run has the right by then."""
    leases = take(desk.context, ("acme",))
    request = RunRequest(RunKind.SYNC)
    snapshots: Any = dict([read async for read in extract(desk.context, ("acme",), request)])
    proposal = await reconcile(desk.context, request, snapshots, await validate(desk.context, snapshots))
    desk.clock.advance(LEASE_SECONDS + 1)
    other = desk.store.acquire_lease("acme", "another", LEASE_SECONDS)
    loaded = await load(desk.context, proposal.plans["acme"], leases["acme"], "paused")
    assert "passed on" in loaded.stopped
    assert times(desk, "second") == 0
    assert other.token > leases["acme"].token
