"""One engine, its transactions, its clock and its errors. Knows both dialects so that nothing else must.

The parts of the store build the statements that every run needs once, when they are imported: building one costs
several times as much as SQLite takes to answer it. Lists of keys are in ``keys``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Engine, Table, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from remotesupport.store.engines import LOCK_SECONDS, Address, begin_sqlite, make_engine
from remotesupport.store.errors import StoreError, StoreUnavailable
from remotesupport.store.faults import translate

Clock = Callable[[], datetime]
Upsert = sqlite.Insert | postgresql.Insert
Insert = Callable[[Table], Upsert]


class Database:
    """The engine behind a Store: ``read()`` and ``write()`` are transactions, safe to use from several threads."""

    def __init__(self, url: str, clock: Clock | None = None) -> None:
        self.address = Address.parse(url)
        self.engine: Engine = make_engine(self.address)
        self._clock = clock
        self._writing = threading.Lock()
        self._here = threading.local()

    @property
    def is_sqlite(self) -> bool:
        """Else it is PostgreSQL."""
        return self.address.is_sqlite

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads. Raises StoreUnavailable, StoreError."""
        if (outer := self._outer) is not None:
            yield outer
            return
        with self._translated(), self._begun(to_write=False) as conn:
            yield conn

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is durable when the block is left without an error, and leaves nothing otherwise.

        SQLite: BEGIN IMMEDIATE, one writer at a time, so what was read in it stays true until the commit.
        """
        if (outer := self._outer) is not None:
            yield outer
            return
        with self._translated(), self._one_writer(), self._begun(to_write=True) as conn:
            yield conn

    @contextmanager
    def _begun(self, *, to_write: bool) -> Iterator[Connection]:
        with self.engine.connect() as conn, conn.begin():
            if self.is_sqlite:
                begin_sqlite(conn, to_write=to_write)
            yield conn

    @contextmanager
    def together(self) -> Iterator[None]:
        """All that this thread reads and writes inside is one ``write()``: without an ``await`` and without catching
        an error in it, which undoes all of it."""
        with self.write() as conn:
            if self._outer is not None:
                yield
                return
            self._here.conn = conn
            try:
                yield
            finally:
                self._here.conn = None

    @property
    def _outer(self) -> Connection | None:
        return getattr(self._here, "conn", None)

    @contextmanager
    def _one_writer(self) -> Iterator[None]:
        """SQLite has one writer; threads of this process queue here in order instead of polling the file's lock."""
        if not self.is_sqlite:
            yield
            return
        if not self._writing.acquire(timeout=LOCK_SECONDS):
            raise StoreUnavailable(
                f"{self.address.shown}: waited {LOCK_SECONDS} s for another thread's write. Nothing was written; "
                "the next run tries again."
            )
        try:
            yield
        finally:
            self._writing.release()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except StoreError:
            raise
        except SQLAlchemyError as error:
            # Without the chain: the driver's own text may repeat the address it was given.
            raise translate(error, self.address) from None

    def now(self, conn: Connection) -> datetime:
        """The store's clock: injected, else the server's on PostgreSQL (many machines, one clock), else this host's."""
        if self._clock is None and not self.is_sqlite:
            moment: datetime = conn.execute(select(func.clock_timestamp())).scalar_one()
            return moment.astimezone(UTC)
        return self.local_now()

    def local_now(self) -> datetime:
        """This host's clock (or the injected one), in UTC."""
        return self._clock().astimezone(UTC) if self._clock else datetime.now(UTC)

    @property
    def insert(self) -> Insert:
        """The dialect's INSERT, which knows ON CONFLICT."""
        return sqlite.insert if self.is_sqlite else postgresql.insert

    def upsert(self, conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert ``rows`` (all with the same columns), or overwrite the ones whose primary key is there."""
        if not rows:
            return
        conn.execute(_upsert(self.insert, table, tuple(rows[0])), [dict(r) for r in rows])


@cache
def _upsert(insert: Insert, table: Table, names: tuple[str, ...]) -> Upsert:
    new = insert(table)
    keys = [c.name for c in table.primary_key]
    changed = {name: new.excluded[name] for name in names if name not in keys}
    return new.on_conflict_do_update(index_elements=keys, set_=changed)


class Part:
    """Base of the parts that Store is composed of."""

    def __init__(self, database: Database) -> None:
        self._db = database
