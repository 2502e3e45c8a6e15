"""Turns a billing's answers into rows of the run's frames, made once for the whole shard. No decisions, no I/O.

Control characters are shown as stand-ins from here on, so that no text is refused for them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import orjson

from remotesupport.core.model import DepartmentRow, FileRef, MessageRow, Side, TicketRow
from remotesupport.core.text.compose import origin_of
from remotesupport.core.text.foreign import without_controls
from remotesupport.core.text.normalize import body_hash, shorten

Rows: TypeAlias = list[dict[str, Any]]

SUBJECT_CHARS, NAME_CHARS = 2_000, 1_000  # more of either is shown nowhere, and no ticket is kept out for it
_YES_OR_NO = {True: "yes", False: "no", None: None}


def department_rows(connection: str, side: Side, rows: Iterable[DepartmentRow]) -> Rows:
    """Build rows of DEPARTMENTS."""
    return [
        {
            "connection": connection, "side": str(side), "department": r.department, "name": r.name,
            "active": r.active, "remote": _YES_OR_NO[r.remote],
        }
        for r in rows
    ]  # fmt: skip


def ticket_rows(connection: str, side: Side, rows: Iterable[TicketRow], fresh: Collection[str]) -> Rows:
    """Build rows of TICKETS. ``fresh``: the tickets whose thread was read."""
    inside = side is Side.MAIN
    return [
        {
            "connection": connection, "side": str(side), "ticket": r.ticket,
            "subject": shorten(without_controls(r.subject), SUBJECT_CHARS),
            "department": r.department, "state": str(r.state), "status": r.status,
            "author": shorten(without_controls(r.author), NAME_CHARS),
            "activity": r.activity, "origin": origin_of(r.subject, connection) if inside else None,
            "fresh": r.ticket in fresh,
        }
        for r in rows
    ]  # fmt: skip


def files_json(files: Sequence[FileRef]) -> str:
    """Attachments as the MESSAGES and CHANGES frames carry them."""
    return orjson.dumps([{"file": f.file, "name": f.name, "size": f.size} for f in files]).decode()


def message_rows(connection: str, side: Side, threads: Mapping[str, Sequence[MessageRow]]) -> Rows:
    """Build rows of MESSAGES of all threads read, notes and system rows included (the diff denies them by kind)."""
    return [
        {
            "connection": connection, "side": str(side), "ticket": ticket, "message": m.message,
            "ordinal": m.ordinal, "kind": str(m.kind), "author": shorten(without_controls(m.author), NAME_CHARS),
            "at_text": without_controls(m.at_text), "zone": m.zone, "at": m.at, "body": body,
            "body_hash": body_hash(body), "files": files_json(m.files), "own": _YES_OR_NO[m.own],
        }
        for ticket, thread in threads.items()
        for m in thread
        for body in (without_controls(m.body),)
    ]  # fmt: skip


def enabled(pairs: Rows) -> frozenset[str]:
    """The remote departments whose correspondence is on, from rows of CORRESPONDENCES."""
    return frozenset(pair["department"] for pair in pairs if pair["enabled"])
