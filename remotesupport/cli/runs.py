"""``plan``, ``apply``, ``sync``, ``audit``, ``backfill``: the runs.

Without ``PREFECT_API_URL`` they run as plain functions in this process; with it (but for ``plan``) as flow runs.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from remotesupport.cli import output, session
from remotesupport.cli.errors import Refusal
from remotesupport.cli.options import AsJson, Billings
from remotesupport.core.run import RunKind, RunReport, RunRequest

if TYPE_CHECKING:
    from remotesupport.settings import Settings

PlanId = Annotated[str, typer.Argument(metavar="PLAN_ID", help="As `remotesupport plan` or `status` shows it.")]
Since = Annotated[str | None, typer.Option(help="From this moment on: 2026-11-01 or 2026-11-01T10:00+03:00; else UTC.")]
Until = Annotated[str | None, typer.Option(help="Up to this moment; written like --since.")]
Tickets = Annotated[list[str] | None, typer.Option("--ticket", metavar="ID", help="Only this external ticket.")]
PlanOnly = Annotated[bool, typer.Option("--plan-only", help="Save and show the plan; write to no billing.")]


def plan(billing: Billings = None, as_json: AsJson = False) -> None:
    """Read, reconcile, save and print the plan; write to no billing."""
    settings = session.configuration(log_to_stderr=as_json)
    request = RunRequest(RunKind.PLAN, session.chosen(settings, billing), plan_only=True)
    report = session.run(_plainly(settings, request))
    _finish(settings, report, as_json, with_rows=True)


def apply(plan_id: PlanId, as_json: AsJson = False) -> None:
    """Write exactly the saved plan, or refuse when anything has moved on since."""
    settings = session.configuration(log_to_stderr=as_json)
    _run(settings, RunRequest(RunKind.APPLY, plan_id=plan_id), as_json)


def sync(billing: Billings = None, as_json: AsJson = False) -> None:
    """One run now, in this process."""
    settings = session.configuration(log_to_stderr=as_json)
    _run(settings, RunRequest(RunKind.SYNC, session.chosen(settings, billing), asked=True), as_json)


def audit(billing: Billings = None, as_json: AsJson = False) -> None:
    """The complete comparison of both sides; finds what increments miss."""
    settings = session.configuration(log_to_stderr=as_json)
    _run(settings, RunRequest(RunKind.AUDIT, session.chosen(settings, billing), asked=True), as_json)


def backfill(
    since: Since = None,
    until: Until = None,
    ticket: Tickets = None,
    plan_only: PlanOnly = False,
    billing: Billings = None,
    as_json: AsJson = False,
) -> None:
    """A window that you choose. Quiet: old conversations come as one opening message, nothing goes to clients."""
    low, high = moment("--since", since), moment("--until", until)
    if low is None and not ticket:
        raise Refusal("backfill needs a window or tickets: --since 2026-11-01 [--until …], or --ticket ID")
    if low is not None and high is not None and low >= high:
        raise Refusal(f"--since ({since}) is not before --until ({until})")
    settings = session.configuration(log_to_stderr=as_json)
    names, tickets = session.chosen(settings, billing), tuple(dict.fromkeys(ticket or ()))
    if tickets and len(names) != 1:
        raise Refusal("a ticket's id means something in one billing only: name it with --billing NAME")
    request = RunRequest(
        RunKind.BACKFILL, names, since=low, until=high, tickets=tickets, plan_only=plan_only, quiet=True
    )
    _run(settings, request, as_json, with_rows=plan_only)


def moment(option: str, text: str | None) -> datetime | None:
    """A moment from the command line; without an offset it is UTC. Raises Refusal."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(f"{option} {text}: write it as 2026-11-01 or 2026-11-01T10:00+03:00") from None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _run(settings: Settings, request: RunRequest, as_json: bool, *, with_rows: bool = False) -> None:
    if session.prefect_is_set():
        from remotesupport.cli.flow_runs import as_flow_run

        report = session.run(as_flow_run(settings, request))
    else:
        report = session.run(_plainly(settings, request))
    _finish(settings, report, as_json, with_rows=with_rows)


async def _plainly(settings: Settings, request: RunRequest) -> RunReport:
    from remotesupport.steps.cycle import PLAIN, cycle

    async with session.context_of(settings) as context:
        what = f"{request.kind} of {', '.join(request.billings) or 'every connection'}"
        async with session.progress(what, lambda: session.requests_of(context.connections)):
            return await cycle(context, request, PLAIN)


def _finish(settings: Settings, report: RunReport, as_json: bool, *, with_rows: bool) -> None:
    if as_json:
        output.document(report.to_json())
    else:
        from remotesupport.cli.run_tables import show_plans, show_report

        show_report(report)
        if with_rows:
            show_plans(settings, [b.plan_id for b in report.billings if b.plan_id])
    raise typer.Exit(report.exit_status)
