"""Habits of an emulated server in what a write does, and in what it refuses."""

from __future__ import annotations

import pytest

from remotesupport.emulator.habits import HABITS
from tests.emulator_habits import HttpLogin, Server, open_ticket, server

pytestmark = pytest.mark.thorough("the emulator's side of each habit; what clients make of them is in `make test`")

STATES = {"awaiting": 2, "closed": 3, "archived": 10}
AFTER = [habit.name for habit in HABITS if habit.name.startswith("after_")]
HELD = {"after_answer", "after_kept_answer", "after_close"}  # what the robot does with an assignment in its hand


def _answer(one: Server, ticket: str, button: str = "ok", **more: str) -> dict:
    held = one.robot.row("ticket", ticket)["id"]
    given = {"elid": held, "plid": ticket, "message": "Done.", "clicked_button": button, "sok": "ok"}
    return one.robot("ticket.edit", **(given | more))


def _reopen(one: Server, ticket: str) -> dict:
    return one.robot("ticket_all.edit", elid=ticket, plid=ticket, sok="ok", clicked_button="ok_get")


def _said(login: HttpLogin, ticket: str, text: str) -> dict:
    return login("clientticket.edit", elid=ticket, message=text, sok="ok")


def _write(one: Server, habit: str, ticket: str) -> None:
    """The write that the habit is about, through the API where version 6 has it."""
    if habit == "after_answer":
        _answer(one, ticket)
    elif habit == "after_kept_answer":
        _answer(one, ticket, "ok_message")
    elif habit == "after_note":
        one.act(as_="olga", do="note", ticket=ticket, text="secret")
    elif habit == "after_close":
        one.robot("ticket_open.delete", elid=one.robot.row("ticket", ticket)["id"])
    elif habit == "after_reopen":
        _reopen(one, ticket)
    elif habit == "after_client_message":
        _said(one.ivan, ticket, "Still broken.")
    elif habit == "after_archive":
        one.ivan("clientticket.archive", elid=ticket)
    else:
        one.act(as_="ivan", do="reopen", ticket=ticket)


def _ticket_for(one: Server, habit: str) -> str:
    """A ticket as it is before such a write: held, answered, or archived."""
    ticket = open_ticket(one)
    if habit in {"after_reopen", "after_archive", "after_client_message", "after_client_reopen"}:
        one.act(as_="olga", do="reply", ticket=ticket, text="Done.")
    if habit == "after_client_reopen":
        one.act(as_="ivan", do="archive", ticket=ticket)
    return ticket


@pytest.mark.parametrize("answer", ["usual", "open", "awaiting", "closed", "archived", "unchanged"])
@pytest.mark.parametrize("habit", [name for name in AFTER if name != "after_new_ticket"])
def test_the_state_after_a_write(habit: str, answer: str) -> None:
    """After each kind of write the ticket is in the state of the habit, for staff and client, and in a queue or not."""
    version = "4.0.68" if habit == "after_client_reopen" else "6.94.1"
    with server(version, **{habit: answer}) as one:
        ticket = _ticket_for(one, habit)
        before = one.ticket(ticket)
        _write(one, habit, ticket)
        after = one.ticket(ticket)
    if answer == "unchanged":
        assert (after["status"], after["assignments"]) == (before["status"], before["assignments"])
    elif answer == "open":
        assert after["status"] in {0, 1}
        assert after["assignments"]
    elif answer != "usual":
        assert (after["status"], after["assignments"]) == (STATES[answer], [])


@pytest.mark.parametrize(("answer", "status"), [("usual", 0), ("closed", 3), ("archived", 10), ("unchanged", 0)])
def test_the_state_of_a_new_ticket(answer: str, status: int) -> None:
    """A new ticket is there in the state of the habit, whatever that is."""
    with server(after_new_ticket=answer) as one:
        home = one.department("Technical support")
        made = one.ivan("clientticket.edit", sok="ok", subject="Help", message="Hi.", client_department=home)
        shown = one.ticket(made["id"]["$"])
        assert (shown["status"], bool(shown["assignments"])) == (status, answer == "usual")


