"""A state is understood in every documented form, and an unknown word never."""

from __future__ import annotations

import pytest

from connectors.billmanager import habits
from connectors.billmanager.v6_states import STATES, state_of
from connectors.billmanager.wire import Node


@pytest.mark.parametrize(
    ("node", "number", "how"),
    [
        (Node({"$orig": "3", "$": "Закрыт"}), "3", habits.ORIG),
        (Node("2"), "2", habits.STATE_NUMBER),
        (Node("New"), "0", habits.STATE_WORDS),
        (Node("Under review"), "1", habits.STATE_WORDS),
        (Node("In progress"), "1", habits.STATE_WORDS),
        (Node("Waiting to reply "), "2", habits.STATE_WORDS),
        (Node("New replies"), "2", habits.STATE_WORDS),
        (Node("Awaiting response"), "2", habits.STATE_WORDS),
        (Node({"$orig": "closed", "$": "Закрыт"}), "3", habits.STATE_WORDS),
        (Node("ARCHIVED"), "10", habits.STATE_WORDS),
    ],
)
def test_numbers_and_documented_words_are_states(node: Node, number: str, how: str) -> None:
    """The machine value first, then the number, then the words."""
    found = state_of(node)
    assert found is not None
    assert (found.number, found.how) == (number, how)


@pytest.mark.parametrize("node", [Node("Закрыт"), Node("77"), Node(""), Node({"$orig": "99", "$": "Escalated"})])
def test_an_unknown_word_is_no_state_in_any_list(node: Node) -> None:
    """What a row says wins over the list that it is in, also where it is not understood."""
    assert state_of(node) is None
    assert state_of(node, listed="10") is None


def test_a_row_that_says_nothing_is_what_its_list_is() -> None:
    """Membership decides where there is no column, and only where the list tells."""
    found = state_of(None, listed="10")
    assert found is not None
    assert (STATES[found.number], found.how) == ("closed", habits.STATE_LISTS)
    assert state_of(None) is None
