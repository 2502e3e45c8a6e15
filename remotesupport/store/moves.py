"""What the ledger has learned since somebody looked. Every change of it leaves a line in a ticket's timeline, and the
lines are numbered: whoever reads billings first and the ledger after that sees here which tickets to look at again.

The number of a change that is made after a write is given after that write. So what a change below the mark tells was
on both sides when the mark was taken, whenever its transaction ended.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import bindparam, func, select

from remotesupport.store.database import Part
from remotesupport.store.tables import events

_MARK = select(func.coalesce(func.max(events.c.id), 0))
_AFTER = select(events.c.id, events.c.connection, events.c.ext_ticket).where(events.c.id > bindparam("mark"))


class Moves(Part):
    """Marks in the timeline of all tickets."""

    def ledger_mark(self) -> int:
        """The number of the newest line; 0 before the first."""
        with self._db.read() as conn:
            return int(conn.execute(_MARK).scalar_one())

    def moved_after(self, marks: Mapping[str, int]) -> dict[str, set[str]]:
        """Connection → external tickets that have a line newer than that connection's mark; without the others."""
        found: dict[str, set[str]] = {}
        if not marks:
            return found
        with self._db.read() as conn:
            for number, connection, ticket in conn.execute(_AFTER, {"mark": min(marks.values())}):
                if connection in marks and number > marks[connection]:
                    found.setdefault(connection, set()).add(ticket)
        return found