@pytest.mark.parametrize(
    ("habit", "answer", "texts"),
    [
        ("after_answer", "archived", ["Ticket was moved to Archive"]),
        ("after_archive", "open", ["Ticket was moved to Archive", "Ticket was removed from Archive"]),
        ("after_client_message", "closed", []),
    ],
)
def test_the_thread_tells_what_the_server_did(habit: str, answer: str, texts: list[str]) -> None:
    """Going into the archive and out of it, of itself too, is a row of the system each time, and nothing else is."""
    with server(**{habit: answer}) as one:
        ticket = _ticket_for(one, habit)
        _write(one, habit, ticket)
        assert [text for kind, text in one.robot.thread("ticket_all.edit", ticket) if kind == "system"] == texts


def test_a_reaction_can_be_drawn() -> None:
    """A server that draws its reactions does several things, and another one draws the same in a row."""
    rows = []
    for _ in range(2):
        with server(after_note="drawn") as one:
            ticket, states = open_ticket(one), []
            for number in range(12):
                one.act(as_="admin", do="note", ticket=ticket, text=str(number))
                states.append(one.ticket(ticket)["status"])
            rows.append(states)
    assert rows[0] == rows[1]
    assert len(set(rows[0])) > 2


def test_a_ticket_shows_as_closed_after_an_answer() -> None:
    """With ``after_answer=closed`` both sides see 3 after ``ok``, and the words are there all the same."""
    with server(after_answer="closed") as one:
        ticket = open_ticket(one)
        _answer(one, ticket)
        assert one.robot.row("ticket_all", ticket)["tstatus.orig"] == "3"
        assert one.ivan.row("clientticket", ticket)["tstatus.orig"] == "3"
        assert one.ivan.thread("clientticket.edit", ticket)[-1] == ("incoming", "Done.")


@pytest.mark.parametrize("answer", ["ok_get", "support_tool_responsible", "support_tool_responsible_refused"])
@pytest.mark.parametrize("target", ["employee", "department"])
def test_reopening_by_staff(answer: str, target: str) -> None:
    """One way puts a ticket back into a queue; the other says ok and does nothing, or is refused."""
    with server(reopen=answer) as one:
        ticket = open_ticket(one)
        _answer(one, ticket)
        got = _reopen(one, ticket)
        assert bool(one.ticket(ticket)["assignments"]) == (answer == "ok_get")
        assert ("error" in got) == answer.endswith("refused")
        responsible = f"e_{one.user('olga')}" if target == "employee" else f"d_{one.department('Technical support')}"
        tool = {"sok": "ok", "elid": ticket, "set_responsible": responsible, "set_responsible_default": "off"}
        assert ("error" in one.robot("support_tool_responsible", **tool)) == (answer == "ok_get")
        shown = one.ticket(ticket)
        assert (shown["status"], len(shown["assignments"])) == (1, 1)
        assert (shown["responsible"] == responsible[2:]) == (answer != "ok_get")


@pytest.mark.parametrize(("answer", "status"), [("everybody", 1), ("ours", 3)])
def test_closing_by_staff(answer: str, status: int) -> None:
    """While another employee holds the ticket, a close of ours closes it or does not."""
    with server(close=answer) as one:
        ticket = open_ticket(one)
        for login in ("olga", "admin"):
            one.act(as_=login, do="take", ticket=ticket)
        assert len(one.ticket(ticket)["assignments"]) == 2
        held = next(each for each in one.ticket(ticket)["assignments"] if each["user"] == one.user("olga"))
        one.olga("ticket_open.delete", elid=held["id"])
        assert one.ticket(ticket)["status"] == status


@pytest.mark.parametrize(("answer", "closed", "archived"), [("yes", 1, 1), ("no", 3, 10)])
def test_replies_to_closed_tickets(answer: str, closed: int, archived: int) -> None:
    """A client's message to a closed or archived ticket reopens it or does not; it is there all the same."""
    with server(reply_reopens=answer) as one:
        for do, status in (("close", closed), ("archive", archived)):
            ticket = open_ticket(one)
            one.act(as_="olga", do="reply", ticket=ticket, text="Done.", keep=do == "close")
            one.act(as_="olga" if do == "close" else "ivan", do=do, ticket=ticket)
            assert "error" not in _said(one.ivan, ticket, "Once more")
            assert one.ticket(ticket)["status"] == status
            assert one.robot.thread("ticket_all.edit", ticket)[-1] == ("incoming", "Once more")


