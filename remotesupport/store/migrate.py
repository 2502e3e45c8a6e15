"""Brings a store to this version's tables: Alembic, run from inside the package, under a lock. No queries here."""

from __future__ import annotations

from sqlalchemy import Connection, column, func, inspect, select, table

from remotesupport.store.database import Database
from remotesupport.store.errors import StoreError

HEAD = "0012"
VERSION_TABLE = "rs_version"
LOCK = 0x7265_6D6F_7465


def migrate(database: Database) -> bool:
    """Up to ``HEAD``; True when something was done. Two processes at once are safe: the second waits for the first.

    Raises StoreError when a newer version of this program has written the store.
    """
    with database.read() as conn:
        if current(conn) == HEAD:
            return False
    with database.write() as conn:
        if not database.is_sqlite:
            conn.execute(select(func.pg_advisory_xact_lock(LOCK)))
        return _upgrade(conn, database)


def has_tables(database: Database) -> bool:
    """Tell whether a version of this program has ever kept anything there."""
    with database.read() as conn:
        return current(conn) is not None


def current(conn: Connection) -> str | None:
    """The store's revision, None for an empty one."""
    if not inspect(conn).has_table(VERSION_TABLE):
        return None
    found = conn.execute(select(column("version_num")).select_from(table(VERSION_TABLE))).scalar()
    return None if found is None else str(found)


def _upgrade(conn: Connection, database: Database) -> bool:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    before = current(conn)
    config = Config()
    config.set_main_option("script_location", "remotesupport.store:migrations")
    config.attributes["connection"] = conn
    try:
        command.upgrade(config, "head")
    except CommandError:
        raise StoreError(
            f"{database.address.shown} has the tables of another version ({before}), this one knows up to {HEAD}. "
            "Install the newer remotesupport, or set REMOTESUPPORT_DATABASE_URL to another store."
        ) from None
    return before != HEAD
