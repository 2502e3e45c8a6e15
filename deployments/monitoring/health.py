"""Health of the product: a run that reads has begun within three minutes, and the store answers.

How single billings are is not said here: nobody has to log in for this. Must stay out: HTTP.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from remotesupport.core.connections.connection_state import RUNS_WITHIN, stands_still
from remotesupport.core.run import READING
from remotesupport.store import Store
from remotesupport.store.errors import StoreError


class Status(StrEnum):
    """The closed list; a script may rely on these values."""

    OK = "ok"
    STARTING = "starting"  # this process is too young for a run to have begun
    NOT_RUNNING = "not_running"
    NO_STORE = "no_store"


@dataclass(frozen=True, slots=True)
class Health:
    """``last_run``: when the newest run that reads began."""

    status: Status
    last_run: datetime | None
    detail: str = ""

    @property
    def is_well(self) -> bool:
        """Nothing is wrong that this process could know of."""
        return self.status in (Status.OK, Status.STARTING)

    def to_json(self) -> dict[str, str | None]:
        """The documented shape."""
        at = self.last_run.isoformat() if self.last_run is not None else None
        return {"status": str(self.status), "last_run": at, "detail": self.detail}


class HealthOf:
    """Health of the product on this store, asked again and again."""

    def __init__(self, store: Store, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._store, self._clock, self._began = store, clock, clock()

    def now(self) -> Health:
        """Return the health at this moment."""
        try:
            newest = self._store.newest_run(*READING)
        except StoreError:
            return Health(Status.NO_STORE, None, "the store does not answer: `remotesupport status` says why")
        began, now = (newest.started if newest is not None else None), self._clock()
        if not stands_still(began, now):
            return Health(Status.OK, began)
        if now - self._began <= RUNS_WITHIN:
            return Health(Status.STARTING, began, "no run has begun yet")
        return Health(Status.NOT_RUNNING, began, "no run has begun for three minutes: `remotesupport status`")
