"""``why``: the reason that holds now, under whichever number a person has at hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from remotesupport.cli.why import CLOSED_AS_ANSWERED
from remotesupport.core.connections.connection_state import Failure
from remotesupport.core.run import RunKind
from tests.cli_here import Ended, cli_here
from tests.http_desk import HttpDesk, RealTime, http_desk
from tests.three_billings import ThreeBillings, three_billings


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ThreeBillings]:
    with three_billings(tmp_path) as found:
        yield found


def why(world: ThreeBillings, *words: str) -> Ended:
    return cli_here("why", *words, cwd=world.home, environ=world.environ)


def answer(world: ThreeBillings, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(why(world, *words, "--json").stdout)
    return found


def store_of(world: ThreeBillings) -> str:
    """The address of the store that the command opens."""
    home = Path(world.environ["REMOTESUPPORT_HOME"])
    home.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{home / 'remotesupport.sqlite3'}"


async def linked(world: ThreeBillings, desk: HttpDesk) -> tuple[str, str]:
    """A ticket of acme that is in main: both ids."""
    ticket = str(world.acme.act(as_="ivan", do="open", subject="s", department="Technical support", text="E")["ticket"])
    await desk.run(later=0)
    return ticket, world.copy(f"[acme #{ticket}]")


async def test_a_paused_connection_is_the_reason(world: ThreeBillings) -> None:
    """G2: why a ticket of a paused connection stands still is the pause; its link and its last reason are said too."""
    async with http_desk(world, url=store_of(world), clock=RealTime()) as desk:
        ticket, copy = await linked(world, desk)
        desk.context.store.set_connection("acme", paused=True)
    found = answer(world, "acme", ticket)
    assert (found["reason"], found["main_ticket"]) == ("connection_paused", copy)
    assert "in_sync" in found["detail"]
    assert "remotesupport resume acme" in found["detail"]


async def test_an_unreachable_billing_is_the_reason(world: ThreeBillings) -> None:
    """G3: of a billing that does not answer, each ticket says so and since when, one that was never read too."""
    async with http_desk(world, url=store_of(world), clock=RealTime()) as desk:
        ticket, copy = await linked(world, desk)
        world.acme.stop()
        await desk.run(later=0)
    known, unknown = answer(world, "acme", ticket), answer(world, "acme", "999")
    assert (known["reason"], known["main_ticket"]) == ("billing_unreachable", copy)
    assert known["detail"].startswith("since ")
    assert (unknown["reason"], unknown["main_ticket"]) == ("billing_unreachable", None)
    assert "never read" in unknown["detail"]


@pytest.mark.parametrize(
    ("failure", "reason"), [(Failure.VERSION, "version_too_old"), (Failure.FATAL, "billing_unreachable")]
)
async def test_a_stopped_connection_is_the_reason(world: ThreeBillings, failure: Failure, reason: str) -> None:
    """Where nothing is read or written until a person acts, no ticket is said to be in order; what is wrong is said."""
    async with http_desk(world, url=store_of(world), clock=RealTime()) as desk:
        ticket, _ = await linked(world, desk)
        desk.context.store.set_connection("acme", failure=failure, stopped_why="its certificate is another one")
    known, unknown = answer(world, "acme", ticket), answer(world, "acme", "999")
    assert (known["reason"], unknown["reason"]) == (reason, reason)
    assert "its certificate is another one" in known["detail"]
    assert "when it was read last: in_sync" in known["detail"]


async def test_an_answer_of_a_product_that_stands_still_says_so(world: ThreeBillings) -> None:
    """Where no run begins any more, the last reason is told with the time it is from."""
    clock = RealTime()
    async with http_desk(world, url=store_of(world), clock=clock) as desk:
        ticket, _ = await linked(world, desk)
        began = desk.clock() - timedelta(hours=2)
        for run in desk.context.store.last_runs(10, []):
            desk.context.store.begin_run(run.run, RunKind.SYNC, None, began)
    found = answer(world, "acme", ticket)
    assert found["reason"] == "in_sync"
    assert "no run began after" in found["detail"]
    assert found["detail"].endswith(": so it was then")


async def test_a_ticket_that_no_list_showed_asks_for_its_department(world: ThreeBillings) -> None:
    """G3: a ticket that was in no list may be in a department that the login does not see: the answer says so."""
    async with http_desk(world, url=store_of(world), clock=RealTime()) as desk:
        await linked(world, desk)
    ended = why(world, "acme", "999")
    assert ended.returncode == 1
    assert "remotesupport departments --billing acme" in ended.stderr
    assert "why --main 999" in ended.stderr


async def test_the_number_of_main_finds_the_ticket(world: ThreeBillings) -> None:
    """G4: the number that staff see is enough; one that is linked to nothing says so, with what to do."""
    async with http_desk(world, url=store_of(world), clock=RealTime()) as desk:
        ticket, copy = await linked(world, desk)
    assert answer(world, "--main", copy) == answer(world, "acme", ticket)
    ended = why(world, "--main", "1")
    assert (ended.returncode, "linked to no external ticket" in ended.stderr) == (1, True)


@pytest.mark.parametrize("words", [(), ("acme",), ("acme", "7", "--main", "8")])
def test_one_ticket_has_to_be_named(world: ThreeBillings, words: tuple[str, ...]) -> None:
    """No ticket, or two, is wrong usage."""
    ended = why(world, *words)
    assert ended.returncode == 2
    assert "why --main TICKET" in ended.stderr


async def test_a_delivered_answer_ends_confirmed_under_its_id(world: ThreeBillings) -> None:
    """G5: the timeline says as which message an answer is at the client's, and where somebody closed the ticket."""
    async with http_desk(world, url=store_of(world)) as desk:
        ticket, copy = await linked(world, desk)
        said = world.main.act(as_="anna", do="reply", ticket=copy, text="M")["message"]
        await desk.drain()
        world.acme.act(as_="admin", do="close", ticket=ticket)
        await desk.drain()
        await desk.run(RunKind.AUDIT)
    lines = {line["event"]: line["detail"] for line in answer(world, "acme", ticket)["timeline"]}
    there = [m["id"] for m in world.acme.state()["messages"] if m["ticket"] == ticket and m["text"] == "M"]
    delivered = lines.get("confirmed", lines["posted"])
    assert delivered == f"to_external {copy}: {said} → {there[0]}"
    assert "?" not in "".join(lines.values())
    assert "somebody closed it in acme" in lines["closed"]


