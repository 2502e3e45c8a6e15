"""The rules of tickets: what a client's or a staff member's action does to the rows.

Statuses: 0 new, 1 under review, 2 awaiting the client, 3 closed, 10 archived (DOCUMENTED). A ticket waits for staff
while it has assignments (SEEN IN CODE). Knows neither the wire nor the pages.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

from remotesupport.emulator.database import Database, marks
from remotesupport.emulator.people import DEPARTMENT, SUPER, People, User
from remotesupport.emulator.reactions import Reactions
from remotesupport.emulator.refusal import Refusal, missed, wrong
from remotesupport.emulator.stored_texts import stored

NEW, REVIEW, AWAITING, CLOSED, ARCHIVED = 0, 1, 2, 3, 10
MOVED_BY_ITSELF = "Ticket was automatically moved to Archive after a certain time of inactivity has passed"
MOVED_BACK = "Ticket was removed from Archive"
MOVED = "Ticket was moved to Archive"  # SEEN IN CODE, as are the other texts of system rows


class Watch(Protocol):
    """Anything that tells the time in seconds since the epoch."""

    def now(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that comes with a message."""

    name: str
    content: bytes


class Desk:
    """Actions. Each checks that its actor may act on that ticket and raises Refusal otherwise."""

    def __init__(
        self, database: Database, people: People, clock: Watch, habits: Mapping[str, str] | None = None
    ) -> None:
        self._db, self.people, self._clock = database, people, clock
        self._habits = habits or {}
        self._reactions = Reactions(database, self._habits)

    # --- looking a ticket up ---------------------------------------------------------------------------------

    def ticket(self, viewer: User, ticket: int) -> sqlite3.Row:
        """The row, if this viewer may see it: own account, own departments, own assignment, or superuser."""
        row = self._db.one("SELECT * FROM ticket WHERE id = ?", ticket)
        if row is None or not self._may_see(viewer, row):
            raise missed("ticket", ticket)
        return row

    def assignment(self, staff: User, assignment: int) -> sqlite3.Row:
        """The queue entry, if it is this employee's or one of the employee's departments'."""
        row = self._db.one("SELECT * FROM assignment WHERE id = ?", assignment)
        if row is None or not (staff.level >= SUPER or row["user"] in self.hands(staff)):
            raise missed("assignment", assignment)
        return row

    def file(self, viewer: User, file: int) -> tuple[str, bytes]:
        """(name, content) of a file in a message that this viewer may read."""
        sql = "SELECT f.name, f.content, m.ticket, m.kind FROM file f JOIN message m ON m.id = f.message WHERE f.id = ?"
        row = self._db.one(sql, file)
        if row is None or (row["kind"] == "note" and not viewer.staff):
            raise missed("file", file)
        self.ticket(viewer, row["ticket"])
        return row["name"], row["content"]

    def hands(self, staff: User) -> list[int]:
        """The user ids whose assignments are this employee's to work on."""
        return [staff.id, *self.people.departments_of(staff)]

    def held(self, staff: User, ticket: int) -> int | None:
        """The newest assignment of this ticket that the employee may work on."""
        hands = self.hands(staff)
        sql = f"SELECT max(id) FROM assignment WHERE ticket = ? AND user IN ({marks(hands)})"  # noqa: S608
        found: int | None = self._db.value(sql, ticket, *hands)
        if found is None and staff.level >= SUPER:
            found = self._db.value("SELECT max(id) FROM assignment WHERE ticket = ?", ticket)
        return found

    def in_queue(self, staff: User, ticket: int) -> bool:
        """Tell whether anybody holds it. Raises Refusal missed where this employee may not see it."""
        self.ticket(staff, ticket)
        return bool(self._assignments(ticket))

    def _may_see(self, viewer: User, row: sqlite3.Row) -> bool:
        if not viewer.staff:
            return bool(row["account"] == viewer.account)
        if viewer.level >= SUPER or row["responsible"] == viewer.id:
            return True
        return row["department"] in self.people.departments_of(viewer)

    # --- the client ------------------------------------------------------------------------------------------

    def open(
        self, client: User, department: User, subject: str, body: str, files: Sequence[Attachment] = ()
    ) -> tuple[int, int]:
        """A new ticket in the department's queue: (ticket, message)."""
        if not subject.strip():
            raise wrong("subject", "The subject is empty")
        if department.level != DEPARTMENT or not department.active:
            raise wrong("client_department", "No such department", str(department.id))
        _require_text(body, files)
        ticket = self._insert_ticket(client, department, subject)
        with self._reaction("new_ticket", ticket, client):
            self._assign(ticket, department.id)
            message = self._post(ticket, client, "client", body, files)
        return ticket, message

    def client_message(self, client: User, ticket: int, body: str, files: Sequence[Attachment] = ()) -> int:
        """A client writes: the ticket leaves the archive and waits for staff again."""
        row = self.ticket(client, ticket)
        _require_text(body, files)
        with self._reaction("client_message", ticket, client):
            if row["status"] not in {CLOSED, ARCHIVED} or self._habits.get("reply_reopens") != "no":
                self._back_to_staff(client, row)
            return self._post(ticket, client, "client", body, files)

    def _back_to_staff(self, client: User, row: sqlite3.Row) -> None:
        ticket = row["id"]
        self._unarchive(client, row)
        if not self._assignments(ticket):
            self._assign(ticket, row["department"])
            self._set(ticket, responsible=row["department"])
        self._db.run("UPDATE assignment SET unread = 1 WHERE ticket = ?", ticket)
        self._set(ticket, status=REVIEW if row["answered"] else NEW)

    def archive(self, client: User, tickets: Sequence[int]) -> None:
        """Refused for all of them while staff still hold one (DOCUMENTED: every department must have closed it)."""
        rows = [self.ticket(client, ticket) for ticket in tickets]
        for row in rows:
            if self._assignments(row["id"]):
                raise wrong("elid", "The ticket is still being processed and cannot be archived", str(row["id"]))
        for row in rows:
            if row["status"] != ARCHIVED:
                with self._reaction("archive", row["id"], client):
                    self._set(row["id"], status=ARCHIVED, client_read=1)
                    self._system(row["id"], client, MOVED)

    def reopen(self, client: User, ticket: int) -> None:
        """Out of the archive and back into the queue, without a message."""
        row = self.ticket(client, ticket)
        with self._reaction("client_reopen", ticket, client):
            self._unarchive(client, row)
            if not self._assignments(ticket):
                self._assign(ticket, row["department"])
                self._set(ticket, status=REVIEW if row["answered"] else NEW, responsible=row["department"])

    def client_reads(self, ticket: int) -> None:
        """The client opened the thread: nothing is unread any more."""
        self._set(ticket, client_read=1)

    # --- staff -----------------------------------------------------------------------------------------------

    def staff_message(
        self, staff: User, assignment: int, body: str, files: Sequence[Attachment] = (), *, keep: bool = False
    ) -> int:
        """Answer; unless ``keep``, the assignment is done and the ticket waits for the client when it was the last."""
        held = self.assignment(staff, assignment)
        row = self._unlocked(staff, held["ticket"])
        _require_text(body, files)
        with self._reaction("kept_answer" if keep else "answer", row["id"], staff):
            if not keep:
                self._db.run("DELETE FROM assignment WHERE id = ?", assignment)
            waits_for_staff = bool(self._assignments(row["id"]))
            self._set(row["id"], status=REVIEW if waits_for_staff else AWAITING, answered=1, client_read=0)
            return self._post(row["id"], staff, "staff", body, files)

    def open_for(
        self, staff: User, client: User, department: User, subject: str, body: str, files: Sequence[Attachment] = ()
    ) -> tuple[int, int]:
        """Staff write to a client first: (ticket, message); it waits for the client."""
        _require_text(body, files)
        ticket = self._insert_ticket(client, department, subject)
        self._set(ticket, status=AWAITING, answered=1, client_read=0)
        return ticket, self._post(ticket, staff, "staff", body, files)

    def note(self, staff: User, ticket: int, body: str, files: Sequence[Attachment] = ()) -> int:
        """An internal note: staff only."""
        self.ticket(staff, ticket)
        _require_text(body, files)
        with self._reaction("note", ticket, staff):
            self._set(ticket, noted=1, last_activity=self._clock.now())
            return self._insert_message(ticket, staff, "note", body, files)

    def take(self, staff: User, ticket: int) -> int:
        """ "Assign to me": the employee's own assignment, in place of those of the employee's departments."""
        row = self.ticket(staff, ticket)
        mine: int | None = self._db.value("SELECT id FROM assignment WHERE ticket = ? AND user = ?", ticket, staff.id)
        if mine is not None:
            return mine
        with self._reaction("reopen", ticket, staff):
            self._unarchive(staff, row)
            hands = self.hands(staff)
            self._db.run(f"DELETE FROM assignment WHERE ticket = ? AND user IN ({marks(hands)})", ticket, *hands)  # noqa: S608
            self._set(ticket, status=REVIEW, responsible=staff.id)
            return self._assign(ticket, staff.id, unread=0)

    def close(self, staff: User, assignment: int) -> int:
        """Delete from the queue without an answer; the ticket is closed when nobody holds it any more."""
        held = self.assignment(staff, assignment)
        row = self._unlocked(staff, held["ticket"])
        with self._reaction("close", row["id"], staff):
            alone = self._habits.get("close") == "ours"
            self._db.run("DELETE FROM assignment WHERE id = ? OR (ticket = ? AND ?)", assignment, row["id"], alone)
            if not self._assignments(row["id"]):
                self._set(row["id"], status=CLOSED, last_activity=self._clock.now())
        return int(row["id"])

    def transfer(self, staff: User, ticket: int, target: User, assignment: int | None = None) -> int:
        """Move a ticket to a department or an employee: a new assignment, and no trace in the dates of the ticket."""
        row = self.ticket(staff, ticket)
        if not target.staff:
            raise wrong("set_responsible", "Neither a department nor an employee", target.tag)
        back = not self._assignments(ticket)
        with self._reaction("reopen", ticket, staff) if back else nullcontext():
            self._unarchive(staff, row)
            held = assignment or self.held(staff, ticket)
            if held is not None:
                self.assignment(staff, held)
                self._db.run("DELETE FROM assignment WHERE id = ?", held)
            status = row["status"] if row["status"] in {NEW, REVIEW} else REVIEW
            self._set(ticket, status=status, responsible=target.id, department=self._home(target, row["department"]))
            return self._assign(ticket, target.id)

    def delete(self, staff: User, ticket: int) -> None:
        """The ticket and all that hangs on it."""
        self.ticket(staff, ticket)
        self._db.run("DELETE FROM file WHERE message IN (SELECT id FROM message WHERE ticket = ?)", ticket)
        for table, column in (("message", "ticket"), ("assignment", "ticket"), ("ticket", "id")):
            self._db.run(f"DELETE FROM {table} WHERE {column} = ?", ticket)  # noqa: S608

    def archive_idle(self, days: int) -> None:
        """Archive what is in no queue, answered or closed, and was not touched for so long."""
        rows = self._db.all(
            "SELECT * FROM ticket t WHERE status IN (?,?) AND last_activity <= ?"
            " AND NOT EXISTS (SELECT 1 FROM assignment a WHERE a.ticket = t.id)",
            AWAITING, CLOSED, self._clock.now() - days * 86_400,
        )  # fmt: skip
        for row in rows:
            self._set(row["id"], status=ARCHIVED)
            self._system(row["id"], self.people.everyone(SUPER)[0], MOVED_BY_ITSELF)

    def staff_reads(self, staff: User, assignment: int) -> None:
        """Opening the queue entry clears its unread mark (SEEN IN CODE)."""
        self.assignment(staff, assignment)
        self._db.run("UPDATE assignment SET unread = 0 WHERE id = ?", assignment)

    def lock(self, staff: User, ticket: int) -> None:
        """Staff write an answer: nobody else may until it is unlocked."""
        self.ticket(staff, ticket)
        self._set(ticket, blocked_by=staff.id, blocked_at=self._clock.now())

    def unlock(self, staff: User, ticket: int) -> None:
        """End the lock."""
        self.ticket(staff, ticket)
        self._set(ticket, blocked_by=0)

    def edit_message(self, message: int, body: str) -> None:
        """Change the text in place: no date moves."""
        ticket: int | None = self._db.value("SELECT ticket FROM message WHERE id = ?", message)
        if ticket is None:
            raise missed("message", message)
        self._db.run("UPDATE message SET body = ? WHERE id = ?", self._stored(body), message)
        self._revise(ticket)

    # --- rows ------------------------------------------------------------------------------------------------

    @contextmanager
    def _reaction(self, write: str, ticket: int, actor: User) -> Iterator[None]:
        """Around a write: afterwards the ticket is in the state that the server's habit gives it."""
        before = self._reactions.before(ticket)
        yield
        wanted = self._reactions.wanted(write)
        if wanted == "usual":
            return
        told = self._reactions.before(ticket).status  # what the thread's system rows say by now
        self._reactions.react(wanted, ticket, before, self._clock.now())
        done = self._reactions.before(ticket).status
        if ARCHIVED in {told, done} and told != done:
            self._system(ticket, actor, MOVED if done == ARCHIVED else MOVED_BACK)
        self._revise(ticket)

    def _home(self, target: User, department: int) -> int:
        if target.level == DEPARTMENT:
            return target.id
        homes = self.people.departments_of(target)
        return department if department in homes or not homes else homes[0]

    def _unlocked(self, staff: User, ticket: int) -> sqlite3.Row:
        row = (
            self.ticket(staff, ticket)
            if staff.level >= SUPER
            else self._db.one("SELECT * FROM ticket WHERE id = ?", ticket)
        )
        assert row is not None, "an assignment without a ticket"
        if row["blocked_by"] not in {0, staff.id}:
            raise Refusal("blocked", "ticket", "Another employee is writing an answer", str(ticket))
        return row

    def _unarchive(self, actor: User, row: sqlite3.Row) -> None:
        if row["status"] == ARCHIVED:
            self._set(row["id"], status=CLOSED)
            self._system(row["id"], actor, MOVED_BACK)

    def _system(self, ticket: int, actor: User, text: str) -> None:
        self._set(ticket, last_activity=self._clock.now())
        self._insert_message(ticket, actor, "system", text, ())

    def _insert_ticket(self, client: User, department: User, subject: str) -> int:
        now = self._clock.now()
        return self._db.run(
            "INSERT INTO ticket (subject, account, client, department, responsible, started, last_message,"
            " last_activity) VALUES (?,?,?,?,?,?,?,?)",
            subject, client.account, client.id, department.id, department.id, now, now, now,
        )  # fmt: skip

    def _post(self, ticket: int, author: User, kind: str, body: str, files: Sequence[Attachment]) -> int:
        now = self._clock.now()
        self._set(ticket, last_message=now, last_activity=now)
        return self._insert_message(ticket, author, kind, body, files)

    def _insert_message(self, ticket: int, author: User, kind: str, body: str, files: Sequence[Attachment]) -> int:
        sql = "INSERT INTO message (ticket, user, kind, body, at) VALUES (?,?,?,?,?)"
        kept = body if kind == "system" else self._stored(body)
        message = self._db.run(sql, ticket, author.id, kind, kept, self._clock.now())
        self._revise(ticket)
        for file in files:
            digest = hashlib.sha256(file.content).hexdigest()
            sql = "INSERT INTO file (message, name, size, sha256, content) VALUES (?,?,?,?,?)"
            self._db.run(sql, message, file.name, len(file.content), digest, file.content)
        return message

    def _stored(self, body: str) -> str:
        return stored(self._habits.get("stored_text", "as_it_is"), body)

    def _assign(self, ticket: int, user: int, unread: int = 1) -> int:
        sql = "INSERT INTO assignment (ticket, user, since, unread) VALUES (?,?,?,?)"
        return self._db.run(sql, ticket, user, self._clock.now(), unread)

    def _assignments(self, ticket: int) -> int:
        count: int = self._db.value("SELECT count(*) FROM assignment WHERE ticket = ?", ticket)
        return count

    def _set(self, ticket: int, **columns: Any) -> None:
        names = ", ".join(f"{name} = ?" for name in columns)
        self._db.run(f"UPDATE ticket SET {names} WHERE id = ?", *columns.values(), ticket)  # noqa: S608
        if not columns.keys().isdisjoint({"status", "department"}):
            self._revise(ticket)

    def _revise(self, ticket: int) -> None:
        """A new, growing number for a ticket that changed (OURS: the cursor of version 4's ``clienttickets.sync``)."""
        self._db.run("UPDATE ticket SET revision = (SELECT max(revision) FROM ticket) + 1 WHERE id = ?", ticket)


def _require_text(body: str, files: Sequence[Attachment]) -> None:
    """Empty text is refused unless a file comes along."""
    if not body.strip() and not files:
        raise wrong("message", "The message is empty")
