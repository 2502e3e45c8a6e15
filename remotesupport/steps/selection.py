"""Selects the connections that take part in a run, and says why the others do not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from remotesupport.bootstrap import Context
from remotesupport.core.connections.backoff import rests
from remotesupport.core.connections.connection_state import Failure, resting
from remotesupport.core.run import BillingResult, BillingState, RunKind, RunRequest

ACCESS_PATIENCE = timedelta(minutes=5)  # a refused login is tried again this often, unless it is asked for by name


def taking_part(ctx: Context, request: RunRequest) -> tuple[tuple[str, ...], list[BillingResult]]:
    """The names to work on, and the lines of those left out (paused, a login refused a moment ago, no answer)."""
    wanted = request.about((*ctx.connections, *ctx.broken))
    asked_for = bool(request.billings) and not request.hints  # a bell is no person who has mended a login
    states = {s.name: s for s in ctx.store.connection_states()}
    names, left_out = [], []
    for name in wanted:
        state = states.get(name)
        if name not in ctx.connections and name not in ctx.broken:
            why = "there is no such connection (or it is switched off); see remotesupport.toml"
            left_out.append(BillingResult(name, state=BillingState.FAILED, reason=why))
        elif name in ctx.broken:
            why = ctx.broken[name]
            left_out.append(BillingResult(name, state=BillingState.FAILED, reason=why, failure=Failure.SECRET))
        elif state is None:
            names.append(name)
        elif state.paused and request.kind is not RunKind.PLAN and not request.plan_only:
            why = f"paused; `remotesupport resume {name}` shows what waits"
            left_out.append(BillingResult(name, state=BillingState.SKIPPED, reason=why))
        elif _a_moment_ago(ctx, state.access_at) and not asked_for:
            refused = BillingResult(name, state=BillingState.FAILED, reason=state.access, access=True)
            left_out.append(replace(refused, failure=state.failure, side=state.failed_side))
        elif request.may_rest and rests(state.in_vain, state.next_look, ctx.clock()):
            why = f"{state.stopped_why}; {resting(state, ctx.clock())}"
            silent = BillingResult(name, state=BillingState.FAILED, reason=why)
            left_out.append(replace(silent, failure=state.failure, side=state.failed_side))
        else:
            names.append(name)
    return tuple(names), left_out


def _a_moment_ago(ctx: Context, at: datetime | None) -> bool:
    return at is not None and ctx.clock() - at < ACCESS_PATIENCE
