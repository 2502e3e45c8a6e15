"""Report: the traces of a run outside the store: the log, and the validation page in the state folder."""

from __future__ import annotations

from remotesupport.bootstrap import Context
from remotesupport.checks.report import write_report
from remotesupport.core.run import RunReport
from remotesupport.steps.values import Findings


async def report(ctx: Context, done: RunReport, findings: Findings | None) -> None:
    """Log one line per failure and warning; rewrite the validation page when rows were validated."""
    if findings is not None and any(v.rows for v in findings.validations):
        write_report(ctx.settings.home, list(findings.validations))
    for line in done.billings:
        for failure in line.failures or [line.reason][: bool(line.reason)]:
            ctx.log.warning("%s: %s: %s (run %s)", line.name, line.state, " ".join(failure.split()), done.run)
    for warning in done.warnings:
        ctx.log.warning("%s (run %s)", " ".join(warning.split()), done.run)
