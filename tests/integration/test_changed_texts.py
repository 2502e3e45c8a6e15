"""What a server makes of our texts is the server's: carried once, never an edit, and what is lost is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from remotesupport.core.run import BillingState
from remotesupport.emulator.stored_texts import CHANGES, stored
from tests.http_desk import LONG, HttpDesk, http_desk
from tests.three_billings import ThreeBillings, texts, three_billings

OLD, NEW = "4.0.68", "6.94.1"
SAID = 'Please 😀 look at "it" & say <b>what</b>.\nIt is   slow since Monday.  \n\nПривет 👍🏽, Anna'
LOST = {"emoji_end", "cut_characters"}  # answers after which words of these texts are gone
OFTEN = [(NEW, "emoji_end")]
_EVERY = [(version, habit) for version in (NEW, OLD) for habit in CHANGES if habit not in ("as_it_is", "cut_bytes")]
_THOROUGH = pytest.mark.thorough("each answer of the habit, in each version")
CASES = [*OFTEN, *(pytest.param(*case, marks=_THOROUGH) for case in _EVERY if case not in OFTEN)]


def _text(habit: str) -> str:
    return SAID + " and so on" * 300 if habit == "cut_characters" else SAID


def _open(world: ThreeBillings, text: str) -> str:
    opened = world.acme.act(as_="ivan", do="open", department="Technical support", subject="s", text=text)
    return str(opened["ticket"])


def _waits(desk: HttpDesk) -> list[str]:
    """Keys of what waits for a person."""
    return [p.key for p in desk.context.store.parked(["acme"]) if p.next_try is None]


def _events(desk: HttpDesk, ticket: str) -> list[str]:
    return [e.event for e in desk.context.store.timeline("acme", ticket)]


async def _conversation(world: ThreeBillings, desk: HttpDesk, text: str, habit: str) -> tuple[str, str]:
    """A client writes twice and is answered twice, in whole texts; what we write is stored as ``habit`` says."""
    ticket = _open(world, text)
    await _run(world, desk, habit)
    copy = world.copy(f"[acme #{ticket}]")
    world.main.act(as_="anna", do="reply", ticket=copy, text=f"M1 {text}")
    await _run(world, desk, habit)
    world.acme.act(as_="ivan", do="reply", ticket=ticket, text=f"E2 {text}")
    world.main.act(as_="anna", do="reply", ticket=copy, text="M2")
    await _run(world, desk, habit)
    await desk.drain()
    return ticket, copy


async def _run(world: ThreeBillings, desk: HttpDesk, habit: str) -> None:
    for billing in (world.acme, world.main):
        billing.habit(stored_text=habit)
    await desk.run()
    for billing in (world.acme, world.main):
        billing.habit(stored_text="as_it_is")


@pytest.mark.parametrize(("version", "habit"), CASES)
async def test_what_the_external_billing_makes_of_an_answer_is_nobodys_edit(
    tmp_path: Path, version: str, habit: str
) -> None:
    """R13 and its kind: each text is carried once; a person is told, lastingly, where words are missing, only there."""
    text = _text(habit)
    with three_billings(tmp_path, acme_version=version) as world:
        async with http_desk(world) as desk:
            ticket = _open(world, "E1")
            await desk.run()
            copy = world.copy(f"[acme #{ticket}]")
            world.acme.habit(stored_text=habit)
            world.main.act(as_="anna", do="reply", ticket=copy, text=text)
            report = await desk.run()
            assert report.billings[0].state is BillingState.OK, report.billings[0].reason
            await desk.drain()
            assert texts(world.acme, ticket)[1:] == [stored(habit, text)]
            assert len([k for k in _waits(desk) if k.endswith("/altered")]) == (habit in LOST)
            assert ("parked" in _events(desk, ticket)) == (habit in LOST)


@pytest.mark.parametrize(("version", "habit"), CASES)
async def test_what_main_makes_of_a_message_is_nobodys_edit(tmp_path: Path, version: str, habit: str) -> None:
    """The same towards main, where the text has a header line."""
    text = _text(habit)
    with three_billings(tmp_path, main_version=version) as world:
        world.main.habit(stored_text=habit)
        async with http_desk(world) as desk:
            ticket = _open(world, text)
            report = await desk.run()
            assert report.billings[0].state is BillingState.OK, report.billings[0].reason
            copy = world.copy(f"[acme #{ticket}]")
            world.acme.act(as_="ivan", do="reply", ticket=ticket, text=f"E2 {text}")
            world.main.act(as_="anna", do="reply", ticket=copy, text="M1")
            await desk.drain()
            ours = [t for t in texts(world.main, copy) if "acme #" in t]
            assert len(ours) == 2, ours
            assert len([k for k in _waits(desk) if k.endswith("/altered")]) == 2 * (habit in LOST)


@pytest.mark.thorough("a second of CPU time; such a server, and lost answers, are in `make test`")
@pytest.mark.parametrize(("version", "habit"), CASES)
async def test_a_lost_answer_of_such_a_server_makes_nothing_twice(tmp_path: Path, version: str, habit: str) -> None:
    """R14 and its kind: the write is done, its answer is lost, and the text is shown otherwise: it is there once."""
    text = _text(habit)
    with three_billings(tmp_path, acme_version=version, main_version=version) as world:
        async with http_desk(world) as desk:
            ticket = _open(world, "E1")
            await desk.run()
            copy = world.copy(f"[acme #{ticket}]")
            for billing in (world.acme, world.main):
                billing.habit(stored_text=habit)
                billing.fault(reset_after=True, only="writes", count=1)
            world.main.act(as_="anna", do="reply", ticket=copy, text=text)
            world.acme.act(as_="ivan", do="reply", ticket=ticket, text=f"E2 {text}")
            await desk.run()
            for _ in range(5):
                await desk.run(later=LONG)
            await desk.drain()
            outside = [t for t in texts(world.acme, ticket)[1:] if "E2" not in t]
            assert len(outside) == 1, outside
            inside = [t for t in texts(world.main, copy) if "acme #" in t]
            assert len(inside) == 2, inside


@pytest.mark.thorough("two stores for each answer of the habit")
@pytest.mark.parametrize(("version", "habit"), CASES)
async def test_a_lost_store_takes_no_such_text_for_an_edit(tmp_path: Path, version: str, habit: str) -> None:
    """After the store is lost, everything is found again as it is shown, and nothing is sent."""
    text = _text(habit)
    with three_billings(tmp_path, acme_version=version, main_version=version) as world:
        async with http_desk(world) as desk:
            ticket, copy = await _conversation(world, desk, text, habit)
            before: dict[str, Any] = {b.core.name: b.state()["messages"] for b in (world.acme, world.main)}
        (tmp_path / "desk.sqlite3").unlink()
        async with http_desk(world) as desk:
            await desk.drain()
            after = {b.core.name: b.state()["messages"] for b in (world.acme, world.main)}
            assert after == before
            missing = [k for k in _waits(desk) if k.endswith("/altered")]
            assert len(missing) == 3 * (habit in LOST)
        assert len(texts(world.acme, ticket)) == len(texts(world.main, copy)) == 4


async def test_what_is_missing_is_told_until_a_person_says_that_all_is_well(tmp_path: Path) -> None:
    """R13: ``parked``, the timeline and the board say that the client has half an answer, run after run."""
    with three_billings(tmp_path) as world:
        async with http_desk(world) as desk:
            ticket = _open(world, "E1")
            await desk.run()
            world.acme.habit(stored_text="emoji_end")
            world.main.act(as_="anna", do="reply", ticket=world.copy(f"[acme #{ticket}]"), text="It is 😀 done now.")
            for _ in range(3):
                await desk.drain()
                (waits,) = desk.context.store.parked(["acme"])
                assert "ends after" in waits.cause
                assert "done" not in waits.cause
                (state,) = [s for s in desk.context.store.connection_states() if s.name == "acme"]
                assert state.parked_for_person == 1
            desk.context.store.drop(waits.id or 0, "told by telephone", "olga")
            await desk.drain()
            assert desk.context.store.parked(["acme"]) == []
            assert [e for e in _events(desk, ticket) if e in ("parked", "dropped")] == ["parked", "dropped"]
