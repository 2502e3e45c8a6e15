"""Standard output and standard error that no character and no closed pipe can make a command die of.

What a stream cannot encode is written as a stand-in; what nobody reads any more (``| head``) goes nowhere, and the
command ends with the status that it would have had. What must stay out: what is written (output).
"""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

ERRORS = "remotesupport.stand_in"
STAND_INS = {
    "…": "...", "–": "-", "—": "-", "→": "->", "←": "<-", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
    "‘": "'", "’": "'", "·": "-", "•": "-", "×": "x", "\u00a0": " ",
    "⟨": "<", "⟩": ">", "␡": "^?", **{chr(0x2400 + n): f"^{chr(64 + n)}" for n in range(32)},
}  # fmt: skip


def _stand_in(error: UnicodeError) -> tuple[str, int]:
    """For ``codecs``: ASCII in place of what cannot be encoded, and where to go on."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(STAND_INS.get(c, "?") for c in error.object[error.start : error.end]), error.end


codecs.register_error(ERRORS, _stand_in)


def encoding_of(stream: object) -> str:
    """Return what ``stream`` writes; UTF-8 where it does not say so."""
    return getattr(stream, "encoding", None) or "utf-8"


def is_unicode(stream: object) -> bool:
    """Tell whether ``stream`` can write every character."""
    return codecs.lookup(encoding_of(stream)).name.startswith("utf-")


def as_written(text: str, stream: object) -> str:
    """``text`` as ``stream`` will show it, stand-ins included."""
    if is_unicode(stream):
        return text
    encoding = encoding_of(stream)
    return text.encode(encoding, ERRORS).decode(encoding)


@contextmanager
def unbreakable() -> Iterator[None]:
    """Meanwhile ``sys.stdout`` and ``sys.stderr`` take every text, even when their reader has gone."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast("TextIO", _Unbreakable(stream)) for stream in before)
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        sys.stdout, sys.stderr = before


class _Unbreakable:
    """A stream that goes on when nobody reads it. Everything else is the stream's own."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream: Any = stream if stream is not None else open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
        if hasattr(self._stream, "reconfigure"):
            self._stream.reconfigure(errors=ERRORS)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        try:
            return int(self._stream.write(text))
        except BrokenPipeError:
            return self._go_nowhere(len(text))

    def flush(self) -> None:
        try:
            self._stream.flush()
        except BrokenPipeError:
            self._go_nowhere(0)

    def _go_nowhere(self, written: int) -> int:
        """Make the stream's descriptor the null device from now on, for what it still holds as well."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)
        return written
