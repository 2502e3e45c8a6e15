"""The command ``remotesupport``: which commands there are, and how every one of them ends.

Only light modules are imported at the top: pandas, Prefect and SQLAlchemy come in where a command needs them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from remotesupport.cli import (
    alerts,
    bell,
    board,
    crossed,
    emulator,
    habits,
    history,
    last_runs,
    links,
    output,
    parked,
    replay,
    report,
    runs,
    setup,
    status,
    switches,
    up,
    why,
    worker,
)
from remotesupport.cli.errors import FAILED, advice
from remotesupport.cli.streams import unbreakable
from remotesupport.settings import CONFIG_VARIABLE, config_path

app = typer.Typer(
    name="remotesupport",
    help="Keeps tickets of many BILLmanager installations in sync with the one where your support staff work.",
    epilog="Exit status: 0 done, 1 failed and will be retried, 2 wrong usage or configuration, 3 a person is needed.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def first_sentence(command: Callable[..., None]) -> str:
    """Return what a command does, whole, for the list of commands: left to itself that list cuts sentences off."""
    return " ".join((command.__doc__ or "").partition("\n\n")[0].split())


for command in (
    setup.init,
    setup.check,
    setup.departments,
    runs.plan,
    runs.apply,
    runs.sync,
    runs.audit,
    runs.backfill,
    bell.bell,
    why.why,
    status.status,
    board.board,
    last_runs.runs,
    history.history,
    crossed.crossed,
    replay.replay,
    report.report,
    switches.pause,
    switches.resume,
    up.up,
    worker.worker,
    emulator.emulator,
):
    app.command(short_help=first_sentence(command))(command)
app.add_typer(parked.app, name="parked", short_help=first_sentence(parked.parked))
app.add_typer(links.app, name="links", short_help=first_sentence(links.links))
app.add_typer(habits.app, name="habits", short_help=first_sentence(habits.habits))
app.add_typer(alerts.app, name="alerts", short_help=first_sentence(alerts.alerts))


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        output.line(f"remotesupport {version('remotesupport')}")
        raise typer.Exit


@app.callback()
def options(
    config: Annotated[Path | None, typer.Option(help=f"The configuration file; else {CONFIG_VARIABLE}.")] = None,
    version: Annotated[  # noqa: ARG001 - typer calls _version
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    """Put ``--config`` where this process and everything that it starts look for it."""
    if config is not None:
        os.environ[CONFIG_VARIABLE] = str(config_path(config))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit status. Errors become advice on standard error; see ``cli.errors``."""
    with unbreakable():
        return _ended(arguments)


def _ended(arguments: Sequence[str] | None) -> int:
    try:
        app(list(arguments) if arguments is not None else None)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else FAILED
    except KeyboardInterrupt:
        output.say("Stopped.")
        return FAILED
    except Exception as error:
        text, status = advice(error)
        output.say(text)
        return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
