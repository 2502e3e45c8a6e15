"""Parked changes: what failed and waits, under a name that stays the same from run to run, with its next try.

Nothing parked expires silently; a success of the same change takes it away again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from connectors.errors import ConnectorError, Retriable, TextRefused
from remotesupport.bootstrap import Context
from remotesupport.core.acts import AFTER_DEPARTURE, follows_departure
from remotesupport.core.model import ChangeKind, Direction, Intent, ParkedChange
from remotesupport.store.states import ALTERED, FILES, STAYS_CLOSED, intent_key

BACKOFF = (60.0, 120.0, 300.0, 900.0, 3600.0)  # seconds until a parked change is offered again, by attempt
ACTS = frozenset({ChangeKind.CLOSE, ChangeKind.REOPEN, ChangeKind.DEPARTURE})


def park_change(ctx: Context, row: Any, error: ConnectorError, run: str) -> None:
    """A row of CHANGES that the server refused: offered again, less often each time.

    The close after a departure holds back nothing: it must not delay the ticket's return.
    """
    before = _parked(ctx, row, _key(row))
    attempt = before.attempts + 1 if before else 1
    direction = None if follows_departure(row.kind, row.act) else Direction(row.direction)
    _park(ctx, row, _key(row), direction, str(error), attempt, _next_try(ctx.clock(), attempt, error), run)


def ends_departure(change: ParkedChange) -> bool:
    """Whether it is the close after a departure: no human action that is still to be carried."""
    return change.kind is ChangeKind.CLOSE and change.direction is None


def closes_of_departed(ctx: Context, connections: Iterable[str], *, due: bool) -> list[tuple[str, str]]:
    """(connection, external ticket) whose close after a departure was refused: to be tried now, or still waiting."""
    waiting = [p for p in ctx.store.parked(connections) if ends_departure(p)]
    tried = [p for p in waiting if p.next_try is not None and (p.next_try <= ctx.clock()) is due]
    return [(p.connection, p.ext_ticket) for p in tried]


def park_conflict(ctx: Context, row: Any, run: str) -> None:
    """Two claims on one ticket, or a main ticket that is gone: nothing moves until a person has decided."""
    _park(ctx, row, _key(row), None, row.detail, 1, None, run)


def park_files(ctx: Context, row: Any, causes: Sequence[str], run: str) -> None:
    """Attachments that could not be carried: their message went without them, and a person should know."""
    key = intent_key(row.connection, row.direction, row.ext_ticket, row.act + FILES)
    _park(ctx, row, key, None, "; ".join(causes), 1, None, run)


def park_spoilt_files(ctx: Context, intent: Intent, cause: str) -> None:
    """Attachments that are not on the other side as they were sent: a person should know."""
    ctx.store.park(
        ParkedChange(
            intent.connection, intent.ext_ticket, None, intent.kind, f"{intent.key}/there{FILES}", cause, ctx.clock(),
            1, None, intent.run,
        )
    )  # fmt: skip


def park_altered(ctx: Context, change: ParkedChange, direction: Direction, source: str) -> None:
    """A text of which the server shows less than was sent: a person should know. ``source``: the message it carries."""
    key = intent_key(change.connection, direction, change.ext_ticket, f"{source}{ALTERED}")
    ctx.store.park(replace(change, key=key))


def park_stays_closed(ctx: Context, intent: Intent) -> None:
    """A message was written to a closed main ticket and did not open it: staff there would never see it."""
    cause = (
        f"a message was written to main ticket {intent.main_ticket}, which is closed there and stays closed: "
        "open it in the main billing, or answer it there"
    )
    key = intent_key(intent.connection, intent.direction, intent.ext_ticket, f"{ChangeKind.REOPEN}{STAYS_CLOSED}")
    ctx.store.park(
        ParkedChange(
            intent.connection, intent.ext_ticket, None, ChangeKind.REOPEN, key, cause, ctx.clock(), 1, None, intent.run
        )
    )  # fmt: skip


def done(ctx: Context, row: Any, run: str) -> None:
    """The row was written: what was parked of it no longer waits."""
    waiting = _parked(ctx, row, _key(row))
    if waiting is not None and waiting.id is not None:
        ctx.store.unpark(waiting.id, run)


def _key(row: Any) -> str:
    act = str(row.kind) if ChangeKind(row.kind) in ACTS else row.act
    if follows_departure(row.kind, row.act):
        act = AFTER_DEPARTURE
    return intent_key(row.connection, row.direction, row.ext_ticket, act)


def _parked(ctx: Context, row: Any, key: str) -> ParkedChange | None:
    return next((p for p in ctx.store.parked([row.connection]) if p.key == key), None)


def _park(
    ctx: Context, row: Any, key: str, direction: Direction | None, cause: str, attempts: int, again: datetime | None,
    run: str,
) -> None:  # fmt: skip
    ctx.store.park(
        ParkedChange(
            connection=row.connection,
            ext_ticket=row.ext_ticket,
            direction=direction,
            kind=ChangeKind(row.kind),
            key=key,
            cause=cause,
            since=ctx.clock(),
            attempts=attempts,
            next_try=again,
            run=run,
        )
    )


def _next_try(now: datetime, attempt: int, error: ConnectorError) -> datetime | None:
    """None: the server takes no text like this, however short; a person has to look at it."""
    if isinstance(error, Retriable):
        return now + timedelta(seconds=error.retry_after or 30.0)
    if isinstance(error, TextRefused) and attempt > len(BACKOFF):
        return None
    return now + timedelta(seconds=BACKOFF[min(attempt, len(BACKOFF)) - 1])
