"""Departments as data: what changes about them is told once; the main billing's list says which correspond."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connectors.billmanager.v6_common import View
from remotesupport.core.run import BillingResult, BillingState, RunKind
from remotesupport.steps.operator.check import check_connection
from remotesupport.steps.operator.department_overview import department_board
from remotesupport.steps.read.department_mapping import resolved_names
from tests.http_desk import HttpDesk, crossed_once, everything_sent, http_desk
from tests.three_billings import ThreeBillings, three_billings

OLD = "4.0.68"
REMOTE = "Technical support"


def opened(world: ThreeBillings, text: str, department: str = REMOTE) -> str:
    """A ticket of acme's client."""
    return str(world.acme.act(as_="ivan", do="open", subject="s", department=department, text=text)["ticket"])


def told(line: BillingResult) -> list[tuple[str, str, str]]:
    """(side, name, what) of the departments that changed."""
    return [(d["side"], d["name"], d["what"]) for d in line.departments]


async def a_run(desk: HttpDesk, kind: RunKind = RunKind.SYNC, **request: Any) -> BillingResult:
    """The line of acme."""
    (line,) = (await desk.run(kind, **request)).billings
    return line


def switch(world: ThreeBillings, *, on: bool) -> None:
    """A row of "Remote support departments" in the main billing."""
    world.main.act(do="remote_department", login="acme", remote=REMOTE, active=on)


@pytest.mark.thorough("many runs over real HTTP")
@pytest.mark.parametrize("version", ["6.94.1", OLD])
async def test_switched_off_in_main_it_stops_and_on_again_it_catches_up(tmp_path: Path, version: str) -> None:
    """From the next minute on nothing of it crosses; nothing that was said meanwhile is lost or repeated."""
    with three_billings(tmp_path, main_version=OLD, acme_version=version) as world:
        first = opened(world, "E1")
        async with http_desk(world) as desk:
            await desk.run()
            switch(world, on=False)
            world.acme.act(as_="ivan", do="reply", ticket=first, text="E2")
            second = opened(world, "F1")
            for minute in range(4):
                if minute == 2:
                    world.main.act(as_="anna", do="reply", ticket=world.copy(f"[acme #{first}]"), text="M1")
                line = await a_run(desk)
                assert (line.state, line.written) == (BillingState.OK, 0)
            switch(world, on=True)
            await desk.drain()
            crossed_once(world.main, world.copy(f"[acme #{first}]"), ["E1", "E2"])
            crossed_once(world.acme, first, ["E1", "M1"])
            crossed_once(world.main, world.copy(f"[acme #{second}]"), ["F1"])


