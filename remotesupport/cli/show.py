"""``why``: what the store knows of one ticket. Nothing here talks to a billing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from remotesupport.cli import output, session
from remotesupport.cli.errors import FAILED, Refusal
from remotesupport.cli.options import AsJson, BillingName
from remotesupport.cli.prefect_ui import flow_run_address

if TYPE_CHECKING:
    from remotesupport.core.model import Event


def why(
    billing: BillingName,
    ticket: Annotated[str, typer.Argument(metavar="TICKET", help="The ticket's id in that external billing.")],
    as_json: AsJson = False,
) -> None:
    """The one reason why a ticket is as it is, and what happened to it so far."""
    settings = session.configuration()
    settings.connection(billing)
    with session.store_of(settings) as store:
        found, timeline = store.reason_of(billing, ticket), store.timeline(billing, ticket)
    if found is None and not timeline:
        raise Refusal(
            f"The ticket {ticket} of {billing} was never read. Is it the id in the external billing? "
            f"To read it now: remotesupport backfill --billing {billing} --ticket {ticket} --plan-only",
            FAILED,
        )
    reason, detail, main_ticket = found or ("pending", "", None)
    if as_json:
        events = [
            {"at": e.at, "event": e.event, "run": e.run, "detail": e.detail, "flow_run": e.flow_run, "url": _page(e)}
            for e in timeline
        ]
        output.document(
            {
                "billing": billing, "ticket": ticket, "reason": reason, "detail": detail, "main_ticket": main_ticket,
                "timeline": events,
            }
        )  # fmt: skip
        return
    heading = f"{billing} {ticket}: {reason}" + (f", {detail}" if detail else "")
    output.line(heading + (f" (main ticket {main_ticket})" if main_ticket else ""))
    rows = [(e.at, e.event, e.detail, e.run, _page(e) or e.flow_run or "") for e in timeline]
    output.table("Timeline", ("At", "Event", "Detail", "Run", "Flow run"), rows)


def _page(event: Event) -> str | None:
    """Where a person opens the event's run in the Prefect UI."""
    return flow_run_address(event.flow_run, os.environ) if event.flow_run else None
