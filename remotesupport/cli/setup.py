"""``init``, ``check``, ``departments``: from nothing to a connection that can sync."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from remotesupport.cli import output, rehearsal, session
from remotesupport.cli.errors import DONE, FAILED, PERSON, WRONG, Refusal
from remotesupport.cli.options import AsJson, Billings
from remotesupport.settings import Settings, SettingsError, config_path

if TYPE_CHECKING:
    from remotesupport.core.connections.habits import HabitEvidence
    from remotesupport.steps.operator.check_row import CheckRow
    from remotesupport.steps.operator.check_watch import Looked
    from remotesupport.steps.operator.department_overview import DepartmentBoard, DepartmentLine
    from remotesupport.steps.operator.recording import Recorder


def init() -> None:
    """Write a commented remotesupport.toml; an existing one is never touched."""
    from remotesupport.cli.template import CONFIG

    path, other = config_path(), "Another place: remotesupport --config FILE init"
    try:
        if path.exists():
            raise Refusal(f"{path} is there already and stays as it is. {other}")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(CONFIG)
    except OSError as error:
        raise Refusal(f"{path} cannot be written ({error.strerror}). {other}") from None
    output.say(f"Written: {path}")
    output.say("Next: set the addresses and logins in it, then run `remotesupport check`.")


def check(
    billing: Billings = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Show the rows that do not apply to a version, too.")
    ] = False,
    record: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write what the billings answered to this file, readable by you alone: texts, names, logins, ids and "
            "times replaced, no password. For a report; docs/recordings.md.",
        ),
    ] = None,
    rehearse: rehearsal.Billing = None,
    yes: rehearsal.Yes = False,
    wait: rehearsal.Wait = 10,
    as_json: AsJson = False,
) -> None:
    """Test each connection: TLS, login, version, rights, customer user, departments, canary, time zone."""
    from remotesupport.cli.check_table import show
    from remotesupport.cli.record import recorder_to
    from remotesupport.steps.operator.check_row import verdict

    settings = session.configuration()
    wish = rehearsal.Wish(session.chosen(settings, [rehearse])[0], yes, wait) if rehearse else None
    names = session.chosen(settings, billing) or tuple(e.name for e in settings.enabled())
    names = rehearsal.names_with(wish, names, bool(billing))
    with recorder_to(record) as recorder:
        found = session.run(_check_all(settings, names, recorder))
    more: dict[str, dict[str, object]] = {}
    if wish is not None:
        rows, went = rehearsal.rehearsed(settings, wish, found[wish.name])
        found[wish.name] += rows
        more[wish.name] = rehearsal.as_json(went)
    reached = verdict(found)
    if as_json:
        shown = [
            {"name": name, "checks": [r.to_json() for r in rows], **more.get(name, {})} for name, rows in found.items()
        ]
        output.document({"connections": shown, "verdict": reached.text, "next": reached.next})
    else:
        show(found, reached, everything=everything)
    raise typer.Exit(_status(found))


async def _check_all(
    settings: Settings, names: tuple[str, ...], recorder: Recorder | None
) -> dict[str, list[CheckRow]]:
    from remotesupport.bootstrap import watch_of
    from remotesupport.steps.operator.check_watch import looked

    watched = await looked(watch_of(settings.main, session.block_reader()))
    rows = await asyncio.gather(*(_check_one(settings, name, recorder, watched) for name in names))
    return dict(zip(names, rows, strict=True))


async def _check_one(settings: Settings, name: str, recorder: Recorder | None, watched: Looked) -> list[CheckRow]:
    from connectors.errors import ConnectorError
    from remotesupport.steps.operator.check import check_connection
    from remotesupport.steps.operator.check_row import CheckRow, Part, of_part
    from remotesupport.steps.operator.recording import THREADS

    store, known, evidence = _store(settings, name)
    listeners = recorder.listeners(settings.connection(name)) if recorder else None
    threads = THREADS if recorder else 0
    try:
        async with session.connection_of(settings, name, listeners) as connection:
            rows = await check_connection(
                connection, settings.main, known, evidence=evidence, threads=threads, watched=watched
            )
    except SettingsError as error:
        rows = of_part(Part.HERE, [CheckRow("password", False, f"{p.where}: {p.what}", p.cure) for p in error.problems])
    except ConnectorError as error:
        rows = of_part(Part.HERE, [CheckRow("connection", False, f"{error.billing}: {error.what}", error.cure)])
    here = [store, *_readable_by_others(settings, name), *_read_twice(settings, name)]
    return [*of_part(Part.HERE, here), *rows]


def _store(settings: Settings, name: str) -> tuple[CheckRow, dict[str, str], list[HabitEvidence]]:
    """Try the store, and read what it remembers of this connection's departments and servers."""
    from remotesupport.steps.operator.check_row import CheckRow
    from remotesupport.steps.read.department_mapping import resolved_names
    from remotesupport.store.errors import StoreError, StoreUnavailable

    try:
        with session.store_of(settings) as store:
            return CheckRow("store", True, store.shown), resolved_names(store, name), store.habit_evidence(name)
    except StoreError as error:
        return CheckRow("store", False, str(error), person=not isinstance(error, StoreUnavailable)), {}, []


