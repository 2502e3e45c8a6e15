"""Alters a text that is written to a server before anybody sees it again: the habit ``stored_text``.

No source shows what BILLmanager does here; each answer is what some server with such a database or such a template
is known to do (OURS). Knows nothing of tickets.
"""

from __future__ import annotations

import html
import re
import textwrap
import unicodedata
from collections.abc import Callable, Mapping

LONGEST_CHARS, LONGEST_BYTES, WIDTH = 2000, 65_535, 70
SIGNATURE = "\n\n-- \nYour support team\nhttps://billing.example/help"
FOOTER = "\nThis message was sent from the customer area."
GREETING = "Hello!\n\n"
_FOUR_BYTES = re.compile("[\U00010000-\U0010ffff]")
_TAG = re.compile(r"<[^<>]*>")


def stored(habit: str, text: str) -> str:
    """``text`` as a server with this answer keeps it."""
    return CHANGES[habit](text)


def _as_it_is(text: str) -> str:
    return text


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.split("\n")).strip()


def _wrapped(text: str) -> str:
    lines = text.split("\n")
    return "\n".join(part for line in lines for part in (textwrap.wrap(line, WIDTH, break_long_words=False) or [""]))


def _cut_bytes(text: str) -> str:
    return text.encode()[:LONGEST_BYTES].decode(errors="ignore")


CHANGES: Mapping[str, Callable[[str], str]] = {
    "as_it_is": _as_it_is,
    "trimmed": _trimmed,
    "wrapped": _wrapped,
    "signature": lambda text: text + SIGNATURE,
    "footer": lambda text: text + FOOTER,
    "greeting": lambda text: GREETING + text + SIGNATURE,
    "composed": lambda text: unicodedata.normalize("NFC", text),
    "without_tags": lambda text: _TAG.sub("", text),
    "doubled_line_ends": lambda text: text.replace("\n", "\r\n\r\n"),
    "cut_characters": lambda text: text[:LONGEST_CHARS],
    "cut_bytes": _cut_bytes,
    "emoji_question_mark": lambda text: _FOUR_BYTES.sub("?", text),
    "emoji_question_marks": lambda text: _FOUR_BYTES.sub("????", text),
    "emoji_replacement": lambda text: _FOUR_BYTES.sub("\ufffd", text),
    "emoji_nothing": lambda text: _FOUR_BYTES.sub("", text),
    "emoji_end": lambda text: _FOUR_BYTES.split(text, maxsplit=1)[0],
    "entities": html.escape,
}
