"""A run's report and a plan's rows as tables for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from remotesupport.cli import output, session
from remotesupport.core.run import BillingResult, RunReport

if TYPE_CHECKING:
    from remotesupport.settings import Settings

SHOWN_ROWS = 50
SHORT = 60


def show_report(report: RunReport) -> None:
    """One row per billing; then what a person has to do."""
    columns = ("Billing", "State", "Changes", "Written", "Parked", "Quarantined", "Read", "Requests", "Seconds", "Plan")
    output.table(f"Run {report.run} ({report.kind})", columns, [_row(b) for b in report.billings])
    if report.skipped:
        output.say(report.skipped)
    for billing in report.billings:
        if billing.reason:
            output.say(f"{billing.name}: {billing.reason}")
        if billing.estimate is not None:
            for sentence in billing.estimate.sentences(billing.name):
                output.say(f"{sentence}.")
    departments = [(b.name, *(d[c] for c in _DEPARTMENT)) for b in report.billings for d in b.departments]
    if departments:
        heads = ("Billing", "Side", "Id", "Department", "What", "Before")
        output.table("Departments that changed", heads, departments[:SHOWN_ROWS])


_DEPARTMENT = ("side", "department", "name", "what", "was")


def _row(billing: BillingResult) -> tuple[object, ...]:
    changes = ", ".join(f"{count} {kind}" for kind, count in billing.changes.items() if count) or "none"
    return (
        billing.name, billing.state, changes, billing.written, billing.parked, billing.quarantined,
        f"{billing.tickets_read} tickets, {billing.messages_read} messages", billing.requests,
        f"{billing.seconds:.1f}", billing.plan_id,
    )  # fmt: skip


def show_plans(settings: Settings, ids: list[str]) -> None:
    """The rows of saved plans, at most fifty of each."""
    with session.store_of(settings) as store:
        saved = [plan for plan in (store.plan(i) for i in ids) if plan is not None]
    for plan in saved:
        if plan.plan_json is not None:
            _show_plan(plan.id, plan.connection, plan.plan_json)


def _show_plan(plan_id: str, connection: str, text: str) -> None:
    from remotesupport.core.plan.plan import from_json
    from remotesupport.core.text.normalize import shorten

    changes = from_json(text).changes
    rows = [
        (c.kind, c.direction, c.ext_ticket, _absent(c.main_ticket), shorten(str(c.subject or c.body), SHORT), c.detail)
        for c in changes.head(SHOWN_ROWS).itertuples()
    ]
    columns = ("Change", "Direction", "External ticket", "Main ticket", "Text", "Detail")
    output.table(f"Plan {plan_id} of {connection}: {len(changes)} changes", columns, rows)
    if len(changes) > SHOWN_ROWS:
        output.say(f"… and {len(changes) - SHOWN_ROWS} more")
    output.say(f"To write it: remotesupport apply {plan_id}")


def _absent(value: object) -> str | None:
    return value if isinstance(value, str) else None
