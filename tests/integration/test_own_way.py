"""Each connection goes its own way, over real HTTP: what one billing does with our time delays no other's tickets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.billmanager import Limits
from remotesupport.bootstrap import Context
from remotesupport.core.plan.plan import Plan
from remotesupport.core.run import BillingResult, BillingState, RunKind, RunReport, RunRequest
from remotesupport.steps.cycle import PLAIN, cycle
from remotesupport.steps.values import Loaded
from tests.hostile_server import RESET, Answer, HostileServer, Request, http
from tests.http_desk import HttpDesk, http_desk
from tests.three_billings import ThreeBillings, texts, three_billings

PAGE = 5  # rows that the endless billing shows at once
PATIENT = Limits(read_seconds=60.0, write_seconds=20.0, connect_seconds=5.0, logins_a_minute=100)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ThreeBillings]:
    with three_billings(tmp_path) as world:
        yield world


class Patient(HttpDesk):
    """One whose clients wait for every byte, as long as bytes may take."""

    limits = PATIENT


def served_by(world: ThreeBillings, hostile: HostileServer, more: str = "") -> None:
    """From now on acme's address is the hostile server's; ``more``: lines of its configuration."""
    file = world.home / "remotesupport.toml"
    text = file.read_text().replace(f'url = "{world.acme.url}"', f'url = "{hostile.url}"')
    file.write_text(text.replace('main_login = "acme"', f'main_login = "acme"\n{more}'))


def line(report: RunReport, name: str) -> BillingResult:
    """One connection's line."""
    (found,) = [b for b in report.billings if b.name == name]
    return found


