"""The laws over real HTTP see what they are meant to see."""

from __future__ import annotations

import pytest

from tests.simulation.http_laws import once_in_order
from tests.simulation.http_people import Said

SAID = [Said("1", ["a."]), Said("2", ["b.", "c."]), Said("3", ["d."])]


@pytest.mark.parametrize("text", ["a. b. d. c.", "a. c. d."])
def test_what_is_in_order(text: str) -> None:
    """Every message once, an edited one by its last words, whether or not its first ones had crossed before."""
    assert list(once_in_order("there", text, SAID, all_of_it=True)) == []


@pytest.mark.parametrize(
    ("text", "word"),
    [("a. b. d.", "lost"), ("a. c.", "lost"), ("a. a. b. d. c.", "twice"), ("b. a. d. c.", "out of order")],
)
def test_what_is_not(text: str, word: str) -> None:
    """A message or its last words lost, one said twice, and two that have changed places."""
    (wrong,) = once_in_order("there", text, SAID, all_of_it=True)
    assert word in wrong


def test_a_part_may_be_enough() -> None:
    """Of a ticket that is away some may be missing, but nothing may be there twice or in another order."""
    assert list(once_in_order("there", "d.", SAID, all_of_it=False)) == []
    assert list(once_in_order("there", "d. a.", SAID, all_of_it=False))
