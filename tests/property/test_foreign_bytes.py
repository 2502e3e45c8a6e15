"""Whatever bytes come from outside: a value that is bounded or a classed error comes out, at the price of their size.

New examples: ``python -m tests.fuzz --examples 10000 --seed 7``.
"""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import parsers, views
from tests.fuzz.parsers import PARSERS, steps

FEW, MANY = 40, 1500
BASE, TIMES, CONSTANT = 400, 4, 400
WRAPS = ((b"", b""), (b"<doc>", b"</doc>"), (b'{"doc":{"elem":[', b"]}}"), (b'{"doc":{"mlist":{"message":[', b"]}}}"))
PIECES = (
    b"a ", b"<b>", b"<elem>", b"<elem/>", b'<a b="c">', b"&#65;", b"[", b"{", b'{"a":', b"{},", b'"id":',
    b"://a:", b"password=",
    b"acme #1/2 | x\n", b"\n---\n", b'<div class="support-from">', b'<div class="support-body">x</div>', b"d_1 ",
    b"1,", b"\x01",
    b'{"id":{"$":"1"},"name":{"$":"x"},"tstatus":{"$":"new"},"responsible":{"$":"a a"}},', b"\xd0", b"charset=a;",
    b'{"$id":"1","$type":"incoming","body":{"$":"x"}},',
)  # fmt: skip
CHANCE, SEEDS = st.randoms(use_true_random=False), st.integers(0, 2**32)


@given(CHANCE)
@settings(max_examples=FEW)
def test_a_mutated_answer_is_a_value_or_a_classed_error(chance: random.Random) -> None:
    """Of no parser comes anything but its values and classed errors, which are short, harmless and hold no secret."""
    assert parsers.law(chance) == []


@pytest.mark.thorough("thousands of examples; those that shrink best are in `make test`")
@given(CHANCE)
@settings(max_examples=MANY)
def test_many_mutated_answers_are_values_or_classed_errors(chance: random.Random) -> None:
    """The same of very many answers."""
    assert parsers.law(chance) == []


@pytest.mark.parametrize("name", PARSERS)
@given(st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode()))
@settings(max_examples=FEW)
def test_any_bytes_are_a_value_or_a_classed_error(name: str, body: bytes) -> None:
    """The same of bytes that are no answer at all."""
    assert parsers.wrong(name, body) == ""


@pytest.mark.parametrize(("kind", "side"), views.VIEWS)
@given(SEEDS)
@settings(max_examples=FEW // 2)
def test_a_mutated_conversation_is_read_or_refused(kind: str, side: str, seed: int) -> None:
    """A view of any version and side answers with bounded rows or a classed error, whatever the server sends at any
    step of logging in, reading and writing."""
    assert views.law(random.Random(seed), kind, side) == []


@pytest.mark.thorough("thousands of examples; those that shrink best are in `make test`")
@pytest.mark.parametrize(("kind", "side"), views.VIEWS)
@given(SEEDS)
@settings(max_examples=MANY // 3)
def test_many_mutated_conversations_are_read_or_refused(kind: str, side: str, seed: int) -> None:
    """The same of very many conversations."""
    assert views.law(random.Random(seed), kind, side) == []


@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_takes_steps_in_proportion(name: str) -> None:
    """W2, W3, W4: four times as many bytes of any kind take at most about four times as many steps."""
    for begin, end in WRAPS:
        for piece in PIECES:
            few, many = (steps(PARSERS[name], begin + piece * size + end) for size in (BASE, BASE * TIMES))
            assert many <= TIMES * few * 1.5 + CONSTANT, (begin, piece, few, many)
