"""How long a text each billing takes: the usual length, until one is refused for being longer; then half of that.

A server says nowhere how much it takes, and may be changed, so what was learned is forgotten after a week. What must
stay out: how texts are cut (``core.lengths``).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from connectors.errors import ConnectorError, FilesRefused, TextRefused
from remotesupport.bootstrap import Context
from remotesupport.core.carrying import Longest
from remotesupport.core.lengths import LEAST_BYTES, MOST_BYTES, size
from remotesupport.core.model import Direction, Intent, IntentState
from remotesupport.core.normalize import body_hash

REMEMBERED = timedelta(days=7)
LOST_TIMES = 2  # a long text that was sent so often, and never arrived, may be too long for the server
_LONG = 8_000  # bytes; shorter ones are lost for other reasons


def longest(ctx: Context, connections: Iterable[str]) -> Longest:
    """(connection, direction) → bytes, of those that were seen to take less than usual."""
    keys = {_key(name, str(d)): (name, str(d)) for name in connections for d in Direction}
    return {
        keys[key]: int(value["bytes"])
        for key, value in ctx.store.progress_of(keys).items()
        if ctx.clock() - datetime.fromisoformat(value["at"]) < REMEMBERED
    }


def takes_less(ctx: Context, row: Any) -> bool:
    """Remember that the text of a row of CHANGES was more than that billing takes.

    False: it is so short already that this is not why, and what was learned on the way is forgotten.
    """
    tried = size(row.body)
    less = max(LEAST_BYTES, min(tried, MOST_BYTES) // 2)
    if tried > LEAST_BYTES or (row.connection, row.direction) in longest(ctx, [row.connection]):
        value = {"bytes": less if tried > LEAST_BYTES else MOST_BYTES, "at": ctx.clock().isoformat()}
        ctx.store.save_progress(_key(row.connection, row.direction), value)
    return tried > LEAST_BYTES


def may_be_too_long(refused: ConnectorError, *, files: bool) -> bool:
    """Whether the text is what the server did not take; a request without files is only its text."""
    return isinstance(refused, TextRefused) or (isinstance(refused, FilesRefused) and not files)


def is_long(row: Any) -> bool:
    """Whether a row's text is so long that a server may stumble over it."""
    return len(row.body) > _LONG // 4 and size(row.body) > _LONG


def never_arrives(before: Intent | None, row: Any) -> bool:
    """Whether the last attempts at a write had this very text, got no answer and are not there."""
    if before is None or before.state is not IntentState.ABSENT or before.attempt < LOST_TIMES:
        return False
    return before.body_hash == body_hash(row.body)


def _key(connection: str, direction: str) -> str:
    return f"longest/{connection}/{direction}"
