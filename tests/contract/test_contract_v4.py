"""The contract as version 4 keeps it: by the three functions, and by the public ones with what they cannot show."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from connectors.billmanager import connect_external
from connectors.contract import ExternalBilling, MainBilling
from connectors.errors import AccessDenied, Fatal, Missing, Refused, Skippable, TooOld
from remotesupport.core.model import FileRef, MessageKind, TicketState
from tests.contract.test_contract_reading import (  # noqa: F401 - laws that hold for version 4 too
    listed,
    test_a_message_changes_the_row,
    test_a_refused_login_is_access_denied,
    test_a_thread_is_in_order_and_says_who_speaks,
    test_departments_have_names,
    test_one_poisoned_row_is_rejected_alone,
    test_pages_show_every_ticket_once,
    test_reading_changes_nothing,
    test_states_lead_back,
    test_what_is_gone_is_missing,
)
from tests.contract.test_contract_writing import (  # noqa: F401
    here,
    test_a_created_ticket_is_there_to_the_letter,
    test_a_second_reply_needs_no_question,
    test_the_department_is_known_after_we_answered,
    test_what_staff_hold_gets_a_notice_instead,
    test_writing_to_nothing_is_missing,
)
from tests.contract.worlds import CUSTOMER, ELSEWHERE, HERE, OLD, STAFF, in_process, old_by_public, old_by_sync
from tests.emulator_fixtures import password_of
from tests.files import fetched


@pytest.fixture(params=OLD)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    """A version 4 where the test may act as anybody."""
    with OLD[request.param]() as made:
        await made.staff.identify()
        await made.customer.identify()
        yield made
        await made.staff.aclose()
        await made.customer.aclose()


@pytest.fixture
def pair(world: Any) -> Any:
    """The same world, under the name that tests with two connectors use."""
    return world


async def test_whose_tickets_a_login_sees_is_known_or_not_claimed(world: Any) -> None:
    """A login sees all departments, or nothing says which: version 4 never says that one is not visible."""
    listed = {d.department for d in await world.staff.departments()}
    assert await world.staff.sees() in (None, listed)


@pytest.fixture
async def sync() -> AsyncIterator[Any]:
    """Only by the three functions."""
    with old_by_sync() as made:
        await made.staff.identify()
        await made.customer.identify()
        yield made
        await made.staff.aclose()
        await made.customer.aclose()


@pytest.fixture
async def public() -> AsyncIterator[Any]:
    """Only by the public functions."""
    with old_by_public() as made:
        await made.staff.identify()
        await made.customer.identify()
        yield made
        await made.staff.aclose()
        await made.customer.aclose()


async def test_both_views_fulfil_the_protocols(world: Any) -> None:
    """A view whose version was found out is an ExternalBilling or a MainBilling like any other."""
    assert isinstance(world.staff, ExternalBilling)
    assert isinstance(world.customer, MainBilling)


async def test_the_dialect_is_found_out(sync: Any, public: Any) -> None:
    """With the rights the three functions are used, without them the public ones, on both sides."""
    for each in (sync.staff, sync.customer):
        assert each.capabilities.dialect == "billmanager 4 sync"
    for each in (public.staff, public.customer):
        assert each.capabilities.dialect == "billmanager 4 public"


async def test_a_note_never_comes_by_sync(sync: Any) -> None:
    """The three functions show staff no internal note either."""
    ticket = sync.open(HERE, "subject", "question")
    sync.note(ticket, "NOTE-CANARY")
    for billing in (sync.staff, sync.customer):
        assert [m.body for m in await billing.thread(ticket)] == ["question"]


async def test_a_note_in_the_html_is_a_note(public: Any) -> None:
    """In the staff's HTML a note is of its own kind; the customer's has none."""
    ticket = public.open(HERE, "subject", "question")
    public.note(ticket, "NOTE-CANARY")
    assert [m.kind for m in await public.staff.thread(ticket)] == [MessageKind.CLIENT, MessageKind.NOTE]
    assert "NOTE-CANARY" not in repr(await public.customer.thread(ticket))


async def test_the_same_key_writes_once(sync: Any) -> None:
    """A write with the key of an earlier one does nothing; equal words under another key are another message."""
    ticket = sync.open(HERE, "subject", "question")
    for key in ("acme/1", "acme/1", "acme/2"):
        await sync.staff.reply(ticket, "ok", key=key)
    assert [m.body for m in await sync.staff.thread(ticket)] == ["question", "ok", "ok"]


async def test_departments_say_whether_they_are_remote(sync: Any) -> None:
    """The flag of the department's form is seen by both sides."""
    sync.act(do="department_flag", department=HERE)
    for billing in (sync.staff, sync.customer):
        assert {d.name for d in await billing.departments() if d.remote} == {HERE}


