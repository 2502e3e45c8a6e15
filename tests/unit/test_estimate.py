"""What a backfill would do, in numbers and in words."""

from __future__ import annotations

from remotesupport.core.estimate import estimate

ROWS = [
    ("adopt", "1", "[]"),
    ("create", "7", '[["m1", "h", null], ["m2", "h", null]]'),
    ("create", "8", '[["m3", "h", null]]'),
    ("close", "7", "[]"),
    ("post", "9", '[["m4", "h", null]]'),
]


def test_what_would_be_written_is_counted_and_timed() -> None:
    """Tickets, the messages in them, closes and other writes; reading and each write take their time."""
    found = estimate(ROWS, "acme-user", reading=10.0, a_write=0.5, measured=True)
    assert found is not None
    assert (found.tickets, found.messages, found.closes, found.others) == (2, 3, 1, 1)
    assert (found.first, found.seconds) == ("7", 12.0)


def test_the_words_say_to_whom_it_comes_and_what_is_not_known() -> None:
    """Nothing goes to clients; main may mail its user and charge for tickets; how to try one first."""
    found = estimate(ROWS, "acme-user", reading=10.0, a_write=0.5, measured=False)
    assert found is not None
    said = " ".join(found.sentences("acme"))
    for words in (
        "2 new ticket(s) with 3 message(s)", "about 12 s, guessed",
        "acme: nothing is written to that billing and its clients",
        "the user acme-user opens them. Main may mail that user 4 time(s), and count 2 ticket(s) as paid ones",
        "remotesupport backfill --billing acme --ticket 7",
    ):  # fmt: skip
        assert words in said, said


def test_nothing_to_write_is_no_estimate() -> None:
    """Where a plan only records what is there already nothing is estimated."""
    assert estimate([("adopt", "1", "[]")], "acme", reading=1.0, a_write=1.0, measured=True) is None
