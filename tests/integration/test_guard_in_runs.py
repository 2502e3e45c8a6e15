"""The guard in whole runs: each connection is judged before its first write, and a person has the last word."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.memory import MemoryCall
from remotesupport.bootstrap import Context
from remotesupport.core.model import MEGABYTE
from remotesupport.core.run import BillingResult, BillingState, RunKind, RunReport, RunRequest
from remotesupport.steps.cycle import PLAIN, cycle
from remotesupport.steps.values import Accepted, Proposal, Snapshot
from remotesupport.store.states import PlanState
from tests.cycle_fixtures import Desk

OWN = "[external.guard]\ncreates = {}\n"


def with_limit_over_a_run(desk: Desk, creates: int) -> None:
    """From now on all connections together may create so many tickets in a run."""
    guard = desk.settings.guard.model_copy(update={"run_creates": creates})
    desk.context.settings = replace(desk.settings, guard=guard)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path, "acme", "globex")
    yield desk
    desk.store.close()


def line(report: RunReport, name: str = "acme") -> BillingResult:
    """One connection's line."""
    [found] = [b for b in report.billings if b.name == name]
    return found


async def crossed(desk: Desk, count: int) -> list[str]:
    """So many tickets of acme on both sides."""
    acme = desk.externals["acme"]
    tickets = [acme.client_opens("ivan", "Technical support", f"Q{n}", f"text {n}") for n in range(count)]
    await desk.run()
    await desk.run()
    return tickets


async def test_who_is_ready_together_is_judged_together_before_any_write(desk: Desk) -> None:
    """Connections that are read by the same time go through one pass, and none gets a write before its verdict."""
    log: list[str] = []
    for name, world in (("acme", desk.externals["acme"]), ("globex", desk.externals["globex"]), ("main", desk.main)):
        if name != "main":
            world.client_opens("ivan", "Technical support", "Q", "one")

        def note(call: MemoryCall) -> None:
            log.append("write" if call.write else "read")

        world.before["*"] = note

    async def judged(ctx: Context, request: RunRequest, snapshots: dict[str, Snapshot], accepted: Accepted) -> Proposal:
        proposal = await PLAIN.reconcile(ctx, request, snapshots, accepted)
        assert set(proposal.verdicts) == {"acme", "globex"}
        log.append("judged")
        return proposal

    desk.clock.advance(60)
    await cycle(desk.context, RunRequest(RunKind.SYNC), replace(PLAIN, reconcile=judged))
    assert log.count("judged") == 1
    assert log.count("write") == 2
    assert "write" not in log[: log.index("judged")]


async def test_all_connections_together_have_a_limit_over_a_run(tmp_path: Path) -> None:
    """What is over it is stopped in words, with its plan; each connection is below its own limit. The next run begins
    anew, and writes the rest."""
    desk = Desk(tmp_path, "acme", "globex", "initech", extra=OWN.format(5))
    with_limit_over_a_run(desk, 8)
    for world in desk.externals.values():
        for n in range(3):
            world.client_opens("ivan", "Technical support", f"Q{n}", "text")
    report = await desk.run()
    assert [line(report, name).written for name in desk.externals] == [3, 3, 0]
    assert (line(report, "initech").state, report.exit_status) == (BillingState.STOPPED, 3)
    assert (
        "3 planned, and 6 of other connections in this run; the limit for all of them" in line(report, "initech").reason
    )
    assert f"remotesupport apply {line(report, 'initech').plan_id}" in line(report, "initech").reason
    report = await desk.run()
    assert (line(report, "initech").written, report.exit_status) == (3, 0)
    desk.store.close()


@pytest.mark.thorough("a second of CPU time; the limit of all connections is in `make test`")
async def test_a_connections_own_higher_limit_may_be_used_by_it_alone(tmp_path: Path) -> None:
    """Where a person has raised one connection's limit above the run's, its plan is written."""
    desk = Desk(tmp_path, "acme", extra=OWN.format(50))
    with_limit_over_a_run(desk, 8)
    for n in range(20):
        desk.externals["acme"].client_opens("ivan", "Technical support", f"Q{n}", "text")
    assert line(await desk.run()).written == 20
    desk.store.close()


