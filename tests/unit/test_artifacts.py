"""What the Prefect UI shows: no foreign text comes alive in it, and it stays small."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remotesupport.core import frames
from remotesupport.core.connections.board import Board, board
from remotesupport.core.connections.connection_state import ConnectionState, Failure
from remotesupport.core.model import ChangeKind
from remotesupport.core.records import ParkedChange
from remotesupport.core.run import BillingResult, BillingState, RunKind, RunReport
from tasks import artifacts

CORPUS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "![beacon](https://evil.example/x.png)",
    "[click](javascript:alert(1))",
    "[ref]: https://evil.example 'title'",
    "<https://evil.example>",
    "https://evil.example/?q=1",
    "www.evil.example and WWW.evil.example",
    "//evil.example/x.png",
    "mailto:someone@evil.example",
    "someone@evil.example",
    "&lt;script&gt; &#60;b&#62;",
    "`code` ``more``",
    "```\nfence\n```",
    "a | b\n--- | ---\nx | y",
    "# heading\n> quote\n* list\n- list\n1. list",
    "**bold** _it_ ~~gone~~",
    "{{ 7*7 }} ${x} {% raw %}",
    "\\<b\\> \\[x\\](y)",
    "\x1b[31mred\x1b[0m\x07\x08",
    "\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\",
    "admin\u202etxt.exe\u202c \u2066x\u2069",
    "zero\u200bwidth\u200d\ufeff\u2060",
    "line\r\nfeeds\u2028and\u2029more\x85x",
    "\U000e0001\U000e0041tags",
    "Привет, это «кавычки» и 😀",
]
ALIVE = re.compile(r"[<>\[\](){}`|*_&\\@#~!\"'$]|://|//|www\.", re.IGNORECASE)
HIDDEN = {"Cc", "Cf", "Zl", "Zp", "Co", "Cs"}

pieces = st.lists(st.sampled_from(CORPUS) | st.text(max_size=30), max_size=6).map(" ".join)


def assert_dead(text: str) -> None:
    """No character of ``text`` means anything to a renderer, a terminal or the order of reading."""
    assert not ALIVE.search(text), text
    assert not [c for c in text if unicodedata.category(c) in HIDDEN], text


@pytest.mark.parametrize("text", CORPUS)
def test_nothing_of_the_corpus_comes_alive(text: str) -> None:
    """Each known payload loses every character that could mean something."""
    assert_dead(artifacts.plain(text))


@given(pieces, st.integers(2, 200))
def test_any_text_is_dead_and_short(text: str, limit: int) -> None:
    """Whatever is put in comes out as one dead line within its limit."""
    shown = artifacts.plain(text, limit)
    assert_dead(shown)
    assert len(shown) <= limit


def test_ordinary_text_stays_readable() -> None:
    """Letters of any script, figures and plain punctuation are left as they are."""
    text = "Счёт 77: не открывается сайт, ошибка 502 - проверьте; спасибо 😀"
    assert artifacts.plain(text) == text


def changes(rows: int, text: str = "x") -> object:
    """CHANGES with ``rows`` posts of one text."""
    blank = dict.fromkeys(frames.CHANGES.columns, "")
    one = blank | {"connection": "acme", "kind": "post", "direction": "to_main", "rank": 0, "ordinal": 0}
    one |= {"subject": text, "body": text, "detail": text, "main_ticket": None, "department": None}
    return frames.build(frames.CHANGES, [one | {"ext_ticket": str(n), "act": str(n)} for n in range(rows)])


@given(pieces)
def test_no_cell_of_the_plan_comes_alive(text: str) -> None:
    """Every cell of the plan's table is dead, whatever the ticket says."""
    for row in artifacts.plan_table(changes(1, text)):
        for cell in row.values():
            assert_dead(cell)


def test_the_plan_is_bounded_and_says_so() -> None:
    """A plan of thousands shows its first rows and how many more there are."""
    rows = artifacts.plan_table(changes(artifacts.ROWS + 50))
    assert len(rows) == artifacts.ROWS + 1
    assert rows[-1]["change"] == "… and 50 more"
    assert {tuple(r) for r in rows} == {tuple(rows[0])}


