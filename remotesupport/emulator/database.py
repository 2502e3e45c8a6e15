"""SQLite under the emulated billing: the tables, one connection, one lock. Knows no rule of tickets."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS user (id INTEGER PRIMARY KEY AUTOINCREMENT, level INTEGER NOT NULL,
  login TEXT NOT NULL UNIQUE, password TEXT NOT NULL, realname TEXT NOT NULL, email TEXT NOT NULL DEFAULT '',
  account INTEGER NOT NULL DEFAULT 0, timezone TEXT NOT NULL DEFAULT '', lang TEXT NOT NULL DEFAULT 'en',
  active INTEGER NOT NULL DEFAULT 1);
CREATE TABLE IF NOT EXISTS member (department INTEGER NOT NULL, employee INTEGER NOT NULL,
  PRIMARY KEY (department, employee)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ticket (id INTEGER PRIMARY KEY AUTOINCREMENT, subject TEXT NOT NULL,
  account INTEGER NOT NULL, client INTEGER NOT NULL, department INTEGER NOT NULL, responsible INTEGER NOT NULL,
  status INTEGER NOT NULL DEFAULT 0, answered INTEGER NOT NULL DEFAULT 0, client_read INTEGER NOT NULL DEFAULT 1,
  started INTEGER NOT NULL, last_message INTEGER NOT NULL, last_activity INTEGER NOT NULL,
  noted INTEGER NOT NULL DEFAULT 0, blocked_by INTEGER NOT NULL DEFAULT 0, blocked_at INTEGER NOT NULL DEFAULT 0,
  revision INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS ticket_by_revision ON ticket (revision);
CREATE INDEX IF NOT EXISTS ticket_by_activity ON ticket (last_activity, id, department, responsible, status);
CREATE INDEX IF NOT EXISTS ticket_by_account ON ticket (account, last_message, id, status);
CREATE TABLE IF NOT EXISTS assignment (id INTEGER PRIMARY KEY AUTOINCREMENT, ticket INTEGER NOT NULL,
  user INTEGER NOT NULL, since INTEGER NOT NULL, unread INTEGER NOT NULL DEFAULT 1);
CREATE INDEX IF NOT EXISTS assignment_by_ticket ON assignment (ticket);
CREATE INDEX IF NOT EXISTS assignment_by_user ON assignment (user, id);
CREATE TABLE IF NOT EXISTS message (id INTEGER PRIMARY KEY AUTOINCREMENT, ticket INTEGER NOT NULL,
  user INTEGER NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS message_by_ticket ON message (ticket, id);
CREATE TABLE IF NOT EXISTS file (id INTEGER PRIMARY KEY AUTOINCREMENT, message INTEGER NOT NULL, name TEXT NOT NULL,
  size INTEGER NOT NULL, sha256 TEXT NOT NULL, content BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS file_by_message ON file (message);
CREATE TABLE IF NOT EXISTS preference (user INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (user, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS permission (user INTEGER NOT NULL, function TEXT NOT NULL,
  PRIMARY KEY (user, function)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS remote_department (id INTEGER PRIMARY KEY AUTOINCREMENT, user INTEGER NOT NULL,
  remote TEXT NOT NULL, department INTEGER NOT NULL, active INTEGER NOT NULL DEFAULT 1, UNIQUE (user, remote));
CREATE TABLE IF NOT EXISTS delivered (user INTEGER NOT NULL, remoteid TEXT NOT NULL, ticket INTEGER NOT NULL,
  message INTEGER NOT NULL, PRIMARY KEY (user, remoteid)) WITHOUT ROWID;
"""


class Database:
    """One connection for all threads. Every access holds the lock; ``transaction`` nests."""

    def __init__(self, path: Path | None = None) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        target = str(path) if path else ":memory:"
        self._connection = sqlite3.connect(target, check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.create_function("contains", 2, _contains, deterministic=True)
        self._connection.executescript(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-65536; PRAGMA temp_store=MEMORY;"
        )
        self._connection.executescript(SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; an exception rolls back. Holds the lock, so a reader sees whole actions."""
        with self._lock:
            if self._depth:
                yield
                return
            self._connection.execute("BEGIN")
            self._depth = 1
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            else:
                self._connection.execute("COMMIT")
            finally:
                self._depth = 0

    def all(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """Every row."""
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def one(self, sql: str, *values: Any) -> sqlite3.Row | None:
        """The first row, or None."""
        with self._lock:
            row: sqlite3.Row | None = self._connection.execute(sql, values).fetchone()
            return row

    def value(self, sql: str, *values: Any) -> Any:
        """The first column of the first row, or None."""
        row = self.one(sql, *values)
        return row[0] if row else None

    def run(self, sql: str, *values: Any) -> int:
        """Change something; the new row's id."""
        with self._lock:
            return self._connection.execute(sql, values).lastrowid or 0

    def many(self, sql: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Return the same change for many rows."""
        with self._lock:
            self._connection.executemany(sql, rows)

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._connection.close()


def marks(values: Sequence[Any]) -> str:
    """``?,?,?`` for an IN list."""
    return ",".join("?" * len(values))


def _contains(haystack: str | None, needle: str) -> bool:
    return needle.casefold() in (haystack or "").casefold()
