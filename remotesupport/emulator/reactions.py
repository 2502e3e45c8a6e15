"""The state in which a server leaves a ticket after a write, where that is not the usual one: the ``after_`` habits."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from remotesupport.emulator.database import Database

_STATUS = {"awaiting": 2, "closed": 3, "archived": 10}
DRAWN = ("usual", "open", "awaiting", "closed", "archived", "unchanged")
_IN_QUEUE = frozenset({0, 1})


@dataclass(frozen=True, slots=True)
class Before:
    """A ticket's state and queue entries before a write."""

    status: int
    responsible: int
    assignments: list[sqlite3.Row]


class Reactions:
    """Reacts to each write of ``Desk``. Changes rows of ``ticket`` and ``assignment`` only."""

    def __init__(self, database: Database, habits: Mapping[str, str]) -> None:
        self._db, self._habits = database, habits
        self._chance = random.Random(0)  # noqa: S311 - the same ones every time

    def before(self, ticket: int) -> Before:
        """Return the ticket's rows before a write, to be compared with later."""
        row = self._db.one("SELECT status, responsible FROM ticket WHERE id = ?", ticket)
        assignments = self._db.all("SELECT * FROM assignment WHERE ticket = ?", ticket)
        return Before(row["status"], row["responsible"], assignments) if row else Before(0, 0, [])

    def wanted(self, write: str) -> str:
        """The answer of the habit ``after_<write>``, drawn where it says so."""
        wanted = self._habits.get(f"after_{write}", "usual")
        return self._chance.choice(DRAWN) if wanted == "drawn" else wanted

    def react(self, wanted: str, ticket: int, before: Before, now: int) -> None:
        """Put the ticket into that state."""
        if wanted == "open":
            self._open(ticket, now)
        elif wanted == "unchanged":
            self._restore(ticket, before)
        elif wanted in _STATUS:
            self._db.run("DELETE FROM assignment WHERE ticket = ?", ticket)
            self._db.run("UPDATE ticket SET status = ? WHERE id = ?", _STATUS[wanted], ticket)

    def _open(self, ticket: int, now: int) -> None:
        row = self._db.one("SELECT * FROM ticket WHERE id = ?", ticket)
        assert row is not None, "a write to a ticket that is not there"
        if not self._db.value("SELECT count(*) FROM assignment WHERE ticket = ?", ticket):
            sql = "INSERT INTO assignment (ticket, user, since) VALUES (?,?,?)"
            self._db.run(sql, ticket, row["department"], now)
        if row["status"] not in _IN_QUEUE:
            self._db.run("UPDATE ticket SET status = answered WHERE id = ?", ticket)

    def _restore(self, ticket: int, before: Before) -> None:
        self._db.run("DELETE FROM assignment WHERE ticket = ?", ticket)
        for row in before.assignments:
            names = list(row.keys())
            sql = f"INSERT INTO assignment ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608
            self._db.run(sql, *row)
        sql = "UPDATE ticket SET status = ?, responsible = ? WHERE id = ?"
        self._db.run(sql, before.status, before.responsible, ticket)
