"""Who speaks is told by the thread itself or by what was learned, and never guessed."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.billmanager import habits
from connectors.billmanager.v6_rows import BadRow, Unclear
from connectors.billmanager.v6_thread import CUSTOMER_KINDS, STAFF_KINDS, Thread, Viewer, read_thread
from connectors.billmanager.wire import Node
from remotesupport.core.model import MessageKind

OURS = "acme #12/77 | Ivan (client) | 2026-11-20 10:15:00 Europe/Moscow\nhello"
NOTHING: dict[str, Any] = {}


def customer(answer: str | None = None, **known: Any) -> Viewer:
    """The customer's user ``acme``; ``answer``: what was learned about types."""
    kinds = CUSTOMER_KINDS[answer] if answer else None
    usual = {"id": "4", "login": "acme", "realname": "", "zone": "UTC", "role": MessageKind.CLIENT, "kinds": kinds}
    return Viewer(**(usual | {"connection": "acme"} | known))


def said(number: int, kind: str, body: str = "text", **more: Any) -> dict[str, Any]:
    """One message."""
    return {"$id": str(number), "$type": kind, "user": {"realname": {"$": "Somebody"}}, "body": {"$": body}, **more}


def read(*nodes: dict[str, Any], who: Viewer | None = None, **options: Any) -> Thread:
    """All in one group."""
    return read_thread(Node({"mlist": [{"message": list(nodes)}]}), who or customer(), "9", **options)


def answers(thread: Thread, habit: str) -> list[str]:
    """What was seen of one habit."""
    return sorted({one.answer for one in thread.seen if one.habit == habit})


@pytest.mark.parametrize(
    ("own", "other", "answer"),
    [("outcoming", "incoming", habits.BY_VIEWER), ("incoming", "outcoming", habits.BY_DIRECTION)],
)
@pytest.mark.parametrize(
    ("opening", "options"),
    [
        (said(1, "?", OURS), {}),
        (said(1, "?"), {"ours": True}),
        (said(1, "?") | {"user": {"$id": "4"}}, {}),
        (said(1, "?") | {"user": {"name": {"$": "acme"}}}, {}),
    ],
    ids=["header line", "opened by us", "our id", "our login"],
)
def test_our_own_opening_message_tells_who_speaks(
    own: str, other: str, answer: str, opening: dict[str, Any], options: dict[str, Any]
) -> None:
    """By its header line, because we opened the ticket, by our id, by our login."""
    thread = read(opening | {"$type": own}, said(2, other), **options)
    assert [m.kind for m in thread.rows] == [MessageKind.CLIENT, MessageKind.STAFF]
    assert answers(thread, habits.TYPES) == [answer]


def test_what_can_be_rated_is_supports_where_nothing_surer_tells() -> None:
    """Only where one of the two types has it, and only without a sign of our own."""
    rated = {"rates": {"rate": [{"$name": "good"}]}}
    thread = read(said(1, "incoming"), said(2, "outcoming", **rated))
    assert answers(thread, habits.TYPES) == [habits.BY_DIRECTION]
    assert answers(read(said(1, "outcoming", OURS), said(2, "incoming", **rated)), habits.TYPES) == [habits.BY_VIEWER]
    with pytest.raises(Unclear):
        read(said(1, "incoming", **rated), said(2, "outcoming", **rated))


@pytest.mark.parametrize("body", ["hello", "globex #12/77 | x", "He wrote: acme #12/77 | x"])
def test_until_it_is_told_nobody_speaks(body: str) -> None:
    """A thread without a sign of ours is not understood, and the habit is named."""
    with pytest.raises(Unclear) as unclear:
        read(said(1, "incoming", body), said(2, "outcoming"))
    assert unclear.value.habit == habits.TYPES


def test_a_quotation_of_our_header_line_in_a_later_message_tells_nothing() -> None:
    """Support may repeat it; only the opening message counts."""
    with pytest.raises(Unclear):
        read(said(1, "incoming"), said(2, "outcoming", OURS))


def test_what_was_learned_decides_and_what_contradicts_is_seen() -> None:
    """A thread that tells otherwise is read by what was learned, and its own answer is handed over."""
    thread = read(said(1, "incoming", OURS), who=customer(habits.BY_VIEWER))
    assert thread.rows[0].kind is MessageKind.STAFF
    assert answers(thread, habits.TYPES) == [habits.BY_DIRECTION]


def test_rows_that_nobody_speaks_need_neither_id_nor_text() -> None:
    """They keep their place, have names of their own, and those of people stay what they are."""
    bare = {"$type": "info", "rowgroup": [{"row": [{"$": "VPS-1"}]}]}
    thread = read(bare, said(1, "outcoming", OURS), {"$type": "system"}, bare, said(2, "incoming"))
    assert [m.message for m in thread.rows] == ["info-row", "1", "system-row", "info-row.2", "2"]
    assert [m.ordinal for m in thread.rows] == [0, 1, 2, 3, 4]
    later = read(bare, said(1, "outcoming", OURS), {"$type": "system"}, bare, said(2, "incoming"), bare)
    assert [m.message for m in later.rows][:5] == [m.message for m in thread.rows]


@pytest.mark.parametrize("broken", [{"$id": ""}, {"body": None}])
def test_what_people_say_needs_an_id_and_a_text(broken: dict[str, Any]) -> None:
    """Without one of them the thread is not whole."""
    node = {k: v for k, v in (said(1, "outcoming", OURS) | broken).items() if v is not None}
    with pytest.raises(BadRow):
        read(node, ours=True)


@pytest.mark.parametrize("kind", ["note", "ticketnote", "inner"])
def test_internal_types_are_notes_and_never_meet_a_messages_id(kind: str) -> None:
    """Notes are counted on their own, so the same number is another row."""
    staff = Viewer("4", "robot", "Robot", "UTC", MessageKind.STAFF, STAFF_KINDS)
    thread = read(said(1, "incoming"), said(1, kind), who=staff)
    assert [(m.message, m.kind) for m in thread.rows] == [("1", MessageKind.CLIENT), (f"{kind}-1", MessageKind.NOTE)]


def test_unknown_types_are_counted_by_their_name() -> None:
    """They never cross, and a person sees which they are."""
    thread = read(said(1, "outcoming", OURS), said(2, "sms"), said(3, "sms"), said(4, ""))
    assert [m.kind for m in thread.rows][1:] == [MessageKind.UNKNOWN] * 3
    assert sorted(one.answer for one in thread.seen if one.habit == habits.UNKNOWN_TYPES) == ["sms", "sms", "untyped"]


@pytest.mark.parametrize(
    "groups",
    [
        [[1, 2], [3, 4]],
        [[4, 3], [2, 1]],
        [[3, 4], [1, 2]],
        [[4, 3, 2, 1]],
        [[4], [3], [2], [1]],
        [[4], [3, 2], [1]],
        [[1], [2, 3, 4]],
    ],
)
def test_groups_and_order_change_nothing(groups: list[list[int]]) -> None:
    """One group or several, newest or oldest first, in the groups or among them: it is one conversation."""
    nodes = [{"message": [said(n, "outcoming" if n == 1 else "incoming", OURS) for n in group]} for group in groups]
    thread = read_thread(Node({"mlist": nodes}), customer(), "9")
    assert [m.message for m in thread.rows] == ["1", "2", "3", "4"]