def _read_twice(settings: Settings, name: str) -> list[CheckRow]:
    """Warn of departments that another connection has from the same billing, too."""
    from remotesupport.steps.operator.check_row import CheckRow

    own, mine = settings.connection(name), settings.departments_of(name)
    shared = {
        (other.name, remote)
        for other in settings.enabled()
        if other.name != name and other.url.rstrip("/").casefold() == own.url.rstrip("/").casefold()
        for remote in mine & settings.departments_of(other.name)
    }
    cure = "Each of its tickets would be in main twice. Give each connection its url, or the department to one of them"
    return [
        CheckRow("departments", True, f'"{remote}" of {own.url} is also read by {other}', cure)
        for other, remote in sorted(shared)
    ]


def _readable_by_others(settings: Settings, name: str) -> list[CheckRow]:
    from remotesupport.steps.operator.check_row import CheckRow

    external = settings.connection(name)
    references = (external.password, external.main_password, settings.main.watch_password)
    warnings = [w for one in references if one is not None and (w := one.warning())]
    return [CheckRow("password", False, warning) for warning in dict.fromkeys(warnings)]


def _status(found: dict[str, list[CheckRow]]) -> int:
    if not found:
        return WRONG
    bad = [row for rows in found.values() for row in rows if not row.ok]
    if not bad:
        return DONE
    return PERSON if any(row.person for row in bad) else FAILED


def departments(billing: Billings = None, as_json: AsJson = False) -> None:
    """Remote departments, where their tickets go, and how many open tickets are in each; unmapped ones too."""
    settings = session.configuration()
    names = session.chosen(settings, billing) or tuple(e.name for e in settings.enabled())
    boards = session.run(_boards(settings, names))
    if as_json:
        output.document({"billings": [board.to_json() for board in boards]})
    else:
        _show_boards(boards)
    raise typer.Exit(FAILED if any(board.error for board in boards) else DONE)


async def _boards(settings: Settings, names: tuple[str, ...]) -> list[DepartmentBoard]:
    return list(await asyncio.gather(*(_board(settings, name) for name in names)))


async def _board(settings: Settings, name: str) -> DepartmentBoard:
    from remotesupport.steps.operator.department_overview import DepartmentBoard, department_board
    from remotesupport.steps.read.department_mapping import resolved_names

    try:
        async with (
            session.connection_of(settings, name) as connection,
            session.progress(f"Reading {name}", lambda: session.requests_of({name: connection})),
        ):
            with session.store_of(settings) as store:
                known, history = resolved_names(store, name), store.department_history(name)
            return await department_board(connection, known, history)
    except SettingsError as error:
        return DepartmentBoard(name, error=str(error))


def _counted(line: DepartmentLine) -> object:
    """The open tickets; where they cannot be counted, the reason in words and never a 0."""
    if line.waiting is not None:
        return line.waiting
    return "not visible to this login" if line.reason == "not_visible" else "not counted"


def _show_boards(boards: list[DepartmentBoard]) -> None:
    rows = [
        (
            board.name,
            line.department,
            line.name,
            line.main,
            line.enabled,
            line.flagged,
            _counted(line),
            line.problem,
            line.change,
            line.changed_at,
        )
        for board in boards
        for line in board.departments
    ]
    columns = (
        "Billing",
        "Id",
        "Remote department",
        "Main department",
        "Enabled",
        "Flagged",
        "Open tickets",
        "Problem",
        "Last change",
        "Seen",
    )
    output.table("Departments", columns, rows)
    for board in boards:
        for text in (board.error, *board.problems, *board.notes):
            if text:
                output.say(f"{board.name}: {text}")
