"""``check --rehearse``: says what would be written where, asks, and has it done, after the checks, which only read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from remotesupport.cli import output, session
from remotesupport.cli.asking import agreed
from remotesupport.cli.errors import Refusal
from remotesupport.cli.options import configured_names

if TYPE_CHECKING:
    from remotesupport.settings import Settings
    from remotesupport.steps.operator.check_row import CheckRow
    from remotesupport.steps.operator.rehearsal import Rehearsed

Billing = Annotated[
    str | None,
    typer.Option(
        "--rehearse",
        metavar="BILLING",
        help="After the checks: open, write to and close one ticket in main, which shows what main does. Asks first; "
        "writes nothing to the external billing.",
        autocompletion=configured_names,
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="With --rehearse: don't ask.")]
Wait = Annotated[
    int,
    typer.Option(
        min=0, metavar="MINUTES", help="With --rehearse: wait so long for staff of main to let the ticket go."
    ),
]
CHECK = "rehearsal"


@dataclass(frozen=True, slots=True)
class Wish:
    """A rehearsal as the command line asks for it."""

    name: str
    yes: bool
    minutes: int


def names_with(wish: Wish | None, names: tuple[str, ...], asked: bool) -> tuple[str, ...]:
    """The connections to check. Raises Refusal where one is to be rehearsed that was left out by name."""
    if wish is None or wish.name in names:
        return (wish.name,) if wish is not None and not asked else names
    raise Refusal(f"--rehearse {wish.name} needs the checks of {wish.name}: add --billing {wish.name}, or leave it out")


def rehearsed(settings: Settings, wish: Wish, checks: Sequence[CheckRow]) -> tuple[list[CheckRow], Rehearsed | None]:
    """The rows of the rehearsal, and how it went; None where it did not begin."""
    if refused := _refused(settings, wish, checks):
        return [refused], None
    done = session.run(_perform(settings, wish))
    output.say(done.remains)
    return list(done.rows), done


def _refused(settings: Settings, wish: Wish, checks: Sequence[CheckRow]) -> CheckRow | None:
    """The row that says why nothing is written: what the checks found, a pause, or the person."""
    from remotesupport.steps.operator.check_row import CheckRow, Part
    from remotesupport.steps.operator.rehearsal import paused_row

    if any(row.failed for row in checks):
        why = "nothing was written: an earlier check failed"
        return CheckRow(CHECK, False, why, person=False, part=Part.REHEARSAL, looked_at=False)
    with session.store_of(settings) as store:
        paused = paused_row(store, wish.name)
    if paused is not None:
        return paused
    for line in _words(settings, wish):
        output.say(line)
    if wish.yes or agreed("Do this now?"):
        return None
    cure = f"`remotesupport check --rehearse {wish.name} --yes` does not ask"
    return CheckRow(CHECK, False, "nobody has agreed; nothing was written", cure, part=Part.REHEARSAL)


def _words(settings: Settings, wish: Wish) -> list[str]:
    """Say what will be written, where, as whom; and what a person may have to do."""
    external = settings.connection(wish.name)
    department = next((pair.main for pair in external.departments if pair.enabled), "")
    return [
        f"A rehearsal of {wish.name} writes this to the main billing, {settings.main.url}, and nothing anywhere else:",
        f"  1. a ticket of the customer's user {external.main_login} in the department {department!r}, with "
        f"[{wish.name} #rehearsal] in its subject (or it goes on with such a ticket that is still open);",
        "  2. a second message in that ticket, once the first was read back;",
        "  3. the ticket is closed. Main's staff may see it, and be told of it. A customer cannot close a ticket that "
        f"staff hold: where main says so, somebody there has to answer it or close it; this waits {wish.minutes} min "
        "for that.",
    ]


async def _perform(settings: Settings, wish: Wish) -> Rehearsed:
    from remotesupport.steps.operator.rehearsal import Rehearsal

    async with session.context_of(settings) as context:
        if broken := context.broken.get(wish.name):
            raise Refusal(broken)
        return await Rehearsal(context, wish.name, wait=wish.minutes * 60.0, tell=output.say).perform()


def as_json(found: Rehearsed | None) -> dict[str, Any]:
    """The key that a rehearsed connection has beside its checks."""
    return {"rehearsal": found.to_json() if found is not None else None}
