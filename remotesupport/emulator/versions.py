"""The versions that the emulator speaks, as data: dialect, core, and the habits by which one differs from version 6.

Nothing is public about what single releases of version 5 changed in tickets, so all of them are the same here. Which
number stands for all of them: SEEN IN CODE (a payment module's page names 5.100.5).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_FIVE = "5.100.5"
_ANY_FIVE = re.compile(r"5(\.[0-9]{1,4}){1,2}")
CORE = "5.389.1-2024.04.19_09:51"  # SEEN IN CODE, beside 6.94.1


@dataclass(frozen=True, slots=True)
class Version:
    """``release`` is the family: 4, 5 or 6. ``habits``: its defaults that are not the table's."""

    number: str
    release: str
    core: str = ""
    habits: Mapping[str, str] = field(default_factory=dict)


def _five(number: str) -> Version:
    """``total``: INFERRED, weak (CSAPP); ``utc_times``: "v6 adds last_message_utc" (SEEN IN CODE for 6)."""
    return Version(number, "5", number, {"total": "absent_in_xml", "utc_times": "absent"})


VERSIONS = {
    version.number: version
    for version in (
        Version("4.0.62", "4"),
        Version("4.0.63", "4"),
        Version("4.0.68", "4"),
        _five(_FIVE),
        Version("6.94.1", "6", CORE),
    )
}


def version_of(text: str) -> Version:
    """A version of the table; ``5.x`` and every other 5.N or 5.N.N too. Raises ValueError with what there is."""
    if text == "5.x":
        return VERSIONS[_FIVE]
    if text in VERSIONS:
        return VERSIONS[text]
    if _ANY_FIVE.fullmatch(text):
        return _five(text)
    raise ValueError(f"no emulator of version {text}; there are {', '.join(VERSIONS)}, and any other 5.N.N or 5.x")
