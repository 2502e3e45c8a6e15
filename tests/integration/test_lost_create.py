"""A main billing that says that a ticket was opened, and has none: it is opened again, and nothing in it is lost."""

from __future__ import annotations

from pathlib import Path

from tests.http_desk import crossed_once, http_desk
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
