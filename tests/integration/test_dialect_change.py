"""A billing that begins to speak another dialect, so that its messages have other keys: nothing moves by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from remotesupport.core.run import BillingState, RunKind
from remotesupport.steps.operator.rebuild_links import rebuild_links
from tests.http_desk import HttpDesk, crossed_once, http_desk
from tests.three_billings import ThreeBillings, three_billings

pytestmark = pytest.mark.thorough("a billing changes its version while it is in use: many runs over real HTTP")

THREE = ["clienttickets.sync", "clienttickets.syncadmticket", "clienttickets.syncdepartments"]


async def exchanged(desk: HttpDesk, world: ThreeBillings) -> tuple[str, str]:
    """A ticket of acme with one message each way, and its copy."""
    opened = world.acme.act(as_="ivan", do="open", subject="s", department="Technical support", text="E1")
    ticket = str(opened["ticket"])
    await desk.run()
    copy = world.copy(f"[acme #{ticket}]")
    world.main.act(as_="anna", do="reply", ticket=copy, text="M1")
    await desk.drain()
    return ticket, copy


async def restarted(desk: HttpDesk) -> None:
    """As another process, which finds the dialects out anew."""
    await desk.context.aclose()
    desk.context = desk.open()


@pytest.mark.parametrize("before", ["three functions", "public functions"])
async def test_nothing_moves_after_a_change_of_dialect_until_links_rebuild(before: str, tmp_path: Path) -> None:
    """Rights gained or lost between two runs repeat no message: the connection stops, and a rebuild takes it on."""
    first, then = (THREE, []) if before == "three functions" else ([], THREE)
    with three_billings(tmp_path, acme_version="4.0.68") as world:
        world.acme.act(do="rights", login="support-robot", functions=first)
        async with http_desk(world) as desk:
            ticket, copy = await exchanged(desk, world)
            world.acme.act(do="rights", login="support-robot", functions=then)
            world.acme.act(as_="ivan", do="reply", ticket=ticket, text="E2")
            await restarted(desk)
            (line,) = (await desk.run()).billings
            assert line.state is BillingState.FAILED
            assert "links rebuild --billing acme" in line.reason
            crossed_once(world.main, copy, ["E1"])

            (rebuilt,) = (await rebuild_links(desk.context, ("acme",))).billings
            assert rebuilt.state is BillingState.OK
            await desk.drain()
            crossed_once(world.main, copy, ["E1", "E2"])
            crossed_once(world.acme, ticket, ["M1"])
            (audit,) = (await desk.run(RunKind.AUDIT)).billings
            assert (audit.state, audit.written) == (BillingState.OK, 0)


async def test_rights_that_were_lost_and_given_back_lose_nothing(tmp_path: Path) -> None:
    """While the rights are gone the connection says so; when they are back it goes on by itself."""
    with three_billings(tmp_path, acme_version="4.0.68") as world:
        async with http_desk(world) as desk:
            ticket, copy = await exchanged(desk, world)
            world.acme.act(do="rights", login="support-robot", functions=[])
            world.acme.act(as_="ivan", do="reply", ticket=ticket, text="E2")
            await restarted(desk)
            assert [b.state for b in (await desk.run()).billings] == [BillingState.FAILED]
            world.acme.act(do="rights", login="support-robot", functions=THREE)
            await restarted(desk)
            await desk.drain()
            crossed_once(world.main, copy, ["E1", "E2"])
