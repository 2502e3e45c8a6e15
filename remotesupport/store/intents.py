"""Intent ↔ row, and the questions that are asked of intents inside a transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, bindparam, false, select

from remotesupport.core.model import ChangeKind, Direction
from remotesupport.core.records import Carried, Intent, IntentState
from remotesupport.store.keys import among
from remotesupport.store.tables import intents

WAITING = (IntentState.INTENT, IntentState.UNKNOWN)
REUSABLE = (IntentState.REFUSED, IntentState.ABSENT)
_PLAIN = (
    "key", "connection", "ext_ticket", "main_ticket", "body_hash", "files_hash", "last_known", "last_ordinal",
    "deadline", "run", "subject", "bytes", "attempt", "absent_reads", "cause",
)  # fmt: skip
_BY_KEY = select(intents).where(intents.c.key == bindparam("key"))
_OPEN = select(intents).where(intents.c.settled == false(), among(intents.c.connection, "names")).order_by(intents.c.id)
_OPEN_OF_TICKET = _OPEN.where(intents.c.ext_ticket == bindparam("ext_ticket"))


def to_row(intent: Intent) -> dict[str, Any]:
    """The columns of a fresh intent, without id."""
    row = {name: getattr(intent, name) for name in _PLAIN}
    return {
        **row, "kind": str(intent.kind), "direction": str(intent.direction), "covers": covers_json(intent.covers),
        "state": str(IntentState.INTENT), "settled": False, "attempt": 1, "absent_reads": 0, "cause": "",
    }  # fmt: skip


def from_row(row: RowMapping) -> Intent:
    """The value that ``to_row`` came from, with id and state."""
    plain = {name: row[name] for name in (*_PLAIN, "id")}
    return Intent(
        **plain,
        kind=ChangeKind(row["kind"]),
        direction=Direction(row["direction"]),
        covers=tuple(Carried(*c) for c in json.loads(row["covers"])),
        state=IntentState(row["state"]),
    )


def covers_json(covers: Iterable[Carried]) -> str:
    """Write triples as CHANGES.covers has them: [source_message, body_hash, target_message|null]."""
    return json.dumps([[c.source_message, c.body_hash, c.target_message] for c in covers], separators=(",", ":"))


def is_settled(state: IntentState, covers: Iterable[Carried]) -> bool:
    """Nothing is left to find out: refused, absent, or done with every target message known."""
    if state in REUSABLE:
        return True
    return state not in WAITING and all(c.target_message is not None for c in covers)


def by_key(conn: Connection, key: str) -> Intent | None:
    """The intent of this key, whatever its state."""
    row = conn.execute(_BY_KEY, {"key": key}).mappings().first()
    return from_row(row) if row else None


def unsettled(intent: Intent) -> tuple[ColumnElement[bool], ...]:
    """The conditions that name this attempt while anything is left to find out about it."""
    return intents.c.id == intent.id, intents.c.attempt == intent.attempt, intents.c.settled == false()


def open_of(conn: Connection, connections: Sequence[str], ext_ticket: str | None = None) -> list[Intent]:
    """Intents that are not settled, oldest first (a partial index, so the settled ones cost nothing)."""
    query = _OPEN if ext_ticket is None else _OPEN_OF_TICKET
    found = conn.execute(query, {"names": connections, "ext_ticket": ext_ticket})
    return [from_row(row) for row in found.mappings()]
