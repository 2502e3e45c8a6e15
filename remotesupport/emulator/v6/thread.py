"""A conversation as one viewer sees it: the ``mlist`` of a form.

Types are relative to the viewer (INFERRED): to a client ``outcoming`` is the client's own and ``incoming`` the
support's; to staff the reverse. Notes exist for staff only, as type ``note`` (OURS: in the real thing they are not
documented to be in the list at all). One ``mlist`` per day, as ``fm_date_post`` suggests (INFERRED).
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Sequence

from remotesupport.emulator.node import Node
from remotesupport.emulator.texts import date_cells
from remotesupport.emulator.v6.call import Call

_TYPES = {
    "staff view": {"client": "incoming", "staff": "outcoming"},
    "client view": {"client": "outcoming", "staff": "incoming"},
}


def show_thread(call: Call, ticket: int) -> None:
    """Append the ``mlist`` elements, oldest message first."""
    day, group = "", None
    files = _files(call, ticket)
    for row in _messages(call, ticket):
        cells = date_cells(row["at"], call.user.zone, call.lang)
        if group is None or cells[0][:10] != day:
            day, group = cells[0][:10], call.doc.add("mlist")
            group.add("fm_date_post", cells[1])
        _show(call, group, row, cells[0], files[row["id"]])


def _show(call: Call, group: Node, row: sqlite3.Row, date: str, files: Sequence[sqlite3.Row]) -> None:
    kind = _TYPES["staff view" if call.user.staff else "client view"].get(row["kind"], row["kind"])
    shown = group.add("message", None, id=str(row["id"]), type=kind)
    shown.add("user").add("realname", row["realname"])
    shown.add("avatar", "/manimg/common/avatar.svg")
    shown.add("date_post", date)
    shown.add("body", row["body"])
    for file in files:
        entry = shown.add("file")
        entry.add("name", file["name"])
        entry.add("param", str(file["id"]))


def _messages(call: Call, ticket: int) -> list[sqlite3.Row]:
    hidden = "" if call.user.staff else "AND m.kind <> 'note'"
    return call.billing.database.all(
        f"SELECT m.*, u.realname FROM message m JOIN user u ON u.id = m.user WHERE m.ticket = ? {hidden} ORDER BY m.id",  # noqa: S608
        ticket,
    )


def _files(call: Call, ticket: int) -> dict[int, list[sqlite3.Row]]:
    found: dict[int, list[sqlite3.Row]] = defaultdict(list)
    sql = (
        "SELECT f.id, f.name, f.message FROM file f JOIN message m ON m.id = f.message WHERE m.ticket = ? ORDER BY f.id"
    )
    for row in call.billing.database.all(sql, ticket):
        found[row["message"]].append(row)
    return found
