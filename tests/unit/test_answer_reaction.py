"""Laws that tell who closed a ticket right after our answer: the server, or a person."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remotesupport.core.connections.answer_reaction import MOST_DOUBTED, USUAL, AnswerReaction, as_stored
from remotesupport.core.model import TicketState

OPEN, CLOSED = TicketState.OPEN, TicketState.CLOSED


@given(st.integers(1, 60))
def test_no_close_of_a_server_that_always_closes_is_a_persons(answers: int) -> None:
    """Whatever is answered there, the close belongs to the answer, and is never taken back."""
    known = AnswerReaction()
    for number in range(answers):
        known, led_to, persons = known.seen(str(number), CLOSED)
        assert (led_to, persons) == (CLOSED, ())
    assert not known.leaves_open
    assert known.closes is (answers >= USUAL)
    assert len(known.doubted) <= USUAL


@given(st.lists(st.integers(USUAL, 60), min_size=1, max_size=6))
def test_each_close_at_a_server_that_never_closes_becomes_a_persons(between: list[int]) -> None:
    """A person closes now and then: each of them is followed at once, or when enough answers were left open."""
    known, followed, numbers = AnswerReaction(), set[str](), count()
    for opened in between:
        by_person = f"closed {next(numbers)}"
        known, led_to, _ = known.seen(by_person, CLOSED)
        followed |= {by_person} if led_to is OPEN else set()
        for _ in range(opened):
            known, led_to, persons = known.seen("another", OPEN)
            assert led_to is OPEN
            followed |= {*persons}
    assert len(followed) == len(between)
    assert known.leaves_open


@given(st.lists(st.sampled_from([OPEN, CLOSED]), max_size=120))
def test_what_is_kept_leads_back_and_has_an_end(looks: list[TicketState]) -> None:
    """Any looks: the store's form says the same again, and holds no more than so many tickets."""
    known = AnswerReaction()
    for number, look in enumerate(looks):
        known, _, _ = known.seen(str(number), look)
        assert as_stored(known.stored()) == known
        assert len(known.doubted) <= MOST_DOUBTED
        assert not (known.leaves_open and known.closes)


@pytest.mark.parametrize("state", [OPEN, CLOSED])
def test_what_earlier_versions_kept_is_a_server_that_is_known(state: TicketState) -> None:
    """One state was kept before: it stands for a server that is known to do so."""
    known = as_stored({"state": str(state)})
    assert (known.leaves_open, known.closes) == (state is OPEN, state is CLOSED)
    assert as_stored(None) == AnswerReaction()
