"""Habits of servers of which no public fact says what the real one does: the table, and one server's choice.

A habit is a question about a server with the answers it may have. Each default is what the emulator did before there
was a choice. ``Habits`` holds the answers of one billing and may be changed while it runs, as an update does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from remotesupport.emulator.habit_tables import Answer, Habit
from remotesupport.emulator.habit_tables.lists import LISTS
from remotesupport.emulator.habit_tables.old import OLD_HABITS
from remotesupport.emulator.habit_tables.texts import TEXTS
from remotesupport.emulator.habit_tables.threads import THREADS
from remotesupport.emulator.habit_tables.tickets import TICKETS
from remotesupport.emulator.habit_tables.writes import WRITES

HABITS: tuple[Habit, ...] = (*TICKETS, *THREADS, *LISTS, *WRITES, *TEXTS, *OLD_HABITS)
_BY_NAME = {habit.name: habit for habit in HABITS}


class Habits(Mapping[str, str]):
    """Habit → answer, of a server of one version (``release``: 4, 5 or 6). Those of other versions keep defaults."""

    def __init__(self, release: str, own: Mapping[str, str] | None = None) -> None:
        """``own``: defaults of this version that are not the table's."""
        self._release = release
        self._chosen = {habit.name: habit.names[0] for habit in HABITS}
        self.choose(own or {})

    def __getitem__(self, name: str) -> str:
        return self._chosen[name]

    def __iter__(self) -> Iterator[str]:
        """Return those that a server of this version has."""
        return (habit.name for habit in HABITS if self._release in habit.versions)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def choose(self, wanted: Mapping[str, str]) -> None:
        """Change these, all or none. Raises ValueError with what there is."""
        for name, answer in wanted.items():
            self._refuse_unknown(name, answer)
        self._chosen = self._chosen | dict(wanted)

    def _refuse_unknown(self, name: str, answer: str) -> None:
        if name not in self:
            other = _BY_NAME.get(name)
            why = f"is of version {' and '.join(other.versions)}" if other else "does not exist"
            raise ValueError(f"habit {name!r} {why}; version {self._release} has {', '.join(self)}")
        if answer not in _BY_NAME[name].names:
            raise ValueError(f"habit {name!r} has no answer {answer!r}; it has {', '.join(_BY_NAME[name].names)}")

    def __contains__(self, name: object) -> bool:
        return name in _BY_NAME and self._release in _BY_NAME[str(name)].versions


def parse(words: list[str]) -> dict[str, str]:
    """``NAME=ANSWER`` of a command line. Raises ValueError for a word without "="."""
    if wrong := [word for word in words if "=" not in word]:
        raise ValueError(f"not NAME=ANSWER: {', '.join(wrong)}")
    return {name.strip(): answer.strip() for name, _, answer in (word.partition("=") for word in words)}


def table(release: str, own: Mapping[str, str]) -> str:
    """Every habit with its question, versions and answers: name, mark and source, how it looks on the wire."""
    defaults = Habits(release, own)
    lines = [f"Habits of emulated servers. An asterisk is the default of version {release}.", ""]
    for habit in HABITS:
        lines.append(f"{habit.name}  (version {', '.join(habit.versions)}): {habit.question}")
        lines += [_line(each, default=each.name == defaults[habit.name]) for each in habit.answers]
    return "\n".join(lines)


def _line(answer: Answer, *, default: bool) -> str:
    return f"  {'*' if default else ' '} {answer.name:<33} {answer.shows}  [{answer.mark}: {answer.source}]"
