"""Connections for which nothing has moved since both sides agreed: their outcome is known without a diff.

Nothing waits, every ticket is as the ledger has it, and in each thread that was read every message has crossed as it is
now; so no change, no ledger row and no unfinished ticket can come of it, and each ticket's reason follows from its own
rows. What is not certain is left to the diff, which alone decides what is written. Plain values: on a handful of rows
they cost a hundredth of frames.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import pandas as pd

from remotesupport.core import frames
from remotesupport.core.changes.reasons import CLOSED_IN_MAIN_ONLY, NEVER_LINKED, in_department
from remotesupport.core.changes.states import CLOSE_EXTERNAL
from remotesupport.core.model import PEOPLE, Direction, MessageKind, Reason, Side, TicketState
from remotesupport.core.plan.change_keys import EDIT
from remotesupport.core.reconcile_io import FRAMES, UNFINISHED, Inputs, Outcome

Row: TypeAlias = dict[str, Any]
Said: TypeAlias = tuple[Reason, str]  # a reason and its detail
_BY_PAIRS = ("unconfirmed", "close_not_due", "unasked", "moving")


@dataclass(slots=True)
class _Rows:
    """The rows of one connection. ``odd``: some of them are not what a quiet read gives."""

    external: dict[str, Row] = field(default_factory=dict)
    main: dict[str, Row] = field(default_factory=dict)
    links: dict[str, Row] = field(default_factory=dict)
    places: dict[str, bool] = field(default_factory=dict)  # department → its correspondence is enabled
    read: set[str] = field(default_factory=set)
    threads: dict[tuple[str, str], list[Row]] = field(default_factory=dict)  # by side and ticket, of people
    carried: dict[str, list[Row]] = field(default_factory=dict)  # by external ticket
    odd: bool = False

    def add(self, rows: dict[str, Any], key: str, value: Any) -> None:
        """Keep a row under its key, which is there once."""
        self.odd |= key in rows
        rows[key] = value


def unmoved(inputs: Inputs) -> dict[str, list[Row]]:
    """Connection → rows of REASONS, of those connections for which nothing has moved; the others are not in it."""
    found: dict[str, list[Row]] = {}
    for name, rows in _candidates(inputs).items():
        if (said := _reasons(name, rows, inputs)) is not None:
            found[name] = said
    return found


def known_outcome(said: Mapping[str, list[Row]]) -> Outcome:
    """Build the outcome of connections for which nothing has moved."""
    rows = sorted((row for each in said.values() for row in each), key=lambda r: (r["connection"], r["ticket"]))
    reasons = frames.build(frames.REASONS, rows).astype(dict(frames.REASONS.columns))
    return Outcome(frames.empty(frames.CHANGES), reasons, frames.empty(frames.LINKS), frames.empty(UNFINISHED))


def without_connections(inputs: Inputs, names: Iterable[str]) -> Inputs:
    """Return the inputs without these connections' rows."""
    out = [*names]
    parts: dict[str, Any] = {column: getattr(inputs, column) for column in FRAMES}
    for column, rows in parts.items():
        parts[column] = frames.only(rows, ~rows["connection"].isin(out))
    return replace(inputs, **parts)


def _candidates(inputs: Inputs) -> dict[str, _Rows]:
    """Group the rows by connection, of those in which nothing waits or is missing."""
    if inputs.tickets.empty and inputs.links.empty:
        return {}
    busy = {name for pairs in _BY_PAIRS for name, _ in getattr(inputs, pairs)}
    for rows in (inputs.blocked, inputs.gone):
        busy.update(rows["connection"].tolist())
    names = {*inputs.tickets["connection"].tolist(), *inputs.links["connection"].tolist()} - busy
    grouped = {name: _Rows() for name in names}
    if not grouped:
        return {}
    _add_rows(grouped, inputs)
    return {n: rows for n, rows in grouped.items() if not rows.odd and rows.read == {*map(str, Side)}}


def _add_rows(grouped: Mapping[str, _Rows], inputs: Inputs) -> None:
    for row, mine in _of(grouped, inputs.tickets):
        mine.add(mine.external if row["side"] == Side.EXTERNAL else mine.main, row["ticket"], row)
    for row, mine in _of(grouped, inputs.links):
        mine.add(mine.links, row["ext_ticket"], row)
    for row, mine in _of(grouped, inputs.messages):
        if row["kind"] in PEOPLE:
            mine.threads.setdefault((row["side"], row["ticket"]), []).append(row)
        mine.odd |= row["kind"] == MessageKind.UNKNOWN
    for row, mine in _of(grouped, inputs.carried):
        mine.carried.setdefault(row["ext_ticket"], []).append(row)
    for row, mine in _of(grouped, inputs.correspondences):
        mine.add(mine.places, row["department"], row["enabled"])
    for row, mine in _of(grouped, inputs.reads):
        mine.odd |= row["outcome"] != "ok" or row["side"] in mine.read
        mine.read.add(row["side"])


