"""Runs: when they began, how they ended. Nothing of what they did to tickets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, select, update

from remotesupport.store.database import Part
from remotesupport.store.keys import among
from remotesupport.store.states import RunRecord
from remotesupport.store.tables import runs

_NEWEST = select(runs).where(among(runs.c.kind, "kinds")).order_by(runs.c.started.desc(), runs.c.run.desc()).limit(1)


class Runs(Part):
    """The run book."""

    def begin_run(self, run: str, kind: str, flow_run: str | None, at: datetime) -> None:
        """Note that ``run`` began. Repeating it changes nothing but the start."""
        row = {"run": run, "kind": str(kind), "flow_run": flow_run, "started": at}
        with self._db.write() as conn:
            self._db.upsert(conn, runs, [row])

    def finish_run(self, run: str, state: str, summary: Mapping[str, Any], at: datetime | None = None) -> None:
        """Note how ``run`` ended; ``at`` defaults to the store's clock. ``summary`` is JSON without ticket text."""
        with self._db.write() as conn:
            values = {
                "state": str(state),
                "summary": json.dumps(summary, default=str),
                "finished": at or self._db.now(conn),
            }
            conn.execute(update(runs).where(runs.c.run == run).values(values))

    def last_runs(self, n: int) -> list[RunRecord]:
        """The ``n`` newest runs, newest first."""
        with self._db.read() as conn:
            found = conn.execute(select(runs).order_by(runs.c.started.desc(), runs.c.run.desc()).limit(n)).mappings()
            return [_record(row) for row in found]

    def newest_run(self, *kinds: str) -> RunRecord | None:
        """The run of one of ``kinds`` that began last, ended or not; None: there is none."""
        with self._db.read() as conn:
            row = conn.execute(_NEWEST, {"kinds": kinds}).mappings().first()
            return None if row is None else _record(row)


def _record(row: RowMapping) -> RunRecord:
    return RunRecord(**{**row, "summary": json.loads(row["summary"] or "{}")})
