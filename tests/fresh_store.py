"""Stores with all their tables, made by one migration for each process and copied from then on."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path

from remotesupport.store import Store

SQLITE = "sqlite:///"


@cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory(prefix="remotesupport-tests-store-") as folder:
        path = Path(folder, "store.db")
        with Store.open(f"{SQLITE}{path}") as store:
            store.migrate()
        return path.read_bytes()


def fresh_sqlite(path: Path) -> str:
    """Makes the file; the address of the store in it."""
    path.write_bytes(_migrated())
    path.chmod(0o600)
    return f"{SQLITE}{path}"


def store_at(url: str, clock: Callable[[], datetime] | None = None) -> Store:
    """The store there with its tables up to date, a new one where there is none yet."""
    path = Path(url.removeprefix(SQLITE))
    if url.startswith(SQLITE) and not path.exists():
        fresh_sqlite(path)
    store = Store.open(url, clock=clock)
    store.migrate()
    return store
