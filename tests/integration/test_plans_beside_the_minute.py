"""Whoever only reads sees no conflict where there is none, whatever a sync does in the middle of it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.memory import MemoryCall
from remotesupport.core.model import ChangeKind, Reason
from remotesupport.core.plan.plan import from_json
from remotesupport.core.run import BillingResult, RunKind, RunReport, RunRequest
from remotesupport.steps.cycle import cycle
from remotesupport.steps.read.reread import LOOKS
from tests.cycle_fixtures import Desk
from tests.inline_executor import Inline
from tests.simulation.laws import look_at_the_laws
from tests.simulation.machine import GUARD
from tests.simulation.people import People

CONNECTIONS, ROUNDS = 20, 10  # 10 rounds: 200 reads of a connection, each with a sync in the middle of it
CALLS = 8  # what reading a connection takes, most times
KINDS = (RunKind.PLAN, RunKind.BACKFILL, RunKind.AUDIT)


INSIDE: ContextVar[bool] = ContextVar("inside", default=False)


class Between:
    """Ahead of call number ``at`` of a run everything stands still while something else happens, from its beginning to
    its end. A call takes ``turns`` turns of the loop, so where each connection stands by then is drawn."""

    def __init__(
        self, desk: Desk, at: int, happens: Callable[[], Awaitable[None]], turns: Callable[[], int] = lambda: 0
    ) -> None:
        self.desk, self.at, self.happens, self.turns = desk, at, happens, turns
        self.calls = 0
        self.beside: asyncio.Task[None] | None = None
        for world in (desk.main, *desk.externals.values()):
            world.before["*"] = self._before

    async def _before(self, call: MemoryCall) -> None:
        if INSIDE.get():
            return
        self.calls += 1
        if self.calls == self.at:
            self.beside = asyncio.create_task(self._happen())
        if self.beside is not None:
            await self.beside
        for _ in range(self.turns()):
            await asyncio.sleep(0)

    async def _happen(self) -> None:
        INSIDE.set(True)  # in this task and those that it starts
        await self.happens()

    def over(self) -> bool:
        """From now on calls are calls. Whether it happened."""
        for world in (self.desk.main, *self.desk.externals.values()):
            world.before.clear()
        return self.beside is not None


def request(desk: Desk, kind: RunKind) -> RunRequest:
    """A plan, a backfill that only plans, or an audit."""
    since = desk.clock.now - timedelta(days=30) if kind is RunKind.BACKFILL else None
    return RunRequest(kind, since=since, plan_only=kind is not RunKind.AUDIT, quiet=kind is RunKind.BACKFILL)


def conflicts(report: RunReport) -> list[str]:
    """What the run calls a conflict, or failed at."""
    return [f"{report.kind}: {b.name}: {b.reason}" for b in report.billings if b.changes["conflict"]]


async def sync(desk: Desk) -> None:
    """The minute's, a moment later."""
    desk.clock.advance(1)
    await cycle(desk.context.for_run(None), RunRequest(RunKind.SYNC))


@pytest.mark.thorough("thirteen seconds of CPU time; one sync beside a plan is in `make test`")
async def test_a_sync_beside_a_plan_makes_no_conflict_of_anything_200_times(tmp_path: Path) -> None:
    """Plans, backfills that only plan, and audits of 20 connections, with people and a whole sync in the middle of it:
    none finds a conflict, and in the end every message has crossed once, in order."""
    asyncio.get_running_loop().set_default_executor(Inline())
    chance = random.Random(7)
    names = [f"c{n:02}" for n in range(CONNECTIONS)]
    desk = Desk(tmp_path, *names, extra=GUARD)
    people = [People(f"beside/{n}", n, desk.externals[n], desk.main) for n in names]
    found = list[str]()

    async def minute() -> None:
        for person in people:
            person.act(2)
        await sync(desk)

    await desk.run()
    for number in range(ROUNDS):
        for person in people:
            person.act(2)
        desk.clock.advance(60)
        at = chance.randint(1, CALLS * CONNECTIONS)
        between = Between(desk, at, minute, lambda: chance.randint(0, 9))
        report = await cycle(desk.context, request(desk, KINDS[number % len(KINDS)]))
        assert between.over()
        found += conflicts(report)
    assert found == []
    for _ in range(3):
        await desk.run()
    look_at_the_laws(desk, {f"{p.name} {t}" for p in people for t in p.elsewhere}, set())
    desk.store.close()


@pytest.fixture
async def linked(tmp_path: Path) -> tuple[Desk, str]:
    """A desk with one ticket on both sides."""
    desk = Desk(tmp_path, "acme")
    ticket = desk.externals["acme"].client_opens("ivan", "Technical support", "one", "words")
    await desk.run()
    await desk.run()
    return desk, ticket


