"""Tables for a terminal: whole words in every width, and nothing lost but what says nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from remotesupport.cli.tables import Heading, drawn, folded, wrapped

WORDS = st.text(st.characters(categories=["L", "N"], exclude_characters="ـ"), min_size=1, max_size=12)
CELLS = st.lists(WORDS, max_size=6).map(" ".join)
PIN = "sha256:" + "0123456789abcdef" * 4
COLUMNS = ("Billing", "Open tickets", "Problem", "Seen")


def plain(columns: tuple[str, ...], rows: list[list[str] | Heading], width: int) -> list[str]:
    """The table's lines without their styles."""
    return [line.plain for line in drawn(columns, rows, width)]


@settings(max_examples=60)
@given(st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS).map(list), min_size=1, max_size=6), st.integers(30, 120))
def test_no_word_is_broken_or_lost(rows: list[list[str]], width: int) -> None:
    """In every width each word of each cell stands whole on one line, and no line is wider than the terminal."""
    lines = plain(COLUMNS, rows, width)
    words = {word for line in lines for word in line.split()}
    assert {word for row in rows for cell in row for word in cell.split()} <= words
    assert max(map(cell_len, lines)) <= width


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_a_word_that_is_too_long_stays_whole_below_its_row(width: int) -> None:
    """A fingerprint has a line of its own, so that it can be copied, and the other rows stay a table."""
    lines = plain(("Check", "Detail"), [["TLS", f"pinned; seen was {PIN}"], ["login", "robot"]], width)
    assert [PIN in line for line in lines].count(True) == 1
    assert "login  robot" in lines
    assert ("Detail: pinned" in "".join(lines)) == (width < 80)


def test_columns_without_a_word_leave_first() -> None:
    """Where the table has no room, columns in which no row says anything are left out; else they stay."""
    rows: list[list[str] | Heading] = [["acme", "3", "no correspondence", "-"], ["globex", "12", "", "-"]]
    assert "Seen" in plain(COLUMNS, rows, 60)[0]
    assert plain(COLUMNS, rows, 40)[0].split() == ["Billing", "Open", "tickets", "Problem"]


def test_rows_whose_words_have_no_room_become_blocks() -> None:
    """Each row begins with its first cell, and every other cell has the head of its column before it."""
    columns = ("Billing", *(f"Quarantined{n}" for n in range(6)))
    lines = plain(columns, [["acme", *"123456"]], 60)
    assert lines[0] == "Billing acme"
    assert "".join(lines).count("Quarantined") == 6
    assert "Quarantined6" not in lines[0]


def test_headings_stand_between_rows() -> None:
    """A heading is a line of its own, whatever the table looks like."""
    rows: list[list[str] | Heading] = [Heading("acme: main billing"), ["TLS", "ok"]]
    assert plain(("Check", "Ok"), rows, 80)[1] == "acme: main billing"
    assert plain(("Check", "Ok"), rows, 8)[0] == "acme: main billing"


def test_only_a_whole_cell_is_a_state_word() -> None:
    """A word is coloured where the cell says it, never where a sentence was wrapped before it."""
    spans = [
        span for line in drawn(("A", "B"), [["ok", "and no correspondence of any kind"]], 24) for span in line.spans
    ]
    assert [span.style for span in spans if span.style] == ["green"]


def test_what_is_to_be_copied_stays_on_one_line() -> None:
    """A command in backticks and a line of the configuration are never broken, however narrow the terminal is."""
    line, command = f'tls_fingerprint = "{PIN}"', "`remotesupport check --billing acme`"
    shown = folded(f"  1. Compare it before you trust it: {line}\nSee {command}.", 40)
    assert [line in each for each in shown].count(True) == 1
    assert [command in each for each in shown].count(True) == 1
    assert all(each.startswith("  ") for each in shown[:-2])


def test_wrapping_counts_cells() -> None:
    """Wide characters count twice, as the terminal draws them."""
    assert wrapped("李伟 李伟 李伟", 9) == ["李伟 李伟", "李伟"]
