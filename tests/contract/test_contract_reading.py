"""What every implementation of the contract shows of a billing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from typing import Any

import pytest

from connectors.contract import Billing, ExternalBilling, MainBilling
from connectors.errors import AccessDenied, Missing, Skippable
from remotesupport.core.model import PEOPLE, MessageKind, MessageRow, Side, TicketRow, TicketState
from tests.contract.worlds import ELSEWHERE, HERE, START
from tests.files import fetched

TRICKY = 'Привет 👋 "quotes" \'n <b>markup</b> &amp; ]]> \\ %20+&func=auth\nsecond line\t\u202ertl'


async def listed(billing: Billing, listing: str | None = None, size: int = 500) -> list[TicketRow]:
    """Every row of one listing, the first when not said."""
    name = listing or billing.capabilities.listings[0]
    return [row async for page in billing.pages(name, page_size=size) for row in page.rows]


def said(thread: Sequence[MessageRow]) -> list[MessageRow]:
    """What people said: a server may have rows of its own between, which never cross."""
    return [row for row in thread if row.kind in PEOPLE]


async def test_the_views_are_what_the_contract_says(pair: Any) -> None:
    """Both views fulfil their Protocol and know their side."""
    assert isinstance(pair.staff, ExternalBilling)
    assert isinstance(pair.customer, MainBilling)
    assert (pair.staff.side, pair.customer.side) == (Side.EXTERNAL, Side.MAIN)


async def test_states_lead_back(pair: Any) -> None:
    """The raw status that our own close and reopen lead to maps to closed and open."""
    for billing in (pair.staff, pair.customer):
        can = billing.capabilities
        assert {state: can.states[raw] for state, raw in can.states_back.items()} == {
            "closed": "closed",
            "open": "open",
        }


async def test_a_login_knows_who_it_is(pair: Any) -> None:
    """identify names the version, the user and its level; staff stand above customers."""
    staff, customer = await pair.staff.identify(), await pair.customer.identify()
    assert int(staff.version.split(".")[0]) >= 5
    assert staff.user
    assert staff.level > customer.level


async def test_a_refused_login_is_access_denied(world: Any) -> None:
    """A wrong login raises AccessDenied with a cure, on the first call."""
    intruder = world.deny()
    with pytest.raises(AccessDenied) as caught:
        await intruder.identify()
    assert caught.value.cure
    await intruder.aclose()


async def test_departments_have_names(pair: Any) -> None:
    """Both sides name the departments, each with an id of its own."""
    for billing in (pair.staff, pair.customer):
        found = await billing.departments()
        assert len({d.department for d in found}) == len(found) > 0
        assert all(d.name for d in found)


async def test_staff_know_whose_tickets_they_see(world: Any) -> None:
    """Of a department that is listed, and whose tickets this login is never shown, it is known that it is so."""
    ids = {d.name: d.department for d in await world.staff.departments()}
    sees = await world.staff.sees()
    assert sees is not None
    assert (ids[HERE] in sees, ids[ELSEWHERE] in sees) == (True, False)


async def test_a_new_ticket_is_on_top_of_both_lists(world: Any) -> None:
    """The newest ticket comes first, open, with its subject to the letter, and with its department for staff."""
    world.open(HERE, "older", "text")
    ticket = world.open(HERE, TRICKY.replace("\n", " ").replace("\t", " "), "text")
    ids = {d.name: d.department for d in await world.staff.departments()}
    for billing, department in ((world.staff, ids[HERE]), (world.customer, None)):
        first = (await listed(billing))[0]
        assert (first.ticket, first.state, first.department) == (ticket, TicketState.OPEN, department)
        assert first.subject == TRICKY.replace("\n", " ").replace("\t", " ")


async def test_a_thread_is_in_order_and_says_who_speaks(world: Any) -> None:
    """Messages come in order with kind, author, text and moment; two equal ones stay two."""
    ticket = world.open(HERE, "subject", TRICKY)
    world.client_writes(ticket, "ok")
    world.client_writes(ticket, "ok")
    world.staff_replies(ticket, "answer")
    for billing in (world.staff, world.customer):
        whole = await billing.thread(ticket)
        thread = said(whole)
        assert [m.body for m in thread] == [TRICKY, "ok", "ok", "answer"]
        assert [m.kind for m in thread] == [MessageKind.CLIENT] * 3 + [MessageKind.STAFF]
        assert [m.ordinal for m in whole] == list(range(len(whole)))
        assert len({m.message for m in whole}) == len(whole)
        assert all(m.author for m in thread)
        assert [m.at for m in thread] == sorted(m.at for m in thread)
        assert thread[0].at_text == "2026-11-20 12:01:00"
        assert thread[0].at is not None
        assert (thread[0].at - START.astimezone(UTC)).total_seconds() == 60


async def test_own_is_never_claimed_for_others(world: Any) -> None:
    """A client's message is not staff's own, a colleague's answer is not ours, support's answer not the customer's."""
    ticket = world.open(HERE, "subject", "question")
    world.staff_replies(ticket, "answer")
    assert [m.own for m in said(await world.staff.thread(ticket))] == [False, False]
    question, answer = said(await world.customer.thread(ticket))
    assert question.own is not False
    assert answer.own is False


async def test_a_note_is_a_note_for_staff_and_nothing_for_the_customer(world: Any) -> None:
    """An internal note has its own kind in the staff view and is in no answer to the customer."""
    ticket = world.open(HERE, "subject", "question")
    world.note(ticket, "NOTE-CANARY")
    kinds = [m.kind for m in await world.staff.thread(ticket) if m.kind is not MessageKind.SYSTEM]
    assert kinds == [MessageKind.CLIENT, MessageKind.NOTE]
    assert "NOTE-CANARY" not in repr(await world.customer.thread(ticket))
    assert "NOTE-CANARY" not in repr(await listed(world.customer))


