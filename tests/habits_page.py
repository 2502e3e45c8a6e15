"""The tables of docs/protocol.md, section 5: each habit with its answers, and what ``check`` says of it.

``python -m tests.habits_page`` writes them there, from the table of habits and the words of ``check`` itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from connectors.billmanager import habits
from remotesupport.core.connections.habits import Habit, HabitEvidence
from remotesupport.core.model import Side
from remotesupport.steps.operator.check_habits import habit_row

PAGE = Path(__file__).resolve().parents[1] / "docs" / "protocol.md"
BEGIN, END = "<!-- habits -->", "<!-- end of habits -->"
FIRST, LATER = datetime(2026, 11, 20, 9, 0, tzinfo=UTC), datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
ANY_WORD = "draft"  # where any word may be an answer
UNCLEAR = {habits.DEPARTMENT, habits.STATE}  # a ticket may leave these open, and waits then
SIDE_BY_SIDE = "does not happen: all that was seen is read side by side"


def tables() -> str:
    """Both tables, with their headings."""
    questions = _table(
        ("habit", "question", "side", "answers (mark)", "until it is known", "certain only after a write"), _questions()
    )
    said = _table(("habit", "not seen yet", "in order", "contradicted, or not to be told (exit status 3)"), _said())
    return f"{questions}\n\nWhat `check --all` says of each, here of a connection `acme`:\n\n{said}"


def _questions() -> Iterator[Sequence[str]]:
    for habit in habits.TABLE:
        answers = "; ".join(f"`{a.name}` ({a.mark}: {a.source})" for a in habit.answers) or "any word"
        sides = " and ".join(str(side) for side in habit.sides)
        until = f"`{habit.default}` holds" if habit.default else "one write only" if habit.needed else "–"
        yield f"`{habit.name}`", habit.question, sides, answers, until, "yes" if habit.by_writing else "no"


def _said() -> Iterator[Sequence[str]]:
    for habit in habits.TABLE:
        answers = [a.name for a in habit.answers] or [ANY_WORD]
        usual = habit.default or answers[0]
        unknown, known = _row(habit), _row(habit, _seen(habit, usual, FIRST))
        yield f"`{habit.name}`", unknown, known, _wrong(habit, usual, [a for a in answers if a != usual])


def _wrong(habit: Habit, usual: str, others: Sequence[str]) -> str:
    if habit.exclusive:
        return _row(habit, _seen(habit, usual, FIRST), _seen(habit, others[0], LATER))
    if habit.name in UNCLEAR:
        return _row(habit, unclear="ticket 12: … (what is missing, or the unknown word)")
    return SIDE_BY_SIDE


def _row(habit: Habit, *known: HabitEvidence, unclear: str = "") -> str:
    side = Side.MAIN if Side.MAIN in habit.sides else Side.EXTERNAL
    row = habit_row("acme", side, habit, known, unclear)
    return f"{row.detail}. {row.cure}" if row.cure else row.detail


def _seen(habit: Habit, answer: str, at: datetime) -> HabitEvidence:
    return HabitEvidence("acme", habit.sides[-1], habit.name, answer, 3, at, at, ("ticket 12",))


def _table(columns: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    head = [columns, ["---"] * len(columns)]
    return "\n".join("| " + " | ".join(map(_cell, row)) + " |" for row in [*head, *rows])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def on_page() -> str:
    """Both tables as docs/protocol.md has them."""
    return PAGE.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0].strip()


def main() -> None:
    """Write them there."""
    text = PAGE.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n\n{tables()}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