@given(pieces)
def test_no_reason_breaks_the_summary(text: str) -> None:
    """The summary has one table line for each billing, whatever a billing answered."""
    done = RunReport("r1", RunKind.SYNC, datetime(2026, 1, 1, tzinfo=UTC))
    done.billings = [BillingResult("acme", state=BillingState.FAILED, reason=text), BillingResult("beta")]
    lines = artifacts.summary_markdown(done).splitlines()
    assert len(lines) == 6
    assert lines[4].startswith("| acme | failed |")
    assert lines[5].startswith("| beta | ok |")
    assert_dead(lines[4].replace("|", ""))


def board_of(now: datetime, waiting: Sequence[ParkedChange] = (), *states: ConnectionState) -> Board:
    """The board of these connections, a run having begun now."""
    return board([state.name for state in states], states, now, now, waiting)


def parked(number: int, since: datetime, cause: str) -> ParkedChange:
    """A close of a ticket of acme that failed."""
    later = since + timedelta(hours=1)
    return ParkedChange(
        "acme", str(number), None, ChangeKind.CLOSE, str(number), cause, since, attempts=3, next_try=later, run="r",
        id=number,
    )  # fmt: skip


def test_the_board_shows_what_is_parked_by_age_with_its_cause() -> None:
    """The oldest comes first, with its age and cause, and each connection's line has its oldest one's age."""
    now = datetime(2026, 1, 5, 12, tzinfo=UTC)
    waiting = [parked(1, now - timedelta(days=3, hours=4), "refused"), parked(2, now - timedelta(minutes=5), "busy")]
    lines = artifacts.board_markdown(
        board_of(now, waiting, ConnectionState("acme", parked=2), ConnectionState("beta")), now, waiting
    )
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines.splitlines() if "|" in line]
    heads, acme, beta = rows[0], *sorted(rows[2:4])
    assert (acme[1], beta[1]) == ("never read", "never read")
    assert (dict(zip(heads, acme, strict=True))["oldest parked"], beta[heads.index("oldest parked")]) == ("3 d 4 h", "")
    assert [(r[2], r[4], r[7]) for r in rows[6:]] == [("1", "3 d 4 h", "refused"), ("2", "5 min", "busy")]


def test_the_board_says_what_to_do_and_how_each_side_is() -> None:
    """The time comes first, then causes and cures; a line has its state, how long reading took, its certificate."""
    now = datetime(2026, 1, 5, 12, tzinfo=UTC)
    refused = ConnectionState("acme", last_read=now, failure=Failure.ACCESS, stopped_why="login refused")
    page = artifacts.board_markdown(
        board_of(now, (), refused, ConnectionState("beta", last_read=now)), now, (), {"beta": "0.8 s, 12 requests"},
        {"beta": "12 days left", "": "80 days left"},
    )  # fmt: skip
    assert page.startswith("As of **2026-01-05 12:00:00 UTC**")
    acme, beta = (line.split(" | ") for line in page.splitlines() if line.startswith(("| acme", "| beta")))
    heads = next(line for line in page.splitlines() if line.startswith("| billing")).split(" | ")
    assert acme[heads.index("state")] == "access"
    (wrong,) = (line for line in page.splitlines() if line.startswith("* "))
    assert wrong.startswith("* **acme** is access. login refused. To do: put login or password right")
    assert wrong.endswith("remotesupport check --billing acme")
    assert beta[heads.index("answered within")] == "0.8 s, 12 requests"
    assert beta[heads.index("certificate")] == "12 days left"
    assert "Certificate of the main billing: 80 days left" in page


@given(pieces)
def test_no_parked_cause_comes_alive(text: str) -> None:
    """What a billing answered to a parked change is dead text on the board."""
    now = datetime(2026, 1, 5, tzinfo=UTC)
    (line,) = [
        x
        for x in artifacts.board_markdown(board_of(now), now, [parked(1, now, text)]).splitlines()
        if x.startswith("| 1 |")
    ]
    assert_dead(line.replace("|", ""))


def test_a_long_list_of_parked_changes_says_how_much_is_missing() -> None:
    """The board shows the oldest and how many more there are."""
    now = datetime(2026, 1, 5, tzinfo=UTC)
    board = artifacts.board_markdown(board_of(now), now, [parked(n, now, "refused") for n in range(artifacts.ROWS + 7)])
    assert (board.count("refused"), "… and 7 more" in board) == (artifacts.ROWS, True)
