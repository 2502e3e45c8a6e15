"""Measures the same as ``growth`` with Prefect on PostgreSQL, as in production, against the aim for a shard's minute.

Size: the whole database with its indexes, vacuumed before each look; a real server of this machine's package.
"""

from __future__ import annotations

from dataclasses import replace

import psycopg

from benchmarks.growth import SYNC, TABLES, Size, measured
from benchmarks.table import Table
from tests.postgres_server import postgres_server

AIM_KB = 200.0


def run(*, quick: bool = False, connections: int | None = None) -> Table:
    """Measure; ``quick``: 5 runs."""
    with postgres_server() as postgres:
        database = postgres.new_database()
        more = {"PREFECT_SERVER_DATABASE_CONNECTION_URL": database.replace("+psycopg", "+asyncpg")}
        address = database.replace("+psycopg", "")
        table = measured("PostgreSQL", lambda _: _size(address), more, quick=quick, connections=connections)
    aim = f"aim for {SYNC}: at most {AIM_KB:.0f} KB a run, which is a minute of a shard"
    return replace(table, notes=(*table.notes, aim))


def _size(database: str) -> Size:
    with psycopg.connect(database, autocommit=True) as prefect:
        prefect.execute("VACUUM")
        (used,) = prefect.execute("SELECT pg_database_size(current_database())").fetchone() or (0,)
        counts = [prefect.execute(f"SELECT count(*) FROM {table}".encode()).fetchone() or (0,) for table in TABLES]
    return Size(used, tuple(int(count) for (count,) in counts))
