"""``status`` after real runs: what it says of a main billing that is down, of one that stands still, of what waits."""

from __future__ import annotations

import logging
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from datetime import timedelta
from fcntl import ioctl
from pathlib import Path

import pytest

from remotesupport import logs
from remotesupport.cli.main import main
from remotesupport.cli.status import Look, headlines, look_at, to_json
from remotesupport.core.connections.connection_state import RUNS_WITHIN, State
from remotesupport.core.model import Side
from remotesupport.core.run import RunKind
from remotesupport.steps.record.board import board_of
from tests.cycle_fixtures import Desk
from tests.http_desk import HttpDesk, RealTime, http_desk
from tests.three_billings import ThreeBillings, three_billings

BOTH = ("acme", "globex")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ThreeBillings]:
    with three_billings(tmp_path) as running:
        yield running


@pytest.fixture
async def desk(world: ThreeBillings) -> AsyncIterator[HttpDesk]:
    async with http_desk(world, BOTH) as opened:
        yield opened


def look(desk: HttpDesk, later: float = 0) -> Look:
    """What ``status`` shows some seconds after the last run."""
    now = desk.clock() + timedelta(seconds=later)
    return look_at(desk.world.settings(), "The store here", desk.context.store, now, ())


def states(found: Look) -> dict[str, State]:
    """State by billing."""
    return {row.name: row.state for row in found.found.rows}


async def test_all_is_well_after_a_run(desk: HttpDesk) -> None:
    """Before the first run nothing is ok; after it everything is, with one line above the table."""
    assert (states(look(desk)), look(desk).found.exit_status) == (dict.fromkeys(BOTH, State.NEVER_READ), 1)
    await desk.run()
    found = look(desk)
    assert (states(found), found.found.exit_status) == (dict.fromkeys(BOTH, State.OK), 0)
    assert headlines(found) == ["Last run: sync, began 2026-11-23 09:01:00Z (0 s ago). The store here."]


async def test_a_plan_is_no_sign_of_life(desk: HttpDesk) -> None:
    """A person who only plans reads both sides and leaves nothing on the board."""
    await desk.run(RunKind.PLAN, plan_only=True)
    assert states(look(desk)) == dict.fromkeys(BOTH, State.NEVER_READ)


async def test_the_main_billing_is_down(desk: HttpDesk) -> None:
    """One sentence at the top names the main billing and since when; it ends by itself when that is back."""
    await desk.run()
    desk.world.main.stop()
    await desk.run()
    began = desk.clock()
    await desk.run()
    found = look(desk)
    assert (states(found), found.found.exit_status) == (dict.fromkeys(BOTH, State.UNREACHABLE), 1)
    assert {row.failed_side for row in found.found.rows} == {Side.MAIN}
    first, second = headlines(found)
    assert first.startswith("The main billing cannot be read since 2026-11-23 09:0")
    assert first.endswith("Waiting for it: acme, globex.")
    assert second.startswith("Last run: sync")
    document = to_json(found)
    assert (document["exit"], document["main"]["names"]) == (1, BOTH)
    assert document["main"]["since"] <= began
    desk.world.main.start()
    await desk.run()
    assert (states(look(desk)), look(desk).found.main) == (dict.fromkeys(BOTH, State.OK), None)


async def test_trouble_of_the_other_side_begins_anew(desk: HttpDesk) -> None:
    """A main billing that goes down behind an external one is down since then, not since the other one was."""
    desk.world.acme.stop()
    await desk.run()
    desk.world.acme.start()
    desk.world.main.stop()
    desk.clock.advance(600)
    before = desk.clock()
    await desk.run()
    trouble = look(desk).found.main
    assert trouble is not None
    assert trouble.since is not None
    assert trouble.since > before


async def test_one_external_billing_is_down(desk: HttpDesk) -> None:
    """Its own row says so and since when; the other one is ok and the main billing is not blamed."""
    await desk.run()
    desk.world.acme.stop()
    await desk.run()
    found = look(desk)
    assert states(found) == {"acme": State.UNREACHABLE, "globex": State.OK}
    assert (found.found.main, found.found.exit_status) == (None, 1)
    assert "no connection" in found.found.rows[0].why


async def test_runs_have_stopped(desk: HttpDesk) -> None:
    """When no run begins any more everything is not running since the last one, with status 1."""
    await desk.run()
    found = look(desk, RUNS_WITHIN.total_seconds() + 60)
    assert (states(found), found.found.exit_status) == (dict.fromkeys(BOTH, State.NOT_RUNNING), 1)
    assert headlines(found)[0].startswith("Not running since 2026-11-23 09:01:00Z (4 min ago)")


