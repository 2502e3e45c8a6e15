"""Report as a Prefect task: artifacts with a history, written only when there is something to see."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

from prefect import task
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.utilities.annotations import quote

from remotesupport.bootstrap import Context
from remotesupport.core.report import BillingResult, BillingState, RunReport
from remotesupport.steps import report as steps
from remotesupport.steps.board import board_of
from remotesupport.steps.values import Findings
from tasks import artifacts
from tasks.policy import ONCE

BOARD_EVERY = timedelta(minutes=15)
_BOARD = "artifact/board"


async def report(ctx: Context, done: RunReport, findings: Findings | None) -> None:
    """The plain report, and a task run with artifacts unless the minute was quiet."""
    await steps.report(ctx, done, findings)
    board = Board(ctx)
    if eventful(done) or board.due(ctx.clock()):
        await write_artifacts(quote((ctx, done, findings, board)))


def eventful(done: RunReport) -> bool:
    """Whether a person would want to see this run."""
    return any(_eventful(line) for line in done.billings)


def _eventful(line: BillingResult) -> bool:
    return line.state is not BillingState.OK or bool(
        line.written or line.quarantined or line.departments or any(line.changes.values())
    )


class Board:
    """The board artifact: due when a line changed in more than its times, or after ``BOARD_EVERY``."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self.board, self.parked = board_of(ctx), ctx.store.parked()
        lines: list[tuple[object, ...]] = [(r.name, str(r.state), r.why, r.parked) for r in self.board.rows]
        lines += [(p.id, p.cause) for p in self.parked]
        self.digest = hashlib.sha256(repr(lines).encode()).hexdigest()[:16]

    def due(self, now: datetime) -> bool:
        """Whether it should be written now."""
        last = self.ctx.store.progress(_BOARD) or {}
        if last.get("digest") != self.digest:
            return True
        return now - datetime.fromisoformat(last["at"]) >= BOARD_EVERY

    async def write(self, now: datetime) -> None:
        """Write it and remember that."""
        await acreate_markdown_artifact(
            artifacts.board_markdown(self.board, now, self.parked),
            key="board",
            description="Every connection, worst first",
        )
        self.ctx.store.save_progress(_BOARD, {"digest": self.digest, "at": now.isoformat()})


@task(name="report", task_run_name="report all billings", **ONCE)
async def write_artifacts(given: Any) -> None:
    """``given``: context, run report, findings, board."""
    ctx, done, findings, board = given
    if eventful(done):
        await _plans(findings)
        await acreate_markdown_artifact(artifacts.summary_markdown(done), key="summary", description="The run")
        await _validation(findings)
    if board.due(ctx.clock()):
        await board.write(ctx.clock())


async def _plans(findings: Findings | None) -> None:
    for name, plan in (findings.plans if findings else {}).items():
        if len(plan.changes):
            await acreate_table_artifact(
                artifacts.plan_table(plan.changes), key=f"plan-{name}", description=f"Plan {plan.id} of {name}"
            )


async def _validation(findings: Findings | None) -> None:
    reports = [r for r in (findings.validations if findings else ()) if not r.clean]
    if reports:
        text = artifacts.validation_markdown([r.to_json() for r in reports])
        await acreate_markdown_artifact(text, key="validation", description="What validation kept out of this run")
