"""The conversation of versions 5 and 6: an ``mlist`` → messages, and who speaks in them.

Pure: nodes in, values out. Only rows of people need an id and a text; what nobody speaks (``info``, ``system``, notes,
anything unknown) needs neither and never crosses. Must stay out: asking the server for anything.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from connectors.billmanager import habits
from connectors.billmanager.v6_rows import LONGEST_STAMP, BadRow, Unclear, an_id, moment, named, of_one_row
from connectors.billmanager.wire import Node
from remotesupport.core.connections.habits import HabitObservation
from remotesupport.core.model import PEOPLE, FileRef, MessageKind, MessageRow
from remotesupport.core.text.compose import has_header
from remotesupport.core.text.foreign import natural
from remotesupport.core.text.normalize import body_hash

SPEAKING = ("incoming", "outcoming")
_SILENT = {
    "note": MessageKind.NOTE,
    "ticketnote": MessageKind.NOTE,
    "inner": MessageKind.NOTE,
    "system": MessageKind.SYSTEM,
    "info": MessageKind.SYSTEM,
}
# SEEN IN CODE for staff, in ticket.edit and ticket_all.edit alike; INFERRED for customers, both ways: see ``habits``.
STAFF_KINDS: Mapping[str, MessageKind] = {"incoming": MessageKind.CLIENT, "outcoming": MessageKind.STAFF}
CUSTOMER_KINDS: Mapping[str, Mapping[str, MessageKind]] = {
    habits.BY_VIEWER: {"incoming": MessageKind.STAFF, "outcoming": MessageKind.CLIENT},
    habits.BY_DIRECTION: STAFF_KINDS,
}
STAFFS_KINDS: Mapping[str, Mapping[str, MessageKind]] = {
    habits.CLIENT_INCOMING: STAFF_KINDS,
    habits.CLIENT_OUTCOMING: CUSTOMER_KINDS[habits.BY_VIEWER],
}
_OWN_TYPE = {"outcoming": habits.BY_VIEWER, "incoming": habits.BY_DIRECTION}
_NO_WORD = re.compile(r"[^0-9A-Za-z_]")


@dataclass(frozen=True, slots=True)
class Viewer:
    """The login that the rows were shown to, as far as the server says.

    ``zone``: of the dates. ``role``: the kind of what this login says. ``kinds``: who speaks in ``incoming`` and
    ``outcoming``, None: not known yet. ``connection``: whose header lines are ours.
    """

    id: str
    login: str
    realname: str
    zone: str
    role: MessageKind
    kinds: Mapping[str, MessageKind] | None
    connection: str = ""


@dataclass(frozen=True, slots=True)
class Thread:
    """The messages, oldest first, and what reading them showed of the server's habits."""

    rows: tuple[MessageRow, ...]
    seen: tuple[HabitObservation, ...]


@of_one_row
def read_thread(doc: Node, viewer: Viewer, ticket: str = "", *, ours: bool = False, said: str = "") -> Thread:
    """A form → its conversation. ``ours``: this login opened the ticket; ``said``: the hash of what it wrote last.

    Raises BadRow for a person's message without an id, without a text or with another's id; Unclear where it cannot be
    told who speaks.
    """
    nodes = _in_order(doc)
    told = [*_told(nodes, viewer, ticket, ours=ours, said=said), *_contradicted(nodes, viewer, ticket, said)]
    kinds = viewer.kinds if viewer.kinds is not None else _kinds(told)
    if kinds is None and any(_speaks(node) for node in nodes):
        raise Unclear(habits.TYPES, "it is not known yet which messages are ours and which are support's")
    rows = tuple(_rows(nodes, viewer, kinds or {}))
    return Thread(rows, (*told, *_seen(doc, nodes, rows, viewer, ticket)))


def _kinds(told: Iterable[HabitObservation]) -> Mapping[str, MessageKind] | None:
    """Say who speaks, as this thread itself tells it; None where it does not, or tells two things."""
    answers = {one.answer for one in told if one.habit == habits.TYPES}
    return CUSTOMER_KINDS[answers.pop()] if len(answers) == 1 else None


