"""A night between three billings, and the thirteen questions that its operator asks: one command each.

The commands are those of the table in docs/operations.md, word for word but for names and numbers.
"""

from __future__ import annotations

import asyncio
import base64
import os
import re
import shlex
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from remotesupport.bootstrap import Context, KeepKey, connect
from remotesupport.core.run import BillingState, RunKind, RunReport, RunRequest
from remotesupport.steps.cycle import cycle
from tests.cli_here import Ended, cli_here
from tests.fresh_store import store_at
from tests.operations_page import table
from tests.three_billings import ThreeBillings, three_billings

pytestmark = [
    pytest.mark.e2e,
    # A command that ends since one side refuses calls off the other side's connection, which may not have begun: anyio
    # then drops its coroutine.
    pytest.mark.filterwarnings("ignore:coroutine 'connect_tcp:RuntimeWarning"),
    pytest.mark.thorough("a whole night: thirty runs and commands over HTTP. Each command has laws of its own"),
]

OUTAGE = timedelta(hours=2)
SECRET = "a word for colleagues only"
KEEP = '\n[keep]\nkey = "file:{file}"\n'
GUARD = "\n[guard]\ncreates = 2\n"
COMMANDS = {int(row[0]): row[2].strip("`") for row in table("## The questions of the night")}


class NightClock:
    """The time of everybody: two hours ago in the evening, the true one in the morning."""

    def __init__(self, world: ThreeBillings) -> None:
        self._billings, self._late = [billing.core.clock for billing in world.everyone], OUTAGE
        for clock in self._billings:
            clock.advance(-OUTAGE.total_seconds())

    def __call__(self) -> datetime:
        return datetime.now(UTC) - self._late

    def morning(self) -> None:
        """Two hours are over."""
        self._late = timedelta(0)
        for clock in self._billings:
            clock.reset()


@dataclass
class Night:
    """The billings, the product, and the operator's terminal. ``tickets``: acme's, by what they are about."""

    world: ThreeBillings
    clock: NightClock
    tickets: dict[str, str] = field(default_factory=dict)
    asked: set[int] = field(default_factory=set)

    def opens(self, subject: str, department: str = "Technical support", text: str = "words") -> str:
        """A client of acme writes a ticket."""
        done = self.world.acme.act(as_="ivan", do="open", department=department, subject=subject, text=text)
        self.tickets[subject] = str(done["ticket"])
        return self.tickets[subject]

    def copy(self, subject: str) -> str:
        """Its number in main."""
        return self.world.copy(f"[acme #{self.tickets[subject]}]")

    def said(self) -> dict[str, int]:
        """How many messages there are in each billing."""
        return {billing.core.name: len(billing.state()["messages"]) for billing in self.world.everyone}

    async def runs(self, count: int = 1, kind: RunKind = RunKind.SYNC) -> RunReport:
        """So many runs by the configuration as it is now; the last one's report."""
        async with self._product() as context:
            return [await cycle(context, RunRequest(kind, asked=True)) for _ in range(count)][-1]

    @asynccontextmanager
    async def _product(self) -> AsyncIterator[Context]:
        settings = self.world.settings()
        store = store_at(settings.database_url, self.clock)
        connections = {e.name: await connect(settings, e, None) for e in settings.enabled()}
        key = await KeepKey.of(settings, None)
        context = Context(settings, store, connections, clock=self.clock, inputs_key=key)
        try:
            yield context
        finally:
            await context.aclose()

    async def ask(self, number: int, *, status: int = 0, **put: str) -> Ended:
        """Ask a question of the page, with these names and numbers in the place of acme, 123 and 500."""
        self.asked.add(number)
        given = {"acme": put.get("billing", "acme"), "123": put.get("ticket", ""), "500": put.get("main", "")}
        words = [given.get(word, word) for word in shlex.split(COMMANDS[number])]
        return await self.command(*words[1:], status=status)

    async def command(self, *words: str, status: int = 0) -> Ended:
        """A command in the operator's terminal, and how it has to end."""
        ended = await asyncio.to_thread(partial(cli_here, *words, cwd=self.world.home, environ=self.world.environ))
        assert ended.returncode == status, (words, ended)
        return ended


def written(report: RunReport) -> int:
    """How much a run wrote, of all connections."""
    return sum(billing.written for billing in report.billings)


