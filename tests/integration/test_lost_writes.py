"""A billing that says that it was done, and has not done it: it is done again, once, and nothing of it is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from remotesupport.core.run import RunKind
from remotesupport.steps.write.readback import MOST_PROMISES
from tests.http_desk import LONG, crossed_once, http_desk
from tests.three_billings import ThreeBillings, texts, three_billings

pytestmark = pytest.mark.thorough("many simulated minutes in each case, until what was lost is written again")

CLOSED = (3, 10)


async def test_a_promised_ticket_that_is_not_there_is_opened_again(tmp_path: Path) -> None:
    """After the quarantine there is one ticket with everything that was said."""
    with three_billings(tmp_path) as world:
        opened = world.acme.act(as_="ivan", do="open", department="Technical support", subject="s", text="E1")
        ticket = str(opened["ticket"])
        async with http_desk(world) as desk:
            world.main.fault(lost_write=True, only="writes", count=1)
            await desk.run()
            assert world.copies(f"[acme #{ticket}]") == []
            world.acme.act(as_="ivan", do="reply", ticket=ticket, text="E2")
            await desk.drain(15)
            crossed_once(world.main, world.copy(f"[acme #{ticket}]"), ["E1", "E2"])
            world.main.act(as_="anna", do="reply", ticket=world.copy(f"[acme #{ticket}]"), text="M1")
            await desk.drain()
            crossed_once(world.acme, ticket, ["M1"])


async def test_a_ticket_that_is_promised_again_and_again_waits_for_a_person(tmp_path: Path) -> None:
    """A version 4 that remembers a ticket which was deleted there, and a lost store: it is not asked without end."""
    old = "4.0.68"
    with three_billings(tmp_path, main_version=old, acme_version=old, globex_version=old) as world:
        opened = world.acme.act(as_="ivan", do="open", department="Technical support", subject="s", text="E1")
        async with http_desk(world) as desk:
            await desk.run()
            world.main.act(as_="admin", do="delete", ticket=world.copy(f"[acme #{opened['ticket']}]"))
        (tmp_path / "desk.sqlite3").unlink()
        async with http_desk(world) as desk:
            for _ in range(3 * MOST_PROMISES):
                await desk.run(later=LONG)
            (waits,) = desk.context.store.parked(["acme"])
            assert f"said {MOST_PROMISES} times" in waits.cause
            assert (await desk.run(later=LONG)).billings[0].written == 0


async def test_a_promised_message_whose_ticket_is_gone_is_settled(tmp_path: Path) -> None:
    """It does not stay open for ever: what is left is the conflict that a person has to look at."""
    with three_billings(tmp_path) as world:
        opened = world.acme.act(as_="ivan", do="open", department="Technical support", subject="s", text="E1")
        async with http_desk(world) as desk:
            await desk.drain()
            copy = world.copy(f"[acme #{opened['ticket']}]")
            world.acme.act(as_="ivan", do="reply", ticket=opened["ticket"], text="E2")
            world.main.fault(lost_write=True, only="writes", count=1)
            await desk.run()
            world.main.act(as_="admin", do="delete", ticket=copy)
            for _ in range(4):
                await desk.run(RunKind.AUDIT, later=LONG)
            assert desk.context.store.open_intents("acme") == []
            assert [str(p.kind) for p in desk.context.store.parked(["acme"])] == ["conflict"]


def _leaves(world: ThreeBillings, ticket: str, _copy: str) -> None:
    world.acme.act(as_="admin", do="transfer", ticket=ticket, department="Sales")


def _opened_outside(world: ThreeBillings, ticket: str, copy: str) -> None:
    world.main.act(as_="anna", do="close", ticket=copy)
    world.acme.act(as_="olga", do="close", ticket=ticket)


@pytest.mark.parametrize(
    ("happens", "told"), [(_leaves, "no longer delivered"), (_opened_outside, "opened again there")]
)
async def test_a_promised_notice_that_was_not_posted_is_posted_again(
    tmp_path: Path, happens: Callable[[ThreeBillings, str, str], None], told: str
) -> None:
    """Staff of main are told once that a ticket has left, or was opened again."""
    with three_billings(tmp_path) as world:
        world.acme.act(as_="ivan", do="open", department="Technical support", subject="stays", text="E0")
        opened = world.acme.act(as_="ivan", do="open", department="Technical support", subject="s", text="E1")
        ticket = str(opened["ticket"])
        async with http_desk(world) as desk:
            await desk.drain()
            copy = world.copy(f"[acme #{ticket}]")
            happens(world, ticket, copy)
            if happens is _opened_outside:
                await desk.drain()
                world.acme.act(as_="olga", do="reopen", ticket=ticket)
            world.main.fault(lost_write=True, only="writes", count=1)
            await desk.run(RunKind.AUDIT)  # only a complete look shows that a ticket is gone from where we may read
            assert told not in "".join(texts(world.main, copy))
            for _ in range(4):
                await desk.run(RunKind.AUDIT, later=LONG)
            await desk.drain()
            assert "".join(texts(world.main, copy)).count(told) == 1


def _closed_outside(world: ThreeBillings, ticket: str, _copy: str) -> None:
    world.acme.act(as_="olga", do="close", ticket=ticket)


def _closed_inside(world: ThreeBillings, _ticket: str, copy: str) -> None:
    world.main.act(as_="anna", do="close", ticket=copy)


@pytest.mark.parametrize(
    ("happens", "main"), [(_closed_outside, "6.94.1"), (_closed_outside, "4.0.68"), (_closed_inside, "6.94.1")]
)
async def test_a_promised_close_that_was_not_done_is_done_again(
    tmp_path: Path, happens: Callable[[ThreeBillings, str, str], None], main: str
) -> None:
    """Both sides end closed: an open ticket behind a promised close is no person's reopening."""
    with three_billings(tmp_path, main_version=main) as world:
        opened = world.acme.act(as_="ivan", do="open", department="Technical support", subject="s", text="E1")
        ticket = str(opened["ticket"])
        async with http_desk(world) as desk:
            await desk.drain()
            copy = world.copy(f"[acme #{ticket}]")
            world.main.act(as_="anna", do="reply", ticket=copy, text="M1")  # nobody holds it now: it can be archived
            await desk.drain()
            happens(world, ticket, copy)
            for billing in (world.main, world.acme):
                billing.fault(lost_write=True, only="writes", count=1)
            await desk.run()
            for billing in (world.main, world.acme):
                billing.fault(clear=True)
            await desk.drain(15)
            states = [t["status"] for b, n in ((world.acme, ticket), (world.main, copy)) for t in b.state()["tickets"]
                      if str(t["id"]) == n]  # fmt: skip
            assert all(state in CLOSED for state in states), states
