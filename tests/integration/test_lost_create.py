"""A main billing that says that a ticket was opened, and has none: it is opened again, and nothing in it is lost."""

from __future__ import annotations

from pathlib import Path

from remotesupport.steps.readback import MOST_PROMISES
from tests.http_desk import LONG, crossed_once, http_desk
from tests.three_billings import three_billings


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
