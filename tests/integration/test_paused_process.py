"""A process that is stopped in the middle of a write and wakes up when another one has done its work."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.http_desk import crossed_once, http_desk
from tests.prefect_fixtures import test_environ
from tests.three_billings import ThreeBillings, three_billings

pytestmark = pytest.mark.thorough("a process that imports everything; a lease that has passed on is in `make test`")

HELD_S = 3
SAID = [f"E<{n}>" for n in range(5)]


class Later:
    """The true time and a lease's life more, so that nobody has to wait for one to lapse."""

    def __init__(self) -> None:
        self.ahead = timedelta(minutes=2)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def advance(self, seconds: float) -> None:
        """Further on."""
        self.ahead += timedelta(seconds=seconds)


async def until_held(world: ThreeBillings) -> None:
    """Until the first message is being written to main."""
    for _ in range(2400):
        if world.main.core.faults.struck["hold_s"]:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("nothing was written")


async def test_it_writes_nothing_more(tmp_path: Path) -> None:
    """SIGSTOP in a write, another run takes over and does everything, SIGCONT: each message is there once, in order.

    The same holds for a run that Prefect believes to have crashed and starts again: only the lease decides.
    """
    with three_billings(tmp_path) as world:
        opened = world.acme.act(as_="ivan", do="open", department="Technical support", subject="s", text=SAID[0])
        ticket = str(opened["ticket"])
        async with http_desk(world, ("acme", "globex"), url=world.settings().database_url, clock=Later()) as desk:
            await desk.drain()
            world.acme.core.clock.advance(1)  # not in the second in which the desk, minutes ahead, saw the ticket rest
            for text in SAID[1:]:
                world.acme.act(as_="ivan", do="reply", ticket=ticket, text=text)
            desk.clock.ahead = timedelta()
            world.main.fault(hold_s=HELD_S, only="writes", count=1)
            command = [sys.executable, "-m", "remotesupport.cli.main", "sync"]
            log = tmp_path / "sync.log"
            with log.open("wb") as out:
                process = subprocess.Popen(command, env=test_environ(**world.environ), stdout=out, stderr=out)
            try:
                await until_held(world)
                process.send_signal(signal.SIGSTOP)
                await asyncio.sleep(HELD_S)
                desk.clock.ahead = timedelta(minutes=2)
                await desk.drain()
                before = len(world.main.requests("clientticket.edit"))
                process.send_signal(signal.SIGCONT)
                status = await asyncio.to_thread(process.wait, 60)
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait(10)
            said = log.read_text(encoding="utf-8")
            assert status != 0, said
            writes = [entry for entry in world.main.requests("clientticket.edit")[before:] if "sok" in entry["params"]]
            assert writes == []
            crossed_once(world.main, world.copy(f"[acme #{ticket}]"), SAID)


async def test_one_that_is_told_to_end_in_a_write_leaves_nothing_twice(tmp_path: Path) -> None:
    """R22: SIGTERM while the billing works on a write: the message is there once, and the next runs carry the rest."""
    with three_billings(tmp_path) as world:
        opened = world.acme.act(as_="ivan", do="open", department="Technical support", subject="s", text=SAID[0])
        ticket = str(opened["ticket"])
        world.main.fault(hold_s=HELD_S, only="writes", count=1)
        command = [sys.executable, "-m", "remotesupport.cli.main", "sync"]
        with (tmp_path / "sync.log").open("wb") as out:
            process = subprocess.Popen(command, env=test_environ(**world.environ), stdout=out, stderr=out)
        try:
            await until_held(world)
            process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(process.wait, 60)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait(10)
        for text in SAID[1:]:
            world.acme.act(as_="ivan", do="reply", ticket=ticket, text=text)
        async with http_desk(world, ("acme", "globex"), url=world.settings().database_url, clock=Later()) as desk:
            for _ in range(4):  # what has no known outcome is looked for again, and again behind its quarantine
                await desk.drain()
                desk.clock.advance(150)
            crossed_once(world.main, world.copy(f"[acme #{ticket}]"), SAID)
            assert desk.context.store.parked() == []
