"""Texts with a form that a recording keeps: ids, and what the product itself writes in front of texts.

Origins (``[acme #15] …``) and header lines (``acme #15/7 | …``) show whose a message is, so their form stays and their
parts are replaced. What must stay out: which values of an answer are replaced.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from remotesupport.core.recording.pseudonyms import Names, Numbers

_NUMBERS = re.compile(r"([de]_)?(0|[1-9]\d{0,19})(?:, ?(?:0|[1-9]\d{0,19}))*", re.ASCII)
_NUMBER = re.compile(r"\d+", re.ASCII)
_EDITED = "| edited, it now reads:"


def number_in(text: str, numbers: Numbers | None = None) -> str | None:
    """An id, a prefixed id (``d_3``) or several ids with their stand-ins; None: it is no id."""
    if _NUMBERS.fullmatch(text) is None:
        return None
    return text if numbers is None else _NUMBER.sub(lambda found: str(numbers.of(int(found[0]))), text)


class OwnTexts:
    """Recognises what the product wrote for these connections."""

    def __init__(self, connections: Sequence[str]) -> None:
        self._connections = {name: f"connection-{n}" for n, name in enumerate(connections, 1)}
        any_ = "|".join(map(re.escape, sorted(connections, key=len, reverse=True))) or r"(?!)"
        self._claim = re.compile(rf"\s*\[({any_}) #([^\s\[\]/|]+)\]")
        self._head = re.compile(rf"^({any_}) #([^\s/|]+)/(\S+) \|(.*)$", re.MULTILINE)

    def connection(self, name: str) -> str:
        """The stand-in of a connection's name."""
        return self._connections[name]

    def of(self, text: str, names: Names, numbers: Numbers) -> str | None:
        """A text with an origin or header lines in it; None: it has none."""
        if (claim := self._claim.match(text)) is not None:
            rest = text[claim.end() :].strip()
            tag = f"[{self._connections[claim[1]]} #{_word(claim[2], names, numbers)}]"
            return f"{tag} {names.of(rest)}".rstrip()
        heads = list(self._head.finditer(text))
        return "\n".join(self._lines(text, heads, names, numbers)) if heads else None

    def _lines(self, text: str, heads: Sequence[re.Match[str]], names: Names, numbers: Numbers) -> Iterable[str]:
        ends = [*(head.start() for head in heads[1:]), len(text)]
        yield from filter(None, [names.of(text[: heads[0].start()].strip())])
        for head, end in zip(heads, ends, strict=True):
            ticket, message = (_word(head[n], names, numbers) for n in (2, 3))
            edited = f" {_EDITED}" if head[0].endswith(_EDITED) else ""
            said = head[4].removesuffix(_EDITED).strip()
            yield f"{self._connections[head[1]]} #{ticket}/{message} | {names.of(said)}{edited}"
            yield from filter(None, [names.of(text[head.end() : end].strip())])


def _word(text: str, names: Names, numbers: Numbers) -> str:
    return number_in(text, numbers) or names.word(text)
