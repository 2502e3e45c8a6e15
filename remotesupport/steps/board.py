"""What a run leaves of each connection for ``status``: what it found, and since when the state is what it is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from remotesupport.bootstrap import Context
from remotesupport.core.board import Board, board
from remotesupport.core.connection_state import Failure, standing
from remotesupport.core.report import READING, BillingResult, RunRequest


def reads_all(request: RunRequest) -> bool:
    """Whether a connection that this run has read was read whole."""
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


def note_states(ctx: Context, names: Iterable[str], now: datetime) -> None:
    """Write down the state of these connections where it has changed, and since when it is so."""
    wanted = set(names)
    for known in ctx.store.connection_states():
        if known.name not in wanted or known.paused:
            continue
        state = standing(known.name, known, now, now).state
        if state is not known.state:
            ctx.store.set_connection(known.name, state=state, state_since=now)


def board_of(ctx: Context) -> Board:
    """The board of every enabled connection, as ``status`` shows it."""
    names, store = sorted({*ctx.connections, *ctx.broken}), ctx.store
    newest = store.newest_run(*READING)
    began = newest.started if newest is not None else None
    return board(names, store.connection_states(), began, ctx.clock(), store.parked(names))
