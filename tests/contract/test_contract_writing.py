"""What every implementation of the contract does to a billing."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.errors import Missing, Refused
from remotesupport.core.model import MessageKind, TicketState
from tests.contract.test_contract_reading import TRICKY, listed, said
from tests.contract.worlds import HERE
from tests.files import Pieces, fetched, upload


async def here(pair: Any) -> str:
    """The id of a department, as the customer sees it."""
    found = await pair.customer.departments()
    return next((d.department for d in found if d.name == HERE), found[0].department)


async def test_a_created_ticket_is_there_to_the_letter(pair: Any) -> None:
    """create answers with the new ticket's id; subject and text are what was sent."""
    receipt = await pair.customer.create(await here(pair), "[acme #1] тема «🚀»", TRICKY)
    row = await pair.customer.ticket(receipt.ticket)
    assert (row.subject, row.state) == ("[acme #1] тема «🚀»", TicketState.OPEN)
    (message,) = said(await pair.customer.thread(receipt.ticket))
    assert (message.body, message.kind) == (TRICKY, MessageKind.CLIENT)
    assert message.own is not False


async def test_a_customers_reply_reaches_staff(world: Any) -> None:
    """The customer's reply is a client message for staff, and the ticket waits for them again."""
    ticket = world.open(HERE, "subject", "question")
    world.staff_replies(ticket, "answer")
    assert await listed(world.staff, "ticket") == []
    await world.customer.reply(ticket, "still broken")
    last = said(await world.staff.thread(ticket))[-1]
    assert (last.kind, last.body) == (MessageKind.CLIENT, "still broken")
    assert [row.ticket for row in await listed(world.staff, "ticket")] == [ticket]


async def test_a_staff_reply_reaches_the_customer(world: Any) -> None:
    """The reply is support's for the customer, our own for staff, and the ticket leaves the queue but stays open."""
    ticket = world.open(HERE, "subject", "question")
    await world.staff.reply(ticket, TRICKY)
    last = said(await world.customer.thread(ticket))[-1]
    assert (last.kind, last.body) == (MessageKind.STAFF, TRICKY)
    assert said(await world.staff.thread(ticket))[-1].own is not False
    assert await listed(world.staff, "ticket") == []
    assert (await world.staff.ticket(ticket)).state is TicketState.OPEN


async def test_a_second_reply_needs_no_question(world: Any) -> None:
    """A ticket that waits for the client can be answered again: it is taken first."""
    ticket = world.open(HERE, "subject", "question")
    await world.staff.reply(ticket, "one")
    await world.staff.reply(ticket, "two")
    assert [m.body for m in said(await world.customer.thread(ticket))] == ["question", "one", "two"]


async def test_the_department_is_known_after_we_answered(world: Any) -> None:
    """A ticket that this login took still has its department in a direct look."""
    ticket = world.open(HERE, "subject", "question")
    before = (await world.staff.ticket(ticket)).department
    await world.staff.reply(ticket, "one")
    await world.staff.reply(ticket, "two")
    assert (await world.staff.ticket(ticket)).department == before


async def test_close_and_reopen_by_staff(world: Any) -> None:
    """Closing closes for both views, reopening opens; doing either twice is the same as once."""
    ticket = world.open(HERE, "subject", "question")
    for _ in range(2):
        await world.staff.close(ticket)
        for billing in (world.staff, world.customer):
            row = await billing.ticket(ticket)
            assert row.state is TicketState.CLOSED
        assert (await world.staff.ticket(ticket)).status == world.staff.capabilities.states_back["closed"]
    for _ in range(2):
        await world.staff.reopen(ticket)
        row = await world.staff.ticket(ticket)
        assert row.status == world.staff.capabilities.states_back["open"]
        assert len(await listed(world.staff, "ticket")) == 1


