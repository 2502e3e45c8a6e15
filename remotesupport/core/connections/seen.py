"""All that one run leaves for events and alerts to look at: the board, what is parked, certificates, the time.

Pure values. What must stay out: what is news of it (``state_events``) and whom it is worth calling for (``alerts``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from remotesupport.core.connections.board import Board, Row
from remotesupport.core.connections.connection_state import State
from remotesupport.core.model import Side
from remotesupport.core.records import ParkedChange

_MAIN_FAILED = (State.UNREACHABLE, State.STOPPED, State.BEHIND)


@dataclass(frozen=True, slots=True)
class Certificate:
    """The end of one side's certificate. ``billing``: the external one, "" for the main billing."""

    billing: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """``began``: when the newest run began, None: none ever did. ``talks``: the ids of those of ``parked`` in which two
    machines may be answering each other."""

    board: Board
    at: datetime
    began: datetime | None = None
    parked: tuple[ParkedChange, ...] = ()
    talks: frozenset[int] = frozenset()
    certificates: tuple[Certificate, ...] = ()
    rows: Mapping[str, Row] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", {row.name: row for row in self.board.rows})

    def waits_for_main(self, row: Row) -> bool:
        """Tell whether this connection fails because the main billing fails everybody: that is told once, of main."""
        return self.board.main is not None and row.failed_side is Side.MAIN and row.state in _MAIN_FAILED
