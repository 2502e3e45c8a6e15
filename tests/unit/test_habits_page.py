"""The tables of habits in docs/protocol.md."""

from __future__ import annotations

from connectors.billmanager import habits
from tests.habits_page import on_page, tables


def test_the_page_is_what_the_table_and_check_say() -> None:
    """Section 5 is what ``python -m tests.habits_page`` writes, with every habit in both of its tables."""
    assert on_page().splitlines() == tables().splitlines()
    rows = [line.split("`")[1] for line in on_page().splitlines() if line.startswith("| `")]
    assert rows == [habit.name for habit in habits.TABLE] * 2