async def test_a_waiting_ticket_is_closed_too(world: Any) -> None:
    """A ticket that nobody holds because it waits for the client becomes closed."""
    ticket = world.open(HERE, "subject", "question")
    await world.staff.reply(ticket, "answer")
    await world.staff.close(ticket)
    assert (await world.customer.ticket(ticket)).state is TicketState.CLOSED


async def test_the_customer_archives_what_nobody_holds(world: Any) -> None:
    """close moves it to the archive list without a message; a second close changes nothing."""
    ticket = world.open(HERE, "subject", "question")
    world.staff_replies(ticket, "answer")
    for _ in range(2):
        await world.customer.close(ticket, "closed there")
    assert [row.ticket for row in await listed(world.customer, "clientticket_archive")] == [ticket]
    assert await listed(world.customer) == []
    bodies = [m.body for m in said(await world.customer.thread(ticket))]
    assert bodies == ["question", "answer"]
    assert (await world.customer.ticket(ticket)).status == world.customer.capabilities.states_back["closed"]


async def test_what_staff_hold_gets_a_notice_instead(world: Any) -> None:
    """Where the archive refuses because staff hold the ticket, the notice is posted so that they see it."""
    ticket = world.open(HERE, "subject", "question")
    await world.customer.close(ticket, "closed there")
    assert [m.body for m in said(await world.staff.thread(ticket))] == ["question", "closed there"]


async def test_a_message_reopens_an_archived_ticket(world: Any) -> None:
    """reopen brings it back from the archive, with the notice to be seen."""
    ticket = world.open(HERE, "subject", "question")
    world.staff_replies(ticket, "answer")
    await world.customer.close(ticket, "closed there")
    await world.customer.reopen(ticket, "open again there")
    row = await world.customer.ticket(ticket)
    assert (row.state, row.status) == (TicketState.OPEN, world.customer.capabilities.states_back["open"])
    assert [r.ticket for r in await listed(world.customer)] == [ticket]


async def test_an_empty_text_is_refused_and_nothing_is_written(world: Any) -> None:
    """Refused means that nothing was written."""
    ticket = world.open(HERE, "subject", "question")
    with pytest.raises(Refused):
        await world.customer.reply(ticket, " ")
    with pytest.raises(Refused):
        await world.staff.reply(ticket, "")
    with pytest.raises(Refused):
        await world.customer.create(await here(world), "subject", "")
    assert [m.body for m in said(await world.staff.thread(ticket))] == ["question"]


async def test_writing_to_nothing_is_missing(world: Any) -> None:
    """A write to a ticket that is not there raises Missing."""
    for write in (world.staff.reply, world.customer.reply):
        with pytest.raises(Missing):
            await write("999999", "text")


async def test_files_go_with_their_message(world: Any) -> None:
    """Uploads arrive byte for byte, in order, in both directions."""
    contents = {"one.bin": b"\x00\xff" * 500, "два «2».txt": "текст".encode()}
    files = [upload(name, content) for name, content in contents.items()]
    receipt = await world.customer.create(await here(world), "[acme #1] subject", "see files", files)
    await world.staff.reply(receipt.ticket, "mine", files[:1])
    sent = [*contents.items(), ("one.bin", contents["one.bin"])]
    for billing in (world.staff, world.customer):
        refs = [ref for m in await billing.thread(receipt.ticket) for ref in m.files]
        assert [(ref.name, await fetched(billing, ref, limit=10_000)) for ref in refs] == sent


async def test_a_large_file_comes_in_pieces(world: Any) -> None:
    """Three megabytes arrive as they were, and none of the pieces that are handed over is large."""
    content = bytes(range(256)) * (3 * 4096)
    receipt = await world.customer.create(
        await here(world), "[acme #1] subject", "see file", [upload("big.bin", content)]
    )
    ((ref,),) = [m.files for m in said(await world.staff.thread(receipt.ticket))]
    got = Pieces()
    await world.staff.file(ref, got, limit=len(content))
    assert b"".join(got.pieces) == content
    assert max(map(len, got.pieces)) <= 128 * 1024
