"""Canonical text: what two bodies are compared by, so that formatting never looks like a change.

Only comparing lives here. What is written to a billing is composed in ``compose`` and never canonicalised; escaping
for a screen belongs to whoever draws it.
"""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata

import pandas as pd

HASH_CHARS = 32
_ROUNDS = 12  # of unescaping and unwrapping: text that is escaped deeper than that is left as it is

_INLINE = "a|abbr|b|big|cite|code|em|font|i|ins|kbd|mark|s|small|span|strike|strong|sub|sup|tt|u"
_BLOCK = "blockquote|br|dd|div|dl|dt|h[1-6]|hr|li|ol|p|pre|table|tbody|td|th|thead|tr|ul"
_ATTRIBUTES = r"""(?:\s+[\w:-]+\s*=\s*(?:"[^"<>]*"|'[^'<>]*'|[^\s"'<>=]+))*\s*/?"""
_INLINE_TAG = re.compile(rf"</?(?:{_INLINE}){_ATTRIBUTES}>", re.IGNORECASE)
_BLOCK_TAG = re.compile(rf"</?(?:{_BLOCK}){_ATTRIBUTES}>", re.IGNORECASE)
_LINE_END = re.compile("\r\n|[\r\v\f\x1c\x1d\x1e\x85\u2028\u2029]")
_SYMBOLS = re.compile(r"[^\w\x00-\x7f]{200,}")
_NO_CHARACTER = re.compile(r"&#[0-9]{4000,};?")  # more digits than Python reads as a number
_BLANK_LINES = re.compile(r"\n{2,}")


def unify_line_ends(text: str) -> str:
    """Every line end that any system knows becomes one newline."""
    return _LINE_END.sub("\n", text)


def canonical(text: str) -> str:
    """``text`` without what formatting may change: line ends, entities, simple markup, blanks at ends, Unicode form.

    Zero-width and direction marks stay: they can carry meaning. Unknown tags stay: people write about markup.
    """
    plain = _unwrapped(unify_line_ends(text))
    plain = _composed(plain.replace("\u00a0", " "))
    plain = "\n".join(line.rstrip() for line in plain.split("\n"))
    return _BLANK_LINES.sub("\n", plain).strip()


def _composed(text: str) -> str:
    """NFC, but not of text with hundreds of marks on one letter: its cost grows with the square of their number."""
    for run in _SYMBOLS.finditer(text):
        if sum(unicodedata.combining(c) > 0 for c in run[0]) >= 200:
            return text
    return unicodedata.normalize("NFC", text)


def _unwrapped(text: str) -> str:
    for _ in range(_ROUNDS):
        if "&" not in text and "<" not in text:
            break
        inner = _BLOCK_TAG.sub("\n", _INLINE_TAG.sub("", unify_line_ends(_unescaped(text))))
        if inner == text:
            break
        text = inner
    return text


def _unescaped(text: str) -> str:
    return html.unescape(_NO_CHARACTER.sub("\ufffd", text))


def body_hash(text: str) -> str:
    """The first 32 hex digits of the SHA-256 of the canonical text."""
    return hash_of_canonical(canonical(text))


def hash_of_canonical(text: str) -> str:
    """The same of a text that is canonical already."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:HASH_CHARS]


def body_hashes(bodies: pd.Series) -> pd.Series:
    """``body_hash`` of each row: str → str, same index; equal bodies are hashed once."""
    known = {body: body_hash(body) for body in bodies.unique()}
    return bodies.map(known).astype("str")


def shorten(text: str, limit: int) -> str:
    """At most ``limit`` characters of ``text``, with an ellipsis where something was left out."""
    return text if len(text) <= limit else text[: max(limit - 1, 0)].rstrip() + "…"