async def test_reading_changes_nothing(world: Any) -> None:
    """After lists and threads were read, every row has the same hash as before."""
    ticket = world.open(HERE, "subject", "question")
    world.staff_replies(ticket, "answer")
    world.client_writes(ticket, "thanks")
    for billing in (world.staff, world.customer):
        for listing in billing.capabilities.listings:
            before = await listed(billing, listing)
            await billing.thread(ticket)
            await billing.ticket(ticket)
            assert await listed(billing, listing) == before


async def test_a_message_changes_the_row(world: Any) -> None:
    """A row's hash is the same while nothing happens and another after a message."""
    ticket = world.open(HERE, "subject", "question")
    quiet = {b.side: (await listed(b))[0].row_hash for b in (world.staff, world.customer)}
    world.client_writes(ticket, "more")
    for billing in (world.staff, world.customer):
        assert (await listed(billing))[0].row_hash != quiet[billing.side]


async def test_the_row_is_the_same_in_a_list_and_alone(world: Any) -> None:
    """A direct look agrees with the list."""
    ticket = world.open(HERE, "subject", "question")
    for billing in (world.staff, world.customer):
        assert await billing.ticket(ticket) == (await listed(billing))[0]


async def test_pages_show_every_ticket_once(world: Any) -> None:
    """Seven tickets on pages of three are three pages with the same total and every ticket once, newest first."""
    opened = [world.open(HERE, f"subject {n}", "text") for n in range(7)]
    for billing in (world.staff, world.customer):
        pages = [page async for page in billing.pages(billing.capabilities.listings[0], page_size=3)]
        assert [len(page.rows) for page in pages] == [3, 3, 1]
        assert {page.total for page in pages} == {7}
        assert [row.ticket for page in pages for row in page.rows] == opened[::-1]


async def test_an_empty_list_is_one_empty_page(pair: Any) -> None:
    """A list without rows is read without an error, and says so."""
    async for page in pair.customer.pages("clientticket_archive"):
        assert page.total is not None


async def test_staff_see_only_their_departments(world: Any) -> None:
    """A ticket of another department is neither listed nor found; a transfer brings it with its whole history."""
    ticket = world.open(ELSEWHERE, "subject", "first")
    world.client_writes(ticket, "second")
    assert await listed(world.staff) == []
    with pytest.raises(Missing):
        await world.staff.ticket(ticket)
    world.transfer(ticket, HERE)
    ids = {d.name: d.department for d in await world.staff.departments()}
    assert (await world.staff.ticket(ticket)).department == ids[HERE]
    assert [row.ticket for row in await listed(world.staff, "ticket")] == [ticket]
    assert [m.body for m in said(await world.staff.thread(ticket))] == ["first", "second"]


async def test_an_employees_ticket_shows_its_department_alone(world: Any) -> None:
    """The row of a ticket that an employee took has no department and another hash; a direct look has it."""
    ticket = world.open(HERE, "subject", "text")
    (before,) = await listed(world.staff)
    world.take(ticket)
    (after,) = await listed(world.staff)
    assert (before.department is None, after.department) == (False, None)
    assert after.row_hash != before.row_hash
    assert (await world.staff.ticket(ticket)).department == before.department


async def test_queue_rows_are_partial_and_newest_first(world: Any) -> None:
    """The queue says only that tickets arrived: the last to arrive first, transfers included."""
    old = world.open(ELSEWHERE, "subject", "text")
    new = world.open(HERE, "subject", "text")
    world.transfer(old, HERE)
    rows = await listed(world.staff, "ticket")
    assert [row.ticket for row in rows] == [old, new]
    assert all(row.partial for row in rows)


async def test_an_edit_keeps_the_id(world: Any) -> None:
    """An edited message has its old id and its new text."""
    ticket = world.open(HERE, "subject", "before")
    (first,) = said(await world.staff.thread(ticket))
    world.edit(first.message, "after")
    (edited,) = said(await world.staff.thread(ticket))
    assert (edited.message, edited.body) == (first.message, "after")


async def test_what_is_gone_is_missing(world: Any) -> None:
    """A deleted ticket is in no list, and a direct look and its thread raise Missing."""
    ticket = world.open(HERE, "subject", "text")
    world.delete(ticket)
    for billing in (world.staff, world.customer):
        assert await listed(billing) == []
        for look in (billing.ticket, billing.thread):
            with pytest.raises(Missing):
                await look(ticket)


async def test_one_poisoned_row_is_rejected_alone(world: Any) -> None:
    """Of seven tickets one has an unreadable row: it is rejected by its id, the six others are there."""
    opened = [world.open(HERE, f"subject {n}", "text") for n in range(7)]
    world.poison(opened[3])
    for billing in (world.staff, world.customer):
        pages = [page async for page in billing.pages(billing.capabilities.listings[0], page_size=6)]
        assert {row.ticket for page in pages for row in page.rows} == {*opened} - {opened[3]}
        assert [bad.ticket for page in pages for bad in page.rejected] == [opened[3]]


async def test_attachments_are_read_byte_for_byte(world: Any) -> None:
    """A file has its name and its bytes on both sides; a limit below its size makes it Skippable."""
    content = bytes(range(256)) * 40
    ticket = world.open(HERE, "subject", "see file", [("снимок экрана.png", content)])
    for billing in (world.staff, world.customer):
        ((file,),) = [m.files for m in said(await billing.thread(ticket))]
        assert file.name == "снимок экрана.png"
        assert await fetched(billing, file, limit=len(content)) == content
        with pytest.raises(Skippable):
            await fetched(billing, file, limit=len(content) - 1)
