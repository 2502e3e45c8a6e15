"""What a run does with tickets, on billings in memory and a real store."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.errors import AccessDenied, ProtocolError, Retriable, UnknownOutcome
from connectors.memory import MemoryCall
from remotesupport.bootstrap import open_context
from remotesupport.core.run import BillingState, RunKind, RunRequest
from remotesupport.settings import SecretRef
from remotesupport.steps.read.bounded_starts import AT_ONCE
from remotesupport.steps.selection import taking_part
from tests.cycle_fixtures import Desk, settings_for


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path, "acme", "globex")
    yield desk
    desk.store.close()


async def test_a_new_ticket_crosses_and_its_answer_comes_back(desk: Desk) -> None:
    """A ticket of a remote department is in main after one run, the answer with the client after the next."""
    acme = desk.externals["acme"]
    ticket = acme.client_opens("ivan", "Technical support", "Сайт не открывается", "Помогите 🙏")
    first = await desk.run()
    [copy] = desk.main_tickets("acme")
    assert desk.main.find(copy).subject == f"[acme #{ticket}] Сайт не открывается"
    assert "Помогите 🙏" in desk.main.bodies(copy)[0]
    desk.main.staff_replies(copy, "Починили.")
    second = await desk.run()
    assert acme.bodies(ticket)[-1] == "Починили."
    assert [b.state for b in (*first.billings, *second.billings)] == [BillingState.OK] * 4


async def test_a_run_without_human_action_writes_nothing(desk: Desk) -> None:
    """After everything has crossed, further runs write nothing and soon read no thread."""
    acme = desk.externals["acme"]
    ticket = acme.client_opens("ivan", "Technical support", "Q", "one")
    await desk.run()
    desk.main.staff_replies(desk.main_tickets("acme")[0], "two")
    acme.client_writes(ticket, "three")
    await desk.run()
    before = desk.writes()
    for _ in range(3):
        await desk.run()
    assert desk.writes() == before
    calls = len(acme.calls)
    await desk.run()
    assert [c.function for c in acme.calls[calls:]] == ["departments", "pages", "pages"]


async def test_a_transferred_ticket_arrives_with_its_history(desk: Desk) -> None:
    """A ticket moved into the remote department later brings its whole conversation as one opening message."""
    acme = desk.externals["acme"]
    ticket = acme.client_opens("ivan", "Sales", "Q", "first words")
    acme.staff_replies(ticket, "local answer")
    await desk.run()
    assert desk.main_tickets("acme") == []
    acme.transfer(ticket, "Technical support")
    await desk.run()
    [copy] = desk.main_tickets("acme")
    [opening] = desk.main.bodies(copy)
    assert opening.index("first words") < opening.index("local answer")


async def test_other_departments_and_notes_never_cross(desk: Desk) -> None:
    """Nothing of another department and no internal note, on either side, is in any write."""
    acme = desk.externals["acme"]
    acme.people["robot"].departments.add(acme.department("Sales"))
    acme.client_opens("ivan", "Sales", "S3CRET-SUBJECT", "S3CRET-BODY")
    ticket = acme.client_opens("ivan", "Technical support", "Q", "public")
    acme.note(ticket, "S3CRET-NOTE")
    acme.note(ticket, "S3CRET-KIND", kind="whisper")
    await desk.run()
    [copy] = desk.main_tickets("acme")
    desk.main.note(copy, "S3CRET-MAIN")
    desk.main.staff_replies(copy, "answer")
    await desk.run()
    written = repr([c.args for w in (desk.main, acme) for c in w.writes()])
    assert "answer" in written
    assert "S3CRET" not in written
    opened = {c.args["ticket"] for c in acme.calls if c.function == "thread"}
    assert opened == {ticket}


@pytest.mark.thorough("a second of CPU time; equal texts are told apart in the generated histories of `make test`")
async def test_two_equal_client_messages_stay_two(desk: Desk) -> None:
    """Equal texts of one client are two messages, also within one second."""
    acme = desk.externals["acme"]
    ticket = acme.client_opens("ivan", "Technical support", "Q", "opening")
    await desk.run()
    acme.client_writes(ticket, "ping")
    acme.client_writes(ticket, "ping")
    await desk.run()
    await desk.run()
    [copy] = desk.main_tickets("acme")
    assert len([b for b in desk.main.bodies(copy) if b.endswith("ping")]) == 2


OTHER_ERRORS = pytest.mark.thorough("the same law for other errors; one that may pass is in `make test`")


@pytest.mark.parametrize(
    "error", [Retriable, *(pytest.param(error, marks=OTHER_ERRORS) for error in (ProtocolError, AccessDenied))]
)
async def test_a_broken_billing_stops_nobody_else(desk: Desk, error: type[Exception]) -> None:
    """One billing's fault closes nothing, is named with its cause, and the others are loaded in the same run."""
    acme, globex = desk.externals["acme"], desk.externals["globex"]
    acme.client_opens("ivan", "Technical support", "Q", "one")
    await desk.run()

    def broken(call: object) -> None:
        raise error("half a page came", billing="acme", function="ticket_all")

    acme.before["pages"] = broken
    globex.client_opens("maria", "Technical support", "W", "two")
    report = await desk.run()
    lines = {b.name: b for b in report.billings}
    assert lines["acme"].state is BillingState.FAILED
    assert "half a page came" in lines["acme"].reason
    assert "acme" in report.headline
    assert len(desk.main_tickets("globex")) == 1
    assert ("main", "close") not in desk.writes()
    acme.before.clear()
    desk.clock.advance(600)
    assert [b.state for b in (await desk.run()).billings] == [BillingState.OK, BillingState.OK]


