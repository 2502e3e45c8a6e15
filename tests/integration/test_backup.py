"""Backups by the commands of docs/operations.md: made in the middle of a write, put back a day later."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import make_url

from connectors.memory import MemoryCall
from deployments.store_copy import main
from tests.backups import kinds_planned, minutes, reopened, runs, shown
from tests.cycle_fixtures import Desk
from tests.fresh_store import fresh_sqlite
from tests.older_stores.day import copy_of
from tests.operations_page import command_of
from tests.postgres_server import PostgresServer, find_postgres

pytest_plugins = ("tests.database_fixtures",)

ROOT = Path(__file__).parents[2]
LIVE, KEPT = "/var/lib/remotesupport/remotesupport.sqlite3", "/backup/remotesupport.sqlite3"
PYTHON = "/opt/remotesupport/.venv/bin/python"
COPY = f"{PYTHON} -P -m deployments.store_copy"


@dataclass
class Place:
    """A store, the page's commands that save it and put it back, and what makes it vanish."""

    url: str
    saves: list[str]
    restores: list[str]
    environ: dict[str, str]
    vanish: Callable[[], None]

    def run(self, command: list[str]) -> None:
        """A command as the operator's, to a good end."""
        done = subprocess.run(command, env=self.environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (command, done.stdout, done.stderr)


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A store without tables yet, on each database."""
    if request.param == "sqlite":
        return on_sqlite(tmp_path)
    return on_postgresql(request.getfixturevalue("postgres"), tmp_path)


def on_sqlite(folder: Path) -> Place:
    live, kept = folder / "remotesupport.sqlite3", folder / "it is a copy"
    put = {LIVE: str(live), KEPT: str(kept), PYTHON: sys.executable}
    saves, restores = (command_of("### A store on SQLite", f"{COPY} {begin}", put) for begin in ("/var", "/backup"))

    def vanish() -> None:
        for file in folder.glob("remotesupport.sqlite3*"):
            file.unlink()

    return Place(f"sqlite:///{live}", saves, restores, dict(os.environ) | {"PYTHONPATH": str(ROOT)}, vanish)


def on_postgresql(server: PostgresServer, folder: Path) -> Place:
    url = server.new_database()
    name = str(make_url(url).database)
    environ = {
        "PGHOST": str(server.folder),
        "PGUSER": "rs",
        "PGPASSWORD": server.password,
        "PATH": str(find_postgres()),
    }
    put = {"/backup/remotesupport.dump": str(folder / "a dump"), "=remotesupport": f"={name}"}
    saves, restores = (command_of("### A store on PostgreSQL", program, put) for program in ("pg_dump", "pg_restore"))

    def vanish() -> None:
        server.run(f"DROP DATABASE {name} WITH (FORCE)")
        server.run(f"CREATE DATABASE {name}")

    return Place(url, saves, restores, environ, vanish)


BOTH = pytest.mark.thorough("the same days once more: `make test` has pg_dump, and what the copy of a file holds")
CASES = [
    pytest.param("sqlite", True, id="sqlite, after a loss", marks=BOTH),
    pytest.param("sqlite", False, id="sqlite, over what is there", marks=BOTH),
    pytest.param("postgresql", True, id="postgresql, after a loss", marks=BOTH),
    pytest.param("postgresql", False, id="postgresql, over what is there"),
]


@pytest.mark.parametrize(("place", "lost"), CASES, indirect=["place"])
async def test_a_backup_from_the_middle_of_a_write_repeats_nothing(place: Place, tmp_path: Path, lost: bool) -> None:
    """Saved while an answer was on its way, and put back after a day on which it and more has crossed: what is there
    is recognised, nothing is written, and everybody is in order."""
    desk = Desk(tmp_path, "acme", url=place.url)
    ticket = await a_backup_in_a_write(desk, place)
    await another_day(desk, ticket)
    before, writes = shown(desk), desk.writes()
    desk.store.close()
    if lost:
        place.vanish()
    place.run(place.restores)
    reopened(desk)
    reports = await runs(desk)
    assert kinds_planned(reports) <= {"adopt"}
    assert (shown(desk), desk.writes()) == (before, writes)
    assert [b.reason for b in reports[-1].billings] == [""]
    assert desk.store.parked() == []
    desk.store.close()


async def a_backup_in_a_write(desk: Desk, place: Place) -> str:
    """A ticket has crossed; its answer is being sent when the backup is made. → the ticket"""
    acme = desk.externals["acme"]
    ticket = acme.client_opens("ivan", "Technical support", "s", "E1")
    await minutes(desk)

    def save(_call: MemoryCall) -> None:
        place.run(place.saves)

    acme.after["reply"] = save
    desk.main.staff_replies(copy_of(desk, ticket), "M1")
    await minutes(desk, 1)
    del acme.after["reply"]
    assert acme.bodies(ticket).count("M1") == 1
    return ticket


async def another_day(desk: Desk, ticket: str) -> None:
    """Both sides write, and a client opens another ticket."""
    acme = desk.externals["acme"]
    acme.client_writes(ticket, "E2")
    desk.main.staff_replies(copy_of(desk, ticket), "M2")
    acme.client_opens("ivan", "Technical support", "another", "E3")
    await minutes(desk, 3)


def test_a_copy_is_for_its_owner_alone_and_replaces_the_last_one(tmp_path: Path) -> None:
    """The copy has 0600, a later one takes its place, and each holds what was committed."""
    store, copy = tmp_path / "s.sqlite3", tmp_path / "c.sqlite3"
    fresh_sqlite(store)
    for count in (1, 2):
        with closing(sqlite3.connect(store)) as conn:
            conn.execute(f"INSERT INTO rs_progress VALUES ('{count}', '{{}}', 0)")
            conn.commit()
            assert main([str(store), str(copy)]) == 0
        with closing(sqlite3.connect(copy)) as conn:
            assert conn.execute("SELECT count(*) FROM rs_progress").fetchone() == (count,)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


def test_a_wrong_name_makes_and_overwrites_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A store that is not there is no empty backup, and a file that is no store is neither copied nor written over."""
    store, other = tmp_path / "s.sqlite3", tmp_path / "other"
    fresh_sqlite(store)
    other.write_text("somebody's file")
    with closing(sqlite3.connect(tmp_path / "foreign.db")) as conn:
        conn.execute("CREATE TABLE x (y)")
    assert main([str(tmp_path / "missing"), str(tmp_path / "new")]) == 1
    assert main([str(store), str(other)]) == 1
    assert main([str(tmp_path / "foreign.db"), str(tmp_path / "new")]) == 1
    assert main([str(store), str(store)]) == 2
    assert not (tmp_path / "new").exists()
    assert other.read_text() == "somebody's file"
    assert "is no store of remotesupport" in capsys.readouterr().err
