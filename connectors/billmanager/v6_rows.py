"""Columns of versions 5 and 6 ↔ rows of the contract: tickets, messages, departments, times.

Pure: nodes in, values out. Marks are those of the protocol reference. Must stay out: asking the server for anything.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connectors.billmanager.wire import Node
from remotesupport.core.model import PEOPLE, FileRef, MessageKind, MessageRow, TicketRow, TicketState

# DOCUMENTED (clientticket): 0 new, 1 under review, 2 awaiting response, 3 closed, 10 archived.
STATES = {"0": "open", "1": "open", "2": "open", "3": "closed", "10": "closed"}

# INFERRED: the types are relative to the viewer. Anything not named here is UNKNOWN and never crosses.
STAFF_KINDS = {
    "incoming": MessageKind.CLIENT,
    "outcoming": MessageKind.STAFF,
    "note": MessageKind.NOTE,
    "system": MessageKind.SYSTEM,
    "info": MessageKind.SYSTEM,
}
CUSTOMER_KINDS = STAFF_KINDS | {"incoming": MessageKind.STAFF, "outcoming": MessageKind.CLIENT}

# Columns that change by themselves (delays), by mere looking (unread), or are a date once more in a local spelling.
_RESTLESS = frozenset({"unread", "delay", "wait_time", "blocked_by", "avatar"})
_LOCAL = ("_l", "_s", "_locale_time")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


class BadRow(ValueError):
    """One row or message that cannot be used; the message says why and quotes no text."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Whose eyes the rows were seen with, as far as the server says. ``zone`` is the zone of the dates."""

    id: str
    login: str
    realname: str
    zone: str
    kinds: Mapping[str, MessageKind]


def ticket_row(row: Node, *, activity: str) -> TicketRow:
    """A row of ``ticket_all``, ``clientticket`` or ``clientticket_archive``. Raises BadRow."""
    ticket, status = row.value("id"), row.value("tstatus").strip()
    if not ticket:
        raise BadRow("the row has no id")
    if not row.has("name"):
        raise BadRow("the row has no name")
    if status not in STATES:
        raise BadRow(f"the status {status[:20]!r} is unknown")
    return TicketRow(
        ticket=ticket,
        subject=checked_subject(row.value("name")),
        state=TicketState(STATES[status]),
        status=status,
        row_hash=row_hash(row),
        department=department_of(row.value("responsible")),
        author=row.value("client") or row.value("create_user"),
        activity=row.value(activity),
    )


def queue_row(row: Node) -> TicketRow:
    """A row of ``ticket``: its ``id`` is an assignment; it only says that the ticket arrived. Raises BadRow."""
    ticket = row.value("ticket")
    if not ticket:
        raise BadRow("the row has no ticket")
    return TicketRow(
        ticket=ticket,
        subject=row.value("name"),
        state=TicketState.OPEN,
        status="",
        row_hash=row_hash(row),
        department=department_of(row.value("responsible")),
        author=row.value("client"),
        partial=True,
    )


def checked_subject(subject: str) -> str:
    """Raises BadRow for a control character: it would spoil every XML page that the subject gets to."""
    found = _CONTROL.search(subject)
    if found:
        raise BadRow(f"the subject holds the control character U+{ord(found[0]):04X}")
    return subject


def department_of(responsible: str) -> str | None:
    """``d_12`` → ``12`` (INFERRED from the values of support_tool_responsible); an employee says nothing."""
    return responsible[2:] if responsible.startswith("d_") and len(responsible) > 2 else None


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
    shown = [f"{n}\x1f{v}" for n, v in sorted(row.columns()) if n not in _RESTLESS and not n.endswith(_LOCAL)]
    return hashlib.blake2b("\x1e".join(shown).encode(), digest_size=16).hexdigest()


def messages(doc: Node, viewer: Viewer) -> tuple[MessageRow, ...]:
    """The ``mlist`` of a form, oldest first. Raises BadRow for a message without an id or with another's."""
    nodes = list(_in_order(doc, viewer))
    rows = tuple(_message(node, ordinal, viewer) for ordinal, node in enumerate(nodes))
    if len({row.message for row in rows}) != len(rows):
        raise BadRow("two of its messages have the same id")
    return rows


def moment(text: str, zone: str) -> datetime | None:
    """``YYYY-MM-DD HH:MM:SS`` of that zone → UTC; None when it is no such text."""
    try:
        return datetime.strptime(text.strip(), "%Y-%m-%d %H:%M:%S").replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    except (ValueError, ZoneInfoNotFoundError):
        return None


def is_zone(name: str) -> bool:
    """Whether that is an IANA zone known here."""
    try:
        return bool(name) and ZoneInfo(name) is not None
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return False


def _in_order(doc: Node, viewer: Viewer) -> Iterable[Node]:
    """As the document has them; turned round when the ids of what people said go down (ids increase: SEEN IN CODE)."""
    nodes = [node for group in doc.all("mlist") for node in group.all("message")]
    said = [int(n.attr("id")) for n in nodes if n.attr("id").isdigit() and _kind(n, viewer) in PEOPLE]
    return reversed(nodes) if len(said) > 1 and said == sorted(said, reverse=True) else nodes


def _kind(node: Node, viewer: Viewer) -> MessageKind:
    return viewer.kinds.get(node.attr("type"), MessageKind.UNKNOWN)


def _message(node: Node, ordinal: int, viewer: Viewer) -> MessageRow:
    kind, user = _kind(node, viewer), node.first("user") or Node({})
    number = node.attr("id")
    if not number:
        raise BadRow("one of its messages has no id")
    if not node.has("body"):
        raise BadRow(f"its message {number} has no body")
    return MessageRow(
        message=number if kind in PEOPLE else f"{kind}-{number}",
        ordinal=ordinal,
        kind=kind,
        author=user.value("realname") or user.value("name"),
        body=node.value("body"),
        at_text=node.value("date_post"),
        zone=viewer.zone,
        at=moment(node.value("date_post"), viewer.zone),
        files=tuple(_files(node)),
        own=_own(user, kind, viewer),
    )


def _files(node: Node) -> Iterator[FileRef]:
    for entry in node.all("file"):
        size = entry.value("size")
        yield FileRef(entry.value("param"), entry.value("name"), int(size) if size.isdigit() else None)


def _own(user: Node, kind: MessageKind, viewer: Viewer) -> bool | None:
    """Whether the viewer's user wrote it: by id or login where shown, else by real name where ours is known."""
    ours = viewer.kinds.get("outcoming")
    if kind in PEOPLE and kind is not ours:
        return False
    for shown, mine in ((user.attr("id"), viewer.id), (user.attr("name") or user.value("name"), viewer.login)):
        if shown and mine:
            return shown == mine
    realname = user.value("realname")
    return realname == viewer.realname if realname and viewer.realname else None