def _told(nodes: Sequence[Node], viewer: Viewer, ticket: str, *, ours: bool, said: str) -> list[HabitObservation]:
    """Find the type that is the customer's own here: by id or login, by the opening message or the one that was just
    written, else by what can be rated."""
    if viewer.role is not MessageKind.CLIENT:
        return []
    spoken = [node for node in nodes if _speaks(node)]
    own = [node for node in spoken if _shown_as(node, viewer) is True] + _just_written(spoken, said)
    opening = spoken[:1]
    if opening and (ours or has_header(opening[0].value("body"), viewer.connection)):
        own.append(opening[0])
    return [
        HabitObservation(habits.TYPES, _OWN_TYPE[kind], 1, (_example(ticket, node),))
        for kind, node in {node.attr("type"): node for node in own or _not_rated(spoken)}.items()
    ]


def _just_written(spoken: Sequence[Node], said: str) -> list[Node]:
    return [node for node in spoken[-1:] if said and body_hash(node.value("body")) == said]


def _contradicted(nodes: Sequence[Node], viewer: Viewer, ticket: str, said: str) -> list[HabitObservation]:
    """Find what staff wrote a moment ago and the thread shows as the client's."""
    own = [] if viewer.role is not MessageKind.STAFF else _just_written([n for n in nodes if _speaks(n)], said)
    wrong = [node for node in own if (viewer.kinds or {}).get(node.attr("type")) is not viewer.role]
    other = habits.CLIENT_OUTCOMING if viewer.kinds == STAFF_KINDS else habits.CLIENT_INCOMING
    return [HabitObservation(habits.STAFF_TYPES, other, 1, (_example(ticket, node),)) for node in wrong]


def _not_rated(spoken: Sequence[Node]) -> list[Node]:
    """``rates`` stand at support's messages (INFERRED): one of the others, where only one type has them."""
    rated = {node.attr("type") for node in spoken if any(rates.has("rate") for rates in node.all("rates"))}
    return [node for node in spoken if node.attr("type") not in rated][:1] if len(rated) == 1 else []


def _in_order(doc: Node) -> list[Node]:
    """Join all groups, oldest first: turned round where the ids of what people said go down, in the groups or from
    one to the next (ids increase: SEEN IN CODE)."""
    groups = [group.all("message") for group in doc.all("mlist")]
    if any(_falls(_ids(group)) for group in groups):
        groups = [group[::-1] for group in groups]
    if _falls([ids[0] for group in groups if (ids := _ids(group))]):
        groups = groups[::-1]
    return [node for group in groups for node in group]


def _ids(nodes: Iterable[Node]) -> list[int]:
    return [number for n in nodes if _speaks(n) and (number := natural(n.attr("id"))) is not None]


def _falls(ids: Sequence[int]) -> bool:
    return len(ids) > 1 and list(ids) == sorted(ids, reverse=True)


def _speaks(node: Node) -> bool:
    return node.attr("type") in SPEAKING


def _rows(nodes: Sequence[Node], viewer: Viewer, kinds: Mapping[str, MessageKind]) -> Iterator[MessageRow]:
    used: Counter[str] = Counter()
    for ordinal, node in enumerate(nodes):
        kind = kinds.get(node.attr("type"), _SILENT.get(node.attr("type"), MessageKind.UNKNOWN))
        number = _number(node) if kind in PEOPLE else _name(node)
        used[number] += 1
        if used[number] > 1:
            if kind in PEOPLE:
                raise BadRow("two of its messages have the same id")
            number = f"{number}.{used[number]}"
        yield _message(node, number, ordinal, kind, viewer)


def _number(node: Node) -> str:
    number = an_id(node.attr("id"), "one of its messages")
    if not node.has("body"):
        raise BadRow(f"its message {number} has no body")
    return number


