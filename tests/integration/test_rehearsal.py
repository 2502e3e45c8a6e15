"""``check --rehearse``: one ticket in main, there and back, over real HTTP; it harms nothing and hides nothing."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from remotesupport.steps.leases import take
from remotesupport.steps.operator.check_row import CheckRow
from remotesupport.steps.operator.rehearsal import Rehearsal, Rehearsed
from tests.cli_here import Ended, cli_here
from tests.http_desk import HttpDesk, http_desk
from tests.three_billings import ThreeBillings, texts, three_billings

WAIT = 600.0  # seconds, of a clock that the desk moves


def copies(world: ThreeBillings) -> list[dict[str, Any]]:
    """Main's tickets of rehearsals."""
    return world.copies("[acme #rehearsal]")


def answers(world: ThreeBillings) -> None:
    """Main's staff answer the rehearsal's ticket."""
    world.main.act(as_="anna", do="reply", ticket=str(copies(world)[-1]["id"]), text="Seen.")


async def rehearse(
    desk: HttpDesk, meanwhile: Callable[[], object] | None = None, wait: float = WAIT
) -> tuple[Rehearsed, list[str]]:
    """One rehearsal, and what was told to the person. ``meanwhile``: happens while staff are waited for."""
    told: list[str] = []

    async def wait_for(seconds: float) -> None:
        desk.clock.advance(seconds)
        if meanwhile is not None:
            meanwhile()

    desk.context.sleep = wait_for
    return await Rehearsal(desk.context, "acme", wait=wait, tell=told.append).perform(), told


def row(done: Rehearsed, check: str) -> CheckRow:
    return next(row for row in done.rows if row.check == f"rehearsal {check}")


def nothing_outside(world: ThreeBillings) -> bool:
    """The external billing has neither a ticket nor a request that writes."""
    state = world.acme.state()
    return not state["tickets"] and not any("sok" in r["params"] for r in world.acme.requests())


@pytest.mark.parametrize(
    ("version", "set_up"), [("4.0.63", True), ("4.0.63", False), ("5.350.1", True), ("6.94.1", True)]
)
async def test_a_rehearsal_goes_there_and_back_and_leaves_nothing_open(
    tmp_path: Path, version: str, set_up: bool
) -> None:
    """Whatever main's version and functions: opened, read, written to, answered, closed; nothing outside."""
    with three_billings(tmp_path, main_version=version, acme_version=version, set_up=set_up) as world:
        async with http_desk(world) as desk:
            done, told = await rehearse(desk, lambda: answers(world))
            assert [r.check for r in done.rows if not r.ok] == []
            (ticket,) = copies(world)
            assert (done.closed, done.ticket) == (True, str(ticket["id"]))
            assert len(texts(world.main, done.ticket)) == 3
            assert done.ticket in told[0]
            assert nothing_outside(world)


@pytest.mark.parametrize("types", ["by_viewer", "by_direction"])
async def test_what_a_rehearsal_shows_is_kept_as_evidence(tmp_path: Path, types: str) -> None:
    """What only a write reveals is in the store and in the report; the next run may write more than one ticket."""
    with three_billings(tmp_path, main_habits={"types": types, "new_id": "list"}) as world:
        async with http_desk(world) as desk:
            done, _ = await rehearse(desk, lambda: answers(world))
            learned = {(e.habit, e.answer) for e in desk.context.store.habit_evidence("acme")}
            assert {("types", types), ("new_ticket", "list")} <= learned & {(e.habit, e.answer) for e in done.learned}
            for text in ("one", "two"):
                world.acme.act(as_="ivan", do="open", department="Technical support", subject=text, text=text)
            await desk.run()
            assert len(world.copies("[acme #1")) == 2


async def test_runs_leave_a_rehearsals_ticket_alone(tmp_path: Path) -> None:
    """No run writes to it, answers of staff in it cross nowhere, and it is nobody's conflict, open or closed."""
    with three_billings(tmp_path) as world:
        async with http_desk(world) as desk:
            await rehearse(desk, wait=0)
            answers(world)
            before = len(texts(world.main, str(copies(world)[0]["id"])))
            (first, *_) = reports = await desk.drain()
            assert [b.reason for b in first.billings] == [""]
            assert sum(b.written for report in reports for b in report.billings) == 0
            assert len(texts(world.main, str(copies(world)[0]["id"]))) == before
            assert nothing_outside(world)


