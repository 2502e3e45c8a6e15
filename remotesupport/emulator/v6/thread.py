"""A conversation as one viewer sees it: the ``mlist`` of a form. Its looks are habits (``habit_tables.threads``)."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Sequence

from remotesupport.emulator.node import Node
from remotesupport.emulator.people import EMPLOYEE
from remotesupport.emulator.persons import shown_name
from remotesupport.emulator.texts import date_cells
from remotesupport.emulator.v6.call import Call

_CLIENT_FIRST = {"client": "incoming", "staff": "outcoming"}
_STAFF_FIRST = {"client": "outcoming", "staff": "incoming"}
_SERVICE = "VPS-1 (invented)"


def show_thread(call: Call, ticket: int) -> None:
    """Append the ``mlist`` elements."""
    habits, groups = call.billing.habits, _groups(call, ticket)
    if habits["thread_order"] != "oldest_first":
        groups.reverse()
    for group in groups:
        said = [child for child in group.children if child.tag == "message"]
        if habits["thread_order"] == "newest_first":
            group.children[-len(said) :] = reversed(said)
    call.doc.children.extend(groups)


def _groups(call: Call, ticket: int) -> list[Node]:
    """Oldest first, in groups and in each."""
    habits, day = call.billing.habits, ""
    groups: list[Node] = []
    files, note_ids = _files(call, ticket), _note_ids(call, ticket)
    for row in _messages(call, ticket):
        cells = date_cells(row["at"], call.user.zone, call.lang)
        if not groups or (habits["groups"] == "per_day" and cells[0][:10] != day):
            day = cells[0][:10]
            groups.append(_group(call, cells, row["id"], first=not groups))
        if row["kind"] == "system" and habits["system_rows"] == "bare":
            _show_bare(groups[-1], row["body"], cells[0])
        else:
            _show(call, groups[-1], row, cells[0], files[row["id"]], note_ids.get(row["id"], row["id"]))
    return groups


def _group(call: Call, cells: tuple[str, str, str, str], message: int, *, first: bool) -> Node:
    group, habit = Node("mlist"), call.billing.habits["info_row"]
    group.add("fm_date_post", cells[1])
    if first and habit != "absent":
        shown = group.add("message", None, type="info", **({"id": str(message - 1)} if habit == "full" else {}))
        shown.add("rowgroup").add("row", _SERVICE)
        if habit == "full":
            shown.add("date_post", cells[0])
            shown.add("body", "")
    return group


def _show_bare(group: Node, text: str, date: str) -> None:
    shown = group.add("message", None, type="system")
    shown.add("date_post", date)
    shown.add("rowgroup").add("row", text)


def _show(call: Call, group: Node, row: sqlite3.Row, date: str, files: Sequence[sqlite3.Row], shown_id: int) -> None:
    shown = group.add("message", None, id=str(shown_id), type=_type(call, row["kind"]))
    _show_author(call, shown, row)
    shown.add("avatar", "/manimg/common/avatar.svg")
    shown.add("date_post", date)
    shown.add("body", row["body"])
    for file in files:
        entry = shown.add("file")
        entry.add("name", file["name"])
        entry.add("param", str(file["id"]))
    if row["kind"] == "staff" and not call.user.staff and call.billing.habits["rates"] == "support":
        rates = shown.add("rates")
        for name in ("good", "bad"):
            rates.add("rate", None, name=name)


def _type(call: Call, kind: str) -> str:
    habits = call.billing.habits
    if kind == "note":
        return habits["notes"]
    if call.user.staff:
        types = _CLIENT_FIRST if habits["staff_types"] == "client_incoming" else _STAFF_FIRST
    else:
        types = _CLIENT_FIRST if habits["types"] == "by_direction" else _STAFF_FIRST
    return types.get(kind, kind)


def _show_author(call: Call, shown: Node, row: sqlite3.Row) -> None:
    habit = call.billing.habits["author"]
    if habit == "nobody":
        return
    user = shown.add("user")
    user.add("realname", shown_name(call.billing.habits, row["level"], row["realname"]))
    if habit == "login":
        user.add("name", row["login"])
    if habit == "id":
        user.add("id", str(row["user"]))


def _messages(call: Call, ticket: int) -> list[sqlite3.Row]:
    sees_notes = call.user.level >= EMPLOYEE and call.billing.habits["notes"] != "absent"
    hidden = "" if sees_notes else "AND m.kind <> 'note'"
    return call.billing.database.all(
        "SELECT m.*, u.realname, u.login, u.level FROM message m JOIN user u ON u.id = m.user"  # noqa: S608
        f" WHERE m.ticket = ? {hidden} ORDER BY m.id",
        ticket,
    )


def _note_ids(call: Call, ticket: int) -> dict[int, int]:
    """The id under which a note is shown, where that is not its own."""
    if call.billing.habits["note_ids"] == "apart":
        return {}
    rows = call.billing.database.all("SELECT id, kind FROM message WHERE ticket = ? ORDER BY id", ticket)
    notes = [row["id"] for row in rows if row["kind"] == "note"]
    said = [row["id"] for row in rows if row["kind"] in {"client", "staff"}]
    return dict(zip(notes, said, strict=False))


def _files(call: Call, ticket: int) -> dict[int, list[sqlite3.Row]]:
    found: dict[int, list[sqlite3.Row]] = defaultdict(list)
    sql = (
        "SELECT f.id, f.name, f.message FROM file f JOIN message m ON m.id = f.message WHERE m.ticket = ? ORDER BY f.id"
    )
    for row in call.billing.database.all(sql, ticket):
        found[row["message"]].append(row)
    return found
