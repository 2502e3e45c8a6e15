"""Errors of the store, classed by what to do next. No error text ever holds a password or ticket text."""

from __future__ import annotations

from remotesupport.core.records import Intent


class StoreError(Exception):
    """Base: what happened, which store, what to do."""


class StoreUnavailable(StoreError):
    """The database cannot be reached, is locked, full or read-only. Nothing is known to be committed: write nothing."""


class LeaseLost(StoreError):
    """The right to write for this connection has passed on, or runs out before the request would: stop writing."""


class AlreadyIntended(StoreError):
    """This write was intended before, or is done already: never send it. ``existing`` is the row, if there is one."""

    def __init__(self, text: str, existing: Intent | None = None) -> None:
        super().__init__(text)
        self.existing = existing


class WriteBlocked(AlreadyIntended):
    """Another write of this ticket and direction has an unknown outcome: ``existing``. This one must wait for it."""


class NotRetriable(StoreError):
    """A parked change cannot be offered again: the text says why, and what to do instead. Nothing was changed."""


class LinkConflict(StoreError):
    """Two external tickets claim one main ticket, or one external ticket two: a person must decide."""
