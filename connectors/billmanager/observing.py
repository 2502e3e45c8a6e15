"""A view keeps what was learned about its server, and hands over what it has observed since it was last asked.

Must stay out: deciding (``remotesupport.core.habits``), keeping (the store).
"""

from __future__ import annotations

from collections.abc import Mapping

from remotesupport.core.connections.habits import Habit, HabitObservation, together


class Observing:
    """The contract's three methods for habits, for views that have none; others name theirs."""

    habits: tuple[Habit, ...] = ()
    _answers: Mapping[str, frozenset[str]] = {}
    _observed: tuple[HabitObservation, ...] = ()

    def learned(self, answers: Mapping[str, frozenset[str]]) -> None:
        """Read by these answers of the server's habits from now on."""
        self._answers = dict(answers)

    def observations(self) -> tuple[HabitObservation, ...]:
        """Hand over what was seen since this was last asked, once."""
        seen, self._observed = self._observed, ()
        return seen

    def _saw(self, *seen: HabitObservation) -> None:
        self._observed = together((*self._observed, *seen))

    def _only(self, habit: str) -> str | None:
        """The one answer that is known, None where there is none or several."""
        known = self._answers.get(habit, frozenset())
        return next(iter(known)) if len(known) == 1 else None