async def test_who_said_what_is_told_in_words(world: ThreeBillings) -> None:
    """Of each message that crossed `why` names its author, when it was seen, sent and confirmed, and the ids of both
    sides."""
    async with http_desk(world, url=store_of(world), clock=RealTime()) as desk:
        ticket, copy = await linked(world, desk)
        said = world.main.act(as_="anna", do="reply", ticket=copy, text="M")["message"]
        for _ in range(3):
            await desk.run(later=0)
    opened, answered = answer(world, "acme", ticket)["messages"]
    assert (opened["direction"], opened["ticket"], opened["target_ticket"]) == ("to_main", ticket, copy)
    assert (answered["message"], answered["target_ticket"]) == (str(said), ticket)
    there = [m["id"] for m in world.acme.state()["messages"] if m["ticket"] == ticket and m["text"] == "M"]
    assert answered["target_message"] == there[0]
    assert answered["seen_at"] <= answered["sent_at"] <= answered["confirmed_at"]
    (line,) = [x for x in why(world, "acme", ticket).stdout.splitlines() if x.startswith("Anna Weber wrote message")]
    assert f"message {said} of main ticket {copy}" in line
    assert f"confirmed there {answered['confirmed_at'][:10]}" in line
    assert f"as message {there[0]} (run {answered['run']})" in line


async def test_a_close_that_came_with_our_answer_is_told(world: ThreeBillings) -> None:
    """A ticket that was closed there as our first answer arrived says that nobody knows yet who has closed it."""
    world.acme.core.habits.choose({"after_answer": "closed"})
    async with http_desk(world, url=store_of(world), clock=RealTime()) as desk:
        ticket, copy = await linked(world, desk)
        assert CLOSED_AS_ANSWERED not in answer(world, "acme", ticket)["detail"]
        world.main.act(as_="anna", do="reply", ticket=copy, text="M")
        await desk.run(later=0)
        assert CLOSED_AS_ANSWERED in answer(world, "acme", ticket)["detail"]
