"""``why``: what the store knows of one ticket. Nothing here talks to a billing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from remotesupport.cli import output, session, why_words
from remotesupport.cli.errors import FAILED, Refusal
from remotesupport.cli.options import AsJson, configured_names
from remotesupport.cli.prefect_ui import flow_run_address, ui_environ

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from remotesupport.core.connections.connection_state import Failure, Standing
    from remotesupport.core.records import Event
    from remotesupport.settings import Settings
    from remotesupport.store import Store
    from remotesupport.store.crossings import Crossing

CLOSED_AS_ANSWERED = (
    "it was closed there just as our answer arrived, by that server or by a person: its next answers show which, and a "
    "person's close crosses then"
)


@dataclass(frozen=True, slots=True)
class Known:
    """An external ticket as the store knows it. ``reason`` None: it was never read."""

    billing: str
    ticket: str
    main_ticket: str | None
    reason: str | None
    detail: str
    timeline: list[Event]
    messages: list[Crossing]


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
        known = _known(store, billing or "", ticket or "", settings.scale.shards)
    environ = ui_environ(settings.home)
    if as_json:
        output.document(_as_json(known, environ))
    else:
        _show(known, environ)


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


def _known(store: Store, billing: str, ticket: str, shards: int) -> Known:
    from remotesupport.core.connections.connection_state import Failure, State
    from remotesupport.core.model import Reason
    from remotesupport.steps.learned.reaction import doubted_closes

    found, timeline = store.reason_of(billing, ticket), store.timeline(billing, ticket)
    at, failure = _standing(store, billing, shards)
    holds = {
        State.PAUSED: Reason.CONNECTION_PAUSED, State.UNREACHABLE: Reason.BILLING_UNREACHABLE,
        State.ACCESS: Reason.ACCESS_DENIED,
    }.get(at.state)  # fmt: skip
    if at.state is State.STOPPED and failure is not Failure.GUARD:
        holds = Reason.VERSION_TOO_OLD if failure is Failure.VERSION else Reason.BILLING_UNREACHABLE
    if found is None and not timeline and holds is None:
        raise Refusal(_never_read(billing, ticket), FAILED)
    reason, detail, main_ticket = found or (None, "", None)
    main_ticket = main_ticket or store.linked(billing, [ticket]).get(ticket)
    if holds is not None:
        before = f"when it was read last: {reason}" if reason else "the ticket was never read"
        since = f"since {output.moment(at.since)}" if at.since else ""
        detail = "; ".join(part for part in (since, at.why, before) if part)
        reason = str(holds)
    if at.state is State.NOT_RUNNING and at.since is not None:
        still = f"no run began after {output.moment(at.since)}: so it was then"
        detail = "; ".join(part for part in (detail, still) if part)
    if ticket in doubted_closes(store, billing):
        detail = "; ".join(part for part in (detail, CLOSED_AS_ANSWERED) if part)
    messages = store.crossings_of(billing, ticket)
    return Known(billing, ticket, main_ticket, reason or str(Reason.PENDING), detail, timeline, messages)


def _standing(store: Store, billing: str, shards: int) -> tuple[Standing, Failure | None]:
    """The connection's state, as ``status`` shows it, and the kind of what went wrong in its last run."""
    from datetime import UTC, datetime

    from remotesupport.core.connections.connection_state import standing
    from remotesupport.core.connections.shards import newest
    from remotesupport.core.run import READING

    last = store.newest_run(*READING)
    began = last.started if last else None
    if shards > 1:
        began = newest(billing, store.shards_began(*READING))
    known = {state.name: state for state in store.connection_states()}.get(billing)
    return standing(billing, known, began, datetime.now(UTC)), known.failure if known else None


def _never_read(billing: str, ticket: str) -> str:
    return (
        f"The ticket {ticket} of {billing} was in no list that this login was shown. Is it in a department that the "
        f"login does not see (`remotesupport departments --billing {billing}` shows which it sees), or is {ticket} not "
        f"its id in the external billing (for one of the main billing: `remotesupport why --main {ticket}`)? To ask "
        f"for it now: remotesupport backfill --billing {billing} --ticket {ticket} --plan-only"
    )


def _as_json(known: Known, environ: Mapping[str, str]) -> dict[str, Any]:
    return {
        "billing": known.billing,
        "ticket": known.ticket,
        "reason": known.reason,
        "detail": known.detail,
        "main_ticket": known.main_ticket,
        "messages": [why_words.as_json(one, environ) for one in known.messages],
        "timeline": [
            {
                "at": e.at,
                "event": e.event,
                "run": e.run,
                "detail": e.detail,
                "flow_run": e.flow_run,
                "url": _page(e, environ),
            }
            for e in known.timeline
        ],
    }  # fmt: skip


def _show(known: Known, environ: Mapping[str, str]) -> None:
    heading = f"{known.billing} {known.ticket}: {known.reason}" + (f", {known.detail}" if known.detail else "")
    output.line(heading + (f" (main ticket {known.main_ticket})" if known.main_ticket else ""))
    for one in known.messages:
        output.line(why_words.sentence(one, environ))
    output.table("Timeline", ("At", "Event", "Detail", "Run", "Flow run"), _rows(known.timeline, environ))


def _rows(timeline: Iterable[Event], environ: Mapping[str, str]) -> list[tuple[Any, ...]]:
    return [(e.at, e.event, e.detail, e.run, _page(e, environ) or e.flow_run or "") for e in timeline]


def _page(event: Event, environ: Mapping[str, str]) -> str | None:
    """Tell where a person opens the event's run in the Prefect UI."""
    return flow_run_address(event.flow_run, environ) if event.flow_run else None
