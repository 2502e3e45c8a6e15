"""``habits``: what was learned of each server and from what, and a person's word on it. Asks no billing."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from remotesupport.cli import output, session
from remotesupport.cli.errors import Refusal
from remotesupport.cli.options import AsJson, Billings

if TYPE_CHECKING:
    from remotesupport.core.connections.habits import Habit, HabitEvidence

app = typer.Typer(invoke_without_command=True)
Name = Annotated[str, typer.Argument(metavar="HABIT", help="As `habits` shows it.")]
One = Annotated[str, typer.Option("--billing", help="The connection's name.")]


@app.callback()
def habits(context: typer.Context, billing: Billings = None, as_json: AsJson = False) -> None:
    """Show what was learned of each billing's server: habit, answer, seen how often, an example."""
    if context.invoked_subcommand is not None:
        return
    settings = session.configuration()
    names = session.chosen(settings, billing) or tuple(e.name for e in settings.enabled())
    with session.store_of(settings) as store:
        evidence = store.habit_evidence(*names)
    if as_json:
        output.document({"habits": [_as_json(one) for one in evidence]})
    else:
        _show(evidence)


@app.command()
def forget(habit: Name, billing: One) -> None:
    """Forget what was learned of one habit of a billing: it is learned anew from what the next runs read."""
    settings = session.configuration()
    settings.connection(billing)
    named = _known(habit)
    with session.store_of(settings) as store:
        store.forget_habit(billing, named.name)
    output.line(f"{billing}: {named.name} is forgotten; the next run learns it anew: {named.told_by}.")


@app.command()
def accept(
    answer: Annotated[str, typer.Argument(metavar="HABIT=ANSWER", help="What holds from now on.")], billing: One
) -> None:
    """Say how a server is, instead of what was learned; what contradicts it from now on stops the connection."""
    settings = session.configuration()
    settings.connection(billing)
    name, _, chosen = answer.partition("=")
    habit = _known(name.strip())
    known = [one.name for one in habit.answers]
    if chosen.strip() not in known:
        raise Refusal(f"{habit.name} has no answer {chosen.strip()!r}; it has {', '.join(known)}")
    with session.store_of(settings) as store:
        store.forget_habit(billing, habit.name, _said(billing, habit, chosen.strip()))
    output.line(f"{billing}: {habit.name} is {chosen.strip()} from now on.")


def _said(billing: str, habit: Habit, answer: str) -> list[HabitEvidence]:
    from remotesupport.core.connections.habits import HabitEvidence

    now = datetime.now(UTC)
    return [HabitEvidence(billing, side, habit.name, answer, 0, now, now, accepted=True) for side in habit.sides]


def _known(name: str) -> Habit:
    from connectors.billmanager.habits import TABLE

    for habit in TABLE:
        if habit.name == name:
            return habit
    raise Refusal(f"There is no habit {name!r}; there are {', '.join(habit.name for habit in TABLE)}")


def _as_json(evidence: HabitEvidence) -> dict[str, object]:
    return {("billing" if key == "connection" else key): value for key, value in asdict(evidence).items()}


def _show(evidence: list[HabitEvidence]) -> None:
    if not evidence:
        output.line("Nothing was learned yet: habits are learned while tickets are read.")
        return
    columns = ("Billing", "Side", "Habit", "Answer", "Seen", "First seen", "Last seen", "Example")
    rows = [
        (e.connection, e.side, e.habit, e.answer, "accepted" if e.accepted else e.count, output.moment(e.first_seen),
         output.moment(e.last_seen), e.examples[0] if e.examples else "")
        for e in evidence
    ]  # fmt: skip
    output.table("Habits", columns, rows)
