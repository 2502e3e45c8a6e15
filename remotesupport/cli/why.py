"""``why``: what the store knows of one ticket. Nothing here talks to a billing."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from remotesupport.cli import output, session
from remotesupport.cli.errors import FAILED, Refusal
from remotesupport.cli.options import AsJson, configured_names
from remotesupport.cli.prefect_ui import flow_run_address

if TYPE_CHECKING:
    from collections.abc import Iterable

    from remotesupport.core.connection_state import Standing
    from remotesupport.core.model import Event
    from remotesupport.settings import Settings
    from remotesupport.store import Store


@dataclass(frozen=True, slots=True)
class Known:
    """An external ticket as the store knows it. ``reason`` None: it was never read."""

    billing: str
    ticket: str
    main_ticket: str | None
    reason: str | None
    detail: str
    timeline: list[Event]


def why(
    billing: Annotated[
        str | None,
        typer.Argument(metavar="BILLING", help="A connection's name.", autocompletion=configured_names),
    ] = None,
    ticket: Annotated[
        str | None, typer.Argument(metavar="TICKET", help="The ticket's id in that external billing.")
    ] = None,
    main: Annotated[
        str | None, typer.Option("--main", metavar="TICKET", help="The ticket's id in the main billing instead.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The one reason why a ticket is as it is, and what happened to it so far."""
    settings = session.configuration()
    if (main is None) is (ticket is None):
        raise Refusal("Name a ticket: `remotesupport why BILLING TICKET`, or `remotesupport why --main TICKET`")
    if billing is not None:
        settings.connection(billing)
    with session.store_of(settings) as store:
        if main is not None:
            billing, ticket = _linked_to(store, settings, billing, main)
        known = _known(store, billing or "", ticket or "")
    if as_json:
        output.document(_as_json(known))
    else:
        _show(known)


def _linked_to(store: Store, settings: Settings, billing: str | None, main: str) -> tuple[str, str]:
    """The connection and the external ticket that this main ticket is linked to."""
    names = [billing] if billing is not None else [external.name for external in settings.external]
    found = [(name, ext) for name in names for ext in store.linked(name, main_tickets=[main])]
    if not found:
        raise Refusal(
            f"The main ticket {main} is linked to no external ticket. A ticket that the product made there begins with "
            "its origin, [BILLING #TICKET]; `remotesupport links rebuild` finds those that the store does not know",
            FAILED,
        )
    if len(found) > 1:
        both = ", ".join(f"`remotesupport why {name} {ext}`" for name, ext in found)
        raise Refusal(f"Several external tickets are linked to the main ticket {main}: {both}", FAILED)
    return found[0]


def _known(store: Store, billing: str, ticket: str) -> Known:
    from remotesupport.core.connection_state import State
    from remotesupport.core.model import Reason

    found, timeline = store.reason_of(billing, ticket), store.timeline(billing, ticket)
    at = _standing(store, billing)
    holds = {
        State.PAUSED: Reason.CONNECTION_PAUSED, State.UNREACHABLE: Reason.BILLING_UNREACHABLE,
        State.ACCESS: Reason.ACCESS_DENIED,
    }.get(at.state)  # fmt: skip
    if found is None and not timeline and holds is None:
        raise Refusal(_never_read(billing, ticket), FAILED)
    reason, detail, main_ticket = found or (None, "", None)
    main_ticket = main_ticket or store.linked(billing, [ticket]).get(ticket)
    if holds is not None:
        before = f"when it was read last: {reason}" if reason else "the ticket was never read"
        since = f"since {output.moment(at.since)}" if at.since else ""
        detail = "; ".join(part for part in (since, at.why, before) if part)
        reason = str(holds)
    return Known(billing, ticket, main_ticket, reason or str(Reason.PENDING), detail, timeline)


def _standing(store: Store, billing: str) -> Standing:
    """The connection's state, as ``status`` shows it."""
    from datetime import UTC, datetime

    from remotesupport.core.connection_state import standing
    from remotesupport.core.report import READING

    newest = store.newest_run(*READING)
    states = {state.name: state for state in store.connection_states()}
    return standing(billing, states.get(billing), newest.started if newest else None, datetime.now(UTC))


def _never_read(billing: str, ticket: str) -> str:
    return (
        f"The ticket {ticket} of {billing} was in no list that this login was shown. Is it in a department that the "
        f"login does not see (`remotesupport departments --billing {billing}` shows which it sees), or is {ticket} not "
        f"its id in the external billing (for one of the main billing: `remotesupport why --main {ticket}`)? To ask "
        f"for it now: remotesupport backfill --billing {billing} --ticket {ticket} --plan-only"
    )


def _as_json(known: Known) -> dict[str, Any]:
    return {
        "billing": known.billing,
        "ticket": known.ticket,
        "reason": known.reason,
        "detail": known.detail,
        "main_ticket": known.main_ticket,
        "timeline": [
            {"at": e.at, "event": e.event, "run": e.run, "detail": e.detail, "flow_run": e.flow_run, "url": _page(e)}
            for e in known.timeline
        ],
    }


def _show(known: Known) -> None:
    heading = f"{known.billing} {known.ticket}: {known.reason}" + (f", {known.detail}" if known.detail else "")
    output.line(heading + (f" (main ticket {known.main_ticket})" if known.main_ticket else ""))
    output.table("Timeline", ("At", "Event", "Detail", "Run", "Flow run"), _rows(known.timeline))


def _rows(timeline: Iterable[Event]) -> list[tuple[Any, ...]]:
    return [(e.at, e.event, e.detail, e.run, _page(e) or e.flow_run or "") for e in timeline]


def _page(event: Event) -> str | None:
    """Where a person opens the event's run in the Prefect UI."""
    return flow_run_address(event.flow_run, os.environ) if event.flow_run else None
