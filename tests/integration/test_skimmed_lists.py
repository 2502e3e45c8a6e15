"""What a quiet minute leaves out, and that nothing is missed by it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from remotesupport.core.connections.looks import REST, ListLook, last_if_at_rest
from remotesupport.core.run import RunKind
from tests.http_desk import HttpDesk, http_desk
from tests.three_billings import ThreeBillings, three_billings

QUIET = {"department": 1, "ticket_all": 1, "clientticket": 1}
WHOLE = QUIET | {"ticket": 1, "clientticket_archive": 1, "clientticket.edit": 1}
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ThreeBillings]:
    """Three billings, with one ticket of acme's client."""
    with three_billings(tmp_path) as found:
        found.acme.act(as_="ivan", do="open", department="Technical support", subject="Mail", text="It is late")
        yield found


async def asked(desk: HttpDesk, kind: RunKind = RunKind.SYNC, **request: Any) -> dict[str, int]:
    """The functions that one run asked for, and how often."""
    connection = desk.context.connections["acme"]
    before = _asked_so_far(connection)
    await desk.run(kind, **request)
    return dict(_asked_so_far(connection) - before)


def _asked_so_far(connection: Any) -> Counter[str]:
    return Counter(connection.external.stats.by_function) + Counter(connection.main.stats.by_function)


async def settled(desk: HttpDesk) -> None:
    """Runs until a minute is quiet."""
    await desk.drain()
    await desk.run()


async def test_a_quiet_minute_asks_three_things(world: ThreeBillings) -> None:
    """The list that nothing can be new in, and main's form, are asked for again after minutes, or within the hour."""
    async with http_desk(world) as desk:
        await settled(desk)
        minutes = [await asked(desk) for _ in range(7)]
        assert minutes.count(QUIET) >= 5
        assert any("clientticket_archive" in one and "ticket" in one for one in minutes)
        desk.clock.advance(3600)
        assert (await asked(desk)).keys() >= WHOLE.keys()


async def test_whoever_asks_gets_everything(world: ThreeBillings) -> None:
    """An audit and a person's sync leave nothing out."""
    async with http_desk(world) as desk:
        await settled(desk)
        assert await asked(desk) == QUIET
        assert await asked(desk, asked=True) == WHOLE
        assert (await asked(desk, RunKind.AUDIT)).keys() >= WHOLE.keys()


async def test_a_ticket_that_leaves_the_list_is_looked_for_at_once(world: ThreeBillings) -> None:
    """In the minute in which a ticket leaves main's list of open ones, the archive is read."""
    async with http_desk(world) as desk:
        await settled(desk)
        assert await asked(desk) == QUIET
        ticket = desk.context.store.linked("acme").popitem()[1]
        world.main.act(as_="anna", do="close", ticket=ticket)
        world.main.act(as_="acme", do="archive", ticket=ticket)
        assert "clientticket_archive" in await asked(desk)
        assert next(iter(desk.context.store.links("acme")["main_state"])) == "closed"


ANOTHER = pytest.mark.thorough("two seconds of CPU time; the service itself is in `make test`")


@pytest.mark.parametrize("by", ["the service", pytest.param("a command", marks=ANOTHER)])
async def test_what_main_archives_as_it_is_written_is_found_in_the_next_minute(tmp_path: Path, by: str) -> None:
    """Where main puts a new ticket into the archive at once, the list of open ones never moves: both are read then,
    whichever process wrote."""
    with three_billings(tmp_path, main_habits={"after_new_ticket": "archived"}) as world:
        async with http_desk(world) as desk, http_desk(world, clock=desk.clock) as command:
            await desk.run()
            assert "clientticket_archive" not in await asked(desk)
            world.acme.act(as_="ivan", do="open", department="Technical support", subject="Web", text="It is down")
            await (desk if by == "the service" else command).run()
            assert "clientticket_archive" in await asked(desk)


async def test_the_form_is_asked_before_a_ticket_is_opened(world: ThreeBillings) -> None:
    """A ticket is opened in main only after main has said which departments it has now; that reads no list twice."""
    async with http_desk(world) as desk:
        await settled(desk)
        assert await asked(desk) == QUIET
        world.acme.act(as_="ivan", do="open", department="Technical support", subject="Web", text="It is down")
        found = await asked(desk)
        assert found["clientticket.edit"] > 1
        assert found["ticket_all"] == 1
        assert len(desk.context.store.linked("acme")) == 2


def look(*shown: str, calm: bool = True, at: datetime = NOON, whole: bool = True) -> ListLook:
    """One look at a list."""
    return ListLook(at, frozenset(shown) if whole else None, len(shown), calm)


@pytest.mark.parametrize(
    ("now", "archive", "rests"),
    [
        (look("1"), look("9"), True),
        (look("1", "2"), look("9"), False),
        (look(), look("9"), False),
        (look("1", calm=False), look("9"), False),
        (look("1", whole=False), look("9"), False),
        (look("1"), look("9", calm=False), False),
        (look("1", at=NOON + REST - timedelta(seconds=1)), look("9"), True),
        (look("1", at=NOON + REST), look("9"), False),
    ],
)
def test_a_list_rests_only_while_the_other_stays_as_it_was(now: ListLook, archive: ListLook, rests: bool) -> None:
    """Another ticket, a row that moved, a page that does not have them all, or five minutes: the list is read."""
    before = {"open": look("1"), "archive": archive}
    assert (last_if_at_rest(before, "open", now, "archive") is archive) is rests
    assert last_if_at_rest(before, None, now, "archive") is None
    assert last_if_at_rest({}, "open", now, "archive") is None
