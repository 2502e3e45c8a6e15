"""The tables: made from nothing, made once, the same as the code believes."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Boolean, Column, Integer, MetaData, Table, Text, insert, inspect, text

from remotesupport.core.connections.connection_state import Failure
from remotesupport.store import Store, StoreError
from remotesupport.store.columns import UtcTime
from remotesupport.store.database import Database
from remotesupport.store.migrate import HEAD, VERSION_TABLE, current
from remotesupport.store.tables import links, metadata
from tests.database_fixtures import POSTGRES_FIRST
from tests.store_rows import intent, received, taken

pytest_plugins = ("tests.database_fixtures",)

HOUR = timedelta(hours=1)
_TEXTS = ("name", "read_outcome", "stopped_plan", "stopped_why", "access")
BEFORE = Table(
    "rs_connections", MetaData(), *(Column(name, Text) for name in _TEXTS), Column("last_good", UtcTime),
    Column("last_run", UtcTime), Column("paused", Boolean, default=False), Column("linked", Integer, default=0),
)  # fmt: skip
"""The table as it was before connections had states."""

MIGRATOR = """
import sys
from remotesupport.store import Store
store = Store.open(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
print(store.migrate(), flush=True)
"""


def test_from_nothing_to_head_and_no_further(empty_url: str) -> None:
    """The first call makes the tables, the second has nothing to do."""
    with Store.open(empty_url) as store:
        assert [store.migrate(), store.migrate()] == [True, False]
        assert len(store.links("acme")) == 0
    database = Database(empty_url)
    with database.read() as conn:
        assert current(conn) == HEAD
    database.engine.dispose()


def test_the_migrated_tables_are_those_of_the_code(empty_url: str) -> None:
    """What the migrations make and what tables.py says do not differ, and no foreign table is touched."""
    database = Database(empty_url)
    with database.write() as conn:
        conn.execute(text("CREATE TABLE alembic_version (version_num TEXT)"))
    with Store.open(empty_url) as store:
        store.migrate()
    options = {"version_table": VERSION_TABLE, "compare_type": True}
    with database.read() as conn:
        differences = compare_metadata(MigrationContext.configure(conn, opts=options), metadata)
        names = set(inspect(conn).get_table_names())
    database.engine.dispose()
    assert [d for d in differences if "alembic_version" not in str(d)] == []
    assert names == {*metadata.tables, VERSION_TABLE, "alembic_version"}
    assert all(name.startswith("rs_") for name in metadata.tables)


def test_an_older_store_keeps_what_is_known_of_a_connection(empty_url: str) -> None:
    """What was on record of each connection before its state was kept is its state's kind and last read afterwards."""
    at = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    old = {
        "fine": {"read_outcome": "ok"},
        "denied": {"read_outcome": "access_denied", "access": "refused", "stopped_why": "refused"},
        "stopped": {"read_outcome": "ok", "stopped_plan": "p-1", "stopped_why": "too big"},
        "gone": {"read_outcome": "unreachable", "stopped_why": "no connection"},
    }
    database = Database(empty_url)
    config = Config()
    config.set_main_option("script_location", "remotesupport.store:migrations")
    with database.write() as conn:
        config.attributes["connection"] = conn
        command.upgrade(config, "0004")
        for name, known in old.items():
            row = {"stopped_plan": None, "stopped_why": "", "access": "", **known}
            conn.execute(insert(BEFORE), {"name": name, "last_good": at, "last_run": at + HOUR, **row})
    database.engine.dispose()
    with Store.open(empty_url) as store:
        assert store.migrate()
        found = {s.name: (s.failure, s.last_read) for s in store.connection_states()}
    assert found == {
        "fine": (Failure.NONE, at + HOUR),
        "denied": (Failure.ACCESS, at),
        "stopped": (Failure.GUARD, at + HOUR),
        "gone": (Failure.UNREACHABLE, at),
    }


def test_a_store_from_before_the_history_keeps_its_ledger_and_begins_one(empty_url: str) -> None:
    """What was carried before who, when and by which run were kept is there without them; what comes after has them."""
    database = Database(empty_url)
    config = Config()
    config.set_main_option("script_location", "remotesupport.store:migrations")
    link = {"connection": "acme", "ext_ticket": "1", "main_ticket": "501", "ext_state": "open", "main_state": "open",
            "department": "4", "departed": False}  # fmt: skip
    old = {"connection": "acme", "ext_ticket": "1", "direction": "to_main", "source_message": "76",
           "target_message": "899", "body_hash": "h" * 32}  # fmt: skip
    with database.write() as conn:
        config.attributes["connection"] = conn
        command.upgrade(config, "0007")
        conn.execute(insert(links), [link])
        conn.execute(text(f"INSERT INTO rs_carried ({', '.join(old)}) VALUES (:{', :'.join(old)})"), old)
    database.engine.dispose()
    with Store.open(empty_url) as store:
        assert store.migrate()
        (before,) = store.crossings("acme")
        assert (before.message, before.target, before.main_ticket) == ("76", "899", "501")
        assert (before.run, before.at, before.author) == (None, None, None)
        assert store.history(datetime(2000, 1, 1, tzinfo=UTC)) == []
        received(store, store.intend(taken(store), intent()), "900")
        assert [(one.message, one.run, one.department) for one in store.crossings("acme")][-1] == ("77", "run-1", "4")


def test_a_store_is_not_made_by_looking(empty_url: str, tmp_path: Path) -> None:
    """Where nothing was ever kept there is no store, and none after the question; one that is there is given."""
    assert Store.existing(empty_url) is None
    assert not (tmp_path / "empty.db").exists()
    database = Database(empty_url)
    with database.read() as conn:
        assert inspect(conn).get_table_names() == []
    database.engine.dispose()
    with Store.open(empty_url) as made:
        made.migrate()
    there = Store.existing(empty_url)
    assert there is not None
    with there:
        assert there.connection_states() == []


@pytest.mark.parametrize("empty_url", POSTGRES_FIRST, indirect=True)
def test_processes_may_migrate_at_once(empty_url: str, tmp_path: Path) -> None:
    """Of processes that start on an empty database at the same moment one makes the tables, the other waits for it."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    started = [
        subprocess.Popen(
            [sys.executable, "-c", MIGRATOR, empty_url], cwd=elsewhere, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        for _ in range(2)
    ]  # fmt: skip
    for one in started:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in started:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    assert sorted(one.communicate(timeout=60)[0].strip() for one in started) == ["False", "True"]


def test_a_newer_store_is_refused(store: Store, store_url: str) -> None:
    """An old program leaves a store of a newer one alone, and says so."""
    database = Database(store_url)
    with database.write() as conn:
        conn.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    database.engine.dispose()
    with pytest.raises(StoreError, match=r"tables of another version \(9999\).*Install the newer"):
        store.migrate()


def test_a_failed_migration_leaves_nothing(empty_url: str) -> None:
    """A migration that cannot be finished leaves the database as it was, so that it can be tried again."""
    database = Database(empty_url)
    with database.write() as conn:
        conn.execute(text("CREATE TABLE rs_sightings (x TEXT)"))
    with pytest.raises(StoreError), Store.open(empty_url) as store:
        store.migrate()
    with database.write() as conn:
        assert inspect(conn).get_table_names() == ["rs_sightings"]
        conn.execute(text("DROP TABLE rs_sightings"))
    with Store.open(empty_url) as store:
        assert store.migrate() is True
    database.engine.dispose()


def test_a_block_that_fails_leaves_nothing(store_url: str) -> None:
    """A write transaction that is left with an error has not happened."""
    database = Database(store_url)
    row = {"connection": "a", "ext_ticket": "1", "main_ticket": "2", "ext_state": "open", "main_state": "open",
           "departed": False}  # fmt: skip

    def fail_halfway() -> None:
        with database.write() as conn:
            conn.execute(insert(links), [row])
            raise KeyError

    with pytest.raises(KeyError):
        fail_halfway()
    with database.read() as conn:
        assert conn.execute(links.select()).all() == []
    database.engine.dispose()
