"""When the database is not there or says no: one class of error, where, what to do, and never a password."""

import os
import sqlite3
import stat
import traceback
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from remotesupport.store import Store, StoreError, StoreUnavailable
from remotesupport.store.engines import Address
from remotesupport.store.faults import cure, translate

pytest_plugins = ("tests.database_fixtures",)

SECRET = "pass-%2F-word"
BAD_ADDRESSES = [
    f"postgresql+psycopg://rs:{SECRET}@127.0.0.1:1/db",
    f"postgresql://rs:{SECRET}@/db?host=/nowhere/at/all",
    f"postgresql://rs@/db?host=/nowhere&password={SECRET}",
    f"postgresql://rs:{SECRET}@127.0.0.1:1/db?connect_timeout={SECRET}",
]
REFUSED_ADDRESSES = [
    f"mysql://rs:{SECRET}@127.0.0.1/db", f"rs:{SECRET}@127.0.0.1/db", f"postgresql://rs:{SECRET}@host:port/db",
    "sqlite://", "sqlite:///:memory:", "",
]  # fmt: skip


def everything_said(caught: pytest.ExceptionInfo[StoreError]) -> str:
    """What a person or a log could get to see of an error: its text, its traceback and its causes."""
    return str(caught.value) + "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("address", BAD_ADDRESSES)
def test_an_unreachable_server_is_told_without_its_password(address: str) -> None:
    """A server that does not answer is StoreUnavailable, names the database and a cure, and hides the password."""
    with Store.open(address) as store, pytest.raises(StoreUnavailable, match="The store db on PostgreSQL") as caught:
        store.migrate()
    assert "REMOTESUPPORT_DATABASE_URL" in str(caught.value)
    assert not any(form in everything_said(caught) for form in (SECRET, "pass-/-word"))


@pytest.mark.parametrize("address", REFUSED_ADDRESSES)
def test_an_address_that_cannot_be_used_is_refused(address: str) -> None:
    """Other databases, memory and nonsense are refused when the store is opened, without repeating the address."""
    with pytest.raises(StoreError, match="Expected sqlite:") as caught:
        Store.open(address)
    assert not any(form in everything_said(caught) for form in (SECRET, "pass-/-word"))


def test_a_wrong_password_is_told_without_it(postgres_url: str) -> None:
    """A refused login says so and what to check; neither the right nor the wrong password is shown."""
    right = make_url(postgres_url).password or "none"
    address = postgres_url.replace(right, "wrong-one")
    with Store.open(address) as store, pytest.raises(StoreUnavailable, match="Check the login and password") as caught:
        store.migrate()
    assert not any(secret in everything_said(caught) for secret in (right, "wrong-one"))
    assert "wrong-one" not in store.shown


def test_a_store_that_is_not_migrated_says_so(empty_url: str) -> None:
    """Reading a database without tables is a StoreError that tells what is missing."""
    with Store.open(empty_url) as store, pytest.raises(StoreError, match="has not the tables of this version"):
        store.last_runs(1)


def test_no_parameter_is_in_an_error(store: Store) -> None:
    """What a failing statement carried (a plan's texts) is not in the error."""
    with pytest.raises(StoreError, match="refused a statement") as caught:
        store.save_plan({"run"}, "acme", {"id": "p-1", "body": "customer text"}, "stopped")  # type: ignore[arg-type]
    assert "customer text" not in str(caught.value)


def test_the_file_is_private(tmp_path: Path) -> None:
    """A new store and its folder are made, and only its owner can read it, its write-ahead log included."""
    with Store.open(f"sqlite:///{tmp_path}/new/store.db") as store:
        store.migrate()
        modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "new").iterdir()}
    assert modes == dict.fromkeys(("store.db", "store.db-wal", "store.db-shm"), 0o600)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A path that cannot be written is StoreUnavailable and names it."""
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match=r"file/store\.db cannot be opened.*REMOTESUPPORT_HOME"):
        Store.open(f"sqlite:///{tmp_path}/file/store.db")


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    """Another file under the store's name is left alone."""
    path = tmp_path / "store.db"
    path.write_text("not a database at all, but long enough to look like a header" * 20)
    with Store.open(f"sqlite:///{path}") as store, pytest.raises(StoreError, match="no SQLite database"):
        store.migrate()
    assert path.read_text().startswith("not a database")


def test_a_locked_file_is_unavailable(sqlite_url: str) -> None:
    """While another program holds the file's lock a write is refused as unavailable, and works afterwards."""
    path = sqlite_url.removeprefix("sqlite:///")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with Store.open(sqlite_url) as store:
        with store._db.read() as conn:
            assert conn.execute(text("PRAGMA busy_timeout")).scalar() == 30_000
            conn.execute(text("PRAGMA busy_timeout = 0"))
        with pytest.raises(StoreUnavailable, match=r"database is locked.*end the one that hangs"):
            store.save_progress("k", {})
        other.execute("COMMIT")
        other.close()
        store.save_progress("k", {})


def test_commits_are_durable(store: Store) -> None:
    """Both databases put a commit on the disk before it returns."""
    with store._db.read() as conn:
        if store._db.is_sqlite:
            assert conn.execute(text("PRAGMA synchronous")).scalar() == 2
            assert conn.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        else:
            assert conn.execute(text("SHOW synchronous_commit")).scalar() == "on"
            assert conn.execute(text("SHOW fsync")).scalar() == "on"


def test_a_server_that_commits_lazily_is_overruled(postgres_url: str) -> None:
    """Where the database's own setting would lose commits in a power cut, this program's connections wait."""
    with Store.open(postgres_url) as store:
        with store._db.write() as conn:
            conn.execute(
                text(
                    "ALTER ROLE rs IN DATABASE " + str(store._db.address.url.database) + " SET synchronous_commit = off"
                )
            )
        store.close()
        with store._db.read() as conn:
            assert conn.execute(text("SHOW synchronous_commit")).scalar() == "on"


def test_a_broken_connection_is_replaced(postgres_url: str) -> None:
    """When the server has ended a connection the next call gets a new one without anybody noticing."""
    with Store.open(postgres_url) as store:
        store.save_progress("k", {"n": 1})
        admin = create_engine(store._db.address.url)
        with admin.begin() as conn:
            others = "pid <> pg_backend_pid() AND datname = current_database()"
            conn.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"))
        admin.dispose()
        assert store.progress("k") == {"n": 1}


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("database or disk is full", "Free some space"),
        ("attempt to write a readonly database", "right to write"),
        ("cannot execute INSERT in a read-only transaction", "primary"),
        ("database disk image is malformed", "links rebuild"),
        ("canceling statement due to lock timeout", "end the one that hangs"),
        ("connection refused", "server runs"),
    ],
)
def test_every_fault_has_a_cure(said: str, advice: str) -> None:
    """What the driver says is turned into what to do."""
    assert advice in cure(said)
    error = translate(OperationalError("SELECT 1", {"x": "y"}, Exception(said)), Address.parse("sqlite:////x/y.db"))
    assert isinstance(error, StoreUnavailable)
    assert said in str(error)
    assert advice in str(error)
    assert os.sep + "x/y.db" in str(error)


@pytest.mark.parametrize("said", ["database or disk is full", "could not extend file: No space left on device"])
def test_a_full_disk_does_not_say_that_nothing_was_written(said: str) -> None:
    """W12: a full disk's message claims only that this step stored nothing, and that what was done before it stays."""
    assert "this step stored nothing, what was done before it stays" in cure(said)
    assert "nothing was written" not in cure(said)
