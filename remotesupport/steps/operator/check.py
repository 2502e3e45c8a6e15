"""Checks a connection before the first sync: one row per check, each with its cure.

Reads only, and little: who we are, the departments, the first page of each listing, the canary. No store, no decisions
about tickets. A check that could not be made because an earlier one failed is shown as not looked at.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from connectors.billmanager import tls
from connectors.contract import Billing
from connectors.errors import ConnectorError
from remotesupport.bootstrap import Connection
from remotesupport.core.connections.habits import HabitEvidence
from remotesupport.core.model import DepartmentRow, Side
from remotesupport.settings_models import Endpoint
from remotesupport.steps.framing import department_rows
from remotesupport.steps.operator.check_habits import FirstPages, first_pages, habit_rows, read_threads
from remotesupport.steps.operator.check_reach import End, Look, Met, failed, not_looked_at, reach_rows
from remotesupport.steps.operator.check_row import CheckRow, Part, of_part
from remotesupport.steps.operator.check_setup import SetupSeen, departments_rows, setup_rows
from remotesupport.steps.operator.check_watch import Looked, watch_rows
from remotesupport.steps.read.canary import unreadable_canary
from remotesupport.steps.read.department_mapping import corresponding, department_id

NOTHING: Mapping[str, str] = MappingProxyType({})
BUDGET = 60.0  # seconds for all checks of one connection


async def check_connection(
    connection: Connection,
    main: Endpoint,
    known: Mapping[str, str] = NOTHING,
    look: Look = tls.shown,
    evidence: Sequence[HabitEvidence] = (),
    threads: int = 0,
    watched: Looked = None,
) -> list[CheckRow]:
    """Every row for one connection, in the order in which a person would correct things. Never raises for a billing.

    ``known``: the ids that names of remote departments meant in the last good run. ``look``: gives the certificate
    that an address shows to anybody. ``evidence``: what the store has learned of both servers. ``threads``: how many
    open tickets' conversations are read on each side. ``watched``: what the login for lists of main was shown.
    """
    try:
        async with asyncio.timeout(BUDGET):
            external, inside = await asyncio.gather(
                _meet(connection.external, connection.settings.url, look), _meet(connection.main, main.url, look)
            )
            pages: dict[Side, FirstPages] = {}
            rights = [
                await _rights(connection.external, external, evidence, pages),
                await _rights(connection.main, inside, evidence, pages),
            ]
            canary = await _canary(connection, external)
            await _read_threads(connection, external, pages, threads)
            server = await _server(connection, pages, evidence)
    except TimeoutError:
        what = f"no complete answer within {BUDGET:.0f} s"
        return [CheckRow("answer", False, what, "Look at its load", person=False, part=Part.EXTERNAL)]
    settings = connection.settings
    there = End(settings, f'[[external]] "{settings.name}"', settings.login, "login")
    here = End(main, "[main]", settings.main_login, "customer user", "main ")
    zone = _zone("time zone", settings.timezone, "timezone", external)
    zone_of_main = _zone("main time zone", settings.zone_of_main, "main_timezone", inside)
    by_employee = watch_rows(watched, pages.get(Side.MAIN))
    return [
        *of_part(Part.EXTERNAL, [*reach_rows(there, external), rights[0], canary, zone]),
        *of_part(Part.MAIN, [*reach_rows(here, inside), rights[1], zone_of_main, *by_employee]),
        *of_part(Part.SETUP, _setup(connection, main, external, inside, known)),
        *of_part(Part.SERVER, server),
    ]


async def _read_threads(connection: Connection, external: Met, pages: Mapping[Side, FirstPages], most: int) -> None:
    if most and len(pages) == len(Side):
        wanted = [pair.remote for pair in connection.settings.departments if pair.enabled]
        found = [find(external.departments, remote) for remote in wanted]
        await read_threads(connection, pages, {row.department for row in found if row is not None}, most)


async def _server(
    connection: Connection, pages: Mapping[Side, FirstPages], evidence: Sequence[HabitEvidence]
) -> list[CheckRow]:
    """Say what these servers do, once both could be read."""
    if len(pages) < len(Side):
        return [not_looked_at("habits")]
    try:
        return await habit_rows(connection, pages, evidence, datetime.now(UTC))
    except ConnectorError as error:
        return [failed("habits", error)]


async def _meet(billing: Billing, url: str, look: Look) -> Met:
    met, shown = await asyncio.gather(_told(billing), look(url))
    return replace(met, shown=shown)


async def _told(billing: Billing) -> Met:
    try:
        identity = await billing.identify()
    except ConnectorError as error:
        return Met(None, (), error)
    try:
        return Met(identity, tuple(await billing.departments()), None, await billing.setup())
    except ConnectorError as error:
        return Met(identity, (), error)


async def _rights(
    billing: Billing, met: Met, evidence: Sequence[HabitEvidence], pages: dict[Side, FirstPages]
) -> CheckRow:
    """Read what the sync reads, which stands in for rights: version 6 has none to ask about for a login.

    Adds to ``pages`` what could be read.
    """
    external = billing.side is Side.EXTERNAL
    check = "rights" if external else "main rights"
    if met.identity is None:
        return not_looked_at(check)
    if met.error is not None:
        return failed(check, met.error)
    try:
        pages[billing.side] = await first_pages(billing, evidence)
    except ConnectorError as error:
        return failed(check, error)
    return CheckRow(check, True, f"departments and {', '.join(billing.capabilities.listings)} can be read")


def find(departments: tuple[DepartmentRow, ...], wanted: str) -> DepartmentRow | None:
    """The department that ``wanted`` (an id, else a name) means; None unless it is exactly one."""
    department = department_id(names(departments), wanted)
    return next((d for d in departments if d.department == department), None)


def names(departments: tuple[DepartmentRow, ...]) -> dict[str, str]:
    """Return the departments' names by id."""
    return {d.department: d.name for d in departments}


