"""Learning is a pure function: evidence in, answers or a contradiction out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from connectors.billmanager import habits
from remotesupport.core.connections.habits import HabitEvidence, HabitObservation, learn, merged, together
from remotesupport.core.model import Side

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TABLE = habits.of_side(Side.MAIN)


def seen(habit: str, answer: str, example: str = "ticket 1", *, minute: int = 0) -> HabitEvidence:
    """One row of evidence."""
    at = NOW + timedelta(minutes=minute)
    return HabitEvidence("acme", Side.MAIN, habit, answer, 3, at, at, (example,))


def test_an_exclusive_habit_with_one_answer_is_known() -> None:
    """And what was never seen is untold only where it is needed."""
    lesson = learn(TABLE, [seen("types", "by_viewer")])
    assert lesson.answers == {"types": frozenset({"by_viewer"})}
    assert not lesson.contradictions
    assert not lesson.untold(TABLE)
    assert [habit.name for habit in learn(TABLE, []).untold(TABLE)] == ["types"]


def test_two_answers_of_an_exclusive_habit_contradict_and_both_are_said() -> None:
    """With their examples, the older one first, whatever order they come in; nothing is known then."""
    rows = [seen("types", "by_direction", "ticket 9", minute=5), seen("types", "by_viewer", "ticket 1")]
    for evidence in (rows, rows[::-1]):
        lesson = learn(TABLE, evidence)
        (found,) = lesson.contradictions
        assert found.before.startswith("by_viewer")
        assert "ticket 1" in found.before
        assert found.now.startswith("by_direction")
        assert "ticket 9" in found.now
        assert "types" not in lesson.answers


def test_other_habits_may_have_several_answers() -> None:
    """A server shows a department and an employee in one column."""
    rows = [seen("state", "orig"), seen("state", "words")]
    assert learn(TABLE, rows).answers == {"state": frozenset({"orig", "words"})}
    assert not learn(TABLE, rows).contradictions


def test_evidence_grows_and_keeps_its_first_examples() -> None:
    """Counts add up, first and last time stay apart."""
    before = merged([], [HabitObservation("types", "by_viewer", 2, ("a",))], connection="acme", side=Side.MAIN, now=NOW)
    later = NOW + timedelta(hours=1)
    more = [HabitObservation("types", "by_viewer", 1, tuple("abcd"))]
    (after,) = merged(before, more, connection="acme", side=Side.MAIN, now=later)
    assert (after.count, after.first_seen, after.last_seen) == (3, NOW, later)
    assert after.examples == ("a", "b", "c")


def test_observations_are_counted_together() -> None:
    """Each answer once, with the sum of what was seen."""
    found = together([HabitObservation("a", "x", 1, ("1",)), HabitObservation("a", "x", 2, ("2",))])
    assert found == (HabitObservation("a", "x", 3, ("1", "2")),)


def test_every_habit_says_who_tells_and_where_its_answers_come_from() -> None:
    """The table is data that people read: no question without a teller, no answer without a source."""
    names = [habit.name for habit in habits.TABLE]
    assert len(set(names)) == len(names)
    for habit in habits.TABLE:
        assert habit.question.endswith("?")
        assert habit.told_by
        assert habit.sides
        assert all(answer.source for answer in habit.answers)
        assert habit.default is None or habit.default in {answer.name for answer in habit.answers}
