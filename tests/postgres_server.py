"""A real PostgreSQL server for tests, from the machine's package, reached through a Unix socket only."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

MISSING = "no PostgreSQL server here: install one (Debian, Ubuntu: `apt-get install postgresql`)"


@dataclass(frozen=True)
class PostgresServer:
    """A running server: its socket's folder and the superuser's password; ``control`` is pg_ctl for it."""

    folder: Path
    password: str
    control: Callable[..., None] = lambda *_: None

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://rs:{self.password}@/{database}?host={self.folder}"

    def new_database(self) -> str:
        """A fresh, empty database → its address."""
        name = f"n_{secrets.token_hex(6)}"
        self.run(f"CREATE DATABASE {name}")
        return self.url(name)

    def stop(self) -> None:
        """At once, as in a power cut."""
        self.control("-m", "immediate", "stop")

    def start(self) -> None:
        """Again, with the same data."""
        self.control("start")

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
        raise RuntimeError(f"{command[0]} failed: {(folder / 'calls.log').read_text()[-2000:]}")


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A server until the block ends. Raises FileNotFoundError where none is installed."""
    binaries = find_postgres()
    if binaries is None:
        raise FileNotFoundError(MISSING)
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

        def control(*words: str) -> None:
            more = ("-l", log, "-o", options) if words[-1] == "start" else ()
            _call(folder, who, binaries / "pg_ctl", "-D", data, "-w", *more, *words)

        server = PostgresServer(folder, password, control)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
