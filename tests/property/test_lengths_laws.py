"""Long texts: no part is longer than a billing takes, parts add up to the whole, and nothing in them can be forged."""

from __future__ import annotations

import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from remotesupport.core.text.compose import RULE, defuse, header, markers_in, opening, to_main
from remotesupport.core.text.lengths import LEAST_BYTES, beginning, file_name, groups, in_short, size, without_word

LIMITS = st.integers(LEAST_BYTES, 5_000)
TEXTS = st.one_of(
    st.text(max_size=6_000),
    st.text(alphabet="абв \n", max_size=6_000),
    st.builds(lambda text, times: text * times, st.text(min_size=1, max_size=40), st.integers(1, 900)),
    st.builds(
        lambda text, times: text * times,
        st.sampled_from(["👍🏽 ", "a\u0301", "👨\u200d👩\u200d👧"]),
        st.integers(1, 900),
    ),
)


@given(st.lists(TEXTS, max_size=30), LIMITS)
def test_the_parts_of_a_conversation_are_the_whole_in_order(texts: list[str], limit: int) -> None:
    """Each message is in one part, in its place, and no part is longer than the limit, in characters or bytes."""
    short = [in_short(text, limit, "whole.txt") for text in texts]
    parts = groups(short, limit, size(RULE))
    assert [number for part in parts for number in part] == [*range(len(texts))]
    for part in parts:
        written = opening([short[number] for number in part])
        assert size(written) <= limit
        assert len(written) <= limit


@given(st.lists(TEXTS, max_size=12), LIMITS)
def test_no_part_could_have_taken_the_next_message(texts: list[str], limit: int) -> None:
    """There are no more parts than the limit asks for."""
    short = [in_short(text, limit, "whole.txt") for text in texts]
    parts = groups(short, limit, size(RULE))
    for part, following in pairwise(parts):
        assert size(opening([short[n] for n in (*part, following[0])])) > limit


@given(TEXTS, LIMITS)
def test_a_text_is_whole_or_says_what_is_left_out(text: str, limit: int) -> None:
    """What fits is as it was; of what does not, a true beginning is left, with a count that adds up."""
    short = in_short(text, limit, "whole.txt")
    assert size(short) <= limit
    if short == text:
        return
    assert size(text) > limit
    begin = without_word(short)
    assert begin is not None
    assert text.startswith(begin)
    left, whole = (int(n) for n in re.findall(r"\[(\d+) of (\d+) characters", short)[-1])
    assert (len(begin) + left, whole) == (len(text), len(text))


@given(TEXTS, st.integers(0, 3_000))
def test_no_character_is_cut_in_two(text: str, room: int) -> None:
    """A beginning ends between two characters, with their accents, colours and joins."""
    begin = beginning(text, room)
    assert text.startswith(begin)
    assert size(begin) <= max(room, 0)
    if begin and len(begin) < len(text):
        assert text[len(begin)] not in "\u0301\u200d🏽"
        assert not begin.endswith("\u200d")


FORGED = st.lists(st.sampled_from(["acme #1/9 | x (client) | now", "text", "\n", "---", " ", "а" * 300]), max_size=60)


@given(FORGED, st.integers(LEAST_BYTES, 3_000))
def test_a_cut_text_claims_no_other_origin(pieces: list[str], limit: int) -> None:
    """However a text is cut, the only header line in it is the one that we wrote."""
    head = header("acme", "1", "77", "Ann", "client", "now", "UTC")
    body = "\n".join(pieces)
    short = in_short(to_main(head, body), limit, file_name("acme", "1", "77"))
    assert markers_in(short, "acme", "1") == ["77"]
    assert short.startswith(head)
    assert defuse(body).count("> acme") == len([p for p in pieces if p.startswith("acme")])