def _name(node: Node) -> str:
    """Name a row that nobody speaks by its type and id, without an id by its type alone."""
    return f"{type_name(node)}-{_NO_WORD.sub('_', node.attr('id'))[:40] or 'row'}"


def type_name(node: Node) -> str:
    """The type as a word that may stand in a key."""
    return _NO_WORD.sub("_", node.attr("type"))[:30] or "untyped"


def _message(node: Node, number: str, ordinal: int, kind: MessageKind, viewer: Viewer) -> MessageRow:
    user = node.first("user") or Node({})
    return MessageRow(
        message=number,
        ordinal=ordinal,
        kind=kind,
        author=named(user.value("realname") or user.value("name")),
        body=node.value("body"),
        at_text=named(node.value("date_post"), LONGEST_STAMP),
        zone=viewer.zone,
        at=moment(node.value("date_post"), viewer.zone),
        files=tuple(_files(node)),
        own=_own(node, kind, viewer),
    )


def _files(node: Node) -> Iterator[FileRef]:
    for entry in node.all("file"):
        yield FileRef(named(entry.value("param")), named(entry.value("name")), natural(entry.value("size")))


def _own(node: Node, kind: MessageKind, viewer: Viewer) -> bool | None:
    """Tell whether the viewer's user wrote it: by id or login, else by real name where nobody else has ours."""
    if kind in PEOPLE and kind is not viewer.role:
        return False
    shown = _shown_as(node, viewer)
    if shown is not None:
        return shown
    realname = (node.first("user") or Node({})).value("realname")
    return realname == viewer.realname if realname and viewer.realname else None


def _shown_as(node: Node, viewer: Viewer) -> bool | None:
    """Tell whether the message shows our id or login; None where it shows neither."""
    user = node.first("user") or Node({})
    for column, mine in (("id", viewer.id), ("name", viewer.login)):
        if (shown := user.attr(column) or user.value(column)) and mine:
            return shown == mine
    return None


# --- habits that only are recorded -----------------------------------------------------------------------------


def _seen(
    doc: Node, nodes: Sequence[Node], rows: Sequence[MessageRow], viewer: Viewer, ticket: str
) -> Iterator[HabitObservation]:
    example = (f"ticket {ticket}",) if ticket else ()
    for node in nodes:
        name = type_name(node)
        if not _speaks(node):
            habit = habits.SILENT_TYPES if node.attr("type") in _SILENT else habits.UNKNOWN_TYPES
            yield HabitObservation(habit, name if habit == habits.UNKNOWN_TYPES else node.attr("type"), 1, example)
            if not node.attr("id"):
                yield HabitObservation(habits.ROWS_WITHOUT_ID, "without_id", 1, example)
    groups = len(doc.all("mlist"))
    if groups and nodes:
        yield HabitObservation(habits.GROUPS, "one" if groups == 1 else "several", 1, example)
    yield from _order_seen(doc, example)
    own = [row.message for row in rows if row.own]
    if own and viewer.role is MessageKind.STAFF:
        usual = viewer.kinds == STAFF_KINDS
        answer = habits.CLIENT_INCOMING if usual else habits.CLIENT_OUTCOMING
        yield HabitObservation(habits.STAFF_TYPES, answer, len(own), (f"ticket {ticket}",))


def _order_seen(doc: Node, example: tuple[str, ...]) -> Iterator[HabitObservation]:
    groups = [_ids(group.all("message")) for group in doc.all("mlist")]
    if sum(map(len, groups)) > 1:
        firsts = [ids[0] for ids in groups if ids]
        inside, between = any(map(_falls, groups)), _falls(firsts)
        order = "newest_first" if inside or (between and len(firsts) == sum(map(len, groups))) else "oldest_first"
        order = "newest_group_first" if between and not inside and order == "oldest_first" else order
        yield HabitObservation(habits.THREAD_ORDER, order, 1, example)


def _example(ticket: str, node: Node) -> str:
    message = f"message {named(node.attr('id'), LONGEST_STAMP)}"
    return f"ticket {ticket} {message}" if ticket else message
