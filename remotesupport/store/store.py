"""The one class that the rest of the program knows: everything that must outlive a run. The parts do the work."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Self

from remotesupport.store import migrate as migration
from remotesupport.store.connections import Connections
from remotesupport.store.crossings import Crossings
from remotesupport.store.database import Clock, Database
from remotesupport.store.dropped import Dropped
from remotesupport.store.engines import Address
from remotesupport.store.habits import HabitEvidences
from remotesupport.store.history import History
from remotesupport.store.inputs import Inputs
from remotesupport.store.journal import Journal
from remotesupport.store.leases import Leases
from remotesupport.store.ledger import Ledger
from remotesupport.store.month import Months
from remotesupport.store.moves import Moves
from remotesupport.store.parked import Parked
from remotesupport.store.plans import Plans
from remotesupport.store.receipts import Receipts
from remotesupport.store.relink import Relink
from remotesupport.store.retention import Retention
from remotesupport.store.runs import Runs
from remotesupport.store.sightings import Sightings
from remotesupport.store.timeline import Timeline


class Store(
    Runs, Sightings, Ledger, Moves, Relink, Leases, Journal, Receipts, Parked, Dropped, Plans, Timeline, Connections,
    HabitEvidences, History, Crossings, Months, Inputs, Retention,
):  # fmt: skip
    """SQLite or PostgreSQL behind one synchronous, thread-safe interface.

    Every method is one transaction: durable when it returns, without a trace when it raises. Those that are called
    inside ``together`` are one transaction.
    """

    @classmethod
    def open(cls, url: str, clock: Clock | None = None) -> Self:
        """A store at ``url``, not connected yet. ``clock`` replaces the store's clock (tests own time).

        Raises StoreError for an address that is neither an SQLite file nor PostgreSQL.
        """
        return cls(Database(url, clock))

    @classmethod
    def existing(cls, url: str) -> Self | None:
        """The store at ``url`` with its tables up to date; None where nothing was ever kept, and nothing is made.

        Raises StoreError, StoreUnavailable.
        """
        address = Address.parse(url)
        if address.is_sqlite and not Path(str(address.url.database)).exists():
            return None
        store = cls.open(url)
        try:
            if migration.has_tables(store._db):
                store.migrate()
                return store
        except BaseException:
            store.close()
            raise
        store.close()
        return None

    @property
    def shown(self) -> str:
        """Return its address for people: no login, no password."""
        return self._db.address.shown

    def migrate(self) -> bool:
        """Bring the tables to this version; True when something was done. Safe from several processes at once."""
        return migration.migrate(self._db)

    def together(self) -> AbstractContextManager[None]:
        """One transaction around several methods, called by this thread, without an ``await`` in between."""
        return self._db.together()

    def close(self) -> None:
        """Close all connections. The store may be used again afterwards."""
        self._db.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
