"""``links``: the ledger's links with what both billings show. Only the ledger changes, never a billing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from remotesupport.cli import output, session
from remotesupport.cli.options import AsJson, Billings

if TYPE_CHECKING:
    from remotesupport.settings import Settings
    from remotesupport.steps.operator.rebuild_links import LinksReport, LinksResult

app = typer.Typer(no_args_is_help=True)
PlanOnly = Annotated[bool, typer.Option("--plan-only", help="Only show what would be linked; the ledger stays.")]


@app.callback()
def links() -> None:
    """The ledger of links; `links rebuild` makes it anew from the origins on both sides."""


@app.command()
def rebuild(billing: Billings = None, plan_only: PlanOnly = False, as_json: AsJson = False) -> None:
    """Make the ledger anew from the origins on both sides; writes to no billing.

    For a store that was lost or restored from a backup, or when a billing was. Both sides are read completely.
    """
    settings = session.configuration(log_to_stderr=as_json)
    report = session.run(_rebuild(settings, session.chosen(settings, billing), plan_only))
    if as_json:
        output.document(report.to_json())
    else:
        _show(report)
    raise typer.Exit(report.exit_status)


async def _rebuild(settings: Settings, names: tuple[str, ...], plan_only: bool) -> LinksReport:
    from remotesupport.steps.operator.rebuild_links import rebuild_links

    async with session.context_of(settings) as context:
        what = f"rebuilding the links of {', '.join(names) or 'every connection'}"
        async with session.progress(what, lambda: session.requests_of(context.connections)):
            return await rebuild_links(context, names, plan_only=plan_only)


def _show(report: LinksReport) -> None:
    columns = ("Billing", "State", "Kept", "Linked", "Messages", "Ambiguous", "Removed", "Vanished", "Alone", "Reason")
    rows = [
        (b.name, b.state, b.kept, b.linked, b.recognised, len(b.ambiguous), len(b.removed), b.forgotten, len(b.alone),
         b.reason)
        for b in report.billings
    ]  # fmt: skip
    output.table("Links" + (" (nothing was changed)" if report.plan_only else ""), columns, rows)
    details = [line for b in report.billings for line in _details(b)]
    if details:
        output.table("Tickets to look at", ("Billing", "Ticket", "Main ticket", "What", "Why"), details)
    names = " ".join(f"--billing {b.name}" for b in report.billings)
    if not report.plan_only:
        output.say(f"See what is left to write: remotesupport plan {names}")


def _details(result: LinksResult) -> list[tuple[object, ...]]:
    kinds = (("ambiguous", result.ambiguous), ("removed", result.removed), ("no partner", result.alone))
    return [
        (result.name, row["ticket"], row.get("main_ticket"), what, row["why"]) for what, rows in kinds for row in rows
    ]
