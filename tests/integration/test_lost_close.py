"""A main billing that says that a ticket was closed, and did nothing: it is closed after all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.http_desk import http_desk
from tests.three_billings import three_billings


@pytest.mark.parametrize("version", ["4.0.68", "6.94.1"])
async def test_a_promised_close_that_was_not_done_is_done_again(version: str, tmp_path: Path) -> None:
    """After the quarantine both sides are closed."""
    with three_billings(tmp_path, main_version=version) as world:
        opened = world.acme.act(as_="ivan", do="open", department="Technical support", subject="s", text="E1")
        async with http_desk(world) as desk:
            await desk.run()
            copy = world.copy(f"[acme #{opened['ticket']}]")
            world.main.act(as_="anna", do="reply", ticket=copy, text="M1")
            await desk.run()
            world.acme.act(as_="olga", do="close", ticket=opened["ticket"])
            world.main.fault(lost_write=True, only="writes", count=1)
            await desk.run()
            await desk.drain()
            (status,) = [t["status"] for t in world.main.state()["tickets"] if t["id"] == copy]
            assert status in (3, 10)