def _of(grouped: Mapping[str, _Rows], frame: pd.DataFrame) -> Iterable[tuple[Row, _Rows]]:
    for row in frames.records(frame):
        if (mine := grouped.get(row["connection"])) is not None:
            yield row, mine


def _reasons(name: str, rows: _Rows, inputs: Inputs) -> list[Row] | None:
    """REASONS of the external tickets that were shown; None: the diff has to decide."""
    if not _claims_are_known(rows):
        return None
    unclosable = (name, CLOSE_EXTERNAL) in inputs.unable
    found: list[Row] = []
    for ticket in rows.external.keys() | rows.links.keys():
        seen, link = rows.external.get(ticket), rows.links.get(ticket)
        if link is not None:
            said = _of_linked(link, seen, rows, unclosable=unclosable)
        elif seen is not None:
            said = _of_unlinked(seen, rows, inputs)
        if said is None:
            return None
        if seen is not None:
            main = link["main_ticket"] if link is not None else None
            found.append(
                {"connection": name, "ticket": ticket, "reason": said[0], "detail": said[1], "main_ticket": main}
            )
    return found


def _claims_are_known(rows: _Rows) -> bool:
    """Tell whether each main ticket is linked once, and shows the origin of its link and no other."""
    claimed = {link["main_ticket"]: ticket for ticket, link in rows.links.items()}
    return len(claimed) == len(rows.links) and all(
        row["origin"] == claimed.get(ticket) for ticket, row in rows.main.items()
    )


def _of_linked(link: Row, seen: Row | None, rows: _Rows, *, unclosable: bool) -> Said | None:
    main = rows.main.get(link["main_ticket"])
    now_main = main["state"] if main is not None else link["main_state"]
    place = link["department"] if seen is None or seen["department"] is None else seen["department"]
    on = rows.places.get(place, False)
    if not _all_has_crossed(link, seen, main, rows):
        return None
    if link["departed"]:
        closed_since = link["main_state"] == TicketState.OPEN and now_main == TicketState.CLOSED
        back = (seen is not None and on) or (main is not None and main["fresh"])
        return None if closed_since or back else (Reason.DEPARTED, "")
    now_ext = seen["state"] if seen is not None else link["ext_state"]
    if (now_ext, now_main, place) != (link["ext_state"], link["main_state"], link["department"]) or not on:
        return None
    main_only = now_main == TicketState.CLOSED and now_ext == TicketState.OPEN
    return Reason.IN_SYNC, CLOSED_IN_MAIN_ONLY if main_only and unclosable else ""


def _all_has_crossed(link: Row, seen: Row | None, main: Row | None, rows: _Rows) -> bool:
    """Tell whether all of the threads that were read has crossed with its text of now, and what we wrote is there."""
    known = rows.carried.get(link["ext_ticket"], [])
    into = {row["source_message"]: row for row in known if row["direction"] == Direction.TO_MAIN}
    out = {row["source_message"]: row for row in known if row["direction"] == Direction.TO_EXTERNAL}
    if any(EDIT in name or "@" in name for name in (*into, *out)):
        return False
    sides = (
        (Side.EXTERNAL, seen, link["ext_ticket"], into, out, MessageKind.STAFF),
        (Side.MAIN, main, link["main_ticket"], out, into, MessageKind.CLIENT),
    )
    for side, ticket, name, sources, answers, ours in sides:
        thread = rows.threads.get((str(side), name), [])
        if ticket is None or not ticket["fresh"]:
            if thread:
                return False
        elif not _is_known(thread, sources, {row["target_message"] for row in answers.values()} - {None}, side, ours):
            return False
    return True


def _is_known(thread: list[Row], sources: Mapping[str, Row], targets: set[str], side: Side, ours: MessageKind) -> bool:
    """``targets``: messages that we wrote there; ``ours``: the kind that they have."""
    mine = {row["message"] for row in thread if row["kind"] == ours and row["own"] != "no"}
    said = [row for row in thread if row["message"] not in targets and (side is Side.EXTERNAL or row["kind"] != ours)]
    same = all((of := sources.get(row["message"])) and of["body_hash"] == row["body_hash"] for row in said)
    return same and targets <= mine and sources.keys() <= {row["message"] for row in said}


def _of_unlinked(seen: Row, rows: _Rows, inputs: Inputs) -> Said | None:
    place = seen["department"]
    on = rows.places.get(place)
    if seen["fresh"]:
        return None
    if on or place is None:
        old = seen["state"] == TicketState.CLOSED and not inputs.create_closed
        return (Reason.TOO_OLD_FOR_WINDOW, NEVER_LINKED) if old else None
    if on is not None:
        return Reason.CORRESPONDENCE_OFF, ""
    flagged = (seen["connection"], place) in inputs.flagged
    return Reason.DEPARTMENT_UNMAPPED if flagged else Reason.DEPARTMENT_NOT_REMOTE, in_department(place)