async def test_an_empty_list_where_the_ledger_has_tickets_stops_the_connection(desk: Desk) -> None:
    """A billing that suddenly shows nothing is stopped by the guard, and nothing is closed."""
    acme = desk.externals["acme"]
    acme.client_opens("ivan", "Technical support", "Q", "one")
    await desk.run()
    acme.tickets.clear()
    report = await desk.run(RunKind.AUDIT)
    assert {b.name: b.state for b in report.billings}["acme"] is BillingState.STOPPED
    assert ("main", "close") not in desk.writes()


async def test_a_stopped_plan_is_applied_by_its_id(desk: Desk) -> None:
    """The guard stops sixty creates; nothing is written until a person applies that plan, and then exactly it."""
    acme = desk.externals["acme"]
    for n in range(60):
        acme.client_opens("ivan", "Technical support", f"Q{n}", "text")
    report = await desk.run(billings=("acme",))
    [line] = report.billings
    assert line.state is BillingState.STOPPED
    assert line.plan_id is not None
    assert line.plan_id in line.reason
    assert desk.main_tickets("acme") == []
    again = await desk.run(billings=("acme",))
    assert again.billings[0].plan_id == line.plan_id
    done = await desk.run(RunKind.APPLY, plan_id=line.plan_id)
    assert done.billings[0].written == 60
    assert len(desk.main_tickets("acme")) == 60
    after = await desk.run()
    assert [b.written for b in after.billings] == [0, 0]


async def test_a_stale_plan_is_refused_with_what_moved(desk: Desk) -> None:
    """A plan whose rows have moved on is refused, names what moved, and writes nothing."""
    acme = desk.externals["acme"]
    ticket = acme.client_opens("ivan", "Technical support", "Q", "text")
    planned = await desk.run(billings=("acme",), plan_only=True)
    acme.client_writes(ticket, "more")
    refused = await desk.run(RunKind.APPLY, plan_id=planned.billings[0].plan_id)
    assert "stale" in refused.billings[0].reason
    assert ticket in refused.billings[0].reason
    assert desk.writes() == []


async def test_reasons_add_up_to_the_tickets_read(desk: Desk) -> None:
    """Each external ticket read has exactly one reason."""
    acme = desk.externals["acme"]
    acme.people["robot"].departments.add(acme.department("Sales"))
    acme.client_opens("ivan", "Technical support", "Q", "text")
    acme.client_opens("ivan", "Sales", "Q", "text")
    bad = acme.client_opens("ivan", "Technical support", "Q", "text")
    acme.poison(bad)
    report = await desk.run(billings=("acme",))
    [line] = report.billings
    assert line.reasons == {"in_sync": 1, "department_not_remote": 1, "invalid_row": 1}
    assert line.tickets_read == 3
    assert line.quarantined == 1


async def test_a_ticket_that_an_employee_holds_crosses_like_any_other(desk: Desk) -> None:
    """A ticket taken by a person, so that its row hides the department, arrives and its later messages too."""
    acme = desk.externals["acme"]
    ticket = acme.client_opens("ivan", "Technical support", "Q", "one")
    acme.take(ticket)
    await desk.run()
    acme.client_writes(ticket, "two")
    await desk.run()
    [copy] = desk.main_tickets("acme")
    assert [body.splitlines()[-1] for body in desk.main.bodies(copy)] == ["one", "two"]
    report = await desk.run()
    assert report.billings[0].reasons == {"in_sync": 1}


async def test_a_close_crosses_once_and_stays(desk: Desk) -> None:
    """A close by the client reaches main, whether staff hold it there or not, and nobody's ticket is opened again."""
    acme = desk.externals["acme"]
    held = acme.client_opens("ivan", "Technical support", "held", "one")
    free = acme.client_opens("ivan", "Technical support", "free", "one")
    await desk.run()
    _, second = desk.main_tickets("acme")
    desk.main.staff_replies(second, "answer")
    await desk.run()
    acme.archive(held)
    acme.archive(free)
    await desk.run()
    first, second = desk.main_tickets("acme")
    assert "closed there" in desk.main.bodies(first)[-1]
    assert desk.main.find(second).status == 10
    writes = desk.writes()
    for _ in range(3):
        await desk.run()
    assert desk.writes() == writes
    assert [acme.find(t).status for t in (held, free)] == [10, 10]


