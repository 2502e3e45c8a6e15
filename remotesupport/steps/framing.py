"""Rows of a billing → the frames of a run. No decisions, no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import orjson
import pandas as pd

from remotesupport.core import frames
from remotesupport.core.compose import origin_of
from remotesupport.core.model import DepartmentRow, FileRef, MessageRow, Side, TicketRow
from remotesupport.core.normalize import body_hash

_YES_OR_NO = {True: "yes", False: "no", None: None}


def departments_frame(connection: str, side: Side, rows: Iterable[DepartmentRow]) -> pd.DataFrame:
    """→ DEPARTMENTS."""
    return frames.build(
        frames.DEPARTMENTS,
        (
            {
                "connection": connection,
                "side": str(side),
                "department": r.department,
                "name": r.name,
                "active": r.active,
                "remote": _YES_OR_NO[r.remote],
            }
            for r in rows
        ),
    )


def tickets_frame(connection: str, side: Side, rows: Iterable[TicketRow], fresh: frozenset[str]) -> pd.DataFrame:
    """→ TICKETS. ``fresh``: the tickets whose thread was read."""
    inside = side is Side.MAIN
    return frames.build(
        frames.TICKETS,
        (
            {
                "connection": connection, "side": str(side), "ticket": r.ticket, "subject": r.subject,
                "department": r.department, "state": str(r.state), "status": r.status, "author": r.author,
                "activity": r.activity, "origin": origin_of(r.subject, connection) if inside else None,
                "fresh": r.ticket in fresh,
            }
            for r in rows
        ),
    )  # fmt: skip


def files_json(files: Sequence[FileRef]) -> str:
    """Attachments as the MESSAGES and CHANGES frames carry them."""
    return orjson.dumps([{"file": f.file, "name": f.name, "size": f.size} for f in files]).decode()


def messages_frame(connection: str, side: Side, threads: Mapping[str, Sequence[MessageRow]]) -> pd.DataFrame:
    """→ MESSAGES of all threads read, notes and system rows included (the diff denies them by kind)."""
    return frames.build(
        frames.MESSAGES,
        (
            {
                "connection": connection, "side": str(side), "ticket": ticket, "message": m.message,
                "ordinal": m.ordinal, "kind": str(m.kind), "author": m.author, "at_text": m.at_text, "zone": m.zone,
                "at": m.at, "body": m.body, "body_hash": body_hash(m.body), "files": files_json(m.files),
                "own": _YES_OR_NO[m.own],
            }
            for ticket, thread in threads.items()
            for m in thread
        ),
    )  # fmt: skip
