"""``parked``: what failed and waits, with its cause and age; and offering one of them again at once."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from remotesupport.cli import output, session
from remotesupport.cli.errors import Refusal
from remotesupport.cli.options import AsJson, Billings

if TYPE_CHECKING:
    from remotesupport.core.model import ParkedChange

app = typer.Typer(invoke_without_command=True)


@app.callback()
def parked(context: typer.Context, billing: Billings = None, as_json: AsJson = False) -> None:
    """What waits, with cause and age; `parked retry ID` offers one again."""
    if context.invoked_subcommand is not None:
        return
    settings = session.configuration()
    names = session.chosen(settings, billing) or None
    with session.store_of(settings) as store:
        waiting = store.parked(names)
    if as_json:
        output.document({"parked": [_as_json(change) for change in waiting]})
    else:
        _show(waiting, datetime.now(UTC))


@app.command()
def retry(number: Annotated[int, typer.Argument(metavar="ID", help="As `parked` shows it.")]) -> None:
    """Offer a parked change again in the next run."""
    settings = session.configuration()
    with session.store_of(settings) as store:
        change = store.unpark(number, "command line")
    if change is None:
        raise Refusal(f"nothing is parked under {number}. See: remotesupport parked")
    output.line(f"{change.connection} ticket {change.ext_ticket}: the next run tries the {change.kind} again")


def _as_json(change: ParkedChange) -> dict[str, Any]:
    return {("billing" if key == "connection" else key): value for key, value in asdict(change).items()}


def _show(waiting: list[ParkedChange], now: datetime) -> None:
    if not waiting:
        output.line("Nothing is parked.")
        return
    columns = ("Id", "Billing", "Ticket", "Change", "To", "Age", "Tries", "Next try", "Cause")
    rows = [
        (c.id, c.connection, c.ext_ticket, c.kind, c.direction, output.age(c.since, now), c.attempts, _next(c), c.cause)
        for c in waiting
    ]
    output.table("Parked", columns, rows)


def _next(change: ParkedChange) -> str:
    return "a person is needed" if change.next_try is None else output.moment(change.next_try)