@pytest.mark.parametrize("answer", ["answer", "list"])
def test_the_id_of_a_new_ticket(answer: str) -> None:
    """The answer to a new ticket names its id, or only the list does."""
    with server(new_id=answer) as one:
        home = one.department("Technical support")
        made = one.ivan("clientticket.edit", sok="ok", subject="Help", message="Hi.", client_department=home)
        (row,) = one.ivan.rows("clientticket")
        assert "ok" in made
        assert made.get("id", {}).get("$") == (row["id"] if answer == "answer" else None)


@pytest.mark.parametrize("answer", ["refused", "closes"])
def test_an_answer_without_words(answer: str) -> None:
    """``ok`` without a text is refused, or closes without words."""
    with server(empty_answer=answer) as one:
        ticket = open_ticket(one)
        got = _answer(one, ticket, message="", show_optional="on")
        assert ("error" in got) == (answer == "refused")
        assert one.ticket(ticket)["status"] == (0 if answer == "refused" else 3)
        assert len(one.running.state()["messages"]) == 1


def _refusal(got: dict) -> str:
    return f"{got['error']['$type']}/{got['error']['$object']}" if "error" in got else ""


@pytest.mark.parametrize(
    ("answer", "short", "long", "new", "staff"),
    [
        ("none", "", "", "", ""),
        ("too_long", "", "value/message", "", ""),
        ("too_large", "", "", "", ""),
        ("blocked", "blocked/infoboard", "blocked/infoboard", "blocked/infoboard", ""),
        ("paid", "", "", "limit/support_require", ""),
        ("rate", "limit/ticket_message_ratelimit", "limit/ticket_message_ratelimit", "", ""),
        ("rate_all", "limit/ticket_message_ratelimit", "limit/ticket_message_ratelimit",
         "limit/ticket_message_ratelimit", ""),
    ],
)  # fmt: skip
def test_refused_messages(answer: str, short: str, long: str, new: str, staff: str) -> None:
    """A refusal has a type and an object and hits what it is about; nothing refused is there afterwards."""
    with server(message_refusal=answer) as one:
        ticket, home = open_ticket(one), one.department("Technical support")
        asked = {"sok": "ok", "subject": "More", "message": "Hi.", "client_department": home}
        seen = [
            _said(one.ivan, ticket, "a"),
            _said(one.ivan, ticket, "b" * 2001),
            one.ivan("clientticket.edit", **asked),
        ]
        seen.append(_answer(one, ticket))
        assert [_refusal(each) for each in seen] == [short, long, new, staff]
        assert len(one.running.state()["messages"]) == 1 + [short, long, new, staff].count("")
        one.running.core.clock.advance(61)
        one.running.habit(message_refusal="none" if answer in {"blocked", "paid"} else answer)
        assert _refusal(_said(one.ivan, ticket, "later")) == ""


@pytest.mark.parametrize(("answer", "status"), [("never", 2), ("after_7_days", 10)])
def test_tickets_that_archive_themselves(answer: str, status: int) -> None:
    """An answered ticket that nobody touches for a week is archived by the server, which says so in the thread."""
    with server(auto_archive=answer) as one:
        ticket, open_one = open_ticket(one), open_ticket(one)
        _answer(one, ticket)
        one.running.core.clock.advance(7 * 86_400)
        one.robot.rows("ticket_all")
        assert (one.ticket(ticket)["status"], one.ticket(open_one)["status"]) == (status, 0)
        types = [each["$type"] for each in one.robot.messages("ticket_all.edit", ticket)]
        assert ("system" in types) == (answer != "never")


def test_a_text_that_is_too_large_is_refused() -> None:
    """``too_large`` counts bytes: what fits into 65535 of them is taken, one more is not."""
    with server(message_refusal="too_large") as one:
        ticket = open_ticket(one)
        assert _refusal(_said(one.ivan, ticket, "б" * 32_767)) == ""
        assert _refusal(_said(one.ivan, ticket, "б" * 32_768)) == "value/message"