def lines_of(ended: Ended) -> list[list[str]]:
    """The lines of what a command printed, cell by cell."""
    return [line.split("\t") for line in ended.stdout.splitlines()]


def line_of(ended: Ended, *begin: str) -> list[str]:
    """The one line that begins with these cells."""
    (found,) = [line for line in lines_of(ended) if line[: len(begin)] == list(begin)]
    return found


def with_a_key(world: ThreeBillings) -> None:
    """Texts of what runs were planned from are kept, encrypted."""
    secret = world.home / "secrets" / "keep"
    secret.touch(mode=0o600)
    secret.write_text(base64.b64encode(os.urandom(32)).decode())
    config = world.home / "remotesupport.toml"
    config.write_text(config.read_text() + KEEP.format(file=secret))


async def evening(night: Night) -> None:
    """Before the outage: one ticket is old, one in a department of the provider's own, one answered, then closed."""
    acme, main = night.world.acme, night.world.main
    with_a_key(night.world)
    acme.act(do="user", login="support-robot", departments=["Technical support", "Sales"])
    acme.act(as_="olga", do="close", ticket=night.opens("old"))
    night.opens("theirs", department="Sales")
    night.opens("mail")
    night.opens("disk")
    await night.runs()
    main.act(as_="anna", do="reply", ticket=night.copy("mail"), text="repaired")
    acme.act(as_="olga", do="note", ticket=night.tickets["mail"], text=SECRET)
    await night.runs(2)
    acme.act(as_="olga", do="close", ticket=night.tickets["mail"])
    await night.runs(2)


async def outage(night: Night) -> None:
    """Nothing runs for two hours; people write on both sides, globex's server dies, a colleague edits a limit."""
    acme, main = night.world.acme, night.world.main
    night.opens("new")
    acme.act(as_="ivan", do="reply", ticket=night.tickets["disk"], text="still full")
    main.act(as_="anna", do="reply", ticket=night.copy("disk"), text="look again")
    night.world.globex.stop()
    file = night.world.home / "remotesupport.toml"
    file.write_text(file.read_text() + GUARD)
    night.clock.morning()


@pytest.fixture
async def night(tmp_path: Path) -> AsyncIterator[Night]:
    """As far as the morning after the outage."""
    with three_billings(tmp_path, acme_tls=True) as world:
        found = Night(world, NightClock(world))
        await evening(found)
        await outage(found)
        yield found


async def test_the_thirteen_questions_are_answered(night: Night) -> None:
    """Each question of the page is asked with its command in a night that has it, and the answer is the right one."""
    await what_now(night)
    await which_is_behind(night)
    await us_or_them(night)
    await what_changed(night)
    await one_ticket(night)
    await what_crossed(night)
    await backfill(night)
    await only_this_provider(night)
    await stopped(night)
    assert night.asked == set(COMMANDS) == set(range(1, 14))


async def what_now(night: Night) -> None:
    """10: after the outage the plan says, billing by billing, what one run will write; then one run does it."""
    before = night.said()
    planned = await night.ask(10, status=1)
    assert line_of(planned, "acme", "ok")[2] == "1 create, 2 post"
    assert line_of(planned, "globex", "failed")
    kinds = [line[0] for line in lines_of(planned) if line[0] in {"create", "post", "close"}]
    assert kinds == ["post", "post", "create"]
    assert night.said() == before
    assert [written(await night.runs()), written(await night.runs())] == [3, 0]


async def which_is_behind(night: Night) -> None:
    """3: the one whose server died, first, with its cause and for how long it was not read; the other one is well."""
    heads, first, second = [line for line in lines_of(await night.ask(3, status=1)) if len(line) > 1]
    assert (first[0], first[1], second[0], second[1]) == ("globex", "unreachable", "acme", "ok")
    assert first[heads.index("last good read")].startswith("2 h")
    assert "refuses it, nothing listens there" in first[heads.index("why")]


async def us_or_them(night: Night) -> None:
    """6 and 12: theirs does not answer, ours does; of the other one the end of its certificate and a working login."""
    theirs = await night.ask(6, status=1, billing="globex")
    assert line_of(theirs, "globex", "answer")[2] == "no"
    assert line_of(theirs, "globex", "main answer")[2] == line_of(theirs, "globex", "customer user")[2] == "yes"
    assert "1. globex, answer: " in theirs.stderr
    well = await night.ask(12)
    assert re.search(r"; 36\d days left; ", line_of(well, "acme", "TLS")[3])
    assert line_of(well, "acme", "login")[2] == "yes"


