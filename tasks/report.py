"""Report as a Prefect task: artifacts with a history, where there is something to see; and the live board, always."""

from __future__ import annotations

from prefect import task
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact

from remotesupport.bootstrap import Context
from remotesupport.core.run import BillingResult, BillingState, RunReport
from remotesupport.steps.record import run_traces as steps
from remotesupport.steps.values import Findings
from tasks import artifacts, board, failures
from tasks.policy import ONCE, as_is


async def report(ctx: Context, done: RunReport, findings: Findings | None) -> None:
    """The plain report; a red task run for each connection that was stopped or not read, a task run with artifacts
    unless the minute was quiet; the board is renewed in any case, without a task run."""
    await steps.report(ctx, done, findings)
    await failures.show(done)
    if eventful(done):
        await write_artifacts(as_is(done), as_is(findings))
    await board.renew(ctx, done)


def eventful(done: RunReport) -> bool:
    """True where a person would want to see this run."""
    return any(_eventful(line) for line in done.billings)


def _eventful(line: BillingResult) -> bool:
    return line.state is not BillingState.OK or bool(
        line.written or line.quarantined or line.departments or any(line.changes.values())
    )


@task(name="report", task_run_name="report all billings", **ONCE)
async def write_artifacts(done: RunReport, findings: Findings | None) -> None:
    """Write what a person would want to see of this run."""
    await _plans(findings)
    await acreate_markdown_artifact(artifacts.summary_markdown(done), key="summary", description="The run")
    await _validation(findings)


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
