"""Describes how a server altered a text: the text as it was sent beside the text as it is shown.

Servers add signatures, lose emoji, wrap and trim lines, strip markup, and end a text where their column or their
patience ends. None of that is anybody's edit. The words in here hold numbers and never a part of the text. What must
stay out: which message is ours, what is done about what is missing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from remotesupport.core.text.normalize import canonical, hash_of_canonical

LEAST_CUT = 200  # characters; hardly a server keeps less of a text, so what ends sooner may end for another reason
_LEAST_INSIDE = 10  # characters that stand together somewhere in a text by no chance
_NEAR = 8  # letters and digits that a text begins with by no chance
_STAND_INS = frozenset("?\ufffd\u25a1\u00bf")
_TAG = re.compile(r"<[^<>]{0,500}>")
_BASIC_PLANE = 0xFFFF
MOST_BEFORE, MOST_BEHIND = 10, 40  # lines that a server is thought to add before and behind a text


@dataclass(frozen=True, slots=True)
class Altered:
    """``what``: in words, for people. ``missing``: something that was written cannot be read there.

    ``like``: it is the same text, as a server shows it; no edit looks so. ``near``: it may be, and no other text of the
    same writer would look so by chance.
    """

    what: str
    missing: bool
    like: bool
    near: bool


@dataclass(frozen=True, slots=True)
class AlteredText:
    """A message of ours that was found again in other words; ``direction`` is a ``Direction``, ids as in CARRIED."""

    ext_ticket: str
    direction: str
    source: str
    target: str
    found: Altered


@dataclass(frozen=True, slots=True)
class _Text:
    """The signs of a text that are no blanks, and where each stood."""

    signs: str
    places: tuple[int, ...]
    whole: str

    @classmethod
    def of(cls, text: str) -> _Text:
        places = tuple(n for n, sign in enumerate(text) if not sign.isspace())
        return cls("".join(text.split()), places, text)

    def breaks(self, first: int, last: int) -> bool:
        """Tell whether there is a line end between two signs."""
        low = self.places[first - 1] if first else -1
        high = self.places[last] if last < len(self.places) else len(self.whole)
        return low < 0 or "\n" in self.whole[low + 1 : high]


@dataclass(slots=True)
class _Walk:
    """A walk along two texts: ``sent``, ``shown``: signs of each that are done, ``common``: of the second one
    up to the last letter or digit that both have."""

    sent: int = 0
    shown: int = 0
    common: int = 0
    lost: int = 0
    letters_lost: int = 0
    firm: int = 0


def altered(sent: str, shown: str) -> Altered | None:
    """Tell how ``shown`` differs from ``sent``; None where only its form does (``canonical``). Linear."""
    meant, there = canonical(sent), canonical(shown)
    if meant == there:
        return None
    found = _compared(meant, there)
    bare = canonical(_TAG.sub("", meant))
    if found.like or bare == canonical(meant):
        return found
    again = None if bare == there else _compared(bare, there)
    if again is not None and not again.like:
        return found
    more = f"; {again.what}" if again is not None else ""
    return Altered(f"what stands in angle brackets is not shown{more}", missing=True, like=True, near=True)


def is_like(sent: str, shown: str) -> bool:
    """Tell whether ``shown`` is ``sent``, as it is or as a server may show it."""
    found = altered(sent, shown)
    return found is None or found.like


def added_around(body_hash: str, shown: str) -> Altered | None:
    """Tell what a server added before and behind a text of which only the hash is known.

    None where no run of lines of ``shown`` is that text. ``body_hash``: of ``normalize.body_hash``.
    """
    there = canonical(shown)
    lines = there.split("\n")
    for first in range(min(MOST_BEFORE + 1, len(lines))):
        for behind in range(min(MOST_BEHIND + 1, len(lines) - first)):
            part = "\n".join(lines[first : len(lines) - behind])
            if (first or behind) and hash_of_canonical(part.strip()) == body_hash:
                added = len(_Text.of(there).signs) - len(_Text.of(part).signs)
                where = "before and behind" if first and behind else "behind" if behind else "before"
                return Altered(f"{_many(added)} added {where} it", missing=False, like=True, near=True)
    return None


def _compared(meant: str, there: str) -> Altered:
    a, b = _Text.of(meant), _Text.of(there)
    walk = _walked(a.signs, b.signs)
    near = walk.firm >= _NEAR
    if walk.sent == len(a.signs) and walk.shown == len(b.signs):
        return _whole(walk, a.signs)
    new_line, rest = b.breaks(walk.common, walk.shown), len(b.signs) - walk.shown
    if walk.sent == len(a.signs):
        like = new_line and walk.firm > 0
        return Altered(f"{_many(rest)} added behind it", missing=walk.letters_lost > 0, like=like, near=near or like)
    if walk.shown == len(b.signs):
        return _cut(walk, a.signs)
    if _stands_inside(a, b):
        added = len(b.signs) - len(a.signs)
        return Altered(f"{_many(added)} added before and behind it", missing=False, like=True, near=True)
    if walk.sent >= LEAST_CUT:
        words = f"{_cut(walk, a.signs).what}; other text follows"
        return Altered(words, missing=True, like=new_line, near=True)
    return Altered(f"from character {walk.sent + 1} on it is another text", missing=True, like=False, near=near)


def _stands_inside(a: _Text, b: _Text) -> bool:
    """A long text anywhere, a short one only as lines of its own."""
    if len(a.signs) >= _LEAST_INSIDE:
        return a.signs in b.signs
    return bool(a.signs) and f"\n{a.whole}\n" in f"\n{b.whole}\n"


def _whole(walk: _Walk, a: str) -> Altered:
    firm = any(map(_is_firm, a))
    like = walk.firm > 0 or not firm
    if not walk.lost:
        return Altered("signs or blanks are shown otherwise", missing=False, like=like, near=like)
    missing = walk.letters_lost > 0 or not firm
    words = f"{walk.lost} character{'s' if walk.lost > 1 else ''} of it, such as emoji, cannot be read there"
    return Altered(words, missing=missing, like=like, near=like)


def _cut(walk: _Walk, a: str) -> Altered:
    unkept = ord(a[walk.sent]) > _BASIC_PLANE or a[walk.sent] in "<\x00"
    like = walk.firm > 0 and (unkept or walk.sent >= LEAST_CUT)
    words = f"it ends after {walk.sent} of {len(a)} characters (without blanks)"
    return Altered(words, missing=True, like=like, near=like or walk.firm >= _NEAR)


def _walked(a: str, b: str) -> _Walk:
    """Both texts side by side. Signs may be lost, replaced or added; a letter or digit must be the same, or have a
    stand-in where it is none of ASCII."""
    walk = _Walk()
    while walk.sent < len(a) and walk.shown < len(b):
        mine, theirs = a[walk.sent], b[walk.shown]
        if mine == theirs or mine.lower() == theirs.lower():
            _same(walk, firm=_is_firm(mine))
        elif theirs in _STAND_INS and not mine.isascii():
            _replaced(walk, a, b)
        elif not _is_firm(mine):
            both = not _is_firm(theirs) and max(ord(mine), ord(theirs)) <= _BASIC_PLANE
            walk.sent, walk.shown, walk.lost = walk.sent + 1, walk.shown + both, walk.lost + (not both)
        elif _may_be_added(theirs):
            walk.shown += 1
        else:
            break
    return _ended(walk, a, b)


def _same(walk: _Walk, *, firm: bool) -> None:
    walk.sent, walk.shown, walk.firm = walk.sent + 1, walk.shown + 1, walk.firm + firm
    if firm:
        walk.common = walk.shown


def _replaced(walk: _Walk, a: str, b: str) -> None:
    """A run of stand-ins, one or some for each character, up to where both texts go on alike."""
    end = walk.shown
    while end < len(b) and b[end] == b[walk.shown]:
        end += 1
    gone = a[walk.sent : walk.sent + _gone(a, walk.sent, end - walk.shown, b[end : end + 1])]
    walk.letters_lost += sum(map(_is_firm, gone))
    walk.sent, walk.shown, walk.lost = walk.sent + len(gone), end, walk.lost + len(gone)


def _gone(a: str, first: int, most: int, following: str) -> int:
    """Count the signs of ``a`` that so many stand-ins replace; at least one, never a letter or digit of ASCII."""
    for n in range(1, min(most, len(a) - first)):
        sign = a[first + n]
        if sign.lower() == following.lower() or (sign.isascii() and sign.isalnum()):
            return n
    return min(most, len(a) - first)


def _ended(walk: _Walk, a: str, b: str) -> _Walk:
    """Count what is left of the other text where one is done: lost, or put behind."""
    if walk.shown == len(b) and not any(map(_is_firm, a[walk.sent :])):
        walk.lost, walk.sent = walk.lost + len(a) - walk.sent, len(a)
    if walk.sent == len(a) and all(map(_may_be_added, b[walk.shown :])):
        walk.shown = len(b)
    return walk


def _is_firm(sign: str) -> bool:
    return sign.isalnum() and ord(sign) <= _BASIC_PLANE


def _may_be_added(sign: str) -> bool:
    """Tell whether a server adds such a sign by itself: quotes and dashes, never emoji."""
    return not sign.isalnum() and ord(sign) <= _BASIC_PLANE


def _many(n: int) -> str:
    return f"{n} characters are" if n != 1 else "1 character is"
