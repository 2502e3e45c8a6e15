"""One message edited to and fro: each text that a run has seen is told once, in order, under a name of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import Refused, UnknownOutcome
from connectors.memory import STATES, MemoryCall
from connectors.memory_world import ARCHIVED
from remotesupport.core.run import RunKind
from tests.cycle_fixtures import Desk

A, B = "one", "two"
Edit = Callable[[str], None]


@pytest.fixture
async def desk(tmp_path: Path) -> Any:
    """A linked ticket with a message of the client and an answer, both on the other side."""
    made = Desk(tmp_path, "acme")
    acme = made.externals["acme"]
    made.ticket = acme.client_opens("ivan", "Technical support", "Q", A)
    await made.run()
    (made.copy,) = made.main_tickets("acme")
    made.answer = made.main.staff_replies(made.copy, A)
    await made.run()
    yield made
    made.store.close()


def of_client(desk: Any) -> tuple[Edit, Callable[[], list[str]]]:
    """How the client's message is edited, and what main was told of it so far."""
    acme = desk.externals["acme"]
    message = str(acme.thread(acme.find(desk.ticket))[0].id)
    told = lambda: [b.splitlines()[-1] for b in desk.main.bodies(desk.copy) if "edited" in b]  # noqa: E731
    return lambda text: acme.edit(message, text), told


def of_staff(desk: Any) -> tuple[Edit, Callable[[], list[str]]]:
    """The same of main's answer, and what the client was told of it."""

    def edit(text: str) -> None:
        desk.main.edit(desk.answer, text)
        desk.main.find(desk.copy).last_message = desk.clock()

    acme = desk.externals["acme"]
    told = lambda: [b.removeprefix("(edited) ") for b in acme.bodies(desk.ticket) if "(edited)" in b]  # noqa: E731
    return edit, told


@pytest.mark.parametrize(
    "side", [pytest.param(of_client, marks=pytest.mark.thorough("many simulated minutes, as with staff")), of_staff]
)
async def test_to_and_fro_is_told_each_time(desk: Any, side: Any) -> None:
    """A to B to A to B: three follow-ups in that order, then silence."""
    edit, told = side(desk)
    for text in (B, A, B):
        edit(text)
        report = await desk.run()
        assert report.billings[0].reason == ""
    await desk.run()
    assert told() == [B, A, B]
    assert desk.store.parked() == desk.store.open_intents("acme") == []


async def test_an_edit_that_was_refused_and_taken_back_is_wanted_no_more(desk: Any) -> None:
    """Refused, edited back, and edited once more: nothing is left on the list, and the last text is told once."""
    edit, told = of_client(desk)

    def refuse(call: Any) -> None:
        raise Refused("no", billing="main", function="reply")

    desk.main.before["reply"] = refuse
    edit(B)
    await desk.run()
    desk.main.before.clear()
    edit(A)
    await desk.run()
    desk.clock.advance(60)
    await desk.run()
    assert (told(), desk.store.parked()) == ([], [])
    edit(B)
    await desk.run()
    assert told() == [B]


@pytest.mark.thorough("three seconds of CPU time; other edits after edits are in `make test`")
async def test_an_answer_that_is_corrected_after_the_close_reaches_the_client(desk: Any) -> None:
    """An edit changes no row of main, so the hourly audit compares what was closed within a day, too; then both sides
    are closed again."""
    desk.main.close(desk.copy)
    for _ in range(3):
        await desk.run()
    desk.main.edit(desk.answer, B)
    await desk.run(RunKind.AUDIT)
    assert desk.externals["acme"].bodies(desk.ticket)[-1] == f"(edited) {B}"
    await desk.run()
    states = [world.find(number).status for world, number in (
        (desk.externals["acme"], desk.ticket), (desk.main, desk.copy)
    )]  # fmt: skip
    assert {STATES[str(status)] for status in states} == {"closed"}


@pytest.mark.thorough("many simulated minutes")
async def test_a_lost_answer_to_an_edit_opens_no_ticket_of_a_client(desk: Any) -> None:
    """Both sides are closed; the follow-up on an edit arrives in main, its receipt does not. That it opened main is
    known when it is found: the client's ticket stays closed, and main hears of that."""
    acme = desk.externals["acme"]
    desk.main.close(desk.copy)
    for _ in range(3):
        await desk.run()
    edit, told = of_client(desk)

    def lost(call: MemoryCall) -> None:
        raise UnknownOutcome("no answer", billing="main", function=call.function)

    edit(B)
    desk.main.after["reply"] = lost
    await desk.run()
    del desk.main.after["reply"]
    for _ in range(6):
        desk.clock.advance(120)
        await desk.run()
    assert told() == [B]
    assert STATES[str(acme.find(desk.ticket).status)] == "closed"
    assert "was closed there" in desk.main.bodies(desk.copy)[-1] or desk.main.find(desk.copy).status == ARCHIVED
    assert desk.store.parked() == []
