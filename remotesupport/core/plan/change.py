"""A change: one row of a plan as a typed value, parsed once when the plan is loaded: its writes and their keys.

What must stay out: making changes (``core.changes``), their order (``plan``), writing them (``steps.write``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from remotesupport.core import frames
from remotesupport.core.model import ChangeKind, Direction, FileRef, TicketState
from remotesupport.core.plan.change_keys import ACTS, AFTER_DEPARTURE, close_after, follows_departure, intent_key
from remotesupport.core.records import Carried


@dataclass(frozen=True, slots=True)
class WholeText(FileRef):
    """A file that we make: the whole text of source message ``file``, of which only the beginning fits a message."""


@dataclass(frozen=True, slots=True)
class Change:
    """One row of CHANGES (``frames``).

    ``main_ticket``: None of a ticket that is not created yet. ``covers``: the source messages that are carried once it
    is written. ``ext_state``, ``main_state``: what both sides agree on after it. ``followed``: a later change of its
    plan writes to the same ticket in the same direction.
    """

    connection: str
    kind: ChangeKind
    direction: Direction
    ext_ticket: str
    act: str
    rank: int = 0
    main_ticket: str | None = None
    subject: str = ""
    department: str | None = None
    body: str = ""
    files: tuple[FileRef, ...] = ()
    covers: tuple[Carried, ...] = ()
    ext_state: TicketState = TicketState.OPEN
    main_state: TicketState = TicketState.OPEN
    detail: str = ""
    followed: bool = False

    @property
    def writes(self) -> tuple[Change, ...]:
        """The writes that it consists of, in order: the only ones that loading its plan makes.

        A departure is two acts: the note to main, and the close of the main ticket. An adoption and a conflict write
        nothing to a billing.
        """
        if self.kind in (ChangeKind.ADOPT, ChangeKind.CONFLICT):
            return ()
        return (self, self._close_after_note()) if self.kind is ChangeKind.DEPARTURE else (self,)

    def _close_after_note(self) -> Change:
        return replace(self, kind=ChangeKind.CLOSE, act=close_after(self.act), body="", files=(), covers=())

    @property
    def ends_departure(self) -> bool:
        """True for the close after a departure's note: it is part of the departure."""
        return follows_departure(self.kind, self.act)

    @property
    def target(self) -> str:
        """The ticket that it writes to, on that side. Raises ValueError where that one is not created yet."""
        return self.known_main_ticket if self.direction is Direction.TO_MAIN else self.ext_ticket

    @property
    def source_ticket(self) -> str:
        """The ticket that its words come from, on that side. Raises ValueError where that one is not created yet."""
        return self.ext_ticket if self.direction is Direction.TO_MAIN else self.known_main_ticket

    @property
    def known_main_ticket(self) -> str:
        """Its main ticket. Raises ValueError where that one is not created yet."""
        if self.main_ticket is None:
            raise ValueError(f"{self.connection} ticket {self.ext_ticket}: its main ticket is not created yet")
        return self.main_ticket

    def write_key(self, run: str) -> str:
        """The key of its intent. A message is written once ever; an act once per run, since people repeat acts."""
        return self._key(f"{self.act}/{run}" if self.kind in ACTS else self.act)

    @property
    def parked_key(self) -> str:
        """The key under which it waits when it fails, equal in every run that plans it."""
        if self.ends_departure:
            return self._key(AFTER_DEPARTURE)
        return self._key(str(self.kind) if self.kind in ACTS else self.act)

    def _key(self, act: str) -> str:
        return intent_key(self.connection, self.direction, self.ext_ticket, act)


def parse_changes(rows: pd.DataFrame) -> tuple[Change, ...]:
    """CHANGES in plan order → its changes, in that order. Raises ValueError for a word that is none of ours."""
    followed = rows.duplicated(["connection", "ext_ticket", "direction"], keep="last").tolist()
    return tuple(_parse(row, later) for row, later in zip(frames.records(rows), followed, strict=True))


def _parse(row: Mapping[str, Any], followed: bool) -> Change:
    return Change(
        connection=row["connection"],
        kind=ChangeKind(row["kind"]),
        direction=Direction(row["direction"]),
        ext_ticket=row["ext_ticket"],
        act=row["act"],
        rank=row["rank"],
        main_ticket=row["main_ticket"],
        subject=row["subject"],
        department=row["department"],
        body=row["body"],
        files=tuple(parse_file(listed) for listed in json.loads(row["files"])),
        covers=tuple(Carried(*triple) for triple in json.loads(row["covers"])),
        ext_state=TicketState(row["ext_state"]),
        main_state=TicketState(row["main_state"]),
        detail=row["detail"],
        followed=followed,
    )


def parse_file(listed: Mapping[str, Any]) -> FileRef:
    """One entry of the ``files`` column as a value."""
    make = WholeText if listed.get("text") else FileRef
    return make(listed["file"], listed["name"], listed.get("size"))
