"""Adding a line to a ticket's timeline inside somebody else's transaction."""

from __future__ import annotations

from sqlalchemy import Connection, insert

from remotesupport.store.database import Database
from remotesupport.store.tables import events

_NOTE = insert(events)


def note(
    db: Database, conn: Connection, connection: str, ext_ticket: str, event: str, run: str, detail: str = ""
) -> None:
    """One event at the store's time. ``detail`` holds ids and causes, never the text of a message."""
    row = {"connection": connection, "ext_ticket": ext_ticket, "event": event, "run": run, "detail": detail}
    conn.execute(_NOTE, {"at": db.now(conn), **row})
