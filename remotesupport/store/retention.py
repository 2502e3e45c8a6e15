"""Deletes what may be forgotten: never links, carried messages, current reasons, leases, parked and open things."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Table, delete, true, update

from remotesupport.store.database import Part
from remotesupport.store.states import OPEN_PLANS, PlanState
from remotesupport.store.tables import events, history, intents, plans, quarantine, runs


class Retention(Part):
    """A settled intent may go: the carried messages and links keep refusing what it refused."""

    def prune(self, before: datetime) -> int:
        """Delete runs, lines of timelines and of the history, quarantined rows, closed plans and settled intents older
        than ``before``.

        Open plans that old expire: they lose their rows, and stay to be seen until the next time. Returns how many
        rows were deleted or expired.
        """
        old: tuple[tuple[Table, tuple[Any, ...]], ...] = (
            (runs, (runs.c.started < before,)),
            (events, (events.c.at < before,)),
            (history, (history.c.at < before,)),
            (quarantine, (quarantine.c.at < before,)),
            (plans, (plans.c.changed_at < before, plans.c.state.not_in([str(s) for s in OPEN_PLANS]))),
            (intents, (intents.c.changed_at < before, intents.c.settled == true())),
        )
        expired = {"state": str(PlanState.EXPIRED), "detail": "older than what is kept", "body": None}
        with self._db.write() as conn:
            gone = sum(conn.execute(delete(table).where(*which)).rowcount for table, which in old)
            opened = (plans.c.changed_at < before, plans.c.state.in_([str(s) for s in OPEN_PLANS]))
            values = {**expired, "changed_at": self._db.now(conn)}
            return gone + conn.execute(update(plans).where(*opened).values(values)).rowcount
