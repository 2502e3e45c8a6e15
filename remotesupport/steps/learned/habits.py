"""Hand what is known of each server to its client before reading; keep what reading showed after it.

``core.habits.learn`` decides; nothing else does. Contradictory evidence stops the connection before it writes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from connectors.contract import Billing
from connectors.errors import ContradictoryHabit
from remotesupport.bootstrap import Connection
from remotesupport.core.connections.habits import HabitEvidence, HabitObservation, Lesson, learn, merged
from remotesupport.core.model import Side
from remotesupport.store import Store

AGAIN = timedelta(minutes=10)  # an answer that is known is written down once more after so long


def hand_in(connection: Connection, evidence: Iterable[HabitEvidence]) -> None:
    """Tell both clients what is known of their servers. Raises ContradictoryHabit."""
    evidence = list(evidence)
    for billing in _both(connection):
        _teach(billing, _of(evidence, billing.side))


def keep(
    store: Store, connection: Connection, now: datetime, handed_in: Iterable[HabitEvidence] | None = None
) -> dict[str, int]:
    """Write down what the clients have observed since, and tell them what follows. Raises ContradictoryHabit.

    ``handed_in``: what they know already; where nothing is new beside that, the store is not asked. Returns how often
    each thing was met that we do not know, by its name.
    """
    seen = {billing.side: billing.observations() for billing in _both(connection)}
    known = [] if handed_in is None else list(handed_in)
    if any(_worth_keeping(_of(known, side), found, now) for side, found in seen.items()):
        _keep(store, connection, seen, now)
    return dict(
        sum(
            (
                Counter({one.answer: one.count})
                for billing in _both(connection)
                for one in seen[billing.side]
                if any(habit.counted and habit.name == one.habit for habit in billing.habits)
            ),
            Counter[str](),
        )
    )


def _keep(store: Store, connection: Connection, seen: Mapping[Side, Iterable[HabitObservation]], now: datetime) -> None:
    evidence = store.habit_evidence(connection.name)
    for billing in _both(connection):
        known = _of(evidence, billing.side)
        fresh = _worth_keeping(known, seen[billing.side], now)
        after = merged(known, fresh, connection=connection.name, side=billing.side, now=now)
        touched = {(one.habit, one.answer) for one in fresh}
        store.save_habits([one for one in after if (one.habit, one.answer) in touched])
        _teach(billing, after)


def untold(store: Store, connection: Connection) -> list[str]:
    """Habits of main that only a write reveals, and that no write has revealed yet: their questions."""
    main = connection.main
    if not any(habit.needed for habit in main.habits):
        return []
    lesson = learn(main.habits, _of(store.habit_evidence(connection.name), Side.MAIN))
    return [habit.question for habit in lesson.untold(main.habits)]


def _both(connection: Connection) -> tuple[Billing, Billing]:
    return connection.external, connection.main


def _of(evidence: Iterable[HabitEvidence], side: Side) -> list[HabitEvidence]:
    return [one for one in evidence if one.side is side]


def _worth_keeping(
    known: Iterable[HabitEvidence], seen: Iterable[HabitObservation], now: datetime
) -> list[HabitObservation]:
    """Choose what is new or was last written down some time ago: a quiet minute writes nothing."""
    last = {(one.habit, one.answer): one.last_seen for one in known}
    return [one for one in seen if (at := last.get((one.habit, one.answer))) is None or now - at >= AGAIN]


def _teach(billing: Billing, evidence: list[HabitEvidence]) -> Lesson:
    lesson = learn(billing.habits, evidence)
    for wrong in lesson.contradictions:
        name, habit = billing.name, wrong.habit.name
        raise ContradictoryHabit(
            f"its habit {habit!r} ({wrong.habit.question}) was {wrong.before} and is now {wrong.now}; nothing is "
            "written until a person has looked",
            billing=f"{name} ({billing.side})", kind=habit, side=billing.side,
            cure=f"Was that billing updated? Look at the examples; then `remotesupport habits accept {habit}=ANSWER "
            f"--billing {name}` says what holds, or `remotesupport habits forget {habit} --billing {name}` lets it be "
            "learned anew",
        )  # fmt: skip
    billing.learned(lesson.answers)
    return lesson