async def test_a_ticket_that_moves_while_paging_is_not_lost(sync: Any) -> None:
    """A ticket that changes between two pages is read again at the end."""
    opened = [sync.open(HERE, f"subject {n}", "text") for n in range(5)]
    seen: list[str] = []
    async for page in sync.staff.pages("clienttickets.sync", page_size=2):
        if page.number == 1:
            sync.client_writes(opened[0], "moved")
        seen += [row.ticket for row in page.rows]
    assert set(seen) == set(opened)


async def test_states_by_sync(sync: Any) -> None:
    """Closed and opened again by staff is seen by both sides; doing either twice is the same as once."""
    ticket = sync.open(HERE, "subject", "question")
    for _ in range(2):
        await sync.staff.close(ticket)
        assert (await sync.customer.ticket(ticket)).state is TicketState.CLOSED
    for _ in range(2):
        await sync.staff.reopen(ticket)
        assert (await sync.customer.ticket(ticket)).state is TicketState.OPEN


async def test_an_empty_text_is_refused(world: Any) -> None:
    """Refused means that nothing was written."""
    ticket = world.open(HERE, "subject", "question")
    with pytest.raises(Refused):
        await world.customer.reply(ticket, " ")
    with pytest.raises(Refused):
        await world.customer.create(await here(world), "subject", "")
    assert [m.body for m in await world.staff.thread(ticket)] == ["question"]


async def test_files_are_skipped(world: Any) -> None:
    """Version 4 carries no attachments: asked for one it says so."""
    with pytest.raises(Skippable, match="no attachments"):
        await fetched(world.staff, FileRef("1", "a.txt"), limit=10)


async def test_another_departments_ticket_is_missing(world: Any) -> None:
    """What the login may not see is not listed and cannot be looked at."""
    ticket = world.open(ELSEWHERE, "subject", "text")
    assert await listed(world.staff) == []
    with pytest.raises((Missing, Skippable)):
        await world.staff.ticket(ticket)


async def test_too_old_is_said() -> None:
    """Release 4.0.62 does not know the functions: TooOld names the first release that does."""
    with in_process("4.0.62") as made:
        for billing in (made.staff, made.customer):
            with pytest.raises(TooOld, match=r"4\.0\.63"):
                await billing.identify()
            await billing.aclose()


async def test_without_the_functions_one_department_only() -> None:
    """Two configured departments and no right on the functions is Fatal, and says which rights are missing."""
    with in_process("4.0.68") as made:
        staff = connect_external(
            "acme", made._url, STAFF, password_of(STAFF), departments=[HERE, ELSEWHERE], **made._options
        )
        with pytest.raises(Fatal, match="only one"):
            await staff.identify()
        await staff.aclose()
        await made.staff.aclose()
        await made.customer.aclose()


async def test_a_ban_is_access_denied() -> None:
    """After wrong passwords in a row the server blocks the login: AccessDenied, with waiting as the cure."""
    with in_process("4.0.68") as made:
        for _ in range(3):
            made.core.sessions._failures.setdefault(CUSTOMER, []).append(made.core.clock.now())
        with pytest.raises(AccessDenied) as caught:
            await made.customer.identify()
        assert "Wait" in caught.value.cure
        await made.staff.aclose()
        await made.customer.aclose()
