"""Report the connections that a run did nothing for: other runs held the right to write, or it came too late.

Audits that had no turn are counted in the run's record; two in a row are a warning, with what to do.
"""

from __future__ import annotations

from collections.abc import Iterable

from remotesupport.bootstrap import Context
from remotesupport.core.run import TOO_MANY_SKIPPED, BillingResult, BillingState, RunKind, RunReport, RunRequest
from remotesupport.core.text.durations import span
from remotesupport.steps.pipeline.turns import patience
from remotesupport.steps.selection import taking_part


def add_lines_without_turn(ctx: Context, done: RunReport, names: Iterable[str]) -> None:
    """Add the lines of ``names``, for which the right to write was not free for as long as this run waits."""
    skipped = [_line(ctx, name, done.kind) for name in names]
    _count(ctx, done, skipped)
    if skipped and all(line.state is BillingState.SKIPPED for line in done.billings):
        done.skipped = f"another run holds the right to write for every connection{_waited(done.kind)}"
    done.billings.extend(skipped)


def _line(ctx: Context, name: str, kind: RunKind) -> BillingResult:
    holder = ctx.store.lease_holder(name)
    who = f" ({holder.holder})" if holder else ""
    why = f"another run holds the right to write for it{who}{_waited(kind)}"
    return BillingResult(name, state=BillingState.SKIPPED, reason=why, no_turn=True)


def _waited(kind: RunKind) -> str:
    return "" if kind is RunKind.SYNC else f"; it was not free in {span(patience(kind))}"


def _count(ctx: Context, done: RunReport, skipped: list[BillingResult]) -> None:
    if done.kind is not RunKind.AUDIT or not skipped:
        return
    before = ctx.store.audits_skipped(ctx.settings.scale.shards)
    for line in skipped:
        line.audits_skipped = before.get(line.name, 0) + 1
        if line.audits_skipped >= TOO_MANY_SKIPPED:
            line.reason += (
                f". {line.audits_skipped} audits in a row had no turn: until one has, nobody finds what a quiet minute "
                "cannot see. The worker's log and remotesupport.log say what went on; to audit it now: "
                f"`remotesupport audit --billing {line.name}`"
            )


def record_missed_run(ctx: Context, request: RunRequest, why: str) -> RunReport:
    """Record a run that did not take place at all, for a reason of its own (it came too late)."""
    done = RunReport(ctx.new_id(), request.kind, ctx.clock(), skipped=why)
    names, left_out = taking_part(ctx, request)
    ctx.store.begin_run(done.run, str(request.kind), ctx.flow_run, done.started, names)
    skipped = [BillingResult(n, state=BillingState.SKIPPED, reason=why, no_turn=True) for n in names]
    _count(ctx, done, skipped)
    done.billings = [*left_out, *skipped]
    for line in skipped:
        if line.audits_skipped >= TOO_MANY_SKIPPED:
            ctx.log.warning("%s: %s: %s (run %s)", line.name, line.state, line.reason, done.run)
    ctx.store.finish_run(done.run, done.headline, done.to_json())
    return done
