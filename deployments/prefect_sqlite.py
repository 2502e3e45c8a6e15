"""The SQLite database of our own Prefect server: a statement that it refuses leaves nothing behind.

SQLAlchemy 2.0 does not close the cursor of a failed statement on aiosqlite. Its exception keeps the cursor until the
garbage collector comes, in the thread of the event loop. Freeing a cursor waits for its connection, and that waits up
to Prefect's minute for a write lock that only the event loop can give back: the whole server stands still, then has
failed statements again. So each cursor closes itself as it fails, in its connection's own thread.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Dialect, Engine, event

_T = TypeVar("_T")


class ClosingCursor(sqlite3.Cursor):
    """A cursor that is closed where its statement fails."""

    def execute(self, *args: Any) -> ClosingCursor:
        """Run one statement."""
        return self._closed_unless(super().execute, *args)

    def executemany(self, *args: Any) -> ClosingCursor:
        """Run one statement for each row."""
        return self._closed_unless(super().executemany, *args)

    def _closed_unless(self, call: Callable[..., _T], *args: Any) -> _T:
        try:
            return call(*args)
        except BaseException:
            self.close()
            raise


class ClosingConnection(sqlite3.Connection):
    """A connection whose cursors are ``ClosingCursor``."""

    def cursor(self, factory: Any = ClosingCursor) -> Any:
        """A new cursor."""
        return super().cursor(factory)


def close_failed_cursors(engines: Engine | type[Engine] = Engine) -> None:
    """Give such cursors to every connection that ``engines`` make by aiosqlite from now on: one engine, or all."""
    event.listen(engines, "do_connect", _with_closing_cursors)


def _with_closing_cursors(dialect: Dialect, _record: object, _args: list[Any], kwargs: dict[str, Any]) -> None:
    if dialect.driver == "aiosqlite":
        kwargs.setdefault("factory", ClosingConnection)
