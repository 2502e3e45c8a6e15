"""Habits that a server does not tell: nothing that rests on them crosses, and runs and ``check`` say so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from remotesupport.core.run import BillingResult, BillingState
from tests.http_desk import HttpDesk, http_desk
from tests.main_job import MainJob
from tests.three_billings import texts, three_billings


@asynccontextmanager
async def between(folder: Path, main: dict[str, str], acme: dict[str, str]) -> AsyncIterator[MainJob]:
    """The main job, begun by nobody yet, between two servers of these habits."""
    with three_billings(folder, main_habits=main, acme_habits=acme) as world:
        async with http_desk(world) as desk:
            yield MainJob(desk)


async def begun(job: MainJob) -> BillingResult:
    """Ivan opens two tickets, and two runs have passed → the last one's line."""
    with pytest.raises(ValueError, match="not enough values"):
        await job.to_main()
    assert job.world.main.state()["tickets"] == []
    return job.reports[-1].billings[0]


async def test_a_department_that_nobody_says_is_not_understood(tmp_path: Path) -> None:
    """Where rows and forms name an employee only, nothing crosses, the run fails, and the ticket is named."""
    async with between(tmp_path, {}, {"responsible": "employee"}) as job:
        line = await begun(job)
        assert (line.state, line.not_understood) == (BillingState.FAILED, 2)
        assert "not understood" in line.reason
        assert f"ticket {job.other}" in line.reason
        assert job.reports[-1].exit_status == 1


async def test_a_state_that_nobody_says_is_not_understood(tmp_path: Path) -> None:
    """Where staff are not told any ticket's state, nothing crosses, and the habit and its cure are named."""
    async with between(tmp_path, {}, {"state": "lists"}) as job:
        line = await begun(job)
        assert (line.state, line.not_understood) == (BillingState.FAILED, 2)
        assert "'state'" in line.reason
        assert "remotesupport habits --billing acme" in line.reason
        assert job.reports[-1].exit_status == 1


async def test_client_types_that_contradict_stop_the_connection(tmp_path: Path) -> None:
    """Where our own reply comes back as the client's, nothing more is written, and a person is asked."""
    async with between(tmp_path, {}, {"staff_types": "client_outcoming"}) as job:
        await job.to_main()
        job.world.main.act(as_="anna", do="reply", ticket=job.copy, text="An answer.")
        await job.runs(3)
        line, written = job.reports[-1].billings[0], len(job.world.acme.requests())
        assert "'staff_types'" in line.reason
        assert "remotesupport habits accept staff_types=" in line.reason
        assert job.reports[-1].exit_status == 3
        assert texts(job.world.acme, job.ticket).count("An answer.") == 1
        job.world.main.act(as_="anna", do="reply", ticket=job.copy, text="Another.")
        await job.runs()
        assert "Another." not in texts(job.world.acme, job.ticket)
        assert written  # the connection is still looked at


@pytest.mark.thorough("two seconds of CPU time; habits that cannot be told are in `make test`")
async def test_a_linked_ticket_that_is_shown_nowhere_waits_and_says_so(tmp_path: Path) -> None:
    """What a client says in a ticket whose department is not told any more waits in words, and crosses once it is."""
    acme = {"after_answer": "closed", "reply_reopens": "no", "responsible": "employee_with_queue_row"}
    async with between(tmp_path, {}, acme) as job:
        await job.to_main()
        await job.answered()
        job.world.acme.act(as_="ivan", do="reply", ticket=job.ticket, text="Still broken.")
        await job.runs()
        line = job.reports[-1].billings[0]
        assert (line.state, line.reasons) == (BillingState.FAILED, {"in_sync": 1, "not_understood": 1})
        assert "does not say any more in which department" in line.reason
        job.world.acme.act(as_="admin", do="transfer", ticket=job.ticket, department="Technical support")
        await job.runs()
        assert job.heard("Still broken.") == 1
        assert job.reports[-1].billings[0].state is BillingState.OK


@pytest.mark.thorough("two seconds of CPU time each; a first ticket that is refused is in `make test`")
@pytest.mark.parametrize("refusal", ["blocked", "paid"])
async def test_writes_that_are_refused_for_a_while_wait_and_are_made_once(tmp_path: Path, refusal: str) -> None:
    """What the main billing takes from nobody for now is parked, makes the run fail, and crosses once it is taken."""
    async with between(tmp_path, {"message_refusal": refusal}, {}) as job:
        line = await begun(job)
        assert (line.state, line.parked, line.reasons["pending"]) == (BillingState.FAILED, 1, 1)
        assert "waits until a write to main has shown" in str(line.failures)
        job.world.main.core.habits.choose({"message_refusal": "none"})
        await _until_crossed(job)


async def test_a_first_ticket_that_is_refused_for_its_length_holds_up_no_other(tmp_path: Path) -> None:
    """Only one ticket is written until a write has shown who speaks; one that main refuses comes later, in short."""
    async with between(tmp_path, {"message_refusal": "too_long"}, {}) as job:
        job.acme("ivan", "open", department="Technical support", subject="Long", text="long " * 600)
        await job.desk.run()
        assert job.world.main.state()["tickets"] == []
        await job.to_main()
        assert job.desk.context.store.parked(["acme"]) == []
        (long,) = [t for t in job.world.main.state()["messages"] if "long long" in t["text"]]
        assert "characters are left out here" in long["text"]


async def _until_crossed(job: MainJob) -> None:
    desk: HttpDesk = job.desk
    for _ in range(12):
        await desk.run(later=300)
    assert job.heard("first words") == 1


@pytest.mark.thorough("two seconds of CPU time; habits that cannot be told are in `make test`")
async def test_what_was_learned_survives_a_restart_and_a_change_stops(tmp_path: Path) -> None:
    """A fresh process knows what was learned, and a server that then answers otherwise is not written to."""
    async with between(tmp_path, {"types": "by_direction"}, {}) as job:
        await job.to_main()
        await job.answered()
        kept = {(e.side.value, e.habit, e.answer) for e in job.desk.context.store.habit_evidence("acme")}
        assert ("main", "types", "by_direction") in kept
        await job.desk.aclose()
        job.desk.context = job.desk.open()
        await job.two_equal_messages()
        job.world.main.core.habits.choose({"types": "by_viewer"})
        job.world.acme.act(as_="ivan", do="reply", ticket=job.ticket, text="after the update")
        await job.runs()
        line = job.reports[-1].billings[0]
        assert "'types'" in line.reason
        assert job.heard("after the update") == 0
        assert job.reports[-1].exit_status == 3


@pytest.mark.thorough("a rebuild after a loss is in `make test`")
async def test_a_lost_store_costs_one_relearning_and_no_wrong_write(tmp_path: Path) -> None:
    """Without what was learned the next run learns it anew, and nothing crosses twice."""
    async with between(tmp_path, {"types": "by_direction"}, {"responsible": "name"}) as job:
        await job.to_main()
        await job.answered()
        await job.desk.aclose()
        job.desk.url = f"sqlite:///{tmp_path / 'another.sqlite3'}"
        job.desk.context = job.desk.open()
        await job.runs(3)
        await job.two_equal_messages()
        await job.closed_and_written_to_again()
        await job.nothing_is_left()
