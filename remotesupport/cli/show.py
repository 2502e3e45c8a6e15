"""``why``, ``status``, ``parked``: what the store knows. Nothing here talks to a billing."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from remotesupport.cli import output, session
from remotesupport.cli.errors import DONE, FAILED, PERSON, Refusal
from remotesupport.cli.options import AsJson, BillingName, Billings
from remotesupport.cli.prefect_ui import flow_run_address
from remotesupport.core.spans import span

if TYPE_CHECKING:
    from remotesupport.core.model import Event, ParkedChange
    from remotesupport.store.states import ConnectionState


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


@dataclass(frozen=True, slots=True)
class Row:
    """One connection on the board. ``behind_s``: seconds since the oldest human action not carried, or the last run."""

    name: str
    behind_s: int | None
    last_good: datetime | None
    parked: int
    oldest_parked_s: int | None
    stopped: str | None
    access: str | None
    paused: bool
    reading: str


def status(billing: Billings = None, as_json: AsJson = False) -> None:
    """One row per billing: behind by, last good run, parked, stopped, access problems; worst first."""
    settings = session.configuration()
    names = session.chosen(settings, billing) or tuple(e.name for e in settings.enabled())
    with session.store_of(settings) as store:
        now = datetime.now(UTC)
        rows = board(names, store.connection_states(), now, ages(store.parked(names), now))
    if as_json:
        output.document({"billings": [asdict(row) for row in rows]})
    else:
        _show_board(rows)
    raise typer.Exit(PERSON if any(row.stopped or row.access for row in rows) else DONE)


def ages(parked: list[ParkedChange], now: datetime) -> dict[str, int]:
    """Connection → seconds since its oldest parked change was parked."""
    return {p.connection: int((now - p.since).total_seconds()) for p in reversed(parked)}


def board(
    names: tuple[str, ...], states: list[ConnectionState], now: datetime, parked_for: dict[str, int] | None = None
) -> list[Row]:
    """The rows for ``names``, worst first: access, stopped, never read, paused, then by how far behind."""
    known = {state.name: state for state in states}
    rows = [_row(name, known.get(name), now, (parked_for or {}).get(name)) for name in names]
    return sorted(rows, key=_badness)


def _row(name: str, state: ConnectionState | None, now: datetime, parked_for: int | None) -> Row:
    if state is None:
        return Row(name, None, None, 0, parked_for, None, None, False, "never read")
    since = min((at for at in (state.pending_since, state.last_good) if at), default=None)
    behind = int((now - since).total_seconds()) if since else None
    stopped = f"{state.stopped_plan}: {state.stopped_why}" if state.stopped_plan else None
    reading = state.read_outcome or "never read"
    access = state.access or None
    return Row(name, behind, state.last_good, state.parked, parked_for, stopped, access, state.paused, reading)


def _badness(row: Row) -> tuple[Any, ...]:
    behind = row.behind_s if row.behind_s is not None else 10**9
    return (
        not row.access,
        not row.stopped,
        row.last_good is not None,
        not row.parked,
        not row.paused,
        -behind,
        row.name,
    )


def _show_board(rows: list[Row]) -> None:
    columns = ("Billing", "Behind by", "Last good run", "Reading", "Parked", "Oldest", "Stopped", "Access", "Paused")
    output.table(
        "Connections, worst first",
        columns,
        [
            (
                r.name,
                span(r.behind_s),
                r.last_good,
                r.reading,
                r.parked,
                span(r.oldest_parked_s) if r.oldest_parked_s is not None else "",
                r.stopped,
                r.access,
                r.paused,
            )
            for r in rows
        ],
    )
    for row in rows:
        if row.stopped:
            output.say(f"{row.name}: look at the plan, then `remotesupport apply {row.stopped.split(':')[0]}`")
        if row.access:
            output.say(f"{row.name}: correct the access, then `remotesupport check --billing {row.name}`")
