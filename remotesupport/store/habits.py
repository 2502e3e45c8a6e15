"""Keep what was learned about the servers with its evidence, and find tickets that are not understood."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from sqlalchemy import RowMapping, bindparam, delete, literal_column, select

from remotesupport.core.connections.habits import HabitEvidence
from remotesupport.core.model import Side
from remotesupport.store.database import Part
from remotesupport.store.history import add_lines
from remotesupport.store.keys import among
from remotesupport.store.states import Changed, HistoryLine
from remotesupport.store.tables import habits, reasons

_h = habits.c
_EVIDENCE = (
    select(habits).where(among(_h.connection, "names")).order_by(_h.connection, _h.side, _h.habit, _h.first_seen)
)
_KNOWN = select(habits).where(_h.connection == bindparam("of"), _h.habit == bindparam("named"))
_FORGET = delete(habits).where(_h.connection == bindparam("of"), _h.habit == bindparam("named"))
_NOT_UNDERSTOOD = select(reasons.c.connection, reasons.c.ticket, reasons.c.detail).where(
    among(reasons.c.connection, "names"),
    reasons.c.reason == literal_column("'not_understood'"),  # as the partial index has it
)


class HabitEvidences(Part):
    """One row for each answer that was ever seen of a habit, per connection and side."""

    def habit_evidence(self, *names: str) -> list[HabitEvidence]:
        """Read all evidence of these connections, the oldest of each habit first."""
        with self._db.read() as conn:
            return [_evidence(row) for row in conn.execute(_EVIDENCE, {"names": names}).mappings()]

    def save_habits(self, evidence: Sequence[HabitEvidence]) -> None:
        """Insert or overwrite exactly the rows given, all or none."""
        if evidence:
            with self._db.write() as conn:
                self._db.upsert(conn, habits, [_row(one) for one in evidence])

    def forget_habit(self, connection: str, habit: str, instead: Iterable[HabitEvidence] = ()) -> int:
        """Delete what was learned of one habit, and put ``instead`` in its place. Returns how many rows went."""
        with self._db.write() as conn:
            known = conn.execute(_KNOWN, {"of": connection, "named": habit}).mappings()
            add_lines(self._db, conn, [_forgotten(row) for row in known])
            gone = conn.execute(_FORGET, {"of": connection, "named": habit}).rowcount
            self._db.upsert(conn, habits, [_row(one) for one in instead])
        return gone

    def not_understood(self, connection: str) -> dict[str, str]:
        """External ticket → detail, of every ticket whose current reason is that it is not understood."""
        return self.not_understood_of([connection]).get(connection, {})

    def not_understood_of(self, names: Iterable[str]) -> dict[str, dict[str, str]]:
        """Return the same of each of these connections that has any."""
        found: dict[str, dict[str, str]] = {}
        with self._db.read() as conn:
            for row in conn.execute(_NOT_UNDERSTOOD, {"names": names}):
                found.setdefault(row.connection, {})[row.ticket] = row.detail
        return found


def _forgotten(row: RowMapping) -> HistoryLine:
    subject = f"{row['side']} {row['habit']}"
    why = f"forgotten; it was seen {row['count']} times"
    return HistoryLine(row["connection"], Changed.HABIT, subject, row["answer"], "", why)


def _row(evidence: HabitEvidence) -> dict[str, object]:
    return {
        "connection": evidence.connection, "side": str(evidence.side), "habit": evidence.habit,
        "answer": evidence.answer, "count": evidence.count, "first_seen": evidence.first_seen,
        "last_seen": evidence.last_seen, "examples": json.dumps(evidence.examples), "accepted": evidence.accepted,
    }  # fmt: skip


def _evidence(row: RowMapping) -> HabitEvidence:
    given = {**row, "side": Side(row["side"]), "examples": tuple(json.loads(row["examples"]))}
    return HabitEvidence(**given)
