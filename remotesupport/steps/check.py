"""What can be known about a connection before the first sync: one row per check, each with its cure.

Reads only, and little: who we are, the departments, the first page of each listing, the canary. No store, no decisions
about tickets. A check that could not be made because an earlier one failed is shown as not looked at.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from connectors.contract import Billing, Setup
from connectors.errors import AccessDenied, ConnectorError, Fatal, Missing, Retriable, TooOld
from remotesupport.bootstrap import Connection
from remotesupport.core.model import DepartmentRow, Identity, Side
from remotesupport.settings import DepartmentSettings
from remotesupport.settings_models import Endpoint
from remotesupport.steps.check_row import CheckRow
from remotesupport.steps.check_setup import Told, setup_rows
from remotesupport.steps.correspond import NO_NAMES, corresponding
from remotesupport.steps.framing import department_rows

NOTHING: Mapping[str, str] = MappingProxyType({})
BUDGET = 60.0  # seconds for all checks of one connection


@dataclass(frozen=True, slots=True)
class _Met:
    """What one side told about itself: identity, departments and set-up, or the error that prevented it."""

    identity: Identity | None
    departments: tuple[DepartmentRow, ...]
    error: ConnectorError | None = None
    setup: Setup | None = None


async def check_connection(
    connection: Connection, main: Endpoint, known: Mapping[str, str] = NOTHING
) -> list[CheckRow]:
    """Every row for one connection, in the order in which a person would correct things. Never raises for a billing.

    ``known``: the ids that names of remote departments meant in the last good run.
    """
    try:
        async with asyncio.timeout(BUDGET):
            external_met, main_met = await asyncio.gather(_meet(connection.external), _meet(connection.main))
            rights = [await _rights(connection.external, external_met), await _rights(connection.main, main_met)]
            canary = await _canary(connection, external_met)
    except TimeoutError:
        return [
            CheckRow("answer", False, f"no complete answer within {BUDGET:.0f} s", "Look at its load", person=False)
        ]
    settings = connection.settings
    return [
        _tls("external", settings, external_met),
        _login("login", settings.login, external_met),
        _version("version", external_met),
        rights[0],
        _tls("main", main, main_met),
        _login("customer user", settings.main_login, main_met),
        _version("main version", main_met),
        rights[1],
        *_setup(connection, main, external_met, main_met, known),
        canary,
        _zone("time zone", settings.timezone, "timezone", external_met),
        _zone("main time zone", settings.zone_of_main, "main_timezone", main_met),
    ]


async def _meet(billing: Billing) -> _Met:
    try:
        identity = await billing.identify()
    except ConnectorError as error:
        return _Met(None, (), error)
    try:
        return _Met(identity, tuple(await billing.departments()), None, await billing.setup())
    except ConnectorError as error:
        return _Met(identity, (), error)


def _tls(side: str, endpoint: Endpoint, met: _Met) -> CheckRow:
    check = "TLS" if side == "external" else "main TLS"
    error = met.error if met.identity is None else None
    if error is not None and not isinstance(error, AccessDenied | TooOld):
        return _failed(check, error)
    return CheckRow(check, True, f"{urlsplit(endpoint.url).netloc}: {_verified(endpoint)}")


def _verified(endpoint: Endpoint) -> str:
    if endpoint.url.startswith("http:"):
        return "plain http on this machine"
    if endpoint.tls_fingerprint:
        return "the certificate is the pinned one"
    return f"checked with {endpoint.ca_file}" if endpoint.ca_file else "checked with the system's authorities"


def _login(check: str, login: str, met: _Met) -> CheckRow:
    if met.identity is not None:
        return CheckRow(check, True, f"{login}: {met.identity.name or met.identity.user} (level {met.identity.level})")
    if isinstance(met.error, TooOld):
        return CheckRow(check, True, f"{login}: accepted")
    if isinstance(met.error, AccessDenied):
        return _failed(check, met.error)
    return _not_looked_at(check)


def _version(check: str, met: _Met) -> CheckRow:
    if isinstance(met.error, TooOld):
        return _failed(check, met.error)
    return CheckRow(check, True, met.identity.version) if met.identity is not None else _not_looked_at(check)


async def _rights(billing: Billing, met: _Met) -> CheckRow:
    """Version 6 has no rights to ask about for a login: reading what the sync reads stands in for them."""
    external = billing.side is Side.EXTERNAL
    check = "rights" if external else "main rights"
    if met.identity is None:
        return _not_looked_at(check)
    if met.error is not None:
        return _failed(check, met.error)
    listings = billing.capabilities.listings
    try:
        for listing in listings:
            async for _page in billing.pages(listing, page_size=50):
                break
    except ConnectorError as error:
        return _failed(check, error)
    return CheckRow(check, True, f"departments and {', '.join(listings)} can be read")


def _departments(
    wanted: tuple[DepartmentSettings, ...], resolved: Mapping[str, str], external: _Met, main: _Met, *, named: bool
) -> CheckRow:
    enabled = [d for d in wanted if d.enabled]
    lost = [f'"{d.remote}" in the external billing' for d in enabled if d.remote not in resolved]
    lost += [f'"{d.main}" in the main billing' for d in enabled if find(main.departments, d.main) is None]
    if lost:
        return CheckRow(
            "departments", False, "not there exactly once: " + ", ".join(lost),
            "See remotesupport departments" if named else f"A department of main {NO_NAMES}",
        )  # fmt: skip
    if not enabled:
        return CheckRow("departments", False, "no correspondence is enabled", "Add [[external.departments]]")
    return CheckRow("departments", True, f"{len(enabled)} of {len(external.departments)} remote departments correspond")


def find(departments: tuple[DepartmentRow, ...], wanted: str) -> DepartmentRow | None:
    """The department that ``wanted`` (an id, else a name) means; None unless it is exactly one."""
    found = [d for d in departments if d.department == wanted]
    if not found:
        found = [d for d in departments if d.name.strip().casefold() == wanted.strip().casefold()]
    return found[0] if len(found) == 1 else None


def _setup(
    connection: Connection, main: Endpoint, external: _Met, inside: _Met, known: Mapping[str, str]
) -> list[CheckRow]:
    """Departments, and the set-up as the document has it, once both sides have answered."""
    if external.error is not None or inside.error is not None:
        return [_not_looked_at("departments"), _not_looked_at("set-up")]
    both = ((connection.external, external), (connection.main, inside))
    told = [_told(billing, met) for billing, met in both]
    framed = [department_rows(billing.name, billing.side, met.departments) for billing, met in both]
    listed = (inside.setup.matches if inside.setup is not None else None) or ()
    flagged = frozenset(row.department for row in external.departments if row.remote)
    named = connection.main.capabilities.names_departments
    departments = corresponding(connection.settings, framed[0], framed[1], listed, known, flagged, main_named=named)
    row = _departments(connection.settings.departments, departments.resolved, external, inside, named=named)
    rows = setup_rows(connection.settings, main, told[0], told[1], departments)
    return [row, *_limits(connection), *rows]


def _told(billing: Billing, met: _Met) -> Told:
    old = billing.capabilities.dialect.startswith("billmanager 4")
    who = met.identity
    return Told(old, met.setup) if who is None else Told(old, met.setup, who.public, who.detail)


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


async def _canary(connection: Connection, met: _Met) -> CheckRow:
    department, ticket = connection.settings.canary_department, connection.settings.canary_ticket
    if met.error is not None:
        return _not_looked_at("canary")
    if department is None and ticket is None:
        return CheckRow("canary", True, "none is set; canary_department makes closing safer")
    if department is not None and find(met.departments, department) is None:
        return CheckRow("canary", False, f'the department "{department}" cannot be read', "Set canary_department")
    if ticket is not None:
        try:
            await connection.external.ticket(ticket)
        except Missing:
            return CheckRow("canary", False, f"the ticket {ticket} cannot be read", "Set canary_ticket")
        except ConnectorError as error:
            return _failed("canary", error)
    return CheckRow("canary", True, "readable")


def _zone(check: str, configured: str, key: str, met: _Met) -> CheckRow:
    if met.identity is None:
        return _not_looked_at(check)
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


def _failed(check: str, error: ConnectorError) -> CheckRow:
    person = isinstance(error, AccessDenied | Fatal) or not isinstance(error, Retriable)
    return CheckRow(check, False, error.what, error.cure, person)


def _not_looked_at(check: str) -> CheckRow:
    return CheckRow(check, False, "not looked at: an earlier check failed", person=False)
