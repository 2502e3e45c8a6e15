"""The one way of foreign text to a terminal, a log or an error: cut, without secrets, with nothing that steers.

Numbers from outside are read here too. What must stay out: where secrets come from, what is written to billings.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

MASK = "***"
SHORTEST_SECRET = 4
LONGEST_TEXT = 16_000
MOST = 10**15  # of anything that a billing counts or measures
# Values of these names are never shown, whoever wrote them: query strings, forms, JSON and key=value lines.
_NAMED = re.compile(
    r"""(?ix) ( (?<!\bin\ ) \b (?:authinfo|password|passwd|passw|auth|session|billmgrses\w*|secret|token)
        ["']? \s* [=:] \s* ["']?)
        [^\s"'&,;<>(){}\[\]]+""",
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_URL_LOGIN = re.compile(r"(://[^\s:/@]*:)[^\s@/]+(@)")
_PICTURES = 0x2400  # Unicode's own pictures of the controls
_DELETE = "\x7f"


def visible(text: str, keep: str = "") -> str:
    """``text`` with a stand-in for what could steer a terminal or turn text around: ␛ for ESC, ⟨U+202E⟩ for a mark."""
    if text.isprintable():
        return text
    return "".join(c if c in keep or c.isprintable() else _stand_in(c) for c in text)


def without_controls(text: str) -> str:
    """``text`` with Unicode's pictures (␛, ␀) in place of control characters, which no page of XML can carry."""
    return _CONTROLS.sub(lambda found: _stand_in(found[0]), text)


def _stand_in(character: str) -> str:
    if unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return character
    if character < " ":
        return chr(_PICTURES + ord(character))
    return "␡" if character == _DELETE else f"⟨U+{ord(character):04X}⟩"


def natural(text: str | None, most: int = MOST) -> int | None:
    """A number of ASCII digits up to ``most``; None for anything else."""
    digits = (text or "").strip()
    if not (digits.isascii() and digits.isdigit()) or len(digits) > len(str(most)):
        return None
    return number if (number := int(digits)) <= most else None


def seconds(text: str | None, most: float) -> float | None:
    """A span of ASCII digits with at most one point, no longer than ``most``; None for anything else."""
    written = (text or "").strip()
    plain = written.replace(".", "", 1)
    if not (plain.isascii() and plain.isdigit()) or len(plain) > 300:
        return None
    return min(number, most) if math.isfinite(number := float(written)) else None


class Redactor:
    """Removes known secret values, in every form that a URL or a form gives them, and values of telling names."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._values: tuple[str, ...] = ()
        self.add(secrets)

    def add(self, secrets: Iterable[str]) -> None:
        """Remember more values; shorter ones than four characters would black out ordinary words and are left."""
        forms = {form for s in secrets if len(s) >= SHORTEST_SECRET for form in _forms(s)}
        self._values = tuple(sorted(forms | set(self._values), key=len, reverse=True))

    def __call__(self, text: str, limit: int = LONGEST_TEXT) -> str:
        """At most ``limit`` characters of ``text``, without secrets: cut first, and never through a secret."""
        left_out = ""
        if len(text) > limit:
            end = self._before_secret(text, limit)
            text, left_out = text[:end], f" … ({len(text) - end} more characters)"
        for value in self._values:
            text = text.replace(value, MASK)
        return _URL_LOGIN.sub(rf"\1{MASK}\2", _NAMED.sub(rf"\1{MASK}", text)) + left_out

    def _before_secret(self, text: str, limit: int) -> int:
        """Tell where to cut: at ``limit``, or where a secret begins that would be cut in two."""
        near = ((text.find(v, max(limit - len(v) + 1, 0), limit + len(v) - 1)) for v in self._values)
        return min([limit, *(place for place in near if 0 <= place < limit)])


def _forms(secret: str) -> set[str]:
    """``secret`` as it is, as an address carries it, and as it is shown."""
    shown = {secret, visible(secret), " ".join(secret.split())}
    return {f for f in {*shown, quote(secret, safe=""), quote_plus(secret)} if len(f) >= SHORTEST_SECRET}


def quoted(text: str, limit: int, secrets: Iterable[str] = ()) -> str:
    """Words of a billing for an error: one line, at most ``limit`` characters, harmless, "" with a secret in them."""
    begin = text[: 100 * limit]
    line = " ".join(begin.split())
    if any(form in begin or form in line for s in secrets if len(s) >= SHORTEST_SECRET for form in _forms(s)):
        return ""
    return visible(Redactor()(line, len(line)))[:limit]
