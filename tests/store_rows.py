"""Rows and time for tests of the store: short ways to say what is about to be written, and a clock to own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from remotesupport.core.model import ChangeKind, Direction
from remotesupport.core.plan.change import Change
from remotesupport.core.plan.change_keys import intent_key
from remotesupport.core.records import Carried, Intent, Lease, ParkedChange
from remotesupport.store import Store

TO_MAIN, TO_EXTERNAL = Direction.TO_MAIN, Direction.TO_EXTERNAL


class FakeClock:
    """A clock that moves only when told."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 20, 7, 15, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def advance(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def intent(act: str = "77", *, now: datetime | None = None, seconds: float = 20, **changed: Any) -> Intent:
    """A post of message ``act`` to the main billing unless told otherwise; the request may take ``seconds``."""
    fields: dict[str, Any] = {
        "connection": "acme", "kind": ChangeKind.POST, "direction": TO_MAIN, "ext_ticket": "1", "main_ticket": "501",
        "body_hash": "h" * 32, "files_hash": "", "last_known": None, "last_ordinal": -1, "run": "run-1",
        "covers": (Carried(act, "h" * 32),),
    }  # fmt: skip
    fields |= changed
    key = intent_key(fields["connection"], fields["direction"], fields["ext_ticket"], act)
    deadline = (now or datetime.now(UTC)) + timedelta(seconds=seconds)
    return Intent(**{"key": key, "deadline": deadline, **fields})


def change(act: str = "77", **changed: Any) -> Change:
    """A change of a plan: a post of message ``act`` to the main billing unless told otherwise."""
    fields: dict[str, Any] = {
        "connection": "acme", "kind": ChangeKind.POST, "direction": TO_MAIN, "ext_ticket": "1", "main_ticket": "501",
    }  # fmt: skip
    return Change(act=act, **{**fields, **changed})


def taken(store: Store, connection: str = "acme", seconds: float = 60) -> Lease:
    """A lease that must be free."""
    lease = store.acquire_lease(connection, "test", seconds)
    assert lease is not None
    return lease


def received(store: Store, done: Intent, target: str | None = None, **changed: Any) -> None:
    """A plain yes to ``done``, its messages known as ``target``."""
    carried = [Carried(c.source_message, c.body_hash, target) for c in done.covers]
    fields: dict[str, Any] = {
        "main_ticket": done.main_ticket or "501", "carried": carried, "ext_state": "open", "main_state": "open",
        "department": None,
    }  # fmt: skip
    store.receive(done, **{**fields, **changed})


def parked(key: str = "acme/to_main/1/77", **changed: Any) -> ParkedChange:
    """A parked post that nothing will try again by itself."""
    fields: dict[str, Any] = {
        "connection": "acme", "ext_ticket": "1", "direction": TO_MAIN, "kind": ChangeKind.POST, "key": key,
        "cause": "refused: empty text", "since": datetime(2026, 11, 20, tzinfo=UTC), "attempts": 1, "next_try": None,
        "run": "run-1",
    }  # fmt: skip
    return ParkedChange(**{**fields, **changed})
