"""Fixtures for everything that needs a database: each test gets a fresh, migrated store, on SQLite and on PostgreSQL.

Use them with ``pytest_plugins = ("tests.database_fixtures",)`` in a test module. PYTEST_DONT_REWRITE: it is imported
for the orders of databases, too. PostgreSQL is a real server, started once per session from the machine's package,
reached through a Unix socket only, and stopped at the end. Where no server is installed the tests are skipped with a
line that says what to install; in CI they fail.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from remotesupport.store import Store
from tests.fresh_store import fresh_sqlite
from tests.postgres_server import PostgresServer, postgres_server
from tests.store_rows import FakeClock

TEMPLATE = "rs_template"


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The server of this session."""
    try:
        running = postgres_server()
        server = running.__enter__()
    except FileNotFoundError as missing:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(str(missing))
    try:
        yield server
    finally:
        running.__exit__(None, None, None)


@pytest.fixture(scope="session")
def migrated_postgres(postgres: PostgresServer) -> PostgresServer:
    """The server with a migrated template database."""
    postgres.run(f"CREATE DATABASE {TEMPLATE}")
    with Store.open(postgres.url(TEMPLATE)) as store:
        store.migrate()
    return postgres


@pytest.fixture
def postgres_url(migrated_postgres: PostgresServer) -> Iterator[str]:
    """The address of a fresh, migrated PostgreSQL database."""
    name = f"t_{secrets.token_hex(6)}"
    migrated_postgres.run(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    yield migrated_postgres.url(name)
    migrated_postgres.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The address of a fresh, migrated SQLite file."""
    return fresh_sqlite(tmp_path / "store.db")


# For long tests: the other database is left to `make test-all`.
OTHER_DATABASE = pytest.mark.thorough("the same law on the other database, seconds of CPU time each")
SQLITE_FIRST = ["sqlite", pytest.param("postgresql", marks=OTHER_DATABASE)]
POSTGRES_FIRST = [pytest.param("sqlite", marks=OTHER_DATABASE), "postgresql"]


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    """The address of a fresh, migrated store on each database."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without any table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = f"e_{secrets.token_hex(6)}"
    server.run(f"CREATE DATABASE {name}")
    yield server.url(name)
    server.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def clock() -> FakeClock:
    """Time that the test owns."""
    return FakeClock()


@pytest.fixture
def store(store_url: str, clock: FakeClock) -> Iterator[Store]:
    """A fresh store on each database, with the test's clock."""
    with Store.open(store_url, clock) as opened:
        yield opened


@pytest.fixture
def real_time_store(store_url: str) -> Iterator[Store]:
    """A fresh store on each database, with its own clock."""
    with Store.open(store_url) as opened:
        yield opened
