"""The way of docs/life-of-a-ticket.md over real HTTP: three emulated billings, a real store, and no Prefect."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from remotesupport.bootstrap import Context, open_context
from remotesupport.core.run import BillingResult, BillingState, RunKind, RunReport, RunRequest
from remotesupport.steps.cycle import cycle
from tests.three_billings import ThreeBillings, texts, three_billings

pytestmark = pytest.mark.e2e

SECRET = "PLANTED-NOTE-7431"  # invented; must never be seen outside its own billing's notes
WRITES = {"ticket.edit", "ticket_open.delete", "clientticket.edit", "clientticket.archive"}


class Life:
    """The billings and the product between them; a minute is one ``sync``."""

    def __init__(self, world: ThreeBillings, context: Context) -> None:
        self.world, self._context = world, context

    async def run(self, kind: RunKind = RunKind.SYNC) -> RunReport:
        """One run of every connection."""
        return await cycle(self._context, RunRequest(kind))

    def open(self, text: str = "Помогите 🙏", department: str = "Technical support") -> str:
        """Ivan writes a ticket in acme's billing."""
        acme = self.world.acme
        return acme.act(as_="ivan", do="open", department=department, subject="Сайт не открывается", text=text)[
            "ticket"
        ]

    def status(self, ticket: str) -> int:
        """Of a ticket in the main billing."""
        (found,) = [t["status"] for t in self.world.main.state()["tickets"] if t["id"] == ticket]
        return int(found)

    def written(self) -> int:
        """How many writes the product has sent to any billing."""
        return sum(_is_write(r) for billing in self._billings() for r in billing.requests())

    def sent(self) -> str:
        """Everything that the product has sent to any billing."""
        return repr([billing.requests() for billing in self._billings()])

    def _billings(self) -> tuple[Any, ...]:
        return self.world.main, self.world.acme, self.world.globex


def _is_write(request: dict[str, Any]) -> bool:
    return request["func"] in WRITES and request["params"].get("sok") == "ok"


def line(report: RunReport, name: str) -> BillingResult:
    """A connection's line of a run."""
    (found,) = [b for b in report.billings if b.name == name]
    return found


async def _no_wait(_seconds: float) -> None:
    """The waits between two reads of a broken billing are the product's, not the test's."""


@pytest.fixture
async def life(tmp_path: Path) -> AsyncIterator[Life]:
    with three_billings(tmp_path) as world:
        async with open_context(world.settings()) as context:
            context.sleep = _no_wait
            yield Life(world, context)


async def test_a_ticket_goes_there_and_its_answer_comes_back(life: Life) -> None:
    """Ivan's ticket is in main after one run, Anna's answer with him after the next, and then nothing is written."""
    ticket = life.open()
    await life.run()
    copy = life.world.copy(f"[acme #{ticket}] Сайт не открывается")
    [opening] = texts(life.world.main, copy)
    assert opening.startswith(f"acme #{ticket}/")
    assert "Иван Петров (client)" in opening
    assert opening.endswith("Помогите 🙏")
    life.world.main.act(as_="anna", do="reply", ticket=copy, text="Починили.")
    await life.run()
    assert texts(life.world.acme, ticket) == ["Помогите 🙏", "Починили."]
    before = life.written()
    reports = [await life.run() for _ in range(3)]
    assert life.written() == before
    assert [b.reasons for b in reports[-1].billings if b.name == "acme"] == [{"in_sync": 1}]


@pytest.mark.thorough("a second of CPU time; equal texts are told apart in the generated histories of `make test`")
async def test_two_equal_messages_within_a_second_are_two(life: Life) -> None:
    """A client who writes the same twice within one second is heard twice."""
    ticket = life.open("опять?")
    await life.run()
    life.world.acme.act(as_="ivan", do="reply", ticket=ticket, text="ping")
    life.world.acme.act(as_="ivan", do="reply", ticket=ticket, text="ping")
    for _ in range(2):
        await life.run()
    answers = texts(life.world.main, life.world.copy(f"[acme #{ticket}]"))
    assert [text.splitlines()[-1] for text in answers] == ["опять?", "ping", "ping"]


