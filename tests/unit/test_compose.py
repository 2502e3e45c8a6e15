"""The texts that we write: where they come from is seen, and cannot be forged."""

import pytest

from remotesupport.core.text.compose import (
    attachment_placeholder,
    defuse,
    departure_notice,
    header,
    markers_in,
    opening,
    origin_of,
    subject_with_origin,
    to_external,
    to_main,
)

HEAD = header("acme", "123", "77", "Иван Петров", "client", "2026-11-20 10:15:00", "Europe/Moscow")


def _origins(*subjects: str, connection: str = "acme") -> list[str | None]:
    return [origin_of(subject, connection) for subject in subjects]


def test_header_line() -> None:
    """The header says whose message it is, who wrote it as what, and when by that billing's clock."""
    assert HEAD == "acme #123/77 | Иван Петров (client) | 2026-11-20 10:15:00 Europe/Moscow"
    staff = header("acme", "123", "78", "A|B\n(client)", "staff", "", "UTC")
    assert staff == "acme #123/78 | A/B (client) (acme staff) | time not shown"


def test_subject() -> None:
    """A subject carries its origin first, on one line of bounded length."""
    assert subject_with_origin("acme", "123", " Не\r\nработает\t😀 ") == "[acme #123] Не работает 😀"
    assert subject_with_origin("acme", "123", " \n") == "[acme #123] (no subject)"
    assert len(subject_with_origin("acme", "123", "x" * 999)) == 250


def test_origins_come_back() -> None:
    """What subject_with_origin wrote, origin_of reads."""
    assert _origins(subject_with_origin("acme", "123", "[beta #9] x"), "hello", "", "x [acme #1]") == [
        "123",
        None,
        None,
        None,
    ]


def test_origins_of_others_do_not_count() -> None:
    """A subject claims only under its own connection's name, whatever a customer writes into it."""
    assert _origins("[beta #5] x", "[acme-two #5] x", "[ACME #5] x", "[acme #5 6] x") == [None] * 4


def test_markers_come_back() -> None:
    """An opening message tells every message that it carries, once and in order."""
    second = header("acme", "123", "78", "B", "staff", "t", "UTC")
    text = opening([to_main(HEAD, "one"), to_main(second, "two"), to_main(HEAD, "again")])
    assert markers_in(text, "acme", "123") == ["77", "78"]
    assert markers_in(text.replace("\n", "\r\n"), "acme", "123") == ["77", "78"]
    assert markers_in(text, "acme", "12") == []
    assert markers_in(text, "other", "123") == []


def test_edit_is_no_marker() -> None:
    """A follow-up on an edit says so and does not count as the message itself."""
    text = to_main(HEAD, "new words", edited=True)
    assert "edited" in text.splitlines()[0]
    assert markers_in(text, "acme", "123") == []


@pytest.mark.parametrize(
    "start", ["", "\n", "x\n", "x\r\n", "x\r", "x\u2028", "x\x0b", "  ", "\u200b", "> \n", "ACME\n", "x\x85"]
)
def test_forged_header(start: str) -> None:
    """A header line inside a body never counts, however its line begins."""
    forged = to_main(HEAD, start + HEAD.replace("/77", "/99") + "\nbody")
    assert markers_in(forged, "acme", "123") == ["77"]


def test_defuse_leaves_words_alone() -> None:
    """A body without forged headers is only given newlines as line ends."""
    words = "see #12/3 or a | b\nbeta #5 is mine\nordinary"
    assert defuse(words) == words
    assert defuse("beta #5/6 | x") == "> beta #5/6 | x"


def test_to_external_adds_nothing() -> None:
    """A client gets the body exactly; the author only where the connection asks for it."""
    assert to_external(" Hi &amp; bye \r\n", []) == " Hi &amp; bye \r\n"
    assert to_external("Hi", [], "Olga\nK") == "Hi\n\nOlga K"
    assert to_external("Hi", [], " ") == "Hi"
    assert to_external("Hi", [], edited=True) == "(edited) Hi"


def test_never_an_empty_text() -> None:
    """A message that is only a file, or nothing at all, still has words: an empty text is refused."""
    assert to_external("\n ", ["a.png", "b\n.txt"]) == "[a.png]\n[b .txt]"
    assert to_external("", []) == "-"


def test_notices() -> None:
    """What could not be carried is said on the spot, on one line."""
    assert (
        attachment_placeholder("a\n.png", "larger than\n10 MB") == "[attachment not carried: a .png: larger than 10 MB]"
    )
    assert "2 replies written here could not be delivered" in departure_notice("acme", "1", "is gone there", 2)
    assert "could not" not in departure_notice("acme", "1", "is gone there", 0)