def line(report: RunReport) -> BillingResult:
    """The only one."""
    (only,) = report.billings
    return only


EACH = pytest.mark.thorough("two syncs for each call of a run take 20 s of CPU; every third is in `make test`")


LONGER = pytest.mark.thorough("an audit makes more calls than a plan, and reads by the same steps")


@pytest.mark.thorough("three seconds of CPU time; many syncs beside a plan are in `make test`")
@pytest.mark.parametrize("step", [3, pytest.param(1, marks=EACH)])
@pytest.mark.parametrize("kind", [RunKind.PLAN, pytest.param(RunKind.AUDIT, marks=LONGER)])
async def test_a_sync_ahead_of_any_call_makes_no_conflict(linked: tuple[Desk, str], kind: RunKind, step: int) -> None:
    """Ahead of each call that a run makes, one after the other: people act on both sides and a whole sync runs."""
    desk, ticket = linked
    asyncio.get_running_loop().set_default_executor(Inline())
    acme, (copy,) = desk.externals["acme"], desk.main_tickets("acme")

    async def minute() -> None:
        acme.client_writes(ticket, "in the middle")
        desk.main.staff_replies(copy, "an answer in the middle")
        acme.client_opens("ivan", "Technical support", "another", "words")
        await sync(desk)

    acme.client_writes(ticket, "first")
    alone = Between(desk, 0, minute)
    await cycle(desk.context, request(desk, kind))
    assert alone.calls >= CALLS
    found = list[str]()
    for point in range(1, alone.calls + 1, step):
        acme.client_writes(ticket, "before")
        desk.clock.advance(60)
        between = Between(desk, point, minute)
        report = await cycle(desk.context, request(desk, kind))
        assert between.over()
        found += conflicts(report)
        await sync(desk)
    assert found == []
    desk.store.close()


@pytest.mark.thorough("two seconds of CPU time; one sync beside a plan is in `make test`")
async def test_what_moves_at_each_look_is_pending(linked: tuple[Desk, str]) -> None:
    """A ticket to which a sync writes ahead of each look at it is pending, nothing is planned for it, and the exit
    status is 0."""
    desk, ticket = linked
    looks, inside, acme = 0, False, desk.externals["acme"]
    acme.client_writes(ticket, "first")

    async def always(call: MemoryCall) -> None:
        nonlocal looks, inside
        if inside:
            return
        inside, looks = True, looks + 1
        acme.client_writes(ticket, f"and {looks}")
        await sync(desk)
        inside = False

    acme.before["thread"] = always
    report = await desk.run(RunKind.PLAN, plan_only=True)
    assert looks >= LOOKS
    assert (report.exit_status, line(report).changes["conflict"], line(report).changes["post"]) == (0, 0, 0)
    assert line(report).reasons == {str(Reason.PENDING): 1}
    desk.store.close()


async def test_a_true_conflict_is_found_beside_a_sync(linked: tuple[Desk, str]) -> None:
    """What contradicts after the last look is a conflict, though its ticket has moved while it was read."""
    desk, ticket = linked
    (copy,) = desk.main_tickets("acme")

    async def minute() -> None:
        desk.externals["acme"].client_writes(ticket, "more")
        await sync(desk)
        desk.main.find(copy).subject = "renamed by somebody"

    between = Between(desk, 7, minute)
    report = await cycle(desk.context, request(desk, RunKind.AUDIT))
    assert between.over()
    assert (report.exit_status, line(report).changes["conflict"]) == (3, 1)
    assert f"main ticket {copy} does not begin with [acme #{ticket}]" in line(report).reason
    desk.store.close()


async def test_a_plan_lists_what_is_left_and_not_what_a_sync_has_just_done(linked: tuple[Desk, str]) -> None:
    """A message that a sync carries while a plan reads is not in the plan; one that comes after the sync's look is."""
    desk, ticket = linked
    acme = desk.externals["acme"]
    acme.client_writes(ticket, "carried meanwhile")

    async def minute() -> None:
        await sync(desk)
        acme.client_writes(ticket, "comes later")

    between = Between(desk, 7, minute)
    report = await cycle(desk.context, request(desk, RunKind.PLAN))
    assert between.over()
    saved = desk.store.plan(str(line(report).plan_id))
    assert saved is not None
    assert saved.plan_json is not None
    changes = from_json(saved.plan_json).changes
    assert changes["kind"].tolist() == [ChangeKind.POST]
    assert changes["body"].tolist()[0].endswith("comes later")
    desk.store.close()
