"""Lists the remote departments, where their tickets go, and how many wait in each.

Reads only. The whole listing is read for the counts, so this is for a person, not for every minute.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from connectors.contract import Billing
from connectors.errors import ConnectorError
from remotesupport.bootstrap import Connection
from remotesupport.core.departments import GONE
from remotesupport.core.model import Side, TicketState
from remotesupport.settings import DepartmentSettings
from remotesupport.steps.read.department_mapping import Departments, names_of, read_departments

EMPTY: Mapping[str, str] = MappingProxyType({})


class Uncounted(StrEnum):
    """The reason why a department's open tickets are not counted. A script may rely on these values."""

    NO = ""
    NOT_VISIBLE = "not_visible"  # the login is not shown it, or none of its tickets
    AMBIGUOUS = "ambiguous"  # its name means more than one
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class DepartmentLine:
    """One remote department. ``main``: where its tickets go, None: unmapped. ``flagged``: marked as remote over there.

    ``waiting``: open tickets in it, None where they cannot be counted; ``reason`` says why, "" where they are.
    ``change``, ``changed_at``: what the runs saw last. ``problem``: why it does not correspond, with the cure.
    """

    department: str
    name: str
    main: str | None
    enabled: bool
    waiting: int | None
    problem: str = ""
    flagged: bool | None = None
    change: str = ""
    changed_at: datetime | None = None
    reason: Uncounted = Uncounted.NO


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
        sees = await connection.external.sees()
    except ConnectorError as error:
        return DepartmentBoard(connection.name, error=str(error))
    past = {row["department"]: row for row in history if row["side"] == Side.EXTERNAL}
    lines = [_line(row, found, waiting, past.get(row["department"], {})) for row in found.external]
    lines = [_as_seen(line, sees, connection) for line in lines]
    here = {row["department"] for row in found.external}
    lines += [_gone(row) for row in past.values() if row["change"] == GONE and row["department"] not in here]
    lines += [
        _not_found(d, found, connection) for d in connection.settings.departments if d.remote not in found.resolved
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
        past["department"], past["name"], None, False, None, "it is gone", change=GONE, changed_at=past["changed_at"],
        reason=Uncounted.GONE,
    )  # fmt: skip


def _as_seen(line: DepartmentLine, sees: Collection[str] | None, connection: Connection) -> DepartmentLine:
    """A count of 0 says nothing where the login is shown no ticket of that department."""
    if line.waiting or sees is None or line.department in sees:
        return line
    problem = line.problem
    if line.main is not None:
        problem = "; ".join(text for text in (problem, _cure(line.name, connection)) if text)
    return replace(line, waiting=None, reason=Uncounted.NOT_VISIBLE, problem=problem)


def _not_found(configured: DepartmentSettings, found: Departments, connection: Connection) -> DepartmentLine:
    """A configured department that is not there, or not once."""
    wanted = configured.remote.strip().casefold()
    alike = [row["department"] for row in found.external if row["name"].strip().casefold() == wanted]
    if alike:
        reason = Uncounted.AMBIGUOUS
        problem = f"{len(alike)} departments have this name: write the id that is meant ({', '.join(alike)})"
    else:
        there = ", ".join(repr(row["name"]) for row in found.external) or "none"
        reason = Uncounted.NOT_VISIBLE
        problem = f"{_cure(configured.remote, connection)}. If the name is wrong, correct it: visible are {there}"
    return DepartmentLine("", configured.remote, configured.main, configured.enabled, None, problem, reason=reason)


def _cure(department: str, connection: Connection) -> str:
    return (
        f"give the login {connection.settings.login} the department {department!r} in the external billing, then "
        f"`remotesupport departments --billing {connection.name}`"
    )
