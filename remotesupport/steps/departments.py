"""Which remote departments there are, where their tickets go, and how many wait in each.

Reads only. The whole listing is read for the counts, so this is for a person, not for every minute.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from connectors.contract import Billing
from connectors.errors import ConnectorError
from remotesupport.bootstrap import Connection
from remotesupport.core.model import DepartmentRow, TicketState
from remotesupport.settings import DepartmentSettings
from remotesupport.steps.check import find


@dataclass(frozen=True, slots=True)
class DepartmentLine:
    """One remote department. ``main`` as configured, None: unmapped. ``problem`` says why it does not correspond."""

    department: str
    name: str
    main: str | None
    enabled: bool
    waiting: int
    problem: str = ""


@dataclass(frozen=True, slots=True)
class DepartmentBoard:
    """One connection's departments, or the error that prevented reading them."""

    name: str
    departments: tuple[DepartmentLine, ...] = ()
    error: str = ""

    def to_json(self) -> dict[str, Any]:
        """``{"name", "departments": [{"department", "name", "main", "enabled", "waiting", "problem"}], "error"}``."""
        return asdict(self)


async def department_board(connection: Connection) -> DepartmentBoard:
    """Departments of one connection, unmapped ones included. A billing's error is its board's, never raised."""
    try:
        external, main = await asyncio.gather(connection.external.departments(), connection.main.departments())
        waiting = await _waiting(connection.external)
    except ConnectorError as error:
        return DepartmentBoard(connection.name, error=str(error))
    wanted = connection.settings.departments
    lines = [_line(d, wanted, tuple(external), tuple(main), waiting[d.department]) for d in external]
    lines += [_lost(w) for w in wanted if find(tuple(external), w.remote) is None]
    return DepartmentBoard(connection.name, tuple(lines))


async def _waiting(billing: Billing) -> Counter[str]:
    """Open tickets by department id, each ticket counted once."""
    seen: dict[str, str | None] = {}
    for listing in billing.capabilities.listings:
        async for page in billing.pages(listing):
            for row in page.rows:
                if not row.partial and row.state is TicketState.OPEN:
                    seen.setdefault(row.ticket, row.department)
    return Counter(department for department in seen.values() if department is not None)


def _line(
    department: DepartmentRow,
    wanted: tuple[DepartmentSettings, ...],
    external: tuple[DepartmentRow, ...],
    main: tuple[DepartmentRow, ...],
    waiting: int,
) -> DepartmentLine:
    pair = next((w for w in wanted if find(external, w.remote) == department), None)
    if pair is None:
        return DepartmentLine(department.department, department.name, None, False, waiting, "no correspondence")
    target = find(main, pair.main)
    problem = "" if target is not None else f'"{pair.main}" is not in the main billing exactly once'
    shown = target.name if target is not None else pair.main
    return DepartmentLine(department.department, department.name, shown, pair.enabled, waiting, problem)


def _lost(pair: DepartmentSettings) -> DepartmentLine:
    return DepartmentLine("", pair.remote, pair.main, pair.enabled, 0, "not in the external billing exactly once")