async def test_a_person_who_does_not_answer_is_told_what_remains(tmp_path: Path) -> None:
    """Where staff hold the ticket for too long it is named with its cure, and the next rehearsal ends it."""
    with three_billings(tmp_path) as world:
        async with http_desk(world) as desk:
            left, _ = await rehearse(desk)
            assert (row(left, "close").ok, row(left, "close").person, left.closed) == (False, True, False)
            assert left.ticket in row(left, "close").cure
            assert "check --rehearse acme" in left.remains
            said = texts(world.main, left.ticket)
            answers(world)
            done, _ = await rehearse(desk, wait=0)
            assert (done.closed, done.ticket, len(copies(world))) == (True, left.ticket, 1)
            assert texts(world.main, left.ticket) == [*said, "Seen."]


async def test_staff_may_close_it_themselves(tmp_path: Path) -> None:
    """A ticket that main's staff close while it is waited for is closed, without another write."""
    with three_billings(tmp_path) as world:
        async with http_desk(world) as desk:
            done, _ = await rehearse(
                desk, lambda: world.main.act(as_="anna", do="close", ticket=str(copies(world)[0]["id"]))
            )
            assert done.closed
            assert not any(r["params"].get("func") == "clientticket.archive" for r in world.main.requests()[-3:])


async def test_an_interrupted_rehearsal_goes_on_with_its_ticket(tmp_path: Path) -> None:
    """Ended by Ctrl-C it says what remains and gives the right to write back; the next one opens no second ticket."""
    with three_billings(tmp_path) as world:
        async with http_desk(world) as desk:
            told: list[str] = []
            desk.context.sleep = lambda _seconds: asyncio.Event().wait()  # type: ignore[assignment, return-value]
            task = asyncio.create_task(Rehearsal(desk.context, "acme", wait=WAIT, tell=told.append).perform())
            while not told:
                await asyncio.wait([task], timeout=0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert told[-1].startswith("Interrupted. Main ticket ")
            assert desk.context.store.lease_holder("acme") is None
            answers(world)
            done, _ = await rehearse(desk)
            assert (done.closed, len(copies(world))) == (True, 1)


async def test_a_lost_store_opens_no_second_ticket(tmp_path: Path) -> None:
    """A rehearsal that the store knows nothing of is found by its origin in main."""
    with three_billings(tmp_path) as world:
        async with http_desk(world) as desk:
            left, _ = await rehearse(desk, wait=0)
        answers(world)
        async with http_desk(world, url=f"sqlite:///{tmp_path / 'another.sqlite3'}") as desk:
            done, _ = await rehearse(desk)
            assert (done.closed, done.ticket, len(copies(world))) == (True, left.ticket, 1)


@pytest.mark.parametrize("skip", [0, 1, 2])
async def test_a_lost_answer_is_looked_for_and_never_written_twice(tmp_path: Path, skip: int) -> None:
    """Whichever write's answer is lost, main shows that it was done, and the rehearsal goes on."""
    with three_billings(tmp_path) as world:
        async with http_desk(world) as desk:
            world.main.core.faults.apply({"reset_after": True, "only": "writes", "skip": skip, "count": 1})
            done, _ = await rehearse(desk, lambda: answers(world))
            assert world.main.core.faults.struck["reset_after"] == 1
            assert (done.closed, len(copies(world))) == (True, 1)
            assert len(texts(world.main, done.ticket)) == 3


async def test_a_write_that_may_still_come_is_waited_for(tmp_path: Path) -> None:
    """An opening of which nothing is to be seen is not repeated until it can be on its way no more."""
    with three_billings(tmp_path) as world:
        async with http_desk(world) as desk:
            world.main.core.faults.apply({"reset_before": True, "only": "writes", "count": 1})
            lost, _ = await rehearse(desk)
            soon, _ = await rehearse(desk)
            for done in (lost, soon):
                assert [(r.check, r.ok, r.person) for r in done.rows] == [("rehearsal ticket", False, False)]
                assert "may have been opened in main" in done.remains
            assert copies(world) == []
            desk.clock.advance(180)
            later, _ = await rehearse(desk, lambda: answers(world))
            assert (later.closed, len(copies(world))) == (True, 1)


async def test_a_server_that_refuses_new_tickets_is_told_and_nothing_remains(tmp_path: Path) -> None:
    """A habit that makes it fail is the failure of its step, in the server's words; nothing is left behind."""
    with three_billings(tmp_path, main_habits={"message_refusal": "blocked"}) as world:
        async with http_desk(world) as desk:
            done, _ = await rehearse(desk)
            assert [(r.check, r.ok) for r in done.rows] == [("rehearsal ticket", False)]
            assert (copies(world), done.remains) == ([], "Nothing was written.")


@pytest.mark.parametrize("after", ["open", "awaiting", "unchanged"])
async def test_a_server_that_does_not_close_is_told(tmp_path: Path, after: str) -> None:
    """A close that was not refused and is not to be seen fails its step; the ticket is to be closed by hand."""
    with three_billings(tmp_path, main_habits={"after_archive": after}) as world:
        async with http_desk(world) as desk:
            done, _ = await rehearse(desk, lambda: answers(world))
            assert "still open" in row(done, "close").detail
            assert (done.closed, done.ticket in done.remains) == (False, True)


async def test_nothing_is_written_where_evidence_contradicts(tmp_path: Path) -> None:
    """A server that contradicts what is known gets no write of a rehearsal; a row has the command that decides."""
    with three_billings(tmp_path) as world:
        async with http_desk(world) as desk:
            left, _ = await rehearse(desk, wait=0)
            world.main.core.habits.choose({"types": "by_direction"})
            said = texts(world.main, left.ticket)
            answers(world)
            first, _ = await rehearse(desk)
            second, _ = await rehearse(desk)
            assert "habits accept types=" in row(first, "reading").cure
            assert [(r.check, r.ok) for r in second.rows] == [("rehearsal ticket", False)]
            assert texts(world.main, left.ticket) == [*said, "Seen."]


async def test_a_pause_and_another_run_are_respected(tmp_path: Path) -> None:
    """A paused connection is not rehearsed (a person), nor is one that another run works on (later)."""
    with three_billings(tmp_path) as world:
        async with http_desk(world) as desk:
            desk.context.store.set_connection("acme", paused=True)
            paused, _ = await rehearse(desk)
            desk.context.store.set_connection("acme", paused=False)
            take(desk.context, ["acme"])
            busy, _ = await rehearse(desk)
            assert [(r.ok, r.person) for r in (*paused.rows, *busy.rows)] == [(False, True), (False, False)]
            assert "remotesupport resume acme" in paused.rows[0].cure
            assert copies(world) == []


# --- the command ---------------------------------------------------------------------------------------------------


def check(world: ThreeBillings, *arguments: str) -> Ended:
    return cli_here("check", "--rehearse", "acme", *arguments, cwd=world.home, environ=world.environ)


def test_nothing_is_written_before_a_person_agrees(tmp_path: Path) -> None:
    """The command says what would be written where and asks; where nobody answers it writes nothing (3)."""
    with three_billings(tmp_path) as world:
        program = [sys.executable, "-m", "remotesupport", "check", "--rehearse", "acme"]
        ended = subprocess.run(
            program, check=False, env=os.environ | world.environ, cwd=tmp_path, input="", capture_output=True, text=True
        )
        assert ended.returncode == 3
        assert f"writes this to the main billing, {world.main.url}" in ended.stderr
        assert "nobody has agreed" in ended.stdout
        assert world.main.state()["tickets"] == []


def test_the_command_ends_as_its_rows_say(tmp_path: Path) -> None:
    """3 with the ticket named while staff hold it, 0 once they have let it go; both as JSON beside the checks."""
    with three_billings(tmp_path) as world:
        held = check(world, "--yes", "--wait", "0", "--json")
        answers(world)
        done = check(world, "--yes", "--json")
        assert (held.returncode, done.returncode) == (3, 0), held.stderr + done.stderr
        first, second = (json.loads(each.stdout)["connections"][0] for each in (held, done))
        assert (first["rehearsal"]["closed"], second["rehearsal"]["closed"]) == (False, True)
        assert first["rehearsal"]["ticket"] == second["rehearsal"]["ticket"] == str(copies(world)[0]["id"])
        assert {"side": "main", "habit": "types", "answer": "by_viewer"} in first["rehearsal"]["learned"]
        assert {c["check"] for c in second["checks"]} >= {"rehearsal ticket", "rehearsal close", "login"}


def test_failed_checks_and_a_pause_leave_nothing_written(tmp_path: Path) -> None:
    """Where an earlier check failed, or the connection is paused, the person is not even asked."""
    with three_billings(tmp_path) as world:
        cli_here("pause", "acme", cwd=world.home, environ=world.environ)
        paused = check(world, "--yes")
        cli_here("resume", "acme", "--yes", cwd=world.home, environ=world.environ)
        (tmp_path / "secrets" / "support-robot").write_text("wrong")
        refused = check(world, "--yes")
        assert (paused.returncode, refused.returncode) == (3, 3)
        assert "writes this to" not in paused.stderr + refused.stderr
        assert world.main.state()["tickets"] == []


def test_only_a_known_connection_among_the_chosen_is_rehearsed(tmp_path: Path) -> None:
    """A name that is not configured, or left out by --billing, is wrong usage."""
    with three_billings(tmp_path) as world:
        assert check(world, "--billing", "globex").returncode == 2
        assert cli_here("check", "--rehearse", "nobody", cwd=world.home, environ=world.environ).returncode == 2
