"""A billing that gives no answer is looked at less and less often; a person, a bell and an audit look at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import ConnectorError, ProtocolError, Retriable
from connectors.memory import MemoryBilling, MemoryCall
from remotesupport.cli.status import look_at, to_json
from remotesupport.core.connections.board import Row
from remotesupport.core.connections.connection_state import State
from remotesupport.core.model import Side
from remotesupport.core.run import BillingResult, BillingState, RunKind, RunReport
from tests.cycle_fixtures import Desk

NAMES = ("acme", "globex", "initech")
SIDES = {"external": Side.EXTERNAL, "main": Side.MAIN}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path, *NAMES)
    yield desk
    desk.store.close()


def down(world: MemoryBilling, error: type[ConnectorError] = Retriable) -> None:
    """From now on it gives no answer."""

    def refuse(call: MemoryCall) -> None:
        raise error("no connection", billing=world.name, side=SIDES[call.side])

    world.before["*"] = refuse


def up(world: MemoryBilling) -> None:
    """It answers again."""
    world.before.clear()


def line(report: RunReport, name: str = "acme") -> BillingResult:
    """One connection's line."""
    return {b.name: b for b in report.billings}[name]


def row(desk: Desk, name: str = "acme", later: float = 0) -> Row:
    """Its row of ``status``, some seconds after the last run."""
    found = look_at(desk.settings, "The store here", desk.store, desk.clock() + timedelta(seconds=later), (name,))
    (only,) = found.found.rows
    return only


async def looks(desk: Desk, minutes: int, name: str = "acme") -> list[int]:
    """The minutes, from 1, in whose scheduled run it was looked at."""
    counted = _calls(desk, name)
    seen = []
    for minute in range(1, minutes + 1):
        before = counted()
        await desk.run()
        if counted() > before:
            seen.append(minute)
    return seen


def _calls(desk: Desk, name: str) -> Callable[[], int]:
    world, calls = desk.externals[name], [0]
    hook = world.before.get("*")

    def count(call: MemoryCall) -> Any:
        calls[0] += 1
        return hook(call) if hook else None

    world.before["*"] = count
    return lambda: calls[0]


ASKED = pytest.mark.thorough("many simulated minutes; an audit is in `make test`")
OTHER = pytest.mark.thorough("eight seconds of CPU time each; the first 25 minutes of a silent one are in `make test`")
PAUSES = [1, 2, 4, 9, 24]


@pytest.mark.parametrize(
    ("error", "minutes", "looked_at"),
    [
        (Retriable, 25, PAUSES),
        *(pytest.param(error, 40, [*PAUSES, 39], marks=OTHER) for error in (Retriable, ProtocolError)),
    ],
)
async def test_a_billing_that_is_down_is_looked_at_less_and_less(
    desk: Desk, error: type[ConnectorError], minutes: int, looked_at: list[int]
) -> None:
    """After the first look in vain the next run looks; then it is two minutes, five, and fifteen from there on."""
    await desk.run()
    down(desk.externals["acme"], error)
    assert await looks(desk, minutes) == looked_at
    assert await looks(desk, 3, "globex") == [1, 2, 3]


async def test_one_that_was_away_for_a_minute_is_read_in_the_next(desk: Desk) -> None:
    """A single look in vain costs a billing nothing but that minute."""
    await desk.run()
    acme = desk.externals["acme"]
    down(acme)
    await desk.run()
    up(acme)
    acme.client_opens("ivan", "Technical support", "Q", "words")
    assert line(await desk.run()).written == 1


@pytest.mark.thorough("many simulated minutes; how often it is looked at is in `make test`")
async def test_the_pause_begins_anew_after_an_answer(desk: Desk) -> None:
    """Whoever has answered once is looked at in the minute after the next failure, as at the first time."""
    await desk.run()
    acme = desk.externals["acme"]
    down(acme)
    await looks(desk, 24)
    up(acme)
    assert (await looks(desk, 15))[0] == 15
    assert (row(desk).state, row(desk).in_vain, row(desk).next_look) == (State.OK, 0, None)
    down(acme)
    assert await looks(desk, 4) == [1, 2, 4]


