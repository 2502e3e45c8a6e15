"""``remotesupport emulator``: emulated billings until Ctrl-C. What they do is in ``remotesupport.emulator``."""

from __future__ import annotations

import signal
import tempfile
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from remotesupport.emulator.running import RunningEmulator

_LOOPBACK = frozenset({"127.0.0.1", "localhost"})


class RecordedSides(StrEnum):
    """The sides that a recording has."""

    EXTERNAL = "external"
    MAIN = "main"


@dataclass(frozen=True, slots=True)
class _Wish:
    version: str
    seed: int
    tls: bool
    state: Path | None
    host: str
    allow_remote: bool
    tickets: int
    customers: tuple[str, ...]
    habits: dict[str, str]


def emulator(
    port: Annotated[int, typer.Option(help="Port of the first one; the next ones follow. 0: any free port.")] = 15000,
    version: Annotated[str, typer.Option(help="The BILLmanager version to behave like.")] = "6.94.1",
    seed: Annotated[int, typer.Option(help="1: a week of a hosting provider's tickets; 0: people only.")] = 1,
    tls: Annotated[bool, typer.Option("--tls", help="HTTPS with a self-signed certificate of its own.")] = False,
    state: Annotated[
        Path | None, typer.Option(help="Keep the data in this file; else they are gone at the end.")
    ] = None,
    name: Annotated[list[str] | None, typer.Option(help="The billing's name; repeat for more billings.")] = None,
    customer: Annotated[
        list[str] | None, typer.Option(help="A customer's user, one per connection; repeatable.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help="Permit an address other than loopback.")
    ] = False,
    tickets: Annotated[int, typer.Option(min=0, help="So many plain tickets more, for measuring.")] = 0,
    habit: Annotated[
        list[str] | None, typer.Option(metavar="NAME=ANSWER", help="What this server does; repeatable. See --habits.")
    ] = None,
    habits: Annotated[
        bool, typer.Option("--habits", help="Print the table of habits and their answers, and end.")
    ] = False,
    recording: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Serve what `check --record` wrote, to any login; --name chooses connections of it. Other options "
            "that shape a billing do not apply.",
        ),
    ] = None,
    side: Annotated[
        RecordedSides | None, typer.Option(help="Of a recording, only this side; else both, on two ports.")
    ] = None,
) -> None:
    """Emulated BILLmanager installations to try things with: API, pages to click on, a side door for tests."""
    if habits:
        typer.echo(_table(version))
        return
    if recording is not None:
        _replay(recording, port, name or [], side)
        return
    if host not in _LOOPBACK and not allow_remote:
        raise typer.BadParameter(f"{host} is not loopback: everybody there could sign in. --allow-remote permits it.")
    names = name or ["billing"]
    wish = _Wish(
        version, seed, tls, state, host, allow_remote, tickets, tuple(customer or ("acme", "globex")), _chosen(habit)
    )
    with ExitStack() as stack:
        for number, each in enumerate(names):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="emulator-")))
            running = _prepare(wish, each, port + number if port else 0, folder, several=len(names) > 1)
            _announce(stack.enter_context(running))
        _until_told()


def _replay(file: Path, port: int, names: list[str], side: RecordedSides | None) -> None:
    from remotesupport.emulator.recorded import SIDES, NoRecording, load
    from remotesupport.emulator.replaying import RunningReplay

    try:
        found = load(file, names, (side.value,) if side else SIDES)
        replays = [RunningReplay(each, port=port + n if port else 0) for n, each in enumerate(found)]
    except (NoRecording, OSError) as error:
        raise typer.BadParameter(str(error)) from error
    with ExitStack() as stack:
        for each in replays:
            stack.enter_context(each)
            typer.echo(f"{each.name}: API {each.url}")
        _until_told()


def _table(version: str) -> str:
    from remotesupport.emulator.habits import table
    from remotesupport.emulator.versions import version_of

    try:
        spoken = version_of(version)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    return table(spoken.release, spoken.habits)


def _chosen(words: list[str] | None) -> dict[str, str]:
    from remotesupport.emulator.habits import parse

    try:
        return parse(words or [])
    except ValueError as error:
        raise typer.BadParameter(f"{error}. `remotesupport emulator --habits` prints what there is.") from error


def _prepare(wish: _Wish, name: str, port: int, folder: Path, *, several: bool) -> RunningEmulator:
    from remotesupport.emulator.billing import Billing
    from remotesupport.emulator.running import RunningEmulator

    file = wish.state
    if file and several:
        file = file.with_stem(f"{file.stem}-{name}")
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        folder = file.parent / f"{file.stem}-tls"
    try:
        billing = Billing(
            name,
            wish.version,
            seed=wish.seed,
            state=file,
            tickets=wish.tickets,
            customers=wish.customers,
            habits=wish.habits,
        )
        tls_folder = folder if wish.tls else None
        return RunningEmulator(
            billing, port=port, host=wish.host, tls_folder=tls_folder, allow_remote=wish.allow_remote
        )
    except (ValueError, OSError) as error:
        raise typer.BadParameter(f"{name} on port {port}: {error}") from error


def _announce(running: RunningEmulator) -> None:
    typer.echo(f"{running.core.name}: API {running.url}   pages {running.base}/")
    if running.ca_file:
        typer.echo(f'  ca_file = "{running.ca_file}"   tls_fingerprint = "{running.fingerprint}"')


def _until_told(signals: Sequence[signal.Signals] = (signal.SIGINT, signal.SIGTERM)) -> None:
    told = threading.Event()
    before = {number: signal.signal(number, lambda *_: told.set()) for number in signals}
    try:
        while not told.wait(3600):
            pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
