"""The table of faults (R1 to R10): each one, on every function that the product calls, over real HTTP.

A conversation goes on in both directions while the fault strikes; then all is well again and the product runs until it
is quiet. Each fault meets the functions that read (every other call of them) and the functions that write (the first
call of each).
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from remotesupport.core.run import BillingState
from tests.http_desk import HttpDesk, crossed_once, everything_sent, http_desk
from tests.three_billings import ThreeBillings, three_billings

READS = {
    "acme": ("department", "ticket_all", "ticket", "ticket_all.edit", "whoami"),
    "main": ("clientticket", "clientticket_archive", "clientticket.edit"),
}
WRITES = {"acme": ("ticket.edit", "ticket_open.delete"), "main": ("clientticket.edit", "clientticket.archive")}
FAULTS: dict[str, dict[str, Any]] = {
    "reset before": {"reset_before": True},
    "reset after": {"reset_after": True},
    "500": {"status": 500},
    "503": {"status": 503},
    "429": {"status": 429},
    "too slow": {"hold_s": 3},
    "a page of HTML": {"html": True},
    "a redirect": {"redirect": "/login"},
    "empty": {"empty": True},
    "cut off": {"truncate": True},
    "not UTF-8": {"bad_encoding": True},
    "session gone": {"session_gone": True},
    "late": {"late_s": 0.4},
    "lost": {"lost_write": True},
    "the clock jumps": {"clock_jump_s": 3600},
}
ONLY_READS = {
    "a page repeated": {"repeat_page": True},
    "a row doubled": {"doubled_row": True},
    "an empty list": {"empty_list": True},
}
ONLY_WRITES = ("lost", "late")
# Refused, done without an answer, promised and lost.
FIRST = {("503", "reads"), ("reset after", "writes")}
OTHERS = pytest.mark.thorough("two to five seconds of CPU time each; two kinds of fault are in `make test`")
CASES = [(name, "reads") for name in (*FAULTS, *ONLY_READS) if name not in ONLY_WRITES]
CASES += [(name, "writes") for name in FAULTS]
MARKED = [pytest.param(*case, marks=[] if case in FIRST else OTHERS) for case in CASES]


def strike(world: ThreeBillings, fault: dict[str, Any], what: str) -> None:
    """Put the fault on every function of that sort, on both sides."""
    for name, functions in (READS if what == "reads" else WRITES).items():
        billing = getattr(world, name)
        for function in functions:
            often = {"probability": 0.5, "seed": 3, "count": 4} if what == "reads" else {"count": 1}
            billing.fault(func=function, **often, **fault)


async def conversation(world: ThreeBillings, desk: HttpDesk) -> tuple[str, str]:
    """An old ticket with an answer, and what is said while the fault strikes → the old and the new ticket."""
    old = str(world.acme.act(as_="ivan", do="open", department="Technical support", subject="old", text="E1")["ticket"])
    await desk.run()
    copy = world.copy(f"[acme #{old}]")
    world.main.act(as_="anna", do="reply", ticket=copy, text="M1")
    await desk.run()
    world.acme.act(as_="ivan", do="reply", ticket=old, text="E2")
    world.acme.act(as_="ivan", do="reply", ticket=old, text="E3")
    world.acme.act(as_="olga", do="note", ticket=old, text="NOTE-CANARY-E")
    world.main.act(as_="anna", do="reply", ticket=copy, text="M2")
    world.main.act(as_="anna", do="reply", ticket=copy, text="M3")
    world.main.act(as_="anna", do="note", ticket=copy, text="NOTE-CANARY-M")
    new = world.acme.act(as_="maria", do="open", department="Technical support", subject="new", text="E4")["ticket"]
    world.acme.act(as_="john", do="open", department="Sales", subject="other", text="SALES-CANARY")
    return old, str(new)


@pytest.mark.parametrize(
    ("name", "what"), [pytest.param(*case, marks=[] if case in FIRST else OTHERS) for case in CASES]
)
async def test_after_any_fault_everything_is_there_once(name: str, what: str, tmp_path: Path) -> None:
    """Whatever goes wrong: afterwards each message is on the other side once and in order, and nothing else is."""
    with three_billings(tmp_path) as world:
        async with http_desk(world) as desk:
            old, new = await conversation(world, desk)
            strike(world, (FAULTS | ONLY_READS)[name], what)
            await desk.run()
            await desk.run()
            for billing in (world.acme, world.main):
                billing.fault(clear=True)
            await asyncio.sleep(0.5 if name == "late" else 0)
            await desk.drain()
            crossed_once(world.main, world.copy(f"[acme #{old}]"), ["E1", "E2", "E3"])
            crossed_once(world.main, world.copy(f"[acme #{new}]"), ["E4"])
            crossed_once(world.acme, old, ["E1", "M1", "M2", "M3"])
            assert "NOTE-CANARY-E" not in everything_sent(world.main)
            assert "NOTE-CANARY-M" not in everything_sent(world.acme)
            assert "SALES-CANARY" not in everything_sent(world.main)


async def test_after_a_server_that_forgot_every_session_the_next_minute_goes_on(tmp_path: Path) -> None:
    """A main billing that is restarted again and again for a minute makes no connection wait five, as a refused login
    would."""
    with three_billings(tmp_path) as world:
        async with http_desk(world) as desk:
            world.acme.act(as_="ivan", do="open", department="Technical support", subject="new", text="E1")
            await desk.run()
            world.main.fault(session_gone=True)
            spoilt = await desk.run()
            world.main.fault(clear=True)
            assert [(line.state, line.access) for line in spoilt.billings] == [(BillingState.FAILED, False)]
            after = await desk.run()
            assert [line.state for line in after.billings] == [BillingState.OK]
