"""Stand-ins for what a recording must not hold: numbers, times and texts, each consistently.

Equal values get equal stand-ins everywhere; numbers and times keep their order. Numbers and times are told first
(``learned``), then replaced. What must stay out: which values are replaced.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from remotesupport.core.recording.kept_words import words

FIRST_NUMBER = 1000  # above every number of a state, with few digits
FIRST_TIME = datetime(2001, 1, 1)  # noqa: DTZ001 - as servers write times: without their zone
_FIRST_YEAR, _LAST_YEAR = 1970, 2200  # of what is taken for a time; anything else is a text
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}(?:([ T])\d{2}:\d{2}(:\d{2})?)?", re.ASCII)


class Kind(StrEnum):
    """A kind of replaced value, as people count them."""

    DEPARTMENTS = "names of departments"
    CONNECTIONS = "names of connections"
    PEOPLE = "names and logins"
    TEXTS = "texts"
    IDS = "ids and numbers"
    TIMES = "times"
    ZONES = "time zones"
    FIELDS = "names of strange fields"


class Numbers:
    """Ids: 0 stays, the others become 1000, 1001 … in their order."""

    def __init__(self) -> None:
        self._met: set[int] = set()
        self._stand_ins: dict[int, int] | None = None

    def __len__(self) -> int:
        return len(self._met)

    def learned(self) -> None:
        """All are known; from now on they are replaced."""
        self._stand_ins = {number: FIRST_NUMBER + place for place, number in enumerate(sorted(self._met))}

    def of(self, number: int) -> int:
        """Its stand-in; itself as long as they are told."""
        if number == 0:
            return 0
        if self._stand_ins is None:
            self._met.add(number)
            return number
        return self._stand_ins[number]


class Times:
    """``YYYY-MM-DD HH:MM:SS`` and its shorter forms: moved so that the earliest is the start of 2001."""

    def __init__(self) -> None:
        self._met: set[datetime] = set()
        self._moved: timedelta | None = None

    def __len__(self) -> int:
        return len(self._met)

    def learned(self) -> None:
        """All are known; from now on they are replaced."""
        self._moved = FIRST_TIME - min(self._met, default=FIRST_TIME)

    def of(self, text: str) -> str | None:
        """Its stand-in in the same form; None: no time."""
        found = _TIME.fullmatch(text)
        if found is None:
            return None
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            return None
        if not _FIRST_YEAR <= at.year <= _LAST_YEAR:
            return None
        self._met.add(at)
        moved = at + self._moved if self._moved is not None else at
        if found[1] is None:
            return moved.date().isoformat()
        return moved.isoformat(found[1], "seconds" if found[2] else "minutes")


class Names:
    """Texts: a department's name becomes the same name wherever it stands, also within a longer text."""

    def __init__(self, departments: Iterable[str], people: Iterable[str]) -> None:
        self._departments = {name: f"Department {n}" for n, name in enumerate(_each(departments), 1)}
        self._people = set(people)
        self._given: dict[str, tuple[Kind, str]] = {}
        self._numbered: Counter[str] = Counter()
        longest = sorted(self._departments, key=lambda name: (-len(name), name))
        pattern = "|".join(map(re.escape, longest))
        self._inside = re.compile(rf"(?<!\w)(?:{pattern})(?!\w)") if longest else None

    def count(self, kind: Kind) -> int:
        """Count the different ones that were replaced."""
        if kind is Kind.DEPARTMENTS:
            return len(self._departments)
        return sum(1 for given, _ in self._given.values() if given is kind)

    def of(self, text: str) -> str:
        """The stand-in of a whole text."""
        if not text.strip():
            return text
        if (department := self._departments.get(words(text))) is not None:
            return department
        plain = words(text)
        if self._inside is not None and self._inside.search(plain):
            return self._around(plain)
        kind = Kind.PEOPLE if text in self._people else Kind.TEXTS
        return self._stand_in(kind, "Person" if kind is Kind.PEOPLE else "Text", text)

    def field(self, name: str) -> str:
        """The stand-in of a field whose name is none."""
        return self._stand_in(Kind.FIELDS, "field", name).replace(" ", "_")

    def word(self, text: str) -> str:
        """A stand-in without a blank, for an id that is no number."""
        return self._stand_in(Kind.TEXTS, "id", text).replace(" ", "-")

    def _around(self, plain: str) -> str:
        assert self._inside is not None
        pieces, end = [], 0
        for found in self._inside.finditer(plain):
            pieces += [self._rest(plain[end : found.start()]), self._departments[found[0]]]
            end = found.end()
        return " ".join(filter(None, [*pieces, self._rest(plain[end:])])).replace(" ,", ",")

    def _rest(self, piece: str) -> str:
        if piece.strip() in ("", ","):
            return piece.strip()
        return f"({self._stand_in(Kind.TEXTS, 'Text', piece.strip())})"

    def _stand_in(self, kind: Kind, label: str, text: str) -> str:
        key = f"{label} {text}"
        if key not in self._given:
            self._numbered[label] += 1
            self._given[key] = (kind, f"{label} {self._numbered[label]}")
        return self._given[key][1]


def _each(names: Iterable[str]) -> list[str]:
    return sorted({words(name) for name in names} - {""})