async def test_one_connections_stop_writes_its_neighbours_plan(desk: Desk) -> None:
    """A connection that the guard stops holds back none of another's rows, and none of its own is written."""
    for n in range(51):
        desk.externals["acme"].client_opens("ivan", "Technical support", f"Q{n}", "text")
    desk.externals["globex"].client_opens("maria", "Technical support", "Q", "text")
    report = await desk.run()
    assert line(report).state is BillingState.STOPPED
    assert line(report, "globex").written == 1
    assert desk.main_tickets("acme") == []


FEWER = pytest.mark.thorough("a second of CPU time; two may leave and three may not, in `make test`")


@pytest.mark.parametrize(
    ("away", "state"),
    [pytest.param(1, BillingState.OK, marks=FEWER), (2, BillingState.OK), (3, BillingState.STOPPED)],
)
async def test_departures_at_the_share(desk: Desk, away: int, state: BillingState) -> None:
    """Of ten linked tickets two may leave at once; a third stops the connection, and no note is written."""
    acme = desk.externals["acme"]
    acme.people["robot"].departments.add(acme.department("Sales"))
    for ticket in (await crossed(desk, 10))[:away]:
        acme.transfer(ticket, "Sales")
    assert line(await desk.run()).state is state
    told = sum("has left" in body for t in desk.main_tickets("acme") for body in desk.main.bodies(t))
    assert told == (away if state is BillingState.OK else 0)


@pytest.mark.thorough("a second of CPU time; a list that shows nothing stops its connection in `make test`")
async def test_a_department_list_without_ours_closes_nothing(desk: Desk) -> None:
    """When the remote department is not shown any more, no ticket departs or closes; when it is back, all goes on."""
    acme = desk.externals["acme"]
    acme.client_opens("ivan", "Technical support", "Q", "text")
    await desk.run()
    shown = dict(acme.departments)
    acme.departments.clear()
    for kind in (RunKind.SYNC, RunKind.AUDIT):
        assert line(await desk.run(kind)).state is not BillingState.OK
    [copy] = desk.main_tickets("acme")
    assert len(desk.main.bodies(copy)) == 1
    acme.departments.update(shown)
    assert line(await desk.run()).state is BillingState.OK
    assert len(desk.main.bodies(copy)) == 1


async def test_an_empty_list_departs_only_by_a_persons_word(desk: Desk) -> None:
    """When the only ticket is out of sight the connection stops in every run, until a person applies."""
    [ticket] = await crossed(desk, 1)
    acme = desk.externals["acme"]
    acme.delete(ticket)
    stopped = line(await desk.run())
    assert stopped.state is BillingState.STOPPED
    assert "remotesupport audit --billing acme" in stopped.reason
    plan_id = line(await desk.run(RunKind.AUDIT)).plan_id
    assert plan_id is not None
    done = line(await desk.run(RunKind.APPLY, plan_id=plan_id))
    assert (done.state, done.written) == (BillingState.OK, 1)
    assert line(await desk.run()).state is BillingState.OK


async def test_an_empty_main_billing_gets_no_second_copies(desk: Desk) -> None:
    """While main shows no ticket although some are linked, nothing new is created there."""
    await crossed(desk, 2)
    writes = desk.writes()
    desk.main.tickets.clear()
    desk.externals["acme"].client_opens("ivan", "Technical support", "new", "text")
    stopped = line(await desk.run())
    assert stopped.state is BillingState.STOPPED
    assert "main billing shows no tickets" in stopped.reason
    assert desk.writes() == writes


@pytest.mark.thorough("a second of CPU time; a stopped plan that is applied is in `make test`")
async def test_apply_writes_its_rows_and_no_other(desk: Desk) -> None:
    """What people do while a stopped plan waits is not in it: applied, exactly its rows are written."""
    acme = desk.externals["acme"]
    for n in range(51):
        acme.client_opens("ivan", "Technical support", f"Q{n}", "text")
    stopped = line(await desk.run())
    late = acme.client_opens("ivan", "Technical support", "late", "text")
    done = line(await desk.run(RunKind.APPLY, plan_id=stopped.plan_id))
    assert done.written == 51
    assert not any(f"#{late}]" in desk.main.find(t).subject for t in desk.main_tickets("acme"))


