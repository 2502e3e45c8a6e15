"""Canonical text: formatting never looks like a change, and a change never looks like formatting."""

import time
import unicodedata

import pandas as pd
import pytest

from remotesupport.core.text.normalize import body_hash, body_hashes, canonical, shorten


@pytest.mark.parametrize(
    "other",
    [
        "a & b\r\nc <d>",
        "a &amp; b\nc &lt;d&gt;",
        "a & b  \nc <d>\t",
        "\na & b\rc <d>\n\n",
        "<p>a &amp; b</p><p>c <d></p>",
        "a &amp;amp; b<br/>c <d>",
        "<b>a</b> &#38; b\u2028c <d>",
        'a&nbsp;& b\n<span style="x: 1">c</span> <d>',
    ],
)
def test_formatting(other: str) -> None:
    """The same words in another wrapping have the same hash."""
    assert canonical(other) == "a & b\nc <d>"
    assert body_hash(other) == body_hash("a & b\nc <d>")


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("a", "b"),
        ("a b", "ab"),
        ("a\nb", "a b"),
        ("<VirtualHost>", "VirtualHost"),
        ("a <b and c> d", "a d"),
        ("+1", "+2"),
    ],
)
def test_changes(one: str, two: str) -> None:
    """Other words have another hash, and unknown tags are words."""
    assert body_hash(one) != body_hash(two)


def test_unicode() -> None:
    """A letter composed in two ways is one letter; invisible marks stay."""
    assert canonical(unicodedata.normalize("NFD", "Й ё")) == "Й ё"
    assert canonical("a\u200db") != canonical("ab")


def test_hash_shape() -> None:
    """A hash is 32 hex digits and survives every string that Python has."""
    assert len(body_hash("\ud800 \x00 😀")) == 32
    assert int(body_hash(""), 16) > 0


def test_vectorised() -> None:
    """Hashing a column is hashing its rows, under its own index."""
    bodies = pd.Series(["x", "y", "x"], index=[5, 3, 1], dtype="str")
    hashes = body_hashes(bodies)
    assert hashes.tolist() == [body_hash(b) for b in bodies]
    assert hashes.index.tolist() == [5, 3, 1]
    assert hashes.dtype == "str"
    assert body_hashes(bodies.iloc[:0]).dtype == "str"


@pytest.mark.parametrize(
    "hostile",
    [
        "a" + "\u0301\u0316" * 200_000, "<b " * 100_000, "<" * 300_000, " " * 500_000 + "x", "&amp;" * 100_000,
        "<b" + " a=1" * 100_000, "&" + "amp;" * 100_000, "-" * 500_000,
    ],
    ids=["marks", "tags", "angles", "blanks", "entities", "attributes", "nested", "dashes"],
)  # fmt: skip
def test_hostile_text_is_cheap(hostile: str) -> None:
    """No text of half a megabyte takes longer than a moment."""
    started = time.process_time()
    canonical(hostile)
    assert time.process_time() - started < 3


def test_shorten() -> None:
    """A shortened text is never longer than asked, and says that something is missing."""
    assert shorten("abc", 3) == "abc"
    assert shorten("abcd", 3) == "ab…"