@pytest.mark.thorough("many runs over real HTTP")
async def test_what_waited_in_a_department_crosses_when_it_gets_a_correspondence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen for minutes before anybody mapped it, far down the list by now: nothing is lost."""
    monkeypatch.setitem(View.pages.__kwdefaults__, "page_size", 2)  # type: ignore[arg-type]
    with three_billings(tmp_path, main_version=OLD) as world:
        world.acme.act(do="user", login="support-robot", departments=[REMOTE, "Sales"])
        waiting = {text: opened(world, text, "Sales") for text in ("S1", "S2", "S3")}
        closed = opened(world, "CLOSED-BEFORE", "Sales")
        world.acme.act(as_="admin", do="close", ticket=closed)
        for n in range(4):
            opened(world, f"E{n}")
        async with http_desk(world) as desk:
            for _minute in range(3):
                await a_run(desk)
            world.main.act(do="remote_department", login="acme", remote="Sales", department="Outsourced support")
            await desk.drain()
            for text, ticket in waiting.items():
                crossed_once(world.main, world.copy(f"[acme #{ticket}]"), [text])
            assert "CLOSED-BEFORE" not in everything_sent(world.main)


async def test_a_pair_that_only_the_list_has_corresponds(tmp_path: Path) -> None:
    """What people add in the main billing needs no change of the configuration."""
    with three_billings(tmp_path, main_version=OLD) as world:
        world.acme.act(do="user", login="support-robot", departments=[REMOTE, "Sales"])
        world.main.act(do="remote_department", login="acme", remote="Sales", department="Outsourced support")
        ticket = opened(world, "S1", "Sales")
        async with http_desk(world) as desk:
            await desk.drain()
            crossed_once(world.main, world.copy(f"[acme #{ticket}]"), ["S1"])


async def test_a_difference_is_named_and_its_tickets_wait(tmp_path: Path) -> None:
    """Where configuration and list say otherwise nothing is guessed, nothing departs, and the run says what to do."""
    with three_billings(tmp_path, main_version=OLD) as world:
        ticket = opened(world, "E1")
        async with http_desk(world) as desk:
            await desk.drain()
            world.main.act(do="remote_department", login="acme", remote=REMOTE, delete=True)
            world.main.act(do="remote_department", login="acme", remote="Billing", department="Outsourced support")
            world.acme.act(as_="ivan", do="reply", ticket=ticket, text="E2")
            line = await a_run(desk)
            assert (line.state, line.written) == (BillingState.FAILED, 0)
            assert "not in the main billing's list" in line.reason
            world.main.act(do="remote_department", login="acme", remote=REMOTE, department="Outsourced support")
            world.main.act(do="remote_department", login="acme", remote="Billing", delete=True)
            await desk.drain()
            crossed_once(world.main, world.copy(f"[acme #{ticket}]"), ["E1", "E2"])


async def test_a_renamed_department_keeps_its_correspondence_and_is_reported_once(tmp_path: Path) -> None:
    """Tickets go on crossing under the new name; the run, and the board from then on, say what it was called."""
    with three_billings(tmp_path) as world:
        ticket = opened(world, "E1")
        async with http_desk(world) as desk:
            await desk.drain()
            world.acme.act(do="department", department=REMOTE, name="Support, second line")
            world.acme.act(as_="ivan", do="reply", ticket=ticket, text="E2")
            line = await a_run(desk)
            assert told(line) == [("external", "Support, second line", "renamed")]
            assert (line.state, line.written) == (BillingState.OK, 1)
            assert told(await a_run(desk)) == []
            crossed_once(world.main, world.copy(f"[acme #{ticket}]"), ["E1", "E2"])
            known = resolved_names(desk.context.store, "acme")
            history = desk.context.store.department_history("acme")
            connection = desk.context.connections["acme"]
            rows = await check_connection(connection, desk.context.settings.main, known)
            assert [row for row in rows if not row.ok] == []
            board = await department_board(connection, known, history)
            assert any(d.enabled and d.change == "renamed" for d in board.departments)
            assert "called 'Support, second line' now" in "".join(board.notes)


@pytest.mark.thorough("a second of CPU time; a difference between configuration and list is in `make test`")
async def test_a_name_that_another_department_took_over_is_not_believed(tmp_path: Path) -> None:
    """When the configured name means another department than before, its tickets wait for a person; none departs."""
    with three_billings(tmp_path) as world:
        world.acme.act(do="user", login="support-robot", departments=[REMOTE, "Sales"])
        opened(world, "E1")
        opened(world, "SALES-CANARY", "Sales")
        async with http_desk(world) as desk:
            await desk.drain()
            world.acme.act(do="department", department=REMOTE, name="Old support")
            world.acme.act(do="department", department="Sales", name=REMOTE)
            line = await a_run(desk)
            assert (line.state, line.written) == (BillingState.FAILED, 0)
            assert "Write the id that is meant" in line.reason


@pytest.mark.thorough("a second of CPU time; a renamed department is told once in `make test`")
async def test_new_unflagged_and_gone_departments_are_told_once_and_a_plan_records_nothing(tmp_path: Path) -> None:
    """Each has its row in the plan and in the run that records it, and none in the next."""
    with three_billings(tmp_path, acme_version=OLD) as world:
        async with http_desk(world) as desk:
            await desk.drain()
            world.acme.act(do="department_flag", department="Sales")
            for kind, more in ((RunKind.PLAN, {"plan_only": True}), (RunKind.SYNC, {})):
                assert told(await a_run(desk, kind, **more)) == [("external", "Sales", "flagged")]
            world.acme.act(do="department_flag", department="Sales", remote=False)
            assert told(await a_run(desk)) == [("external", "Sales", "unflagged")]
            assert told(await a_run(desk)) == []
