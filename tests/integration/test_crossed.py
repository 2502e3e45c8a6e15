"""``crossed``: what was sent to the other side, from whom; and whether its sources show that it may have been."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from remotesupport.core.model import MessageKind
from remotesupport.core.run import RunKind
from tests.cli_here import Ended, cli_here
from tests.http_desk import HttpDesk, RealTime, http_desk
from tests.three_billings import ThreeBillings, three_billings


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ThreeBillings]:
    with three_billings(tmp_path) as found:
        yield found


@pytest.fixture
async def desk(world: ThreeBillings) -> AsyncIterator[HttpDesk]:
    """The product on the store that the commands open."""
    url = f"sqlite:///{world.home / 'remotesupport.sqlite3'}"
    async with http_desk(world, url=url, clock=RealTime()) as opened:
        yield opened


async def crossed(world: ThreeBillings, *words: str) -> Ended:
    """The command, beside the loop of the test: it has one of its own."""
    command = partial(cli_here, cwd=world.home, environ=world.environ)
    return await asyncio.to_thread(command, "crossed", "--billing", "acme", *words)


def document(ended: Ended) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


async def a_talk(world: ThreeBillings, desk: HttpDesk) -> tuple[str, str]:
    """A client's ticket with a note of staff in it crosses, and an answer goes back. → both tickets."""
    ticket = str(world.acme.act(as_="ivan", do="open", subject="s", department="Technical support", text="E")["ticket"])
    world.acme.act(as_="admin", do="note", ticket=ticket, text="a note for colleagues")
    await desk.run(later=0)
    copy = world.copy(f"[acme #{ticket}]")
    world.main.act(as_="anna", do="reply", ticket=copy, text="M")
    await desk.run(later=0)
    await desk.run(later=0)
    return ticket, copy


def names(world: ThreeBillings) -> tuple[str, str]:
    """What ivan and anna are called on their own sides."""
    return tuple(
        next(u["realname"] for u in billing.state()["users"] if u["login"] == login)
        for billing, login in ((world.acme, "ivan"), (world.main, "anna"))
    )  # type: ignore[return-value]


async def test_each_text_is_listed_with_its_source(world: ThreeBillings, desk: HttpDesk) -> None:
    """A ticket and an answer are two lines: message, author as that side shows them, department, run, id over there."""
    ticket, copy = await a_talk(world, desk)
    rows = document(await crossed(world, "--since", "2h", "--json"))["crossed"]
    ivan, anna = names(world)
    assert [(r["direction"], r["kind"], r["ticket"], r["main_ticket"], r["author"]) for r in rows] == [
        ("to_main", "message", ticket, copy, ivan),
        ("to_external", "message", ticket, copy, anna),
    ]
    department = next(str(d["id"]) for d in world.acme.state()["departments"] if d["name"] == "Technical support")
    assert {r["department"] for r in rows} == {department}
    ids = {str(m["id"]) for b in (world.acme, world.main) for m in b.state()["messages"]}
    assert all(r["message"] in ids and r["target_message"] in ids and r["run"] and r["confirmed_at"] for r in rows)
    assert "a note" not in json.dumps(rows)


async def test_all_that_people_wrote_in_public_is_proven(world: ThreeBillings, desk: HttpDesk) -> None:
    """Of a usual conversation each source is read again and is a person's public message: status 0, with a sentence."""
    await a_talk(world, desk)
    ended = await crossed(world, "--verify")
    assert (ended.returncode, "Each of the 2 was a person's public message" in ended.stdout) == (0, True), ended.stdout
    assert document(await crossed(world, "--verify", "--json"))["not_proven"] == 0


async def test_a_source_that_became_a_note_is_not_proven(world: ThreeBillings, desk: HttpDesk) -> None:
    """Where the source is no public message the text is named, with status 3; the others stay proven."""
    ticket, _ = await a_talk(world, desk)
    store, acme = desk.context.store, desk.context.connections["acme"].external
    note = next(m.message for m in await acme.thread(ticket) if m.kind is MessageKind.NOTE)
    with store._db.write() as conn:
        conn.exec_driver_sql("UPDATE rs_carried SET source_message = ? WHERE direction = 'to_main'", (note,))
    ended = await crossed(world, "--since", "2h", "--verify", "--json")
    assert ended.returncode == 3
    assert [(r["direction"], r["proven"]) for r in document(ended)["crossed"]] == [
        ("to_main", False), ("to_external", True)
    ]  # fmt: skip
    assert "no person's public message" in document(ended)["crossed"][0]["why"]


@pytest.mark.thorough("a second of CPU time; a source that is not public any more is in `make test`")
async def test_a_department_that_does_not_correspond_is_not_proven(world: ThreeBillings, desk: HttpDesk) -> None:
    """Where the correspondence was taken away since, nothing of it is proven any more: status 3, with the reason."""
    await a_talk(world, desk)
    file = world.home / "remotesupport.toml"
    file.write_text(
        file.read_text().replace('main = "Outsourced support"', 'main = "Outsourced support"\nenabled = false')
    )
    ended = await crossed(world, "--since", "2h", "--verify", "--json")
    assert ended.returncode == 3
    assert all("does not correspond" in r["why"] for r in document(ended)["crossed"])


async def test_a_billing_that_does_not_answer_proves_nothing(world: ThreeBillings, desk: HttpDesk) -> None:
    """A side that cannot be read is status 1, never a proof; the list alone needs no billing."""
    await a_talk(world, desk)
    world.acme.stop()
    assert (await crossed(world, "--verify")).returncode == 1
    assert (await crossed(world)).returncode == 0


@pytest.mark.thorough("a second of CPU time; each text with its source is in `make test`")
async def test_what_only_the_ledger_has_is_listed_too(world: ThreeBillings, desk: HttpDesk) -> None:
    """A message that was sent before this was recorded is listed without run, and is proven like any other."""
    await a_talk(world, desk)
    with desk.context.store._db.write() as conn:
        conn.exec_driver_sql("UPDATE rs_carried SET run = NULL, at = NULL, author = NULL, department = NULL")
    rows = document(await crossed(world, "--json"))["crossed"]
    assert [(r["run"], r["at"]) for r in rows] == [(None, None)] * 2
    proven = document(await crossed(world, "--verify", "--json"))
    assert (proven["not_proven"], sorted(r["author"] for r in proven["crossed"])) == (0, sorted(names(world)))


@pytest.mark.thorough("two seconds of CPU time; what is proven and what not is in `make test`")
async def test_a_notice_of_our_own_is_nobodys_text(world: ThreeBillings, desk: HttpDesk) -> None:
    """A departure's note in main is listed as our own words, and needs no source."""
    world.acme.act(do="user", login="support-robot", departments=["Technical support", "Billing"])
    ticket, _ = await a_talk(world, desk)
    world.acme.act(as_="admin", do="transfer", ticket=ticket, department="Billing")
    await desk.run(RunKind.AUDIT, later=0)
    rows = document(await crossed(world, "--verify", "--json", "--since", "2h"))["crossed"]
    ours = [r for r in rows if r["message"] is None]
    assert [r["kind"] for r in ours if r["proven"]][:1] == ["departure"]
