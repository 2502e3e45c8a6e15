"""Version 4 and 6 on either side, over real HTTP: the main job in every pair, and by the public functions alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from remotesupport.core.run import BillingState, RunKind
from tests.http_desk import crossed_once, everything_sent, http_desk
from tests.three_billings import three_billings

OLD, NEW = "4.0.68", "6.94.1"


OTHERS = pytest.mark.thorough("the same law for the other ways to speak, three seconds of CPU time each")
PAIRS = [(NEW, OLD), pytest.param(OLD, NEW, marks=OTHERS), pytest.param(OLD, OLD, marks=OTHERS)]


@pytest.mark.parametrize("rights", ["three functions", pytest.param("public functions", marks=OTHERS)])
@pytest.mark.parametrize(("main", "external"), PAIRS)
async def test_a_ticket_there_and_its_answers_back(main: str, external: str, rights: str, tmp_path: Path) -> None:
    """Messages cross once and in order both ways, notes and other departments never, and a quiet run writes nothing."""
    with three_billings(tmp_path, main_version=main, acme_version=external) as world:
        if rights == "public functions":
            for billing in (world.main, world.acme):
                billing.act(do="rights", login="support-robot", functions=[])
                billing.act(do="external_support", login="acme")
        opened = {"as_": "ivan", "do": "open", "subject": "s"}
        ticket = str(world.acme.act(**opened, department="Technical support", text="E1\nsecond line")["ticket"])
        world.acme.act(**opened, department="Sales", text="SALES-CANARY")
        world.acme.act(as_="olga", do="note", ticket=ticket, text="NOTE-CANARY-E")
        async with http_desk(world) as desk:
            await desk.run()
            copy = world.copy(f"[acme #{ticket}]")
            for number in (1, 2):
                world.main.act(as_="anna", do="reply", ticket=copy, text=f"M{number}")
                world.main.act(as_="anna", do="note", ticket=copy, text="NOTE-CANARY-M")
                await desk.run()
                world.acme.act(as_="ivan", do="reply", ticket=ticket, text=f"E{number + 1}")
                await desk.run()
            world.acme.act(as_="ivan", do="reply", ticket=ticket, text="ok")
            world.acme.act(as_="ivan", do="reply", ticket=ticket, text="ok")
            await desk.drain()
            crossed_once(world.main, copy, ["E1", "E2", "E3"])
            crossed_once(world.acme, ticket, ["M1", "M2"])
            assert sum(m["text"].endswith("\nok") for m in world.main.state()["messages"]) == 2
            assert "NOTE-CANARY-E" not in everything_sent(world.main)
            assert "SALES-CANARY" not in everything_sent(world.main)
            assert "NOTE-CANARY-M" not in everything_sent(world.acme)
            report = await desk.run(RunKind.AUDIT)
            assert [(b.state, b.written) for b in report.billings] == [(BillingState.OK, 0)]


@pytest.mark.parametrize(("main", "external"), PAIRS)
async def test_states_and_departments_by_the_three_functions(main: str, external: str, tmp_path: Path) -> None:
    """A ticket moved in arrives with its history; closed there it is closed here; one that leaves is noted."""
    with three_billings(tmp_path, main_version=main, acme_version=external) as world:
        world.acme.act(do="user", login="support-robot", departments=["Technical support", "Sales"])
        opened = {"as_": "ivan", "do": "open", "subject": "s"}
        closing = str(world.acme.act(**opened, department="Technical support", text="C1")["ticket"])
        moving = str(world.acme.act(**opened, department="Sales", text="D1")["ticket"])
        world.acme.act(as_="ivan", do="reply", ticket=moving, text="D2")
        async with http_desk(world) as desk:
            await desk.run()
            world.acme.act(as_="admin", do="transfer", ticket=moving, department="Technical support")
            world.main.act(as_="anna", do="reply", ticket=world.copy(f"[acme #{closing}]"), text="M1")
            await desk.run()
            crossed_once(world.main, world.copy(f"[acme #{moving}]"), ["D1", "D2"])
            world.acme.act(as_="olga", do="close", ticket=closing)
            world.acme.act(as_="admin", do="transfer", ticket=moving, department="Sales")
            await desk.drain()
            states = {t["id"]: t["status"] for t in world.main.state()["tickets"]}
            assert states[world.copy(f"[acme #{closing}]")] in (3, 10)
            crossed_once(world.main, world.copy(f"[acme #{moving}]"), ["has left the remote department"])
