"""Makes a SQLAlchemy engine with the durability that the ledger needs from an address. No tables, no queries."""

from __future__ import annotations

import os
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, unquote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, OperationalError

from remotesupport.store.errors import StoreError, StoreUnavailable

LOCK_SECONDS = 30
EXPECTED = "Expected sqlite:////absolute/path.db or postgresql+psycopg://user:password@host/database"
POSTGRESQL = ("postgresql", "postgres", "postgresql+psycopg")
SECRET_KEYS = ("password", "passfile", "sslpassword")

# A commit must be on the disk when it returns, whatever the server's default is; a stopped process must not hold a
# row lock for ever.
ON_CONNECT = f"""
SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit')
                  WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false),
       set_config('lock_timeout', '{LOCK_SECONDS}s', false),
       set_config('idle_in_transaction_session_timeout', '60s', false)
"""


@dataclass(frozen=True, slots=True)
class Address:
    """The address of the store. ``shown`` is what people see: no login, no password, no options."""

    url: URL

    @classmethod
    def parse(cls, url: str) -> Address:
        """Raises StoreError for anything but an SQLite file or PostgreSQL; the text never repeats the address."""
        try:
            parsed = make_url(url)
        except (ArgumentError, ValueError):
            raise StoreError(f"The store's address (REMOTESUPPORT_DATABASE_URL) cannot be read. {EXPECTED}.") from None
        if parsed.drivername in POSTGRESQL:
            return cls(parsed.set(drivername="postgresql+psycopg"))
        if parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:"):
            return cls(parsed.set(drivername="sqlite+pysqlite", database=_path(str(parsed.database))))
        raise StoreError(f"The store cannot be kept in {parsed.drivername!r} there. {EXPECTED}.")

    @property
    def is_sqlite(self) -> bool:
        """Else it is PostgreSQL."""
        return self.url.get_backend_name() == "sqlite"

    @property
    def shown(self) -> str:
        """For people and logs."""
        if self.is_sqlite:
            return f"The store {self.url.database}"
        port = f":{self.url.port}" if self.url.port else ""
        return f"The store {self.url.database} on PostgreSQL {self.url.host or 'localhost'}{port}"

    def without_secrets(self, text: str) -> str:
        """``text`` with every password of the address hidden, also in its quoted forms."""
        secrets = [self.url.password, *(self.url.query.get(k) for k in SECRET_KEYS)]
        for secret in (str(s) for s in secrets if s):
            for form in {secret, quote(secret, safe=""), quote_plus(secret)}:
                text = text.replace(form, "***")
        return text


def _path(written: str) -> str:
    """The file that an address names: as it is written where there is one, else with ``%3F`` read as ``?``."""
    return written if Path(written).exists() else unquote(written)


def make_engine(address: Address) -> Engine:
    """An engine that connects on first use. Statements' parameters never get into its errors or logs."""
    return _sqlite(address) if address.is_sqlite else _postgresql(address)


def _postgresql(address: Address) -> Engine:
    args = {"connect_timeout": 10, "keepalives_idle": 30, "application_name": "remotesupport"}
    missing = {k: v for k, v in args.items() if k not in address.url.query}
    engine = create_engine(
        address.url, pool_pre_ping=True, pool_size=5, max_overflow=20, hide_parameters=True, connect_args=missing
    )
    event.listen(engine, "connect", _prepare_postgresql)
    return engine


def _prepare_postgresql(dbapi: Any, _record: object) -> None:
    with dbapi.cursor() as cursor:
        cursor.execute(ON_CONNECT)
    dbapi.commit()


def _sqlite(address: Address) -> Engine:
    _make_private_file(Path(str(address.url.database)), address)
    engine = create_engine(address.url, hide_parameters=True, connect_args={"timeout": LOCK_SECONDS})
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _make_private_file(path: Path, address: Address) -> None:
    """Ticket numbers and waiting plans are nobody else's business: 0600 from the first byte."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreUnavailable(
            f"{address.shown} cannot be opened: {error.strerror}. Give this user the right to write there, or set "
            "REMOTESUPPORT_HOME to a folder where it has it."
        ) from None


def _prepare_sqlite(dbapi: sqlite3.Connection, _record: object) -> None:
    dbapi.isolation_level = None  # transactions are begun by begin_sqlite and nobody else
    dbapi.execute("PRAGMA synchronous=FULL")
    _ensure_wal(dbapi)


def _ensure_wal(dbapi: sqlite3.Connection) -> None:
    """Two processes that switch a new file to WAL at once get "locked" without SQLite's own waiting."""
    until = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            if dbapi.execute("PRAGMA journal_mode=WAL").fetchone()[0] == "wal":
                return
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
        if time.monotonic() > until:
            raise sqlite3.OperationalError("unable to open the write-ahead log: this file system has no shared memory")
        time.sleep(0.02)


def begin_sqlite(conn: Connection, *, to_write: bool) -> None:
    """Begin a transaction, which SQLAlchemy's own begin does not do there; by the driver itself, and called instead of
    listened for: as a statement or as an event of SQLAlchemy's it would cost as much as what is read then."""
    begin = "BEGIN IMMEDIATE" if to_write else "BEGIN"
    driver: Any = conn.connection.dbapi_connection
    try:
        driver.execute(begin)
    except sqlite3.OperationalError as error:
        raise OperationalError(begin, None, error) from None
