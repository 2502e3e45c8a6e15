"""The contract holds whatever the habits of a server of version 5 or 6: a covering array of all their answers.

A law that is about one answer is asked of servers with that answer, and everything else drawn (``ABOUT``).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from connectors.billmanager import Limits
from remotesupport.core.model import MessageKind
from tests.contract.test_contract_reading import *  # noqa: F403 - every law, those written later too
from tests.contract.test_contract_reading import listed, said
from tests.contract.test_contract_writing import *  # noqa: F403
from tests.contract.worlds import HERE, in_process
from tests.habit_pairs import alone

LIMITS = Limits(logins_a_minute=100)
IN_ROWS = {"responsible": "orig"}  # the department is in every row
UNLIMITED = {"message_refusal": "none"}  # these laws write twice in one minute
ABOUT: dict[str, dict[str, str]] = {
    "test_a_login_knows_who_it_is": {"whoami": "shown"},
    "test_staff_know_whose_tickets_they_see": {"whoami": "shown"},
    "test_a_new_ticket_is_on_top_of_both_lists": IN_ROWS,
    "test_an_employees_ticket_shows_its_department_alone": IN_ROWS,
    "test_the_row_is_the_same_in_a_list_and_alone": IN_ROWS,
    "test_the_department_is_known_after_we_answered": IN_ROWS | UNLIMITED,
    "test_what_staff_hold_gets_a_notice_instead": UNLIMITED,
    "test_a_thread_is_in_order_and_says_who_speaks": {"author": "realname"},
    "test_own_is_never_claimed_for_others": {"author": "id", "whoami": "shown"},
    # nothing tells where a note stands to the only message that has an order
    "test_a_note_is_a_note_for_staff_and_nothing_for_the_customer": {"notes": "note", "thread_order": "oldest_first"},
    "test_pages_show_every_ticket_once": {"sort": "asked", "total": "present"},
    "test_an_empty_list_is_one_empty_page": {"total": "present"},
    "test_a_message_reopens_an_archived_ticket": {"reply_reopens": "yes"},
    "test_an_empty_text_is_refused_and_nothing_is_written": {"empty_answer": "refused"},
    # a login without an id cannot take a ticket by it, nor give one to a department that is shown nowhere
    "test_a_second_reply_needs_no_question": UNLIMITED | {"whoami": "shown"},
    "test_close_and_reopen_by_staff": {"whoami": "shown"},
    "test_a_waiting_ticket_is_closed_too": {"whoami": "shown"},
}
QUICK = (0, 1)


def drawn() -> list[Any]:
    """The numbers of all combinations; two of them in `make test`."""
    others = pytest.mark.thorough("two of about forty combinations in `make test`: each asks every law of the contract")
    numbers = range(len(alone("5 and 6")))
    return [pytest.param(number, marks=[] if number in QUICK else [others]) for number in numbers]


@pytest.fixture(params=drawn())
async def world(request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    """A server with drawn habits where the test may act as anybody."""
    habits = {**alone("5 and 6")[request.param], **ABOUT.get(request.function.__name__, {})}
    version = habits.pop("version")
    with in_process(version, habits=habits, limits=LIMITS) as made:
        yield made
        await made.staff.aclose()
        await made.customer.aclose()


@pytest.fixture
def pair(world: Any) -> Any:
    """The same world, under the name that tests with two connectors use."""
    return world


def test_only_laws_of_the_contract_are_about_one_answer() -> None:
    """Each name in ABOUT is a law's that is asked here, and its answers are drawn otherwise, too."""
    assert [name for name in ABOUT if name not in globals()] == []
    held = {(habit, answer) for about in ABOUT.values() for habit, answer in about.items()}
    assert [one for one in held if len({c[one[0]] for c in alone("5 and 6")}) < 2] == []


async def test_every_ticket_is_shown_once_newest_first(world: Any) -> None:
    """However a server sorts, counts and cuts its pages: no ticket is hidden or comes twice, spoilt rows or not."""
    opened = [world.open(HERE, f"subject {n}", "text") for n in range(7)]
    for spoilt in (None, 3):
        if spoilt is not None:
            world.poison(opened[spoilt])
        for billing in (world.staff, world.customer):
            pages = [page async for page in billing.pages(billing.capabilities.listings[0], page_size=3)]
            shown = [row.ticket for page in pages for row in page.rows]
            assert shown == [ticket for n, ticket in reversed([*enumerate(opened)]) if n != spoilt]
            assert [bad.ticket for page in pages for bad in page.rejected] == opened[3:4] * (spoilt is not None)


async def test_no_message_of_others_is_called_our_own(world: Any) -> None:
    """Whatever a message shows of its author: a colleague's is never ours, nor is a note a message of somebody's."""
    ticket = world.open(HERE, "subject", "question")
    world.staff_replies(ticket, "answer")
    world.note(ticket, "NOTE-CANARY")
    for billing in (world.staff, world.customer):
        thread = said(await billing.thread(ticket))
        assert [(m.body, m.kind) for m in thread] == [("question", MessageKind.CLIENT), ("answer", MessageKind.STAFF)]
    assert [m.own for m in said(await world.staff.thread(ticket)) if m.own] == []
    assert "NOTE-CANARY" not in repr(await world.customer.thread(ticket)) + repr(await listed(world.customer))


@pytest.mark.parametrize("spoilt", range(7))
async def test_a_spoilt_row_hides_no_other_where_totals_count_one_page(spoilt: int) -> None:
    """Read apart because of one row, a page whose pieces each say their own number of rows as the total is whole."""
    with in_process(habits={"total": "page"}, limits=LIMITS) as made:
        opened = [made.open(HERE, f"subject {n}", "text") for n in range(7)]
        made.poison(opened[spoilt])
        for size in (4, 6, 7, 500):
            pages = [page async for page in made.staff.pages("ticket_all", page_size=size)]
            shown = {row.ticket for page in pages for row in page.rows}
            assert shown == {*opened} - {opened[spoilt]}
            assert [bad.ticket for page in pages for bad in page.rejected] == [opened[spoilt]]
        await made.staff.aclose()
        await made.customer.aclose()


async def test_columns_in_a_local_spelling_make_no_row_look_changed() -> None:
    """A row hash is the same after a ticket was read, also where each column stands there once more in local words."""
    with in_process(habits={"extra_columns": "many"}, limits=LIMITS) as made:
        await test_reading_changes_nothing(made)  # noqa: F405
        await made.staff.aclose()
        await made.customer.aclose()
