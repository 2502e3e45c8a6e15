"""Runs: when they began, how they ended. Nothing of what they did to tickets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, select, update

from remotesupport.store.database import Part
from remotesupport.store.keys import among
from remotesupport.store.states import RunRecord
from remotesupport.store.tables import runs

_NEWEST = select(runs).where(among(runs.c.kind, "kinds")).order_by(runs.c.started.desc(), runs.c.run.desc()).limit(1)
_AUDIT = "audit"
_AUDITS_LOOKED_AT = 50
_LONGEST_AUDIT = timedelta(hours=1)  # one that has no end by then has died


class Runs(Part):
    """The run book."""

    def begin_run(self, run: str, kind: str, flow_run: str | None, at: datetime, billings: Iterable[str] = ()) -> None:
        """Note that ``run`` began, and with which connections. Repeating it changes nothing but the start."""
        row = {"run": run, "kind": str(kind), "flow_run": flow_run, "started": at}
        if named := [{"name": name} for name in billings]:
            row["summary"] = json.dumps({"billings": named})
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

    def audits_skipped(self) -> dict[str, int]:
        """Connection → its newest audits in a row that did not compare it; 0 where the newest one did.

        They had no turn (``no_turn`` in the run's record), or died. One that goes on is not counted yet.
        """
        with self._db.read() as conn:
            since = self._db.now(conn) - _LONGEST_AUDIT
            newest = select(runs).where(runs.c.kind == _AUDIT).order_by(runs.c.started.desc(), runs.c.run.desc())
            found = conn.execute(newest.limit(_AUDITS_LOOKED_AT)).mappings().all()
        if found and found[0]["finished"] is None and found[0]["started"] > since:
            found = found[1:]
        counts: dict[str, int] = {}
        compared: set[str] = set()
        for row in found:
            for line in json.loads(row["summary"] or "{}").get("billings", []):
                name = line["name"]
                if row["finished"] is not None and not line.get("no_turn"):
                    compared.add(name)
                counts[name] = counts.get(name, 0) + (name not in compared)
        return counts


def _record(row: RowMapping) -> RunRecord:
    return RunRecord(**{**row, "summary": json.loads(row["summary"] or "{}")})
