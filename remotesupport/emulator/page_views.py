"""The contents of the pages as plain values: lists, a thread. No HTML."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field

from remotesupport.emulator.billing import Billing
from remotesupport.emulator.database import marks
from remotesupport.emulator.desk import ARCHIVED
from remotesupport.emulator.people import SUPER, User
from remotesupport.emulator.refusal import missed
from remotesupport.emulator.texts import plain_date, status_name

_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Line:
    """One ticket of a list."""

    id: int
    subject: str
    client: str
    department: str
    status: str
    at: str
    unread: bool


@dataclass(frozen=True, slots=True)
class Post:
    """One message; ``kind`` is client, staff, note or system."""

    id: int
    kind: str
    author: str
    at: str
    body: str
    files: list[sqlite3.Row] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Thread:
    """A ticket with all its messages that the viewer may read."""

    line: Line
    archived: bool
    may_archive: bool
    posts: list[Post]


_LINES = (
    "SELECT t.*, c.realname AS client_name, d.realname AS department_name,"
    " (SELECT max(a.unread) FROM assignment a WHERE a.ticket = t.id) AS waits"
    " FROM ticket t JOIN user c ON c.id = t.client JOIN user d ON d.id = t.department "
)


def client_tickets(billing: Billing, user: User, *, archived: bool) -> list[Line]:
    """The account's tickets, newest message first."""
    where = f"WHERE t.account = ? AND t.status {'=' if archived else '<>'} {ARCHIVED}"
    rows = billing.database.all(f"{_LINES}{where} ORDER BY t.last_message DESC, t.id DESC LIMIT {_SHOWN}", user.account)
    return [_line(row, user) for row in rows]


def staff_tickets(billing: Billing, user: User, *, everything: bool) -> list[Line]:
    """The employee's queue, or all tickets of the employee's departments; newest activity first."""
    hands = billing.desk.hands(user)
    held = f"SELECT a.ticket FROM assignment a WHERE a.user IN ({marks(hands)})"  # noqa: S608
    where = (
        f"WHERE (t.department IN ({marks(hands)}) OR t.responsible = {user.id})"
        if everything
        else f"WHERE t.id IN ({held})"
    )
    if user.level >= SUPER and not everything:
        where, hands = "WHERE t.id IN (SELECT a.ticket FROM assignment a)", []
    rows = billing.database.all(f"{_LINES}{where} ORDER BY t.last_activity DESC, t.id DESC LIMIT {_SHOWN}", *hands)
    return [_line(row, user) for row in rows]


def thread(billing: Billing, user: User, ticket: int) -> Thread:
    """Raises Refusal missed where this viewer may not see it."""
    billing.desk.ticket(user, ticket)
    row = billing.database.one(f"{_LINES} WHERE t.id = ?", ticket)
    if row is None:
        raise missed("ticket", ticket)
    archived = row["status"] == ARCHIVED
    posts = [_post(billing, user, message) for message in _messages(billing, user, ticket)]
    return Thread(_line(row, user), archived, row["waits"] is None and not archived, posts)


def _line(row: sqlite3.Row, user: User) -> Line:
    unread = bool(row["waits"]) if user.staff else not row["client_read"]
    return Line(
        row["id"], row["subject"], row["client_name"], row["department_name"], status_name(row["status"], "en").strip(),
        plain_date(row["last_message"], user.zone), unread,
    )  # fmt: skip


def _messages(billing: Billing, user: User, ticket: int) -> list[sqlite3.Row]:
    hidden = "" if user.staff else "AND m.kind <> 'note'"
    sql = "SELECT m.*, u.realname FROM message m JOIN user u ON u.id = m.user WHERE m.ticket = ?"
    return billing.database.all(f"{sql} {hidden} ORDER BY m.id", ticket)


def _post(billing: Billing, user: User, row: sqlite3.Row) -> Post:
    files = billing.database.all("SELECT id, name, size FROM file WHERE message = ? ORDER BY id", row["id"])
    return Post(row["id"], row["kind"], row["realname"], plain_date(row["at"], user.zone), row["body"], files)
