"""Fixtures for everything that needs a database: each test gets a fresh, migrated store, on SQLite and on PostgreSQL.

Use them with ``pytest_plugins = ("tests.database_fixtures",)`` in a test module, and import nothing from here (pytest
wants to be the first to import a plugin). PostgreSQL is a real server, started
once per session from the machine's package, reached through a Unix socket only, and stopped at the end. Where no
server is installed the tests are skipped with a line that says what to install; in CI they fail.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from remotesupport.store import Store
from tests.store_rows import FakeClock

MISSING = "no PostgreSQL server here: install one (Debian, Ubuntu: `apt-get install postgresql`)"
TEMPLATE = "rs_template"


@dataclass(frozen=True)
class PostgresServer:
    """A running server: its socket's folder and the superuser's password."""

    folder: Path
    password: str

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://rs:{self.password}@/{database}?host={self.folder}"

    def run(self, statement: str) -> None:
        """One statement outside transactions, as CREATE DATABASE wants it."""
        settings = f"host={self.folder} user=rs dbname=postgres password={self.password}"
        with psycopg.connect(settings, autocommit=True) as conn:
            conn.execute(statement.encode())


def find_postgres() -> Path | None:
    """The folder with initdb, pg_ctl and postgres: from PATH, else the newest of Debian's."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: -float(p.parent.name))
    return next((f for f in folders if (f / "initdb").exists() and (f / "postgres").exists()), None)


def _other_user() -> dict[str, Any]:
    """PostgreSQL refuses to run as root: arguments for subprocess that make it somebody else."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    account = names.get("postgres") or names["nobody"]
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _call(folder: Path, who: dict[str, Any], *command: object) -> None:
    # A file and not a pipe: the server inherits it and would keep a pipe open for ever.
    with (folder / "calls.log").open("ab") as log:
        done = subprocess.run([str(c) for c in command], cwd=folder, stdout=log, stderr=log, check=False, **who)
    if done.returncode:
        pytest.fail(f"{command[0]} failed: {(folder / 'calls.log').read_text()[-2000:]}")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The server of this session."""
    binaries = find_postgres()
    if binaries is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(MISSING)
    folder, who, password = Path(tempfile.mkdtemp(prefix="rs-pg-")), _other_user(), secrets.token_hex(8)
    try:
        (folder / "pw").write_text(password)
        (folder / "calls.log").touch()
        for path in (folder, folder / "pw", folder / "calls.log"):
            os.chown(path, who.get("user", -1), who.get("group", -1))
        data, log = folder / "data", folder / "server.log"
        auth = ("-A", "scram-sha-256", "-U", "rs", f"--pwfile={folder / 'pw'}")
        _call(folder, who, binaries / "initdb", "-D", data, "-E", "UTF8", "--locale=C", "--no-sync", *auth)
        options = f"-c listen_addresses='' -k {folder} -c timezone=Asia/Tokyo"
        control = (binaries / "pg_ctl", "-D", data, "-w")
        _call(folder, who, *control, "-l", log, "-o", options, "start")
        try:
            yield PostgresServer(folder, password)
        finally:
            _call(folder, who, *control, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def migrated_postgres(postgres: PostgresServer) -> PostgresServer:
    """The server with a migrated template database."""
    postgres.run(f"CREATE DATABASE {TEMPLATE}")
    with Store.open(postgres.url(TEMPLATE)) as store:
        store.migrate()
    return postgres


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file to copy."""
    path = tmp_path_factory.mktemp("store") / "template.db"
    with Store.open(f"sqlite:///{path}") as store:
        store.migrate()
    return path


@pytest.fixture
def postgres_url(migrated_postgres: PostgresServer) -> Iterator[str]:
    """The address of a fresh, migrated PostgreSQL database."""
    name = f"t_{secrets.token_hex(6)}"
    migrated_postgres.run(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    yield migrated_postgres.url(name)
    migrated_postgres.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def sqlite_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    """The address of a fresh, migrated SQLite file."""
    path = tmp_path / "store.db"
    shutil.copy(migrated_sqlite, path)
    return f"sqlite:///{path}"


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
