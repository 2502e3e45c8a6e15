"""Habits of an emulated server in how it shows a conversation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from tests.emulator_habits import Server, open_ticket, server

pytestmark = pytest.mark.thorough("the emulator's side of each habit; what clients make of them is in `make test`")

NOON = datetime(2026, 11, 20, 9, tzinfo=UTC)


@contextmanager
def conversation(**habits: str) -> Iterator[tuple[Server, str]]:
    """A ticket of two days: question, note, answer; then archived, which is a system row."""
    with server(**habits) as one:
        one.running.core.clock.set(NOON, freeze=True)
        ticket = open_ticket(one)
        one.act(as_="olga", do="note", ticket=ticket, text="secret")
        one.running.core.clock.advance(86_400)
        one.act(as_="olga", do="reply", ticket=ticket, text="Done.")
        one.act(as_="ivan", do="archive", ticket=ticket)
        yield one, ticket


def _said(one: Server, ticket: str) -> tuple[list[str], list[str]]:
    """Types of question and answer, as the client and as staff see them."""
    seen = (one.ivan.thread("clientticket.edit", ticket), one.robot.thread("ticket_all.edit", ticket))
    client, staff = ([kind for kind, text in thread if text in {"It broke.", "Done."}] for thread in seen)
    return client, staff


@pytest.mark.parametrize(
    ("habit", "client", "staff"),
    [
        ({"types": "by_viewer"}, ["outcoming", "incoming"], ["incoming", "outcoming"]),
        ({"types": "by_direction"}, ["incoming", "outcoming"], ["incoming", "outcoming"]),
        ({"staff_types": "client_incoming"}, ["outcoming", "incoming"], ["incoming", "outcoming"]),
        ({"staff_types": "client_outcoming"}, ["outcoming", "incoming"], ["outcoming", "incoming"]),
    ],
)
def test_who_speaks(habit: dict[str, str], client: list[str], staff: list[str]) -> None:
    """The types of messages follow the viewer or the direction, each side for itself."""
    with conversation(**habit) as (one, ticket):
        assert _said(one, ticket) == (client, staff)


@pytest.mark.parametrize("answer", ["absent", "support"])
def test_rates_mark_supports_messages(answer: str) -> None:
    """Only support's messages, and only before the client, carry ``rates``."""
    with conversation(rates=answer) as (one, ticket):
        rated = [each["body"]["$"] for each in one.ivan.messages("clientticket.edit", ticket) if "rates" in each]
        assert rated == (["Done."] if answer == "support" else [])
        assert not any("rates" in each for each in one.robot.messages("ticket_all.edit", ticket))


@pytest.mark.parametrize(
    ("answer", "fields"),
    [("realname", {"realname"}), ("login", {"realname", "name"}), ("id", {"realname", "id"}), ("nobody", set())],
)
def test_an_author_is_named(answer: str, fields: set[str]) -> None:
    """A message names its author by the fields of the habit, to both sides."""
    with conversation(author=answer) as (one, ticket):
        olga = {"realname": "Ольга Смирнова", "name": "olga", "id": one.user("olga")}
        for thread in (one.ivan.messages("clientticket.edit", ticket), one.robot.messages("ticket_all.edit", ticket)):
            said = next(each for each in thread if each["body"]["$"] == "Done.")
            assert {name: value["$"] for name, value in said.get("user", {}).items()} == {
                name: olga[name] for name in fields
            }


@pytest.mark.parametrize(("answer", "count"), [("distinct", 3), ("shared", 2)])
def test_employees_may_have_one_name(answer: str, count: int) -> None:
    """With one real name for all employees only the client's differs, in threads, lists and the list of employees."""
    with conversation(realnames=answer) as (one, ticket):
        one.act(as_="support-robot", do="take", ticket=ticket)
        one.act(as_="support-robot", do="reply", ticket=ticket, text="Really.")
        thread = one.robot.messages("ticket_all.edit", ticket)
        assert len({each["user"]["realname"]["$"] for each in thread}) == count
        assert len({row["message_user"] for row in one.robot.rows("ticket.message", plid=ticket)}) == count
        employees = {row["realname"] for row in one.admin.rows("employee")}
        assert (employees == {"Support"}) == (answer == "shared")
        assert (one.robot.row("ticket_all", ticket)["responsible"] == "Support") == (answer == "shared")


