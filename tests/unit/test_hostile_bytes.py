"""Bytes that were made to cost much are refused, or read at the price of their size."""

from __future__ import annotations

import pytest

from connectors.billmanager.v4_hist import messages
from connectors.billmanager.v6_rows import BadRow
from connectors.billmanager.wire import MOST_ATTRIBUTES, MOST_PARTS, Unreadable, parse, salvage
from remotesupport.core.pairs.main_evidence import tells_same_text
from remotesupport.core.text import compose
from remotesupport.core.text.normalize import canonical


def _bristling(count: int, first: str = "") -> str:
    return f"<elem {first} " + " ".join(f'a{n}=""' for n in range(count)) + "/>"


@pytest.mark.parametrize("first", ["", 'q=">"', "q='\"'"])
def test_an_element_of_many_attributes_is_refused_before_it_is_parsed(first: str) -> None:
    """W3: an element with more attributes than a parser takes in good time is the fault of one row."""
    with pytest.raises(Unreadable) as refused:
        parse(f"<doc>{_bristling(40_000, first)}</doc>".encode())
    assert refused.value.one_row


def test_a_few_attributes_are_read() -> None:
    """W3: an element with some attributes is read, and a text may hold as many signs as it likes."""
    doc = parse(f"<doc>{_bristling(MOST_ATTRIBUTES)}<msg>{'a=1 ' * 1000}</msg></doc>".encode())
    assert (doc.all("elem")[0].attr("a1"), len(doc.value("msg"))) == ("", 4000)


@pytest.mark.parametrize("part", [b"<a/>", b"{},", b"[],"])
def test_a_swarm_of_parts_is_refused_before_it_is_parsed(part: bytes) -> None:
    """W3: an answer of very many small parts, which would cost a hundred times its bytes, is refused."""
    many = part * (MOST_PARTS + 1)
    body = b"<doc>" + many + b"</doc>" if part[:1] == b"<" else b'{"doc":{"elem":[' + many + b"0]}}"
    with pytest.raises(Unreadable, match="parts"):
        parse(body)


def test_an_answer_that_cannot_be_parsed_is_searched_in_one_pass() -> None:
    """W2: of an unreadable answer of half a million bytes without an id, none is salvaged, in no time to speak of."""
    assert salvage(b'{"doc":{"elem":[' + b"<elem" * 100_000 + b"\x01}") == (None, None)


@pytest.mark.parametrize("digits", [21, 5000])
def test_a_number_that_is_too_long_is_no_id(digits: int) -> None:
    """W2: of an id or a total of very many digits no part is taken for the whole."""
    number = b"7" * digits
    assert salvage(b'{"id":{"$":"' + number + b'"},"p_elems":{"$":"' + number + b'"}}\x01') == (None, None)
    assert salvage(b"<elem><id>" + number + b"</id></elem><p_elems>" + number + b"</p_elems>") == (None, None)


@pytest.mark.parametrize("hist", ['<div class="' + "a " * 5000 + '"></div>', _bristling(100)])
def test_a_conversation_of_swollen_markup_is_that_tickets_fault(hist: str) -> None:
    """W3: markup of version 4 that would be costly to look through spoils its ticket only."""
    with pytest.raises(BadRow):
        messages(hist, "UTC")


@pytest.mark.parametrize("digits", [3999, 4000, 4301, 50_000])
def test_a_character_of_very_many_digits_is_none(digits: int) -> None:
    """W6: a reference to a character that cannot be, however long, is compared as the replacement character."""
    assert canonical(f"a&#{'9' * digits};b") == "a\ufffdb"


def test_a_rule_between_messages_is_found_behind_blank_lines() -> None:
    """W2: what a told text ends with is cut off whether or not it stands between blank lines, and only a rule is."""
    head = compose.header("acme", "1", "2", "Ivan", "client", "", "")
    assert compose.markers_in(f"{head}\nx\n \n---\n\n", "acme", "1") == ["2"]
    assert tells_same_text("a\n\nb", "a\n\nb")
