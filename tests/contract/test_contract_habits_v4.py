"""The contract of version 4 holds whatever the habits of the server: a covering array of all their answers.

A law that is about one answer is asked of servers with that answer, and everything else drawn (``ABOUT``).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.contract.test_contract_v4 import *  # noqa: F403 - every law, those written later too
from tests.contract.worlds import OLD
from tests.habit_pairs import alone

UNLIMITED = {"message_refusal": "none"}  # these laws write twice in one minute
LISTED = {"v4_category": "slist"}  # these name a department, for which there is nothing but its number otherwise
ABOUT: dict[str, dict[str, str]] = {
    "test_a_second_reply_needs_no_question": UNLIMITED,
    "test_the_department_is_known_after_we_answered": UNLIMITED,
    "test_what_staff_hold_gets_a_notice_instead": UNLIMITED,
    "test_departments_have_names": LISTED,
    "test_a_created_ticket_is_there_to_the_letter": LISTED,
    "test_an_empty_text_is_refused": LISTED,
}


def drawn() -> list[Any]:
    """Both kinds of logins with each combination; the first of each in `make test`."""
    others = pytest.mark.thorough("one of several combinations in `make test`: each asks every law of version 4")
    return [
        pytest.param((kind, number), id=f"{kind} {number}", marks=[others] if number else [])
        for kind in OLD
        for number in range(len(alone("4")))
    ]


@pytest.fixture(params=drawn())
async def world(request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    """A version 4 with drawn habits where the test may act as anybody."""
    kind, number = request.param
    habits = {**alone("4")[number], **ABOUT.get(request.function.__name__, {})}
    habits.pop("version", None)
    with OLD[kind](habits) as made:
        await made.staff.identify()
        await made.customer.identify()
        yield made
        await made.staff.aclose()
        await made.customer.aclose()


def test_only_laws_of_the_contract_are_about_one_answer() -> None:
    """Each name in ABOUT is a law's that is asked here."""
    assert [name for name in ABOUT if name not in globals()] == []
