"""``pause`` and ``resume``: a person takes a connection out of the runs, and back in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from remotesupport.cli import output, session
from remotesupport.cli.asking import agreed
from remotesupport.cli.errors import Refusal
from remotesupport.cli.options import BillingName
from remotesupport.core.run import BillingState, RunKind, RunReport, RunRequest

if TYPE_CHECKING:
    from remotesupport.settings import Settings
    from remotesupport.store import Store

Yes = Annotated[bool, typer.Option("--yes", help="Don't ask after showing the plan.")]


def pause(billing: BillingName) -> None:
    """Leave a connection out of every run until `resume`. Nothing is lost: what happens meanwhile waits."""
    settings = session.configuration()
    settings.connection(billing)
    with session.store_of(settings) as store:
        store.set_connection(billing, paused=True, paused_since=datetime.now(UTC))
        _note(store, billing, "", "paused")
    output.line(f"{billing} is paused. To go on: remotesupport resume {billing}")


def resume(billing: BillingName, yes: Yes = False) -> None:
    """Show what has gathered while the connection was paused, then let it take part again."""
    settings = session.configuration()
    session.chosen(settings, [billing])
    report = session.run(_planned(settings, billing))
    _show(settings, report)
    if report.billings and report.billings[0].state is BillingState.FAILED:
        raise Refusal(f"{billing} stays paused: it cannot be read. See: remotesupport check --billing {billing}", 1)
    if not yes and not agreed(f"Let {billing} take part again?"):
        raise Refusal(f"{billing} stays paused; `remotesupport resume {billing} --yes` does not ask", 3)
    with session.store_of(settings) as store:
        store.set_connection(billing, paused=False, paused_since=None)
        _note(store, billing, "paused", "taking part")
    output.line(f"{billing} takes part again; the next run writes what the guard allows.")


def _note(store: Store, billing: str, before: str, after: str) -> None:
    from remotesupport.store import Changed, HistoryLine

    store.add_history([HistoryLine(billing, Changed.STATE, "state", before, after, "a person said so")])


async def _planned(settings: Settings, billing: str) -> RunReport:
    from remotesupport.steps.cycle import PLAIN, cycle

    async with session.context_of(settings) as context:
        return await cycle(context, RunRequest(RunKind.PLAN, (billing,), plan_only=True), PLAIN)


def _show(settings: Settings, report: RunReport) -> None:
    from remotesupport.cli.run_tables import show_plans, show_report

    show_report(report)
    show_plans(settings, [b.plan_id for b in report.billings if b.plan_id])
