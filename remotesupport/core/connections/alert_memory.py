"""Memory of what events and alerts have told, as a JSON document, kept from run to run.

Stored: keys and spellings never change without reading both. What it cannot read counts as nothing told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from remotesupport.core.connections.alerts import Cause, Open, Problem
from remotesupport.core.connections.connection_state import State
from remotesupport.core.connections.state_events import Known


@dataclass(frozen=True, slots=True)
class Memory:
    """``known``: what events have told. ``open``: the problems that alerts are about."""

    known: Known = field(default_factory=Known)
    open: tuple[Open, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the form in which it is stored."""
        known = self.known
        return {
            "states": {name: str(state) for name, state in sorted(known.states.items())},
            "main_since": _text(known.main_since),
            "parked": known.parked,
            "certificates": sorted(known.certificates),
            "began": _text(known.began),
            "open": [_open(one) for one in self.open],
        }

    @classmethod
    def of_json(cls, stored: Mapping[str, Any] | None) -> Memory:
        """Read what was stored; nothing told where it is not there or is not ours."""
        if not stored:
            return cls()
        try:
            return cls(_known(stored), tuple(_opened(one) for one in stored["open"]))
        except (KeyError, TypeError, ValueError):
            return cls()


def _known(stored: Mapping[str, Any]) -> Known:
    return Known(
        {name: State(state) for name, state in dict(stored["states"]).items()},
        _moment(stored["main_since"]),
        stored["parked"],
        frozenset(stored["certificates"]),
        _moment(stored["began"]),
    )


def _open(one: Open) -> dict[str, Any]:
    problem = one.problem
    return {
        "cause": str(problem.cause), "billing": problem.billing, "since": problem.since.isoformat(),
        "detail": problem.detail, "told": one.told, "gone": _text(one.gone),
    }  # fmt: skip


def _opened(stored: Mapping[str, Any]) -> Open:
    since = datetime.fromisoformat(stored["since"])
    problem = Problem(Cause(stored["cause"]), stored["billing"], since, stored["detail"])
    return Open(problem, bool(stored["told"]), _moment(stored["gone"]))


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
