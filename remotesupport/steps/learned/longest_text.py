"""Learn how long a text each billing takes: the usual length, until one is refused; then half of that.

A server says nowhere how much it takes, and may be changed, so what was learned is forgotten after a week. What must
stay out: how texts are cut (``core.lengths``).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from connectors.errors import ConnectorError, FilesRefused, TextRefused
from remotesupport.bootstrap import Context
from remotesupport.core.model import Direction
from remotesupport.core.plan.change import Change
from remotesupport.core.records import Intent, IntentState
from remotesupport.core.text.carrying import Longest
from remotesupport.core.text.lengths import LEAST_BYTES, MOST_BYTES, size
from remotesupport.core.text.normalize import body_hash

REMEMBERED = timedelta(days=7)
LOST_TIMES = 2  # a long text that was sent so often, and never arrived, may be too long for the server
_LONG = 8_000  # bytes; shorter ones are lost for other reasons


def longest(ctx: Context, connections: Iterable[str]) -> Longest:
    """Map (connection, direction) to bytes, for those that were seen to take less than usual."""
    keys = {_key(name, str(d)): (name, str(d)) for name in connections for d in Direction}
    return {
        keys[key]: int(value["bytes"])
        for key, value in ctx.store.progress_of(keys).items()
        if ctx.clock() - datetime.fromisoformat(value["at"]) < REMEMBERED
    }


def takes_less(ctx: Context, change: Change) -> bool:
    """Remember that the text of a change was more than that billing takes.

    False: it is so short already that this is not why, and what was learned on the way is forgotten.
    """
    tried = size(change.body)
    less = max(LEAST_BYTES, min(tried, MOST_BYTES) // 2)
    if tried > LEAST_BYTES or (change.connection, change.direction) in longest(ctx, [change.connection]):
        value = {"bytes": less if tried > LEAST_BYTES else MOST_BYTES, "at": ctx.clock().isoformat()}
        ctx.store.save_progress(_key(change.connection, change.direction), value)
    return tried > LEAST_BYTES


def may_be_too_long(refused: ConnectorError, *, files: bool) -> bool:
    """Tell whether the text is what the server did not take; a request without files is only its text."""
    return isinstance(refused, TextRefused) or (isinstance(refused, FilesRefused) and not files)


def is_long(change: Change) -> bool:
    """Tell whether a change's text is so long that a server may stumble over it."""
    return len(change.body) > _LONG // 4 and size(change.body) > _LONG


def never_arrives(before: Intent | None, change: Change) -> bool:
    """Tell whether the last attempts at a write had this very text, got no answer and are not there."""
    if before is None or before.state is not IntentState.ABSENT or before.attempt < LOST_TIMES:
        return False
    return before.body_hash == body_hash(change.body)


def _key(connection: str, direction: str) -> str:
    return f"longest/{connection}/{direction}"
