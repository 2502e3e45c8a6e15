"""Park changes that failed: each waits under a key that stays the same from run to run, with its next try.

Nothing parked expires silently; when a change succeeds it is taken off the list.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from connectors.errors import ConnectorError, Retriable, TextRefused
from remotesupport.bootstrap import Context
from remotesupport.core.model import ChangeKind, Direction
from remotesupport.core.plan.change import Change
from remotesupport.core.plan.change_keys import intent_key
from remotesupport.core.records import Beside, Intent, ParkedChange

# Seconds until a parked change is offered again, by attempt; the close of a departed ticket has no other delay.
BACKOFF = (60.0, 120.0, 300.0, 900.0, 3600.0)
SOON = 30.0  # the same where the server only said that it cannot do it now, and not how long that lasts


def park_change(ctx: Context, change: Change, error: ConnectorError, run: str) -> None:
    """Park a change that the server refused: it is offered again, less often each time.

    The close after a departure holds back nothing: it must not delay the ticket's return.
    """
    before = _parked(ctx, change)
    attempt = before.attempts + 1 if before else 1
    direction = None if change.ends_departure else change.direction
    _park(ctx, change, change.parked_key, direction, str(error), attempt, _next_try(ctx.clock(), attempt, error), run)


def closes_of_departed(ctx: Context, connections: Iterable[str], *, due: bool) -> list[tuple[str, str]]:
    """List (connection, external ticket) whose close after a departure was refused: those that are due, or the rest."""
    waiting = [p for p in ctx.store.parked(connections) if p.ends_departure]
    tried = [p for p in waiting if p.next_try is not None and (p.next_try <= ctx.clock()) is due]
    return [(p.connection, p.ext_ticket) for p in tried]


def park_conflict(ctx: Context, change: Change, run: str) -> None:
    """Park two claims on one ticket, or a main ticket that is gone: nothing moves until a person has decided."""
    _park(ctx, change, change.parked_key, None, change.detail, 1, None, run)


def park_files(ctx: Context, change: Change, causes: Sequence[str], run: str) -> None:
    """Park the attachments that could not be carried: their message went without them, and a person should know."""
    key = intent_key(change.connection, change.direction, change.ext_ticket, change.act + Beside.FILES)
    _park(ctx, change, key, None, "; ".join(causes), 1, None, run)


def park_spoilt_files(ctx: Context, intent: Intent, cause: str) -> None:
    """Park the attachments that are not on the other side as they were sent: a person should know."""
    _park_beside(ctx, intent, intent.kind, f"{intent.key}/there{Beside.FILES}", cause)


def park_altered(ctx: Context, change: ParkedChange, direction: Direction, source: str) -> None:
    """Park a text of which the server shows less than was sent: a person should know. ``source``: its message."""
    key = intent_key(change.connection, direction, change.ext_ticket, f"{source}{Beside.ALTERED}")
    ctx.store.park(replace(change, key=key))


def park_stays_closed(ctx: Context, intent: Intent) -> None:
    """Park a main ticket that a message did not open: staff there would never see it."""
    cause = (
        f"a message was written to main ticket {intent.main_ticket}, which is closed there and stays closed: "
        "open it in the main billing, or answer it there"
    )
    act = f"{ChangeKind.REOPEN}{Beside.STAYS_CLOSED}"
    key = intent_key(intent.connection, intent.direction, intent.ext_ticket, act)
    _park_beside(ctx, intent, ChangeKind.REOPEN, key, cause)


def park_unproven(ctx: Context, intent: Intent, cause: str) -> None:
    """Park a write that the server has promised and does not show, unless it waits already: a person looks at it."""
    key = f"{intent.key}{Beside.UNPROVEN}"
    if all(change.key != key for change in ctx.store.parked([intent.connection])):
        _park_beside(ctx, intent, intent.kind, key, cause)


def park_contradiction(ctx: Context, intent: Intent, cause: str) -> None:
    """Park a write that was found, and that the ledger contradicts: nothing moves until a person has decided."""
    change = ParkedChange(
        intent.connection, intent.ext_ticket, intent.direction, ChangeKind.CONFLICT, intent.key, cause, ctx.clock(),
        intent.attempt, None, intent.run,
    )  # fmt: skip
    ctx.store.park(change)


def _park_beside(ctx: Context, intent: Intent, kind: ChangeKind, key: str, cause: str) -> None:
    """Park what only a person can mend, and what holds back nothing."""
    now = ctx.clock()
    ctx.store.park(ParkedChange(intent.connection, intent.ext_ticket, None, kind, key, cause, now, 1, None, intent.run))


def unpark_written(ctx: Context, change: Change, run: str) -> None:
    """Take a change off the list that was written: it no longer waits."""
    waiting = _parked(ctx, change)
    if waiting is not None and waiting.id is not None:
        ctx.store.unpark(waiting.id, run)


def _parked(ctx: Context, change: Change) -> ParkedChange | None:
    return next((p for p in ctx.store.parked([change.connection]) if p.key == change.parked_key), None)


def _park(
    ctx: Context, change: Change, key: str, direction: Direction | None, cause: str, attempts: int,
    again: datetime | None, run: str,
) -> None:  # fmt: skip
    ctx.store.park(
        ParkedChange(
            connection=change.connection,
            ext_ticket=change.ext_ticket,
            direction=direction,
            kind=change.kind,
            key=key,
            cause=cause,
            since=ctx.clock(),
            attempts=attempts,
            next_try=again,
            run=run,
        )
    )


def _next_try(now: datetime, attempt: int, error: ConnectorError) -> datetime | None:
    """Return when a refused change is offered again; None where the server takes no text like it, however short."""
    if isinstance(error, Retriable):
        return now + timedelta(seconds=error.retry_after or SOON)
    if isinstance(error, TextRefused) and attempt > len(BACKOFF):
        return None
    return now + timedelta(seconds=BACKOFF[min(attempt, len(BACKOFF)) - 1])
