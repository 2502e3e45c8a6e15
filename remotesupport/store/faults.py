"""Turns a driver's error into what a person needs: what happened, which store, what to do. Hides every password."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError, TimeoutError  # noqa: A004

from remotesupport.store.engines import Address
from remotesupport.store.errors import StoreError, StoreUnavailable

NO_TABLES = ("no such table", "no such column", "undefinedtable", "undefinedcolumn")
CURES = (
    ("database is locked", "Another process has held it for long: end the one that hangs, the next run tries again"),
    ("lock timeout", "Another process has held it for long: end the one that hangs, the next run tries again"),
    (
        "disk is full",
        "Free some space on that disk; this step stored nothing, what was done before it stays",
    ),
    (
        "no space left",
        "Free some space on the database server's disk; this step stored nothing, what was done before it stays",
    ),
    ("readonly", "Give this user the right to write to that file and its folder"),
    ("read-only", "The server takes no writes: use the primary server's address"),
    ("unable to open", "Give this user the right to write to that file's folder"),
    ("malformed", "The file is damaged: put back a copy, then run `remotesupport links rebuild`"),
    ("not a database", "REMOTESUPPORT_DATABASE_URL names a file that is no SQLite database"),
    ("authentication failed", "Check the login and password in REMOTESUPPORT_DATABASE_URL"),
    ("bad value for", "Correct that option in REMOTESUPPORT_DATABASE_URL"),
)
NOT_THERE = "Create the database and the login that REMOTESUPPORT_DATABASE_URL names"
DEFAULT_CURE = "Check that the server runs and REMOTESUPPORT_DATABASE_URL is right; the next run tries again"


def translate(error: SQLAlchemyError, address: Address) -> StoreError:
    """The store's error for a driver's: StoreUnavailable where waiting or an administrator helps, else StoreError."""
    said = _said(error, address)
    if _names(error, said, NO_TABLES):
        return StoreError(f"{address.shown} has not the tables of this version: {said}. Run `remotesupport check`.")
    away = isinstance(error, OperationalError | InterfaceError | TimeoutError) or _gone(error)
    if away or _known(said) is not None:
        return StoreUnavailable(f"{address.shown} cannot be used: {said}. {cure(said)}.")
    return StoreError(f"{address.shown} refused a statement: {said}. This is a defect: report it with this line.")


def cure(said: str) -> str:
    """One sentence with what to do."""
    return _known(said) or (NOT_THERE if "does not exist" in said else DEFAULT_CURE)


def _known(said: str) -> str | None:
    low = said.lower()
    return next((text for sign, text in CURES if sign in low), None)


def _said(error: SQLAlchemyError, address: Address) -> str:
    """The first line of the driver's text, without secrets and statements."""
    text = str(error.orig if isinstance(error, DBAPIError) and error.orig is not None else error)
    first = text.strip().splitlines()[0].strip().rstrip(".") if text.strip() else type(error).__name__
    return address.without_secrets(first)


def _names(error: SQLAlchemyError, said: str, signs: tuple[str, ...]) -> bool:
    kind = type(error.orig).__name__.lower() if isinstance(error, DBAPIError) else ""
    return any(s in said.lower() or s == kind for s in signs)


def _gone(error: SQLAlchemyError) -> bool:
    return isinstance(error, DBAPIError) and bool(error.connection_invalidated)
