"""Runs: when they began, how they ended. Nothing of what they did to tickets."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, bindparam, func, or_, select, update

from remotesupport.core.connections.shards import Shard
from remotesupport.store.database import Part
from remotesupport.store.history import took_part
from remotesupport.store.keys import among
from remotesupport.store.states import RunRecord
from remotesupport.store.tables import runs

_NEWEST = select(runs).where(among(runs.c.kind, "kinds")).order_by(runs.c.started.desc(), runs.c.run.desc()).limit(1)
_BY_SHARD = (
    select(runs.c.shard, func.max(runs.c.started).label("began"))
    .where(among(runs.c.kind, "kinds"), runs.c.shard.is_not(None), runs.c.started > bindparam("since"))
    .group_by(runs.c.shard)
)
_SHARDS_LOOKED_AT = timedelta(hours=1)
_AUDIT = "audit"
_AUDITS_LOOKED_AT = 50
_LONGEST_RUN = timedelta(days=1)
_LONGEST_AUDIT = timedelta(hours=1)  # one that has no end by then has died


class Runs(Part):
    """The run book."""

    def begin_run(
        self,
        run: str,
        kind: str,
        flow_run: str | None,
        at: datetime,
        billings: Iterable[str] = (),
        shard: Shard | None = None,
    ) -> None:
        """Note that ``run`` began, and with which connections: all of a ``shard``, or some that somebody named.

        Repeating it changes nothing but the start.
        """
        row = {"run": run, "kind": str(kind), "flow_run": flow_run, "started": at}
        if shard is not None:
            row["shard"] = str(shard)
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

    def last_runs(self, n: int, names: Collection[str] = ()) -> list[RunRecord]:
        """The ``n`` newest runs, newest first. ``names``: only those in which one of them took part."""
        query = select(runs).order_by(runs.c.started.desc(), runs.c.run.desc()).limit(n)
        if names:
            query = query.where(or_(*(took_part(name) for name in names)))
        with self._db.read() as conn:
            return [_record(row) for row in conn.execute(query).mappings()]

    def find_run(self, name: str) -> RunRecord | None:
        """The run of that id, or that was that flow run of Prefect."""
        query = select(runs).where(or_(runs.c.run == name, runs.c.flow_run == name))
        with self._db.read() as conn:
            row = conn.execute(query.order_by(runs.c.started.desc()).limit(1)).mappings().first()
            return None if row is None else _record(row)

    def newest_run(self, *kinds: str) -> RunRecord | None:
        """The run of one of ``kinds`` that began last, ended or not; None: there is none."""
        with self._db.read() as conn:
            row = conn.execute(_NEWEST, {"kinds": kinds}).mappings().first()
            return None if row is None else _record(row)

    def shards_began(self, *kinds: str) -> dict[Shard, datetime]:
        """Find when each shard's newest run of ``kinds`` began within an hour; runs for named ones do not count."""
        with self._db.read() as conn:
            given = {"kinds": kinds, "since": self._db.now(conn) - _SHARDS_LOOKED_AT}
            return {Shard.parse(row.shard): row.began for row in conn.execute(_BY_SHARD, given)}

    def ended_after(self, moment: datetime, most: int = 2000) -> list[RunRecord]:
        """The runs that have ended after ``moment`` and began less than a day before it, the first that ended first."""
        which = (runs.c.finished > moment, runs.c.started > moment - _LONGEST_RUN)
        with self._db.read() as conn:
            found = conn.execute(
                select(runs).where(*which).order_by(runs.c.finished, runs.c.run).limit(most)
            ).mappings()
            return [_record(row) for row in found]

    def audits_skipped(self, shards: int = 1) -> dict[str, int]:
        """Connection → its newest audits in a row that did not compare it; 0 where the newest one did.

        They had no turn (``no_turn`` in the run's record), or died. One that goes on is not counted yet.
        ``shards``: so many audits are one round of all connections.
        """
        with self._db.read() as conn:
            since = self._db.now(conn) - _LONGEST_AUDIT
            newest = select(runs).where(runs.c.kind == _AUDIT).order_by(runs.c.started.desc(), runs.c.run.desc())
            found = conn.execute(newest.limit(_AUDITS_LOOKED_AT * shards)).mappings().all()
        counts: dict[str, int] = {}
        compared: set[str] = set()
        for row in found:
            if row["finished"] is None and row["started"] > since:
                continue
            for line in json.loads(row["summary"] or "{}").get("billings", []):
                name = line["name"]
                if row["finished"] is not None and not line.get("no_turn"):
                    compared.add(name)
                counts[name] = counts.get(name, 0) + (name not in compared)
        return counts


def _record(row: RowMapping) -> RunRecord:
    known = {k: v for k, v in row.items() if k != "shard"}
    return RunRecord(**{**known, "summary": json.loads(row["summary"] or "{}")})
