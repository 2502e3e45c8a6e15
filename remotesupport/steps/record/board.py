"""Records each connection's state for ``status``: what the run found, and since when the state is what it is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from types import MappingProxyType

from remotesupport.bootstrap import Context
from remotesupport.core.connections.board import Board, board
from remotesupport.core.connections.connection_state import ConnectionState, Failure, standing
from remotesupport.core.run import READING, BillingResult, RunRequest
from remotesupport.steps.record.certificates import known_certificates
from remotesupport.store import Changed, HistoryLine, Store


def reads_all(request: RunRequest) -> bool:
    """Tell whether a connection that this run has read was read whole."""
    return request.kind in READING and not request.tickets


def note_left_out(ctx: Context, request: RunRequest, lines: Iterable[BillingResult]) -> None:
    """A connection whose passwords are not there takes part in no run; nobody else writes down why."""
    if request.plan_only:
        return
    now = ctx.clock()
    for line in lines:
        if line.failure is Failure.SECRET:
            fields = {"last_run": now, "failure": line.failure, "failed_side": None, "stopped_why": line.reason}
            ctx.store.set_connection(line.name, **fields)
            note_states(ctx, [line.name], now)


def note_states(
    ctx: Context, names: Iterable[str], now: datetime, before: Mapping[str, ConnectionState] = MappingProxyType({})
) -> None:
    """Write down the state of these connections where it has changed, since when it is so, and a line of the history.

    ``before``: as they were before this run, where the run has written something of them already.
    """
    wanted = set(names)
    for known in ctx.store.connection_states():
        if known.name not in wanted or known.paused:
            continue
        found = standing(known.name, known, now, now)
        if found.state is not known.state:
            was = before.get(known.name, known).state
            line = HistoryLine(
                known.name, Changed.STATE, "state", was.words if was else "", found.state.words, found.why, now
            )
            with ctx.store.together():
                ctx.store.set_connection(known.name, state=found.state, state_since=now)
                ctx.store.add_history([line])


def certificates_left(store: Store, names: Collection[str], now: datetime) -> dict[str, str]:
    """Tell how long the certificates hold that were seen last, in words: of these billings, and of main as ""."""
    return {one.billing: _left(one.expires, now) for one in known_certificates(store, names)}


def _left(expires: datetime, now: datetime) -> str:
    days = (expires - now).days
    return f"{days} days left" if days >= 0 else f"ended {-days} days ago"


def board_of(ctx: Context) -> Board:
    """The board of every enabled connection, as ``status`` shows it."""
    names, store = sorted({*ctx.connections, *ctx.broken}), ctx.store
    newest = store.newest_run(*READING)
    began = newest.started if newest is not None else None
    several = ctx.settings.scale.shards > 1
    shards = store.shards_began(*READING) if several else None
    return board(names, store.connection_states(), began, ctx.clock(), store.parked(names), shards)