async def what_changed(night: Night) -> None:
    """13: the limit that a colleague edited, with both values; the server that died; two hours without a run."""
    told = await night.ask(13)
    changes = [line[1:5] for line in lines_of(told)]
    assert ["all", "configuration guard/creates", "50", "2"] in changes
    assert ["globex", "state", "ok", "unreachable"] in changes
    missed = re.search(r": (\d+) runs missed", told.stdout)
    assert missed
    assert int(missed[1]) >= OUTAGE.total_seconds() / 60 - 1


async def one_ticket(night: Night) -> None:
    """1, 4 and 5: its department does not correspond; the answer's id at the client's; closed on the client's side."""
    assert "department_not_remote" in (await night.ask(1, ticket=night.tickets["theirs"])).stdout.splitlines()[0]
    (there,) = [m["id"] for m in night.world.acme.state()["messages"] if m["text"] == "repaired"]
    answered = await night.ask(4, main=night.copy("mail"))
    (line,) = [x for x in answered.stdout.splitlines() if x.startswith("Anna Weber wrote message ")]
    assert re.search(rf"sent to acme ticket {night.tickets['mail']} .*, confirmed there .* as message {there} ", line)
    closed = await night.ask(5, ticket=night.tickets["mail"])
    assert [line[2] for line in lines_of(closed) if line[1:2] == ["closed"]] == [
        f"to_main {night.copy('mail')}: somebody closed it in acme, whose lists do not say who"
    ]


async def what_crossed(night: Night) -> None:
    """8 and 11: everything that crossed is proven and nothing else crossed; the provider's message is in main."""
    proven = await night.ask(8)
    assert "Each of the 6 was a person's public message" in proven.stdout
    crossed = {line[4] for line in lines_of(proven) if line[1:2] == ["acme"]}
    messages = night.world.acme.state()["messages"]
    (note,) = [n["id"] for n in night.world.acme.state()["notes"] if n["text"] == SECRET]
    (said,) = [m["id"] for m in messages if m["text"] == "still full"]
    assert str(said) in crossed
    assert str(note) not in crossed
    assert SECRET not in str(night.world.main.state())
    (row,) = [line for line in lines_of(await night.ask(11)) if str(said) in line]
    assert row[2] == "to_main"
    there = {f"{m['ticket']}: {m['id']}": m["text"] for m in night.world.main.state()["messages"]}
    assert "still full" in there[row[7]]
    again = await night.command("replay", row[8])
    assert line_of(again, "acme", "same")


async def backfill(night: Night) -> None:
    """2: it would open the ticket that was closed before the first run, and close it; it has written nothing."""
    before = night.said()
    told = await night.ask(2)
    assert line_of(told, "acme", "ok")[2:4] == ["1 create, 1 close", "0"]
    assert line_of(told, "create")[4] == f"[acme #{night.tickets['old']}] old"
    assert "remotesupport apply p-" in told.stderr
    assert night.said() == before


async def only_this_provider(night: Night) -> None:
    """7: the other one's tickets go on to cross; this one's wait, and are shown before it takes part again."""
    await night.ask(7)
    night.world.globex.start()
    night.opens("waits")
    night.world.globex.act(as_="maria", do="open", department="Technical support", subject="goes on", text="words")
    done = {b.name: (b.state, b.written) for b in (await night.runs()).billings}
    assert done == {"acme": (BillingState.SKIPPED, 0), "globex": (BillingState.OK, 1)}
    resumed = await night.command("resume", "acme", "--yes")
    assert line_of(resumed, "acme", "ok")[2:4] == ["1 create", "0"]
    assert {b.name: b.written for b in (await night.runs()).billings} == {"acme": 1, "globex": 0}


async def stopped(night: Night) -> None:
    """9: a plan beyond a limit is named with the limit and its id, and nothing of it is written."""
    for number in range(3):
        night.opens(f"flood {number}")
    before = night.said()
    report = await night.runs()
    plan = next(b.plan_id for b in report.billings if b.name == "acme")
    told = line_of(await night.ask(9, status=3), "acme", "stopped")
    assert "creates: 3 planned, the limit is 2." in told[-1]
    assert f"remotesupport apply {plan}" in told[-1]
    assert night.said() == before