async def test_status_says_that_it_rests(desk: Desk) -> None:
    """While it is left alone it is unreachable since it was, with the cause, the next look, and how to look now; the
    run says the same and is no success."""
    await desk.run()
    down(desk.externals["acme"])
    await desk.run()
    began = desk.clock()
    await desk.run()
    report = await desk.run()
    found = row(desk)
    assert (found.state, found.failed_side, found.in_vain) == (State.UNREACHABLE, Side.EXTERNAL, 2)
    assert found.since is not None
    assert abs(found.since - began) < timedelta(seconds=30)
    assert found.next_look is not None
    assert 50 < (found.next_look - desk.clock()).total_seconds() <= 60
    words = f"no answer 2 times in a row, next look at {found.next_look:%H:%M:%S}Z; `remotesupport sync --billing acme`"
    assert "no connection" in found.why
    assert words in found.why
    assert (line(report).state, report.exit_status) == (BillingState.FAILED, 1)
    assert words in line(report).reason
    assert "next look" not in row(desk, later=120).why
    shown = to_json(look_at(desk.settings, "The store here", desk.store, desk.clock(), ("acme",)))["billings"][0]
    assert (shown["in_vain"], shown["next_look"]) == (2, found.next_look)


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({"asked": True}, marks=ASKED),
        pytest.param({"billings": ("acme",)}, marks=ASKED),
        pytest.param({"billings": ("acme",), "hints": (("acme", "1"),)}, marks=ASKED),
        {"kind": RunKind.AUDIT},
        pytest.param({"kind": RunKind.BACKFILL, "tickets": ("1",), "billings": ("acme",), "quiet": True}, marks=ASKED),
        pytest.param({"kind": RunKind.PLAN, "plan_only": True}, marks=ASKED),
    ],
    ids=["by hand", "by name", "bell", "audit", "backfill", "plan"],
)
async def test_whoever_asks_is_served_at_once(desk: Desk, asked: dict[str, Any]) -> None:
    """A person's run, a bell, a backfill, a plan and the audit look at a billing that rests; in vain, they make its
    pause no longer."""
    await desk.run()
    down(desk.externals["acme"])
    await looks(desk, 9)
    before = row(desk)
    calls = _calls(desk, "acme")
    await desk.run(**asked)
    assert calls() > 0
    after = row(desk)
    assert (after.in_vain, after.next_look) == (before.in_vain, before.next_look) == (4, before.next_look)


@pytest.mark.thorough("three seconds of CPU time; that an audit looks at once is in `make test`")
async def test_who_answers_a_person_is_back_in_the_minutes(desk: Desk) -> None:
    """A look that somebody asked for, and that is answered, ends the rest."""
    await desk.run()
    down(desk.externals["acme"])
    await looks(desk, 9)
    up(desk.externals["acme"])
    await desk.run(billings=("acme",))
    assert await looks(desk, 3) == [1, 2, 3]


async def test_a_fault_of_main_makes_nobody_rest(desk: Desk) -> None:
    """However long main is down, everybody is looked at each minute and read in the first one after it."""
    await desk.run()
    down(desk.main)
    assert await looks(desk, 12) == list(range(1, 13))
    up(desk.main)
    assert {b.state for b in (await desk.run()).billings} == {BillingState.OK}


@pytest.mark.thorough("a second of CPU time; a fault of main for all is in `make test`")
async def test_a_fault_of_one_user_of_main_makes_nobody_rest(desk: Desk) -> None:
    """Main that fails for one connection only is main's fault all the same."""
    await desk.run()

    def refuse(call: MemoryCall) -> None:
        if call.login == "acme":
            raise Retriable("no connection", billing="acme", side=Side.MAIN)

    desk.main.before["*"] = refuse
    assert await looks(desk, 6) == list(range(1, 7))


async def test_when_nobody_answers_nobody_rests(desk: Desk) -> None:
    """Where every billing is silent at once our own network may be: all are looked at each minute, and read in the
    first one after it; so is the only billing of an installation."""
    await desk.run()
    for world in desk.externals.values():
        down(world)
    assert await looks(desk, 12) == list(range(1, 13))
    for world in desk.externals.values():
        up(world)
    assert {b.state for b in (await desk.run()).billings} == {BillingState.OK}


@pytest.mark.thorough("many simulated minutes; how often it is looked at is in `make test`")
async def test_a_clock_that_went_back_does_not_make_it_rest_for_ever(desk: Desk) -> None:
    """A next look further ahead than the longest pause does not count."""
    await desk.run()
    down(desk.externals["acme"])
    await looks(desk, 9)
    desk.clock.advance(-86_400)
    assert await looks(desk, 1) == [1]