async def test_a_transfer_brings_the_whole_history(life: Life) -> None:
    """A ticket of a local department does not cross until it is moved, and then with every word of it."""
    ticket = life.open("первое слово", department="Sales")
    life.world.acme.act(as_="petr", do="reply", ticket=ticket, text="ответ на месте")
    await life.run()
    assert life.world.copies("[acme") == []
    life.world.acme.act(as_="petr", do="transfer", ticket=ticket, department="Technical support")
    await life.run()
    [opening] = texts(life.world.main, life.world.copy(f"[acme #{ticket}]"))
    assert opening.index("первое слово") < opening.index("ответ на месте")


@pytest.mark.thorough("three seconds of CPU time; the same without HTTP is in `make test`")
async def test_a_ticket_that_leaves_is_noted_and_returns_to_the_same_copy(life: Life) -> None:
    """An audit sees that a ticket has left, main is told once, and when it returns there is still one copy."""
    life.world.acme.act(do="user", login="support-robot", departments=["Technical support", "Sales"])
    ticket = life.open()
    await life.run()
    copy = life.world.copy(f"[acme #{ticket}]")
    life.world.acme.act(as_="olga", do="transfer", ticket=ticket, department="Sales")
    for _ in range(2):
        await life.run(RunKind.AUDIT)
    assert "has left the remote department" in texts(life.world.main, copy)[-1]
    life.world.acme.act(as_="petr", do="transfer", ticket=ticket, department="Technical support")
    for _ in range(2):
        await life.run(RunKind.AUDIT)
    assert life.world.copy(f"[acme #{ticket}]") == copy
    told = "\n".join(texts(life.world.main, copy))
    assert told.count("has left the remote department") == 1
    assert told.count("is back in a remote department") == 1


async def test_an_internal_note_is_in_no_request(life: Life) -> None:
    """What staff note for themselves, on either side, is never in anything that the product sends."""
    ticket = life.open()
    life.world.acme.act(as_="olga", do="note", ticket=ticket, text=f"{SECRET} acme")
    await life.run()
    copy = life.world.copy(f"[acme #{ticket}]")
    life.world.main.act(as_="anna", do="note", ticket=copy, text=f"{SECRET} main")
    life.world.main.act(as_="anna", do="reply", ticket=copy, text="visible answer")
    await life.run()
    await life.run(RunKind.AUDIT)
    sent = life.sent()
    assert "visible answer" in sent
    assert SECRET not in sent
    assert not [m for b in (life.world.main, life.world.acme) for m in b.state()["messages"] if SECRET in m["text"]]


ONE_OF_FIVE = pytest.mark.thorough("a second of CPU time each; two of five faults are in `make test`")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        pytest.param(None, "refuses it", id="refusing", marks=ONE_OF_FIVE),
        pytest.param({"status": 500}, "500", id="500"),
        pytest.param({"html": True}, "HTML", id="html", marks=ONE_OF_FIVE),
        pytest.param({"truncate": True}, "ends in the middle", id="half-a-page", marks=ONE_OF_FIVE),
        pytest.param({"empty_list": True}, "shows no tickets at all", id="empty-list"),
    ],
)
async def test_a_broken_billing_closes_nothing_and_stops_nobody(
    life: Life, fault: dict[str, Any] | None, said: str
) -> None:
    """Whatever a billing answers, its tickets stay open, the others are synced in that run, and it is said why."""
    ticket = life.open()
    await life.run()
    copy = life.world.copy(f"[acme #{ticket}]")
    life.world.globex.act(as_="maria", do="open", department="Technical support", subject="W", text="two")
    _break(life, fault)
    report = await life.run(RunKind.AUDIT)
    assert line(report, "acme").state in (BillingState.FAILED, BillingState.STOPPED)
    assert said.lower() in line(report, "acme").reason.lower()
    assert "acme" in report.headline
    assert line(report, "globex").written == 1
    assert len(texts(life.world.main, copy)) == 1
    assert life.status(copy) not in (3, 10)


def _break(life: Life, fault: dict[str, Any] | None) -> None:
    if fault is None:
        life.world.acme.stop()
    else:
        life.world.acme.fault(**fault)