@pytest.mark.parametrize("answer", ["note", "ticketnote", "inner", "absent"])
def test_notes_have_a_type(answer: str) -> None:
    """A note is in the staff's thread under the type of the habit, or not at all, and never in the client's."""
    with conversation(notes=answer) as (one, ticket):
        types = [kind for kind, text in one.robot.thread("ticket_all.edit", ticket) if text == "secret"]
        assert types == ([] if answer == "absent" else [answer])
        assert one.robot.row("ticket_all", ticket)["note"] == "on"
        assert "secret" not in str(one.ivan("clientticket.edit", elid=ticket))


@pytest.mark.parametrize("answer", ["apart", "equal"])
def test_ids_of_notes_may_be_those_of_messages(answer: str) -> None:
    """With a table of their own, notes have ids that messages of the same ticket have."""
    with conversation(note_ids=answer) as (one, ticket):
        thread = one.robot.messages("ticket_all.edit", ticket)
        ids = {each["body"]["$"]: each["$id"] for each in thread}
        assert (ids["secret"] == ids["It broke."]) == (answer == "equal")
        assert ids["It broke."] != ids["Done."]


@pytest.mark.parametrize("answer", ["absent", "bare", "full"])
def test_a_thread_may_begin_with_info(answer: str) -> None:
    """An info row is first in both views, with ``rowgroup``; a bare one has no id and no body."""
    with conversation(info_row=answer) as (one, ticket):
        for thread in (one.ivan.messages("clientticket.edit", ticket), one.robot.messages("ticket_all.edit", ticket)):
            infos = [each for each in thread if each["$type"] == "info"]
            assert infos == ([] if answer == "absent" else thread[:1])
            for info in infos:
                assert info["rowgroup"][0]["row"][0]["$"]
                assert ({"$id", "body"} <= info.keys()) == (answer == "full")


@pytest.mark.parametrize("answer", ["full", "bare"])
def test_rows_of_the_system(answer: str) -> None:
    """A bare system row has a date and ``rowgroup``, and neither an id nor a body."""
    with conversation(system_rows=answer) as (one, ticket):
        (row,) = [each for each in one.robot.messages("ticket_all.edit", ticket) if each["$type"] == "system"]
        assert row["date_post"]["$"] == "2026-11-21 12:00:00"
        assert (row["rowgroup"][0]["row"][0] if answer == "bare" else row["body"])["$"] == "Ticket was moved to Archive"
        assert ("$id" in row, "body" in row) == ((answer == "full"),) * 2


@pytest.mark.parametrize(
    ("groups", "order", "texts"),
    [
        ("per_day", "oldest_first", [["It broke.", "secret"], ["Done."]]),
        ("per_day", "newest_first", [["Done."], ["secret", "It broke."]]),
        ("per_day", "newest_group_first", [["Done."], ["It broke.", "secret"]]),
        ("one", "oldest_first", [["It broke.", "secret", "Done."]]),
        ("one", "newest_first", [["Done.", "secret", "It broke."]]),
        ("one", "newest_group_first", [["It broke.", "secret", "Done."]]),
    ],
)
def test_groups_and_their_order(groups: str, order: str, texts: list[list[str]]) -> None:
    """A thread comes in one group or in one per day, by time or backwards."""
    with conversation(groups=groups, thread_order=order, system_rows="bare") as (one, ticket):
        shown = one.robot("ticket_all.edit", elid=ticket)["mlist"]
        assert [[each["body"]["$"] for each in group["message"] if "body" in each] for group in shown] == texts
        assert all(group["fm_date_post"]["$"] for group in shown)
