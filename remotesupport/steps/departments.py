"""Which remote departments there are, where their tickets go, and how many wait in each.

Reads only. The whole listing is read for the counts, so this is for a person, not for every minute.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from connectors.contract import Billing
from connectors.errors import ConnectorError
from remotesupport.bootstrap import Connection
from remotesupport.core.department_changes import GONE
from remotesupport.core.model import Side, TicketState
from remotesupport.steps.correspond import Departments, names_of, read_departments

EMPTY: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class DepartmentLine:
    """One remote department. ``main``: where its tickets go, None: unmapped. ``flagged``: marked as remote over there.

    ``change``, ``changed_at``: what the runs saw last. ``problem``: why it does not correspond.
    """

    department: str
    name: str
    main: str | None
    enabled: bool
    waiting: int
    problem: str = ""
    flagged: bool | None = None
    change: str = ""
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DepartmentBoard:
    """One connection's departments, or the error that prevented reading them. ``notes``: what a person should know."""

    name: str
    departments: tuple[DepartmentLine, ...] = ()
    error: str = ""
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """``{"name", "departments": [{"department", "name", "main", …}], "error", "problems", "notes"}``."""
        return asdict(self)


async def department_board(
    connection: Connection, known: Mapping[str, str] = EMPTY, history: Sequence[Mapping[str, Any]] = ()
) -> DepartmentBoard:
    """Departments of one connection, unmapped and lost ones included. A billing's error is its board's, never raised.

    ``known``: the ids that names meant; ``history``: what the runs recorded (both from the store).
    """
    try:
        found = await read_departments(connection, known)
        waiting = await _waiting(connection.external)
    except ConnectorError as error:
        return DepartmentBoard(connection.name, error=str(error))
    past = {row["department"]: row for row in history if row["side"] == Side.EXTERNAL}
    lines = [_line(row, found, waiting, past.get(row["department"], {})) for row in found.external]
    here = {row["department"] for row in found.external}
    lines += [_gone(row) for row in past.values() if row["change"] == GONE and row["department"] not in here]
    lines += [
        DepartmentLine("", d.remote, d.main, d.enabled, 0, "not in the external billing exactly once")
        for d in connection.settings.departments
        if d.remote not in found.resolved
    ]
    return DepartmentBoard(connection.name, tuple(lines), "", found.problems, found.notes)


async def _waiting(billing: Billing) -> Counter[str]:
    """Open tickets by department id, each ticket counted once."""
    seen: dict[str, str | None] = {}
    for listing in billing.capabilities.listings:
        async for page in billing.pages(listing):
            for row in page.rows:
                if not row.partial and row.state is TicketState.OPEN:
                    seen.setdefault(row.ticket, row.department)
    return Counter(department for department in seen.values() if department is not None)


def _line(row: Mapping[str, Any], found: Departments, waiting: Counter[str], past: Mapping[str, Any]) -> DepartmentLine:
    key = row["department"]
    pair = next((pair for pair in found.correspondences if pair["department"] == key), None)
    names = names_of(found.main)
    target = pair["main_department"] if pair else None
    return DepartmentLine(
        key,
        row["name"],
        None if target is None else names.get(target, target),
        bool(pair and pair["enabled"]),
        waiting[key],
        "no correspondence" if target is None else "" if target in names else "its main department is not there",
        None if row["remote"] is None else row["remote"] == "yes",
        past.get("change") or "",
        past.get("changed_at"),
    )


def _gone(past: Mapping[str, Any]) -> DepartmentLine:
    return DepartmentLine(
        past["department"], past["name"], None, False, 0, "it is gone", change=GONE, changed_at=past["changed_at"]
    )
