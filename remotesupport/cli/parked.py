"""``parked``: what failed and waits, with its cause and age; offering some of it again, or giving it up."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from remotesupport.cli import output, session
from remotesupport.cli.errors import Refusal
from remotesupport.cli.options import AsJson, Billings

if TYPE_CHECKING:
    from collections.abc import Callable

    from remotesupport.core.records import ParkedChange
    from remotesupport.store import Store

app = typer.Typer(invoke_without_command=True)


@app.callback()
def parked(context: typer.Context, billing: Billings = None, as_json: AsJson = False) -> None:
    """List what waits, with cause and age; `parked retry ID` offers one again."""
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


Numbers = Annotated[list[int], typer.Argument(metavar="ID...", help="As `parked` shows them.")]


@app.command()
def retry(numbers: Numbers, as_json: AsJson = False) -> None:
    """Offer parked changes again in the next run."""
    _each(numbers, lambda store, number: store.unpark(number, "command line"), "the next run tries it again", as_json)


@app.command()
def drop(
    numbers: Numbers,
    why: Annotated[str, typer.Option(help="The reason; it is kept in the ticket's timeline.")],
    as_json: AsJson = False,
) -> None:
    """Give parked changes up for good: a message is never carried, an act counts as done, a ticket is left alone."""
    if not why.strip():
        raise Refusal("A reason is needed: --why TEXT")
    _each(numbers, lambda store, number: store.drop(number, why.strip(), "command line"), "given up", as_json)


def _each(numbers: list[int], do: Callable[[Store, int], ParkedChange | None], done: str, as_json: bool) -> None:
    settings = session.configuration()
    changes, unknown = [], []
    with session.store_of(settings) as store:
        for number in dict.fromkeys(numbers):
            change = do(store, number)
            if change is None:
                unknown.append(str(number))
            else:
                changes.append(change)
    if as_json:
        output.document({"parked": [_as_json(change) for change in changes], "unknown": unknown})
    else:
        for change in changes:
            output.line(f"{change.connection} ticket {change.ext_ticket}, {change.kind}: {done}")
    if unknown:
        raise Refusal(f"nothing is parked under {', '.join(unknown)}. See: remotesupport parked")


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