async def test_a_dripping_billing_delays_nobodys_ticket(world: ThreeBillings) -> None:
    """W5: while one billing's answer is still open, the other's new ticket is written to main."""
    order: list[str] = []
    written = asyncio.Event()

    async def until_somebody_was_written() -> None:
        order.append("the answer is open")
        await written.wait()
        order.append("the answer ends")

    async def load(ctx: Context, plan: Plan, *rest: Any) -> Loaded:
        loaded = await PLAIN.load(ctx, plan, *rest)
        order.append(f"{plan.connection} is written")
        written.set()
        return loaded

    drip: Answer = [b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", b"{", until_somebody_was_written, RESET]
    world.globex.act(as_="maria", do="open", department="Technical support", subject="Q", text="help")
    async with HostileServer({"*": drip}) as hostile:
        served_by(world, hostile)
        desk = Patient(world, ("acme", "globex"))
        report = await cycle(desk.context, RunRequest(RunKind.SYNC), replace(PLAIN, load=load))
        await desk.aclose()
    assert order[:3] == ["the answer is open", "globex is written", "the answer ends"]
    assert [line(report, n).state for n in ("acme", "globex")] == [BillingState.FAILED, BillingState.OK]
    assert len(world.copies("[globex #")) == 1


class Endless:
    """The emulated acme, whose list of tickets never ends once it is ``open_end``: behind its own rows come invented
    ones, on pages of ``PAGE``. ``ahead_of``: what happens ahead of a page that was asked for."""

    def __init__(self, world: ThreeBillings) -> None:
        self._behind = httpx.Client(timeout=30, trust_env=False)
        self._url = world.acme.url
        self.open_end = False
        self.ahead_of: dict[int, Any] = {}
        self.pages = 0

    def __call__(self, request: Request) -> Answer:
        real = self._behind.post(self._url, data=request.form)
        if request.func != "ticket_all" or not self.open_end or "id" in request.form:
            return http(real.content, media=real.headers["content-type"])
        self.pages += 1
        number = int(request.form["p_num"])
        page = http(json.dumps({"doc": self._page(number, request)}).encode())
        ahead = self.ahead_of.pop(number, None)
        return [ahead, page] if ahead else page

    def _page(self, number: int, request: Request) -> dict[str, Any]:
        whole = self._behind.post(self._url, data=request.form | {"p_num": "1", "p_cnt": "500"}).json()["doc"]
        rows = whole["elem"]
        first = (number - 1) * PAGE
        invented = [rows[-1] | {"id": {"$": str(100_000 - n)}} for n in range(first, first + PAGE)]
        shown = [rows[n] if n < len(rows) else invented[n - first] for n in range(first, first + PAGE)]
        numbers = {"p_cnt": {"$": str(PAGE)}, "p_num": {"$": str(number)}, "p_elems": {"$": "100000000"}}
        return whole | numbers | {"elem": shown}

    def close(self) -> None:
        self._behind.close()


@pytest.mark.thorough("three seconds of CPU time; a dripping billing that delays nobody is in `make test`")
async def test_an_audit_of_endless_pages_ends_and_holds_up_nobody(world: ThreeBillings) -> None:
    """W1: while an audit reads a list without an end, a sync writes for every connection, that one included; its own
    line says what it stopped at, the others were compared, and all is in order once the list ends."""
    for number in range(PAGE):
        world.acme.act(as_="ivan", do="open", department="Technical support", subject=f"s{number}", text="help")
    endless, beside = Endless(world), list[RunReport]()
    async with HostileServer({"*": endless}) as hostile:
        served_by(world, hostile, "reading = { rows = 200 }")
        async with http_desk(world, ("acme", "globex")) as desk:
            await desk.drain()
            minutes = HttpDesk(world, ("acme", "globex"), clock=desk.clock)
            await minutes.run()
            copy = world.copy("[acme #1015]")
            endless.open_end = True

            minute_over = asyncio.Event()

            async def after_the_minute(*given: Any) -> Any:
                await minute_over.wait()
                return await PLAIN.reconcile(*given)

            async def a_minute() -> None:
                world.globex.act(as_="maria", do="open", department="Technical support", subject="Q", text="help")
                world.main.act(as_="anna", do="reply", ticket=copy, text="the answer")
                beside.append(await minutes.run(later=1))
                minute_over.set()

            endless.ahead_of[3] = a_minute
            desk.clock.advance(60)
            audit = await cycle(desk.context, RunRequest(RunKind.AUDIT), replace(PLAIN, reconcile=after_the_minute))
            pages = endless.pages
            endless.open_end = False
            after = await minutes.run()
            await minutes.aclose()
    endless.close()
    assert [(b.state, b.written) for b in beside[0].billings] == [(BillingState.OK, 1)] * 2
    assert "the answer" in texts(world.acme, "1015")
    assert "205 rows came, the most for one run is 200" in line(audit, "acme").reason
    assert "[external.reading]" in line(audit, "acme").reason
    assert (line(audit, "acme").state, line(audit, "globex").state) == (BillingState.FAILED, BillingState.OK)
    assert pages < 60
    assert after.exit_status == 0


@pytest.mark.thorough("two seconds of CPU time; leases are in `make test`")
async def test_two_syncs_at_once_write_each_message_once(world: ThreeBillings) -> None:
    """Two processes that have read the same news, and then both have their turn: what one has written, the other sees
    before it writes."""
    read = asyncio.Barrier(2)

    class Both(HttpDesk):
        async def sync(self) -> RunReport:
            async def judged_by_both(*given: Any) -> Any:
                proposal = await PLAIN.reconcile(*given)
                if not self.met:
                    self.met = True
                    await read.wait()
                return proposal

            self.met = False
            steps = replace(PLAIN, reconcile=judged_by_both)
            return await cycle(self.context, RunRequest(RunKind.SYNC, hints=(("acme", "0"),)), steps)

    one = Both(world)
    other = Both(world, clock=one.clock)
    ticket = world.acme.act(as_="ivan", do="open", department="Technical support", subject="s", text="E<0>")["ticket"]
    reports = await asyncio.gather(one.sync(), other.sync())
    assert sorted(b.written for r in reports for b in r.billings) == [0, 1]
    copy = world.copy(f"[acme #{ticket}]")
    world.acme.act(as_="ivan", do="reply", ticket=ticket, text="E<1>")
    world.main.act(as_="anna", do="reply", ticket=copy, text="M<0>")
    one.clock.advance(60)
    reports = await asyncio.gather(one.sync(), other.sync())
    assert sorted(b.written for r in reports for b in r.billings) == [0, 2]
    for target, thread, said in ((world.main, copy, ("E<0>", "E<1>")), (world.acme, ticket, ("M<0>",))):
        assert ["\n".join(texts(target, thread)).count(text) for text in said] == [1] * len(said)
    await one.aclose()
    await other.aclose()
