"""A statement that the Prefect server's SQLite refuses must not make the server stand still later."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import PoolProxiedConnection, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from deployments.prefect_sqlite import ClosingConnection, close_failed_cursors
from deployments.settings_env import server_env

WAITS_MS = 5000


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """An engine on a new database, with the settings of Prefect's own engine that matter here."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/new.db")
    close_failed_cursors(engine.sync_engine)

    @event.listens_for(engine.sync_engine, "connect")
    def _(connection: PoolProxiedConnection, _: object) -> None:
        connection.isolation_level = None
        for setting in ("journal_mode = WAL", f"busy_timeout = {WAITS_MS}"):
            connection.cursor().execute(f"PRAGMA {setting}")

    async with engine.begin() as connection:
        await connection.exec_driver_sql("CREATE TABLE t (x UNIQUE)")
    yield engine
    await engine.dispose()


@contextlib.contextmanager
def no_collection() -> Iterator[None]:
    """The garbage collector comes only when it is called."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def a_refused_statement(one: AsyncConnection, other: AsyncConnection, statement: str) -> None:
    """``one`` reads, the other one writes, then ``one``'s statement is refused. Its error is garbage with a cycle."""
    await one.exec_driver_sql("BEGIN")
    await one.exec_driver_sql("SELECT * FROM t")
    await other.exec_driver_sql("INSERT INTO t VALUES (1)")
    with pytest.raises(OperationalError, match="database is locked") as caught:
        await one.exec_driver_sql(statement, [(2,), (3,)] if "?" in statement else None)
    cycle = [caught.value]
    cycle.append(cycle)  # type: ignore[arg-type]
    await one.exec_driver_sql("ROLLBACK")


@pytest.mark.parametrize("statement", ["INSERT INTO t VALUES (2)", "INSERT INTO t VALUES (?)"], ids=["one", "many"])
async def test_the_garbage_of_a_refused_statement_waits_for_no_lock(engine: AsyncEngine, statement: str) -> None:
    """Its connection waits for a lock when the collector comes: the collector is done before that wait is."""
    with no_collection():
        async with engine.connect() as one, engine.connect() as other:
            await a_refused_statement(one, other, statement)
            await other.exec_driver_sql("BEGIN IMMEDIATE")
            waiting = asyncio.ensure_future(one.exec_driver_sql("INSERT INTO t VALUES (4)"))
            await asyncio.sleep(0.3)
            gc.collect()
            await asyncio.sleep(0.1)
            assert not waiting.done()
            await other.exec_driver_sql("COMMIT")
            await waiting
            assert (await one.exec_driver_sql("SELECT x FROM t")).scalars().all() == [1, 4]


def test_prefects_own_connections_are_of_this_kind(tmp_path: Path) -> None:
    """Prefect's own engine makes closing connections once our server process has prepared itself."""
    script = """
import asyncio, uvicorn
from deployments import prefect_server
uvicorn.run = lambda *args, **kwargs: None
prefect_server.main(["--port", "4200"])
from prefect.server.database import provide_database_interface
async def kind():
    async with provide_database_interface().session_context() as session:
        raw = await (await session.connection()).get_raw_connection()
        print(type(raw.driver_connection._conn).__name__)
asyncio.run(kind())
"""
    env = server_env(tmp_path, 4200, os.environ | {"PYTHONPATH": "."})
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=False)
    assert done.stdout.split() == [ClosingConnection.__name__], done.stderr
