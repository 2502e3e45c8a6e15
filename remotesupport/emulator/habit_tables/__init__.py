"""The kinds of rows in the table of habits; the rows themselves are in the modules of this folder."""

from __future__ import annotations

from dataclasses import dataclass

DOCUMENTED, SEEN, INFERRED, OURS = "DOCUMENTED", "SEEN IN CODE", "INFERRED", "OURS"
OLD, NEW, ALL = ("4",), ("5", "6"), ("4", "5", "6")


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to a habit's question: its name, how it looks on the wire, how sure that is, and from where."""

    name: str
    shows: str
    mark: str = OURS
    source: str = "the table of habits"


@dataclass(frozen=True, slots=True)
class Habit:
    """A question about a server. The first answer is the default, unless the version has another (``versions``)."""

    name: str
    question: str
    versions: tuple[str, ...]
    answers: tuple[Answer, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the answers."""
        return tuple(answer.name for answer in self.answers)