async def test_a_stale_plan_writes_nothing_of_itself(desk: Desk) -> None:
    """When one of fifty-one rows has moved on, none is written, and the refusal names that ticket."""
    acme = desk.externals["acme"]
    tickets = [acme.client_opens("ivan", "Technical support", f"Q{n}", "text") for n in range(51)]
    stopped = line(await desk.run())
    acme.client_writes(tickets[7], "more")
    refused = line(await desk.run(RunKind.APPLY, plan_id=stopped.plan_id))
    assert "stale" in refused.reason
    assert f"ticket {tickets[7]}" in refused.reason
    assert desk.writes() == []
    saved = desk.store.plan(stopped.plan_id or "")
    assert saved is not None
    assert saved.state == PlanState.STALE


async def test_a_department_marked_remote_without_a_correspondence_is_named(desk: Desk) -> None:
    """Where a billing marks its remote departments, a ticket in an unmapped one has that as its reason."""
    acme = desk.externals["acme"]
    acme.people["robot"].departments.add(acme.department("Sales"))
    ticket = acme.client_opens("ivan", "Sales", "Q", "text")
    view = desk.context.connections["acme"].external
    plain = view.departments

    async def marked() -> object:
        return [replace(row, remote=True) for row in await plain()]

    view.departments = marked  # type: ignore[assignment, method-assign]
    await desk.run()
    assert desk.store.reason_of("acme", ticket)[:1] == ("department_unmapped",)  # type: ignore[index]


async def test_a_flood_in_small_plans_waits_until_there_is_room(tmp_path: Path) -> None:
    """W11: what scheduled runs write in an hour has a limit; the rest waits, in words, and crosses by itself later."""
    desk = Desk(tmp_path, "acme", extra="[external.guard]\ncreates_an_hour = 3\n")
    acme = desk.externals["acme"]
    reports = []
    for number in range(5):
        acme.client_opens("ivan", "Technical support", f"Q{number}", "text")
        desk.clock.advance(60)
        reports.append(await desk.run())
    assert [report.billings[0].written for report in reports] == [1, 1, 1, 0, 0]
    assert reports[-1].exit_status == 3
    assert "3 within the last hour, and creates_an_hour is 3" in line(reports[-1]).reason
    desk.clock.advance(3600)
    assert (await desk.run()).exit_status == 0
    assert len(desk.main_tickets("acme")) == 5
    desk.store.close()


@pytest.mark.parametrize("told_in", ["file", "text"])
async def test_many_bytes_wait_until_there_is_room(tmp_path: Path, told_in: str) -> None:
    """Texts and files of what scheduled runs wrote in an hour are counted; what comes then waits, and crosses later."""
    desk = Desk(tmp_path, "acme", extra="[external.guard]\nmegabytes_an_hour = 2\n")
    acme, large = desk.externals["acme"], "x" * (MEGABYTE + 1)
    reports = []
    for number in range(4):
        text, files = ("text", [("large.txt", large.encode())]) if told_in == "file" else (large, [])
        acme.client_opens("ivan", "Technical support", f"Q{number}", text, files)
        desk.clock.advance(60)
        reports.append(await desk.run())
    assert [line(report).written for report in reports] == [1, 1, 0, 0]
    assert reports[-1].exit_status == 3
    assert "2 megabytes were written within the last hour, and megabytes_an_hour is 2" in line(reports[-1]).reason
    desk.clock.advance(3600)
    assert (await desk.run()).exit_status == 0
    assert len(desk.main_tickets("acme")) == 4
    desk.store.close()


@pytest.mark.thorough("a second of CPU time; the limit over time is in `make test`")
async def test_what_a_person_applies_is_not_counted_over_time(tmp_path: Path) -> None:
    """After a first import by hand the next ticket of the minute crosses as ever."""
    desk = Desk(tmp_path, "acme", extra="[external.guard]\ncreates_an_hour = 3\n")
    acme = desk.externals["acme"]
    for number in range(5):
        acme.client_opens("ivan", "Technical support", f"Q{number}", "text")
    planned = await desk.run(RunKind.PLAN, plan_only=True)
    await desk.run(RunKind.APPLY, plan_id=line(planned).plan_id)
    acme.client_opens("ivan", "Technical support", "one more", "text")
    desk.clock.advance(60)
    report = await desk.run()
    assert (report.exit_status, line(report).written) == (0, 1)
    desk.store.close()