async def test_a_ticket_that_leaves_is_noted_and_its_return_opens_the_same_one(desk: Desk) -> None:
    """Leaving the remote department is told in main once; coming back opens the same main ticket again."""
    acme = desk.externals["acme"]
    acme.people["robot"].departments.add(acme.department("Sales"))
    ticket = acme.client_opens("ivan", "Technical support", "Q", "one")
    await desk.run()
    [copy] = desk.main_tickets("acme")
    acme.transfer(ticket, "Sales")
    await desk.run()
    await desk.run(RunKind.AUDIT)
    assert "has left the remote department" in desk.main.bodies(copy)[-1]
    acme.client_writes(ticket, "to sales only")
    await desk.run()
    acme.transfer(ticket, "Technical support")
    await desk.run()
    await desk.run()
    assert desk.main_tickets("acme") == [copy]
    texts = "\n".join(desk.main.bodies(copy))
    assert "is back in a remote department" in texts
    assert texts.count("has left the remote department") == 1


@pytest.mark.thorough("a second of CPU time; edits that go to and fro are in `make test`")
async def test_an_edit_becomes_a_follow_up_once(desk: Desk) -> None:
    """An edited message is never rewritten: one follow-up says what it now reads, on either side."""
    acme = desk.externals["acme"]
    ticket = acme.client_opens("ivan", "Technical support", "Q", "one")
    await desk.run()
    [copy] = desk.main_tickets("acme")
    reply = desk.main.staff_replies(copy, "answer")
    await desk.run()
    acme.edit(str(acme.thread(acme.find(ticket))[0].id), "one, corrected")
    desk.main.edit(reply, "better answer")
    desk.main.find(copy).last_message = desk.clock()
    for _ in range(3):
        await desk.run()
    assert [b.splitlines()[-1] for b in desk.main.bodies(copy)].count("one, corrected") == 1
    assert acme.bodies(ticket)[-1] == "(edited) better answer"


async def test_a_lost_answer_to_a_write_is_adopted_not_repeated(desk: Desk) -> None:
    """A create, a post and a reply whose answers were lost are found by reading back and never sent again."""
    acme = desk.externals["acme"]

    def lost(call: object) -> None:
        raise UnknownOutcome("the answer did not come", billing="x", function="y")

    ticket = acme.client_opens("ivan", "Technical support", "Q", "one")
    desk.main.after["create"] = lost
    await desk.run()
    desk.main.after.clear()
    await desk.run()
    [copy] = desk.main_tickets("acme")
    acme.client_writes(ticket, "two")
    desk.main.staff_replies(copy, "answer")
    desk.main.after["reply"] = acme.after["reply"] = lost
    await desk.run()
    desk.main.after.clear()
    acme.after.clear()
    for _ in range(4):
        await desk.run()
    assert desk.main_tickets("acme") == [copy]
    assert [b.splitlines()[-1] for b in desk.main.bodies(copy)] == ["one", "answer", "two"]
    assert acme.bodies(ticket) == ["one", "two", "answer"]


async def test_a_password_that_is_not_there_stops_its_own_connection_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret that cannot be had is that connection's failed line, with the cure; the others are built."""
    settings = settings_for(tmp_path, "acme", "globex")
    monkeypatch.setenv("ROBOT", "invented")
    one = settings.external[0].model_copy(update={"password": SecretRef("env:NOT_THERE")})
    async with open_context(replace(settings, external=(one, settings.external[1]))) as context:
        assert list(context.connections) == ["globex"]
        names, lines = taking_part(context, RunRequest(RunKind.SYNC))
    assert names == ("globex",)
    assert [line.state for line in lines] == [BillingState.FAILED]
    assert "NOT_THERE" in lines[0].reason


async def test_a_process_that_was_held_up_sends_nothing(desk: Desk) -> None:
    """When time has passed between the intent and its request, nothing is sent; the next run writes it once."""
    acme = desk.externals["acme"]
    acme.client_opens("ivan", "Technical support", "Q", "one")
    intend = desk.store.intend

    def late(*given: object) -> object:
        intent = intend(*given)  # type: ignore[arg-type]
        desk.clock.advance(30)
        return intent

    desk.store.intend = late  # type: ignore[method-assign, assignment]
    report = await desk.run(billings=("acme",))
    assert "held up" in report.billings[0].reason
    assert desk.writes() == []
    desk.store.intend = intend  # type: ignore[method-assign]
    await desk.run()
    assert len(desk.main_tickets("acme")) == 1


async def test_a_run_never_logs_in_everywhere_in_one_moment(tmp_path: Path) -> None:
    """However many connections a run has, only so many begin to be read at once; all of them are read."""
    names = [f"billing-{number}" for number in range(AT_ONCE + 20)]
    desk = Desk(tmp_path, *names)
    here, most = set[str](), 0

    async def comes(call: MemoryCall) -> None:
        nonlocal most
        here.add(call.login)
        most = max(most, len(here))
        await asyncio.sleep(0.01)

    desk.main.before["identify"] = comes
    desk.main.after["identify"] = lambda call: here.discard(call.login)
    report = await desk.run()
    assert [line.name for line in report.billings if line.state is not BillingState.OK] == []
    assert (len(report.billings), most) == (len(names), AT_ONCE)
    desk.store.close()
