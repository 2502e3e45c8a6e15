"""Texts that are longer than a billing takes: their beginning with a word on the rest, and conversations in parts.

Lengths are counted in bytes of UTF-8, which are never fewer than characters. All formats in here are OURS. What must
stay out: where the limits come from, who writes what.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

MOST_BYTES = 60_000  # a column of 64 KB, with room for what a server adds, and for our lines on files
LEAST_BYTES = 1_000  # of any limit: a header line, a word and some text have room in it
_NEAR = 200  # characters within which a line or a word may end before the place of the cut
_JOINER = "\u200d"
_LEFT_OUT = "[{left} of {whole} characters are left out here; the whole text is in the file {name}]"
_WORD = re.compile(r"\n\[\d+ of \d+ characters are left out here; the whole text is in the file \S+\](?=\n|\Z)")


def size(text: str) -> int:
    """Its length in bytes."""
    return len(text.encode("utf-8", "surrogatepass"))


def in_short(text: str, limit: int, name: str) -> str:
    """``text`` if it fits, else as much of it as fits together with a word on what is left out.

    ``name``: of the file that holds the whole. ``limit``: at least ``LEAST_BYTES``.
    """
    if len(text) <= limit // 4 or size(text) <= limit:
        return text
    longest = _LEFT_OUT.format(left=len(text), whole=len(text), name=name)
    begin = beginning(text, limit - size(longest) - 2)
    return f"{begin}\n" + _LEFT_OUT.format(left=len(text) - len(begin), whole=len(text), name=name)


def beginning(text: str, room: int) -> str:
    """The longest beginning of at most ``room`` bytes that ends behind a line or word, or between two characters."""
    short = text.encode("utf-8", "surrogatepass")[: max(room, 0)].decode("utf-8", "ignore")
    end = _behind_line_or_word(short) if len(short) < len(text) else len(short)
    while 0 < end < len(text) and _belongs_on(text[end], text[end - 1]):
        end -= 1
    return text[:end]


def _behind_line_or_word(short: str) -> int:
    for sign in "\n ":
        place = short.rfind(sign, max(len(short) - _NEAR, 1))
        if place > 0:
            return place
    return len(short)


def _belongs_on(sign: str, before: str) -> bool:
    """Tell whether a sign is a part of the one before it: an accent, a skin colour, a joined emoji."""
    return bool(unicodedata.combining(sign)) or _JOINER in (sign, before) or "\U0001f3fb" <= sign <= "\U0001f3ff"


def without_word(text: str) -> str | None:
    """The beginning that ``in_short`` has left of a text; None where a text was not cut by us."""
    found = _WORD.search(text)
    return text[: found.start()] if found else None


def file_name(*parts: str) -> str:
    """The name of the file that holds a whole text: ``acme-123-77.txt``."""
    return f"{'-'.join(re.sub(r'[^0-9A-Za-z._-]', '_', part) for part in parts)}.txt"


def groups(texts: Sequence[str], limit: int, between: int) -> list[list[int]]:
    """Numbers of ``texts`` in their order, as few groups as that gives, each within ``limit`` together.

    ``between``: bytes that stand between two texts. A text that is longer than the limit is a group of its own.
    """
    found: list[list[int]] = []
    room = 0
    for number, length in enumerate(map(size, texts)):
        if not found or between + length > room:
            found.append([number])
            room = limit - length
        else:
            found[-1].append(number)
            room -= between + length
    return found
