"""The inputs of runs that planned something, as bytes that nobody here reads: kept for some days, then forgotten.

A plan that is made again and again (one that waits for a person is, each minute) has its inputs kept once a day: the
later runs refer to them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select

from remotesupport.store.database import Part
from remotesupport.store.tables import inputs, progress, runs

REFERRED_TO = timedelta(days=1)
_WARNINGS = "inputs/warnings"
_later = inputs.alias("later")


@dataclass(frozen=True, slots=True)
class KeptInputs:
    """The inputs of one connection in one run. ``plan``: the id of what was planned, "" for a stop without a plan.

    ``version``: of the program that planned. ``sealed``: ``body`` is encrypted. ``same_as``: the earlier run whose
    inputs stand for these. ``body`` is None where that one has been forgotten.
    """

    run: str
    connection: str
    plan: str
    at: datetime
    version: str
    sealed: bool
    same_as: str | None
    body: bytes | None


class Inputs(Part):
    """Appended to by runs, emptied by maintenance."""

    def refer_inputs(self, run: str, connection: str, plan: str, version: str, *, sealed: bool) -> bool:
        """Let the inputs of an earlier run of this day, of the same kind, that planned the same stand for those of
        ``run``; False: there are none."""
        kind = select(runs.c.kind).where(runs.c.run == run).scalar_subquery()
        known = (
            select(inputs.c.run)
            .join(runs, runs.c.run == inputs.c.run)
            .where(inputs.c.connection == connection, inputs.c.plan == plan, inputs.c.version == version)
            .where(inputs.c.sealed == sealed, inputs.c.body.is_not(None), inputs.c.run != run, runs.c.kind == kind)
        )
        with self._db.read() as conn:
            since = self._db.now(conn) - REFERRED_TO
            first = conn.execute(known.where(inputs.c.at > since).order_by(inputs.c.at.desc()).limit(1)).scalar()
        if first is None:
            return False
        self._add(run, connection, plan, version, sealed, first, None)
        return True

    def keep_inputs(self, run: str, connection: str, plan: str, version: str, body: bytes, *, sealed: bool) -> None:
        """Keep ``body`` as the inputs of ``run``."""
        self._add(run, connection, plan, version, sealed, None, body)

    def _add(
        self, run: str, connection: str, plan: str, version: str, sealed: bool, same_as: str | None, body: bytes | None
    ) -> None:
        with self._db.write() as conn:
            row = {
                "run": run, "connection": connection, "plan": plan, "at": self._db.now(conn), "version": version,
                "sealed": sealed, "same_as": same_as, "body": body,
            }  # fmt: skip
            conn.execute(insert(inputs), [row])

    def kept_inputs(self, run: str) -> list[KeptInputs]:
        """Return what is kept of that run, by connection."""
        with self._db.read() as conn:
            found = conn.execute(select(inputs).where(inputs.c.run == run).order_by(inputs.c.connection)).mappings()
            rows: list[dict[str, Any]] = [dict(row) for row in found]
            for row in rows:
                if row["same_as"] is not None:
                    first = select(inputs.c.body).where(
                        inputs.c.run == row["same_as"], inputs.c.connection == row["connection"]
                    )
                    row["body"] = conn.execute(first).scalar()
        return [KeptInputs(**row) for row in rows]

    def forget_inputs(self, before: datetime) -> int:
        """Delete what is older and what no later run refers to. Returns how many rows went."""
        needed = select(_later.c.run).where(
            _later.c.same_as == inputs.c.run, _later.c.connection == inputs.c.connection, _later.c.at >= before
        )
        with self._db.write() as conn:
            return conn.execute(delete(inputs).where(inputs.c.at < before, ~needed.exists())).rowcount

    def remember_input_warnings(self, warnings: Sequence[str]) -> None:
        """Remember what did not work the last time that inputs were to be kept, where that is not known."""
        if list(warnings) == self.input_warnings():
            return
        with self._db.write() as conn:
            row = {"key": _WARNINGS, "value": json.dumps(list(warnings)), "changed_at": self._db.now(conn)}
            self._db.upsert(conn, progress, [row])

    def input_warnings(self) -> list[str]:
        """Return what did not work the last time that inputs were to be kept."""
        with self._db.read() as conn:
            value = conn.execute(select(progress.c.value).where(progress.c.key == _WARNINGS)).scalar()
        return [str(one) for one in json.loads(value or "[]")]
