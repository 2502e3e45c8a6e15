"""Habits of servers: named questions that no public source settles, and how a server's own data answers them.

A reader observes, ``learn`` decides from what was observed now and before, the store keeps the evidence. Pure. What
must stay out: which habits there are (the connectors' tables), reading, storing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from remotesupport.core.model import Side

EXAMPLES = 3  # ids kept for each answer


class Mark(StrEnum):
    """Degree to which a statement about BILLmanager is (protocol section 1.1)."""

    DOCUMENTED = "DOCUMENTED"
    SEEN_IN_CODE = "SEEN IN CODE"
    INFERRED = "INFERRED"
    OURS = "OURS"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer that a habit may have: its name, how sure it is that such servers exist, and from where."""

    name: str
    mark: Mark
    source: str


@dataclass(frozen=True, slots=True)
class Habit:
    """One entry of a table of habits.

    ``sides``: where the question is asked. ``told_by``: what on the server answers it. ``answers``: empty where any
    word may be one. ``exclusive``: a server has exactly one answer, and reading rests on it, so two of them contradict.
    ``counted``: its answers are what we do not know, and each run says how often it met which. ``needed``: until it is
    known, only one write goes to that side. ``by_writing``: reading what others wrote does not tell it for certain, a
    write of ours does. ``default``: what holds until it is known.
    """

    name: str
    question: str
    sides: tuple[Side, ...]
    told_by: str
    answers: tuple[Answer, ...] = ()
    exclusive: bool = False
    needed: bool = False
    counted: bool = False
    by_writing: bool = False
    default: str | None = None


@dataclass(frozen=True, slots=True)
class HabitObservation:
    """One answer that reading showed of a habit, ``count`` times; ``examples``: ids of tickets or messages with it."""

    habit: str
    answer: str
    count: int = 1
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HabitEvidence:
    """Everything known of one answer of one habit on one side of a connection, over all runs.

    ``accepted``: a person has said that this is how it is.
    """

    connection: str
    side: Side
    habit: str
    answer: str
    count: int
    first_seen: datetime
    last_seen: datetime
    examples: tuple[str, ...] = ()
    accepted: bool = False


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two answers to a habit that has exactly one: before and now, each as a person reads it."""

    habit: Habit
    before: str
    now: str


@dataclass(frozen=True, slots=True)
class Lesson:
    """Lesson of the evidence: each habit's answers (none where they contradict), and what contradicts."""

    answers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    contradictions: tuple[Contradiction, ...] = ()

    def untold(self, habits: Iterable[Habit]) -> list[Habit]:
        """The habits that are needed before a second write, and are not known."""
        return [h for h in habits if h.needed and not self.answers.get(h.name)]


def learn(habits: Iterable[Habit], evidence: Iterable[HabitEvidence]) -> Lesson:
    """Evidence of one side → what it teaches. The order of the evidence does not matter."""
    by_habit: dict[str, list[HabitEvidence]] = {}
    for one in evidence:
        by_habit.setdefault(one.habit, []).append(one)
    answers: dict[str, frozenset[str]] = {}
    contradictions = []
    for habit in habits:
        seen = sorted(by_habit.get(habit.name, []), key=lambda e: (e.first_seen, e.answer))
        different = {e.answer for e in seen}
        if habit.exclusive and (wrong := _contradiction(habit, seen)):
            contradictions.append(wrong)
        elif different:
            answers[habit.name] = frozenset(different)
    return Lesson(answers, tuple(contradictions))


def _contradiction(habit: Habit, seen: Sequence[HabitEvidence]) -> Contradiction | None:
    """Two answers, or one that is not the one that was taken for granted and that no person has accepted."""
    for later in seen[1:]:
        if later.answer != seen[0].answer:
            return Contradiction(habit, in_words(seen[0]), in_words(later))
    if seen and habit.default not in (None, seen[0].answer) and not seen[0].accepted:
        return Contradiction(habit, f"{habit.default} (taken for granted)", in_words(seen[0]))
    return None


def merged(
    before: Iterable[HabitEvidence], seen: Iterable[HabitObservation], *, connection: str, side: Side, now: datetime
) -> list[HabitEvidence]:
    """Evidence with new observations added; counts grow, the first examples stay."""
    found = {(e.habit, e.answer): e for e in before}
    for one in seen:
        known = found.get((one.habit, one.answer))
        if known is None:
            known = HabitEvidence(connection, side, one.habit, one.answer, 0, now, now)
        examples = tuple(dict.fromkeys((*known.examples, *one.examples)))[:EXAMPLES]
        found[one.habit, one.answer] = replace(known, count=known.count + one.count, last_seen=now, examples=examples)
    return list(found.values())


def together(seen: Iterable[HabitObservation]) -> tuple[HabitObservation, ...]:
    """Add up observations, so that each habit's answer is there once."""
    found: dict[tuple[str, str], HabitObservation] = {}
    for one in seen:
        known = found.get((one.habit, one.answer), HabitObservation(one.habit, one.answer, 0))
        examples = tuple(dict.fromkeys((*known.examples, *one.examples)))[:EXAMPLES]
        found[one.habit, one.answer] = replace(known, count=known.count + one.count, examples=examples)
    return tuple(found.values())


def in_words(evidence: HabitEvidence) -> str:
    """``by_viewer (seen 12 times since 2026-11-20, for example ticket 12)``."""
    if evidence.accepted:
        return f"{evidence.answer} (accepted by a person on {evidence.first_seen:%Y-%m-%d %H:%M})"
    since = f"seen {evidence.count} time{'s' if evidence.count != 1 else ''} since {evidence.first_seen:%Y-%m-%d %H:%M}"
    example = f", for example {evidence.examples[0]}" if evidence.examples else ""
    return f"{evidence.answer} ({since}{example})"
