"""A ticket that an employee of the external billing holds, while main closes it: only they can close it there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from remotesupport.core.model import ChangeKind
from remotesupport.core.records import ParkedChange
from tests.http_desk import LONG, HttpDesk, crossed_once, http_desk
from tests.simulation.http_laws import holders
from tests.three_billings import ThreeBillings, three_billings

OLD = pytest.mark.thorough("two seconds of CPU time each; the newest version is in `make test`")
VERSIONS = pytest.mark.parametrize("version", ["6.94.1", pytest.param("4.0.68", marks=OLD)])
CLOSED = 3


@asynccontextmanager
async def held(home: Path, version: str) -> AsyncIterator[tuple[ThreeBillings, HttpDesk, str, str]]:
    """The world, the desk, and the ticket on both sides: olga has taken it, then main has closed it."""
    with three_billings(home, acme_version=version) as world:
        order = {"do": "open", "department": "Technical support", "subject": "s", "text": "E1"}
        ticket = str(world.acme.act(as_="ivan", **order)["ticket"])
        async with http_desk(world) as desk:
            await desk.run()
            copy = world.copy(f"[acme #{ticket}]")
            assert holders(world.acme, ticket) == []  # its department has it: so have we
            world.acme.act(as_="olga", do="take", ticket=ticket)
            await desk.run()
            world.main.act(as_="anna", do="close", ticket=copy)
            await desk.run()
            yield world, desk, ticket, copy


def waits(desk: HttpDesk) -> ParkedChange:
    """The only thing that waits."""
    (parked,) = desk.context.store.parked(["acme"])
    return parked


@VERSIONS
async def test_it_stays_open_and_a_person_is_told_who_has_to_close_it(tmp_path: Path, version: str) -> None:
    """The close is parked with that cause; when they have closed it, nothing is parked any more."""
    async with held(tmp_path, version) as (world, desk, ticket, _copy):
        assert len(holders(world.acme, ticket)) == 1
        assert waits(desk).kind is ChangeKind.CLOSE
        assert "employee" in waits(desk).cause
        assert "have to close it there" in waits(desk).cause
        world.acme.act(as_="olga", do="close", ticket=ticket)
        await desk.drain()
        assert desk.context.store.parked(["acme"]) == []
        (row,) = [t for t in world.acme.state()["tickets"] if t["id"] == ticket]
        assert row["status"] == CLOSED


async def test_it_is_known_at_once_where_the_version_shows_it(tmp_path: Path) -> None:
    """In version 6 our own part is seen to be off and the ticket open: no outcome is unknown, nothing is read back."""
    async with held(tmp_path, "6.94.1") as (_world, desk, _ticket, _copy):
        assert desk.context.store.open_intents("acme") == []


@VERSIONS
@pytest.mark.thorough("many simulated minutes")
async def test_the_clients_do_not_wait_for_it(tmp_path: Path, version: str) -> None:
    """What staff of main answer later crosses in the next run: while nobody knows whether the close was done, and
    however seldom it is tried by then."""
    async with held(tmp_path, version) as (world, desk, ticket, copy):
        world.main.act(as_="anna", do="reply", ticket=copy, text="M0")
        await desk.run()
        crossed_once(world.acme, ticket, ["M0"])
        world.main.act(as_="anna", do="close", ticket=copy)
        await desk.run()
        while (waits(desk).next_try or desk.clock()) < desk.clock() + timedelta(seconds=6 * LONG):
            await desk.run(later=LONG)
        for _ in range(3):
            await desk.run(later=LONG)  # what was unknown is settled
        world.main.act(as_="anna", do="reply", ticket=copy, text="M1")
        await desk.run()
        crossed_once(world.acme, ticket, ["M0", "M1"])
