"""A long text is carried with a word on what is left out, a long conversation in parts; nothing of a ticket stops."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from connectors.memory import MemoryCall
from remotesupport.core.run import BillingState
from remotesupport.core.text.lengths import MOST_BYTES, size
from tests.cycle_fixtures import Desk
from tests.http_desk import HttpDesk, crossed_once, http_desk
from tests.three_billings import ThreeBillings, texts, three_billings
from tests.writing_machine.billings import Death

OLD, NEW = "4.0.68", "6.94.1"
BY_OLD = pytest.mark.thorough("the same law for a version 4; version 6 is in `make test`")
PICTURE = "See the picture below.\n" + "".join(f"{n:07d}" for n in range(190_000))  # 1.3 million characters
HELP = {"department": "Technical support", "subject": "s"}


def _files(billing: Any, ticket: str) -> list[dict[str, Any]]:
    state = billing.state()
    messages = {m["id"] for m in state["messages"] if m["ticket"] == ticket}
    return [f for f in state["files"] if f["message"] in messages]


def _opened(world: ThreeBillings, said: list[str]) -> str:
    """A ticket of acme whose client has written these → its id."""
    ticket = str(world.acme.act(as_="ivan", do="open", text=said[0], **HELP)["ticket"])
    for text in said[1:]:
        world.acme.act(as_="ivan", do="reply", ticket=ticket, text=text)
    return ticket


async def _answered(world: ThreeBillings, desk: HttpDesk, ticket: str) -> str:
    """An answer and a question more cross as ever; → the main ticket."""
    copy = world.copy(f"[acme #{ticket}]")
    world.main.act(as_="anna", do="reply", ticket=copy, text="M1")
    world.acme.act(as_="ivan", do="reply", ticket=ticket, text="E2")
    await desk.drain()
    assert "M1" in texts(world.acme, ticket)
    assert "E2" in "".join(texts(world.main, copy))
    return copy


@pytest.mark.thorough("four seconds of CPU time; a long text in a linked ticket is in `make test`")
@pytest.mark.parametrize(("main", "acme"), [(NEW, NEW), (OLD, NEW)])
async def test_a_picture_inside_a_text_crosses_as_its_beginning(tmp_path: Path, main: str, acme: str) -> None:
    """R11: 1.3 million characters: the beginning with a word, the whole as a file where main takes files."""
    with three_billings(tmp_path, main_version=main, acme_version=acme) as world:
        ticket = str(world.acme.act(as_="ivan", do="open", text=PICTURE, **HELP)["ticket"])
        async with http_desk(world) as desk:
            report = await desk.run()
            assert report.billings[0].state is BillingState.OK, report.billings[0].reason
            copy = await _answered(world, desk, ticket)
            waits = [p.cause for p in desk.context.store.parked(["acme"])]
        first = texts(world.main, copy)[0]
        assert "See the picture below." in first
        assert size(first) <= MOST_BYTES + 200
        assert re.search(r"\[\d+ of 13\d+ characters are left out here; the whole text is in the file acme-", first)
        if main == NEW:
            (file,) = _files(world.main, copy)
            assert file["size"] == len(PICTURE)
            assert file["name"] in first
            assert waits == []
        else:
            assert "that billing takes no files" in first
            assert "the whole text of message" in waits[0]


@pytest.mark.parametrize("acme", [NEW, pytest.param(OLD, marks=BY_OLD)])
async def test_a_long_text_in_a_linked_ticket_stops_neither_direction(tmp_path: Path, acme: str) -> None:
    """R11: a later message, an answer and an edit of that length: each crosses as its beginning, once."""
    with three_billings(tmp_path, acme_version=acme) as world:
        ticket = str(world.acme.act(as_="ivan", do="open", text="E1", **HELP)["ticket"])
        async with http_desk(world) as desk:
            await desk.run()
            copy = world.copy(f"[acme #{ticket}]")
            said = world.acme.act(as_="ivan", do="reply", ticket=ticket, text=PICTURE)
            world.main.act(as_="anna", do="reply", ticket=copy, text=f"M0 {PICTURE}")
            await desk.drain()
            if acme == NEW:
                world.acme.act(as_="admin", do="edit", message=said["message"], text=f"again {PICTURE}")
            await _answered(world, desk, ticket)
            reply = texts(world.acme, ticket)[2]
            assert reply.startswith("M0 See the picture")
            assert "characters are left out here; the whole text is in the file message-" in reply
            inside = [t for t in texts(world.main, copy) if "See the picture" in t and "acme #" in t]
            assert len(inside) == 1 + (acme == NEW)
            names = [f["name"] for f in _files(world.acme, ticket)]
            assert [n for n in names if n.startswith("message-")] == names
            assert len(names) == (acme == NEW)


@pytest.mark.parametrize("main", [NEW, pytest.param(OLD, marks=BY_OLD)])
async def test_a_long_conversation_goes_in_parts(tmp_path: Path, main: str) -> None:
    """R12: 41 messages of 84 KB together, where main takes 64 KB: all in main once, in order, nothing parked."""
    with three_billings(tmp_path, main_version=main, main_habits={"message_refusal": "too_large"}) as world:
        said = [f"E<{n:03d}> " + "слово " * 190 for n in range(41)]
        ticket = _opened(world, said)
        async with http_desk(world) as desk:
            report = await desk.run()
            assert report.billings[0].state is BillingState.OK, report.billings[0].reason
            copy = await _answered(world, desk, ticket)
            assert desk.context.store.parked(["acme"]) == []
        crossed_once(world.main, copy, [f"E<{n:03d}>" for n in range(41)])
        parts = [t for t in texts(world.main, copy) if "E<" in t]
        assert len(parts) == 2
        assert all(size(part) <= MOST_BYTES for part in parts)


@pytest.mark.thorough("four seconds of CPU time; a long text in a linked ticket is in `make test`")
@pytest.mark.parametrize("main", [NEW, pytest.param(OLD, marks=BY_OLD)])
async def test_a_billing_that_takes_less_is_sent_less(tmp_path: Path, main: str) -> None:
    """R12 where main takes 2000 characters: everything is there once; no text that was refused is offered again."""
    with three_billings(tmp_path, main_version=main, main_habits={"message_refusal": "too_long"}) as world:
        said = [f"E<{n:03d}> " + "word " * 160 for n in range(12)]
        ticket = _opened(world, said)
        async with http_desk(world) as desk:
            for _ in range(8):
                await desk.run()
            await desk.drain()
            assert desk.context.store.parked(["acme"]) == []
            copy = await _answered(world, desk, ticket)
        crossed_once(world.main, copy, [f"E<{n:03d}>" for n in range(12)])
        sent = [r["params"].get("message", r["params"].get("text", "")) for r in world.main.requests()]
        lengths = [len(text) for text in sent if "E<000>" in text]
        assert len(lengths) == len(set(lengths)), "the same text twice"


class _Falls:
    """The process ends behind the nth write to main."""

    def __init__(self, at: int) -> None:
        self.left = at

    def __call__(self, call: MemoryCall) -> None:
        if call.write:
            self.left -= 1
            if self.left == 0:
                raise Death


@pytest.mark.thorough("a second of CPU time each; a conversation in parts is in `make test`")
@pytest.mark.parametrize("at", [1, 2, 3])
@pytest.mark.parametrize("done", [True, False])
async def test_a_process_that_ends_between_parts_goes_on_behind_them(tmp_path: Path, at: int, *, done: bool) -> None:
    """R12: whichever part is the last one that was sent, each message is in main once, in order."""
    desk = Desk(tmp_path, "acme")
    world = desk.externals["acme"]
    world.client_opens("ivan", "Technical support", "s", f"E<0> {'word ' * 3_000}")
    ticket = next(iter(world.tickets.values()))
    for n in range(1, 9):
        world.client_writes(str(ticket.id), f"E<{n}> {'word ' * 3_000}")
    hooks = desk.main.after if done else desk.main.before
    hooks["*"] = _Falls(at)
    with pytest.raises(Death):
        await desk.run()
    hooks.clear()
    desk.context = desk._context()
    for _ in range(6):
        desk.clock.advance(400)
        await desk.run()
    (copy,) = desk.main.tickets.values()
    whole = "\n".join(m.body for m in desk.main.thread(copy))
    assert re.findall(r"E<\d+>", whole) == [f"E<{n}>" for n in range(9)]
    assert not desk.store.open_intents("acme")
    desk.store.close()
