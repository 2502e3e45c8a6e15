"""Texts of clients that other systems choke on cross, with what cannot be shown as visible stand-ins."""

from __future__ import annotations

from pathlib import Path

import pytest

from remotesupport.core.run import BillingState
from tests.http_desk import http_desk
from tests.three_billings import texts, three_billings

TEXTS = {
    "R5: a log pasted from a terminal": ("\x1b[31mred\x07 and \x00 end", "␛[31mred␇ and ␀ end"),
    "R19: braces, tags and percent": ("[/b] {0} %s <b>", "[/b] {0} %s <b>"),
    "R19: nan": ("nan", "nan"),
    "R19: NULL": ("NULL", "NULL"),
    "R19: nought": ("0", "0"),
}


FIRST = next(iter(TEXTS))
MORE = pytest.mark.thorough("a second of CPU time each; the oddest text is in `make test`")
OLD = pytest.mark.thorough("version 6 is in `make test`; the texts are read in one place for both")


@pytest.mark.parametrize("version", ["6.94.1", pytest.param("4.0.68", marks=OLD)])
@pytest.mark.parametrize("name", [FIRST, *(pytest.param(name, marks=MORE) for name in list(TEXTS)[1:])])
async def test_it_crosses_once_and_the_answer_comes_back(tmp_path: Path, name: str, version: str) -> None:
    """Whatever signs a client's text is made of, it is in main, and the answers go on both ways."""
    said, shown = TEXTS[name]
    with three_billings(tmp_path, acme_version=version) as world:
        acme, opened = world.acme, {"department": "Technical support", "subject": "s"}
        ticket = str(acme.act(as_="ivan", do="open", text=said, **opened)["ticket"])
        async with http_desk(world) as desk:
            await desk.run()
            copy = world.copy(f"[acme #{ticket}]")
            world.main.act(as_="anna", do="reply", ticket=copy, text=f"You said: {said}")
            await desk.run()
            await desk.drain()
        assert shown in texts(world.main, copy)[0]
        assert texts(acme, ticket)[1:] == [f"You said: {shown}"]


async def test_a_ticket_without_a_subject_crosses(tmp_path: Path) -> None:
    """R8: an empty subject is said to be none, and the ticket is in main like any other."""
    with three_billings(tmp_path) as world:
        opened = {"department": "Technical support", "subject": "s", "text": "t"}
        ticket = str(world.acme.act(as_="ivan", do="open", **opened)["ticket"])
        world.acme.core.database.run("UPDATE ticket SET subject = '' WHERE id = ?", int(ticket))
        async with http_desk(world) as desk:
            report = await desk.run()
        assert world.copies(f"[acme #{ticket}] (no subject)")
        assert report.billings[0].state is BillingState.OK
