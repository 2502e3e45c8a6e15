"""Columns of versions 5 and 6 ↔ rows of the contract: tickets and times.

Pure: nodes in, values out. Columns and marks: protocol sections 3.2, 3.3 and 3.5. Must stay out: asking the server for
anything, conversations (``v6_thread``).
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connectors.billmanager import habits
from connectors.billmanager.v6_departments import Departments, Told
from connectors.billmanager.v6_states import STATES, state_of
from connectors.billmanager.wire import Node
from remotesupport.core.connections.habits import HabitObservation
from remotesupport.core.model import DepartmentRow, TicketRow, TicketState
from remotesupport.core.text.foreign import visible

# Columns that change by themselves (delays), by mere looking (unread), or are a date once more in a local spelling.
_RESTLESS = frozenset({"unread", "delay", "wait_time", "blocked_by", "avatar"})
_LOCAL = ("_l", "_s", "_locale_time", "_locale")


class BadRow(ValueError):
    """One row or message that cannot be used; the message says why and quotes no text."""


class Unclear(BadRow):
    """It may be read in two ways, or in none that we know. ``habit``: the question that is open."""

    def __init__(self, habit: str, what: str) -> None:
        self.habit = habit
        super().__init__(what)


_Reader = TypeVar("_Reader", bound=Callable[..., object])


def of_one_row(reader: _Reader) -> _Reader:
    """A reader of one row or one thread that raises nothing but BadRow: what is odd in a row concerns that row only."""

    @functools.wraps(reader)
    def guarded(*args: object, **named: object) -> object:
        try:
            return reader(*args, **named)
        except BadRow:
            raise
        except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            raise BadRow(f"it holds a value that cannot be read ({type(error).__name__})") from None

    return cast("_Reader", guarded)


_AN_ID = re.compile(r"[0-9A-Za-z._:@/#|=+~-]{1,128}")
_A_ZONE = re.compile(r"[A-Za-z0-9_+-]{1,30}(?:/[A-Za-z0-9_+-]{1,30}){0,2}")
_LONGEST_DATE = 100
LONGEST_NAME, LONGEST_STAMP = 300, 40  # of people, files and departments; of dates and machine values


def is_id(text: str) -> bool:
    """Tell whether the text can be the id of anything: not too long, and of characters that can be kept."""
    return _AN_ID.fullmatch(text) is not None


def an_id(text: str, what: str) -> str:
    """``text``, the id of ``what`` as it is named in the error. Raises BadRow where it can be none."""
    if not text:
        raise BadRow(f"{what} has no id")
    if not is_id(text):
        raise BadRow(f"{what} has an id that no server gives: too long, or with characters that no id has")
    return text


def named(text: str, longest: int = LONGEST_NAME) -> str:
    """A name or a machine value as it may be kept and shown: with nothing that steers, and cut."""
    return visible(text[:longest])[:longest]


@of_one_row
def department_row(number: str, name: str, *, active: bool = True, remote: bool | None = None) -> DepartmentRow:
    """One department of a list or a form. Raises BadRow."""
    return DepartmentRow(an_id(number, "a department"), named(name), active, remote)


@dataclass(frozen=True, slots=True)
class Read:
    """A ticket's row, and what reading it showed of the server's habits."""

    row: TicketRow
    seen: tuple[HabitObservation, ...] = ()


@of_one_row
def ticket_row(row: Node, departments: Departments, *, activity: str, listed: str = "") -> Read:
    """A row of ``ticket_all``, ``clientticket`` or ``clientticket_archive``. ``listed``: as for ``state_of``.

    Raises BadRow, Unclear for a state that is not understood.
    """
    ticket = an_id(row.value("id"), "the row")
    if not row.has("name"):
        raise BadRow("the row has no name")
    state = state_of(row.first("tstatus"), listed=listed)
    if state is None:
        word = (row.first("tstatus") or Node({})).text.strip()[:30] or row.value("tstatus")[:30]
        raise Unclear(habits.STATE, f"its state {word!r} is not understood" if word else "it does not say its state")
    told = departments.of(row.first("responsible"))
    found = TicketRow(
        ticket=ticket,
        subject=row.value("name"),
        state=TicketState(STATES[state.number]),
        status=state.number,
        row_hash=row_hash(row),
        department=told.department if told else None,
        author=named(row.value("client") or row.value("create_user")),
        activity=named(row.value(activity), LONGEST_STAMP),
    )
    return Read(found, (seen(habits.STATE, state.how, ticket), *_department_seen(told, ticket)))


@of_one_row
def queue_row(row: Node, departments: Departments) -> Read:
    """A row of ``ticket``: its ``id`` is an assignment; it only says that the ticket arrived. Raises BadRow."""
    if not row.value("ticket"):
        raise BadRow("the row has no ticket")
    ticket = an_id(row.value("ticket"), "its ticket")
    told = departments.in_queue(row)
    found = TicketRow(
        ticket=ticket,
        subject=row.value("name"),
        state=TicketState.OPEN,
        status="",
        row_hash=row_hash(row),
        department=told.department if told else None,
        author=named(row.value("client")),
        partial=True,
    )
    return Read(found)


def _department_seen(told: Told | None, ticket: str) -> tuple[HabitObservation, ...]:
    return (seen(habits.DEPARTMENT, told.how, ticket),) if told else ()


def seen(habit: str, answer: str, ticket: str) -> HabitObservation:
    """One observation of a habit, with the ticket that showed it."""
    return HabitObservation(habit, answer, 1, (f"ticket {ticket}",))


def members_of(text: str, names: Mapping[str, str]) -> frozenset[str] | None:
    """Ids of the departments that an employee's row names, by commas; ``names``: name by id.

    None where it names something that is not among them: then it was not understood, and says nothing of the others.
    """
    said = {word.strip().casefold() for word in text.split(",")} - {""}
    known = {department: {department, name.strip().casefold()} for department, name in names.items()}
    found = {department for department, words in known.items() if words & said}
    return frozenset(found) if said <= set().union(*known.values()) else None


def row_hash(row: Node) -> str:
    """A digest over every column that a person's action can change."""
    columns = sorted(row.columns())
    names = {name for name, _ in columns}
    shown = [
        f"{n}\x1f{v}" for n, v in columns if n not in _RESTLESS and not (n.endswith(_LOCAL) and _is_local(n, names))
    ]
    return hashlib.blake2b("\x1e".join(shown).encode(), digest_size=16).hexdigest()


def _is_local(name: str, columns: Container[str]) -> bool:
    """Tell whether a column that ends so is another one in a local spelling, which may change as a ticket is only read.

    A plain "_locale" is one where it stands beside the other.
    """
    return not name.endswith("_locale") or name.removesuffix("_locale") in columns


def moment(text: str, zone: str) -> datetime | None:
    """``YYYY-MM-DD HH:MM:SS`` of that zone → UTC; None when it is no such text, or no moment that UTC has."""
    known = _zone(zone)
    if known is None or len(text) > _LONGEST_DATE:
        return None
    try:
        return datetime.strptime(text.strip(), "%Y-%m-%d %H:%M:%S").replace(tzinfo=known).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def is_zone(name: str) -> bool:
    """Tell whether that is an IANA zone known here."""
    return _zone(name) is not None


def _zone(name: str) -> ZoneInfo | None:
    """The zone of that name, which is looked for among files and modules: nothing but a name may be asked for."""
    try:
        return ZoneInfo(name) if _A_ZONE.fullmatch(name) else None
    except (ValueError, OSError, ImportError, ZoneInfoNotFoundError):
        return None