async def test_a_refused_login_needs_a_person(desk: HttpDesk) -> None:
    """Access denied is a state of its own, 3, also while the login is left alone for a while."""
    await desk.run()
    desk.world.acme.fault(status=403)
    for _ in range(3):
        await desk.run()
        assert (states(look(desk)), look(desk).found.exit_status) == ({"acme": State.ACCESS, "globex": State.OK}, 3)


async def test_the_command_says_it(world: ThreeBillings, capsys: pytest.CaptureFixture[str]) -> None:
    """The command itself: status 0 when all is well; with main down its first line says so, status 1."""
    level = logging.getLogger().level
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        stack.callback(logging.getLogger().setLevel, level)
        stack.callback(logs.tear_down)
        for name, value in world.environ.items():
            patch.setenv(name, value)
        async with http_desk(world, BOTH, url=world.settings().database_url, clock=RealTime()) as desk:
            await desk.run()
            assert main(["status"]) == 0
            world.main.stop()
            await desk.run()
            capsys.readouterr()
            assert main(["status"]) == 1
            assert capsys.readouterr().out.startswith("The main billing cannot be read since ")
            assert on_a_terminal(world.environ, 80).count("The main billing cannot be read") == 1


def on_a_terminal(environ: dict[str, str], columns: int) -> str:
    """What ``status`` shows on a terminal of that width, line by line as it stands there."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    command = [sys.executable, "-m", "remotesupport", "status"]
    env = os.environ | environ | {"TERM": "dumb"}
    subprocess.run(
        command, check=False, stdout=theirs, stderr=subprocess.DEVNULL, env=env, cwd=environ["REMOTESUPPORT_HOME"]
    )
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    return shown


async def test_no_word_is_broken_on_eighty_columns(world: ThreeBillings) -> None:
    """Every word of the states, the heads and the cures stands whole on a terminal of 80 columns."""
    url = world.settings().database_url
    async with http_desk(world, BOTH, url=url, clock=RealTime()) as desk:
        world.acme.stop()
        world.globex.fault(status=403)
        await desk.run()
    shown = on_a_terminal(world.environ, 80)
    for word in ("unreachable", "access", "Oldest", "unsynced", "Parked", "Last", "globex:", "connection:", "refused"):
        assert word in shown.split(), shown
    home = world.environ["REMOTESUPPORT_HOME"]  # one word, however long it is
    assert max(len(line) for line in shown.splitlines() if home not in line) <= 80


# --- what only a store knows ------------------------------------------------------------------------------------


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Desk]:
    """Two billings in memory; the guard allows one new ticket."""
    desk = Desk(tmp_path, "acme", extra="[external.guard]\ncreates = 1\n")
    yield desk
    desk.store.close()


async def test_a_stopped_plan_needs_a_person(small: Desk) -> None:
    """A plan that the guard stopped is the state stopped, 3, since the run that stopped it first."""
    await small.run()
    for number in range(3):
        small.externals["acme"].client_opens("ivan", "Technical support", f"Q{number}", "text")
    await small.run()
    began = small.clock()
    await small.run()
    found = board_of(small.context)
    (row,) = found.rows
    assert (row.state, row.since, found.exit_status) == (State.STOPPED, began, 3)
    assert row.last_read == small.clock()
    assert "remotesupport apply" in row.why


async def test_a_row_that_validation_keeps_out_is_not_green(small: Desk) -> None:
    """A ticket that cannot be read makes its connection behind for as long as it is so."""
    acme = small.externals["acme"]
    ticket = acme.client_opens("ivan", "Technical support", "Q", "text")
    acme.poisoned[int(ticket)] = "no such date"
    await small.run()
    found = board_of(small.context)
    assert (found.rows[0].state, found.rows[0].kept_out, found.exit_status) == (State.BEHIND, 1, 1)
    acme.poisoned.clear()
    await small.run()
    assert board_of(small.context).exit_status == 0


async def test_a_password_that_is_not_there_is_an_access_problem(small: Desk) -> None:
    """A connection whose secrets cannot be had is on the board with the cause, and a person is needed."""
    await small.run()
    small.context.connections.clear()
    small.context.broken = {"acme": "external.password: the variable ROBOT is not set"}
    await small.run()
    found = board_of(small.context)
    assert (found.rows[0].state, found.exit_status) == (State.ACCESS, 3)
    assert "ROBOT is not set" in found.rows[0].why


async def test_audits_without_a_turn_are_told(small: Desk) -> None:
    """Two hourly audits in a row that had no turn are a sentence with the cure, and counted in the JSON."""
    await small.run()
    lease = small.store.acquire_lease("acme", "somebody else", 3600)
    assert lease is not None
    for _ in range(2):
        await small.run(RunKind.AUDIT)
    found = look_at(small.settings, "The store here", small.store, small.clock.now, ())
    assert to_json(found)["audits_skipped"] == {"acme": 2}
    assert any("had no turn: acme (2 in a row)" in sentence for sentence in headlines(found))