def _setup(
    connection: Connection, main: Endpoint, external: Met, inside: Met, known: Mapping[str, str]
) -> list[CheckRow]:
    """Departments, and the set-up as the document has it, once both sides have answered."""
    if external.error is not None or inside.error is not None:
        return [not_looked_at("departments"), not_looked_at("set-up")]
    both = ((connection.external, external), (connection.main, inside))
    told = [_setup_seen(billing, met) for billing, met in both]
    framed = [department_rows(billing.name, billing.side, met.departments) for billing, met in both]
    listed = (inside.setup.matches if inside.setup is not None else None) or ()
    flagged = frozenset(row.department for row in external.departments if row.remote)
    named = connection.main.capabilities.names_departments
    departments = corresponding(connection.settings, framed[0], framed[1], listed, known, flagged, main_named=named)
    rows = setup_rows(connection.settings, main, told[0], told[1], departments)
    return [*departments_rows(connection.settings, departments), *_limits(connection), *rows]


def _limits(connection: Connection) -> list[CheckRow]:
    """A row for each thing that one side has no way to do, so that nobody waits for it."""
    outside, inside = connection.external.capabilities, connection.main.capabilities
    rows = []
    if not (outside.closes and outside.reopens):
        words = (
            "that billing gives this login no way to close a ticket or to open it again: what is closed in main stays "
            "as it is there, and every new ticket in main says so"
        )
        cure = "Close it there by hand, or give the login the three functions of remote support"
        rows.append(CheckRow("closing", True, words, cure))
    if not inside.names_departments:
        given = [d.main for d in connection.settings.departments if d.enabled and d.main.isdigit()]
        words = "names cannot be looked up in that billing; the numbers of the configuration are used: "
        cure = "Compare them with the categories that its ticket form offers"
        rows.append(CheckRow("main department names", True, words + (", ".join(given) or "none"), cure))
    return rows


def _setup_seen(billing: Billing, met: Met) -> SetupSeen:
    old, who = billing.capabilities.dialect.startswith("billmanager 4"), met.identity
    if who is None:
        return SetupSeen(old, met.setup, "")
    return SetupSeen(old, met.setup, who.version.partition(".")[0] or "5 or 6", who.public, who.detail)


async def _canary(connection: Connection, met: Met) -> CheckRow:
    department, ticket = connection.settings.canary_department, connection.settings.canary_ticket
    if met.error is not None:
        return not_looked_at("canary")
    if department is None and ticket is None:
        return CheckRow("canary", True, "none is set; canary_department makes closing safer")
    try:
        unread = await unreadable_canary(connection, names(met.departments))
    except ConnectorError as error:
        return failed("canary", error)
    if not unread:
        return CheckRow("canary", True, "readable")
    what = f"the ticket {ticket}" if unread == "canary_ticket" else f'the department "{department}"'
    return CheckRow("canary", False, f"{what} cannot be read", f"Set {unread}")


def _zone(check: str, configured: str, key: str, met: Met) -> CheckRow:
    if met.identity is None:
        return not_looked_at(check)
    told = met.identity.timezone
    if told is None:
        return CheckRow(check, True, f"{configured}; the billing does not say its own")
    if _offset(told) != _offset(configured):
        return CheckRow(check, False, f"the login has {told}, the file says {configured}", f'Set {key} = "{told}"')
    return CheckRow(check, True, told)


def _offset(zone: str) -> object:
    try:
        return datetime.now(UTC).astimezone(ZoneInfo(zone)).utcoffset()
    except (KeyError, ValueError, OSError):
        return zone
