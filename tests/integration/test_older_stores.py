"""Stores that the programs of each revision of the tables have left, with a day in them, and today's program.

``tests/older_stores`` says how they were made.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from remotesupport.core.run import BillingState, RunKind
from remotesupport.store import Store
from remotesupport.store.migrate import HEAD
from tests.backups import minutes, shown
from tests.cli_here import cli_here
from tests.cycle_fixtures import Desk
from tests.older_stores.day import NO_SHARES, copy_of
from tests.older_stores.files import Evening, Rows, kept, put_back, revisions, rows_of
from tests.older_stores.worlds import become

pytest_plugins = ("tests.database_fixtures",)

OLDEST = "0001"
FORGOTTEN = {"0001": {("rs_sightings", "read_at")}} | {f"000{n}": {("rs_sightings", "read_at")} for n in (2, 3)}
"""The columns that a migration changes on purpose: 0004 has everything open read once more."""

MANY = pytest.mark.thorough("ten stores on two databases; the oldest one on SQLite has its turn in `make test`")
EACH = [r if r == OLDEST else pytest.param(r, marks=MANY) for r in revisions()]
GOES_ON = [
    pytest.param(r, database, marks=() if (r, database) == (OLDEST, "sqlite") else MANY)
    for r in revisions()
    for database in ("sqlite", "postgresql")
]
ASKED = (
    ("status",), ("runs",), ("history", "--since", "2026-11-01"), ("parked",), ("crossed", "--billing", "acme"),
    ("report", "--billing", "acme", "--month", "2026-11"), ("habits",), ("why", "acme", "{talk}"),
    ("why", "acme", "{refused}"), ("why", "acme", "{leaves}"),
)  # fmt: skip


def desk_on(url: str, folder: Path, evening: Evening) -> Desk:
    """Today's program on that store, between the billings as they were that evening; nobody is paused any more."""
    desk = Desk(folder, "acme", "globex", url=url, extra=NO_SHARES)
    for name, world in (("main", desk.main), *desk.externals.items()):
        become(world, evening.worlds[name])
    desk.clock.now = evening.now
    desk.store.set_connection("globex", paused=False)
    return desk


async def quiet_hour(desk: Desk) -> None:
    """Two minutes, two audits and a minute: everybody is in order, and nothing that people see changes."""
    before = shown(desk)
    for kind in (RunKind.SYNC, RunKind.SYNC, RunKind.AUDIT, RunKind.AUDIT, RunKind.SYNC):
        report = await desk.run(kind)
        assert [(b.state, b.reason) for b in report.billings] == [(BillingState.OK, "")] * 2
    assert shown(desk) == before


def without(rows: Rows, columns: dict[str, set[str]], forgotten: set[tuple[str, str]]) -> dict[str, list[str]]:
    """Of each table the rows in one order, with these columns only."""
    wanted = {name: sorted(cs - {c for t, c in forgotten if t == name}) for name, cs in columns.items()}
    return {name: sorted(repr([row[c] for c in wanted[name]]) for row in rows[name]) for name in wanted}


def test_there_is_a_store_of_each_revision() -> None:
    """Whoever adds a revision adds the store that its program leaves: `python -m tests.older_stores`."""
    assert revisions()[-1] == HEAD
    assert revisions() == [f"{n:04}" for n in range(1, len(revisions()) + 1)]


@pytest.mark.parametrize("revision", revisions())
def test_an_upgrade_keeps_every_row(revision: str, empty_url: str) -> None:
    """Brought to today's tables a store of any revision holds every row and value that it held, on either database."""
    evening = kept(revision)
    put_back(empty_url, revision, evening.rows)
    with Store.open(empty_url) as store:
        assert store.migrate() is (revision != HEAD)
        with store._db.read() as conn:
            after = rows_of(conn)
    columns = {name: set(rows[0]) for name, rows in evening.rows.items() if rows}
    assert {"rs_links", "rs_carried", "rs_intents", "rs_events", "rs_plans", "rs_runs", "rs_sightings"} <= set(columns)
    forgotten = FORGOTTEN.get(revision, set())
    assert without(after, columns, forgotten) == without(evening.rows, columns, forgotten)


@pytest.mark.parametrize(("revision", "empty_url"), GOES_ON, indirect=["empty_url"])
async def test_an_upgraded_store_goes_on(revision: str, empty_url: str, tmp_path: Path) -> None:
    """On a store of any revision runs repeat, close and reopen nothing, and what people do then crosses once."""
    evening = kept(revision)
    put_back(empty_url, revision, evening.rows)
    desk = desk_on(empty_url, tmp_path, evening)
    await quiet_hour(desk)
    await a_new_day(desk, evening.tickets)
    desk.store.close()


async def a_new_day(desk: Desk, tickets: dict[str, str]) -> None:
    """The client writes in an old ticket and opens a new one, staff answer: each is on the other side once."""
    acme, main, talk = desk.externals["acme"], desk.main, tickets["talk"]
    acme.client_writes(talk, "a new word")
    new = acme.client_opens("ivan", "Technical support", "the next day", "a new ticket")
    main.staff_replies(copy_of(desk, talk), "a new answer")
    await minutes(desk, 3)
    said = "\n".join(main.bodies(copy_of(desk, talk)) + main.bodies(copy_of(desk, new)))
    assert [said.count(text) for text in ("more words", "a new word", "a new ticket")] == [1, 1, 1]
    assert acme.bodies(talk).count("a new answer") == 1


@MANY
@pytest.mark.parametrize("revision", revisions())
async def test_going_back_to_the_backup_from_before_an_upgrade_repeats_nothing(
    revision: str, empty_url: str, tmp_path: Path
) -> None:
    """A day lived after an upgrade is only recognised when the store of before it is put back and upgraded again."""
    evening = kept(revision)
    (tmp_path / "first").mkdir()
    put_back(f"sqlite:///{tmp_path / 'first.db'}", revision, evening.rows)
    first = desk_on(f"sqlite:///{tmp_path / 'first.db'}", tmp_path / "first", evening)
    await minutes(first)
    await a_new_day(first, evening.tickets)
    first.store.close()

    put_back(empty_url, revision, evening.rows)
    again = desk_on(empty_url, tmp_path, evening)
    again.main, again.externals, again.clock.now = first.main, first.externals, first.clock.now
    again.context = again._context()
    await quiet_hour(again)
    again.store.close()


@pytest.mark.parametrize("revision", EACH)
def test_commands_read_what_an_older_program_wrote(revision: str, tmp_path: Path) -> None:
    """Every command that reads the store answers from one of any revision, and none of them meets an error."""
    evening = kept(revision)
    put_back(f"sqlite:///{tmp_path / 'remotesupport.sqlite3'}", revision, evening.rows)
    desk = Desk(tmp_path, "acme", "globex", url=f"sqlite:///{tmp_path / 'unused.db'}", extra=NO_SHARES)
    desk.store.close()
    environ = {
        "REMOTESUPPORT_HOME": str(tmp_path), "REMOTESUPPORT_CONFIG": str(tmp_path / "remotesupport.toml"),
        "HOME": str(tmp_path), "ROBOT": "invented",
    }  # fmt: skip
    for words in ASKED:
        command: list[Any] = [word.format(**evening.tickets) for word in words]
        ended = cli_here(*command, cwd=tmp_path, environ=environ)
        assert ended.returncode == (1 if words[0] == "status" else 0), (command, ended.stdout, ended.stderr)
        assert ended.stdout
        assert "Unexpected error" not in ended.stderr
