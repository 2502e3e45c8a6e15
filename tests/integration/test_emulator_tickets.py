"""The life of a ticket in the emulated version 6, through its API as a connector uses it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from remotesupport.emulator.billing import Billing
from remotesupport.emulator.desk import Attachment
from tests.emulator_fixtures import Api, error_of


@dataclass
class Scene:
    """A billing in which ivan has written one ticket to Technical support."""

    billing: Billing
    ivan: Api
    robot: Api
    ticket: str

    @property
    def assignment(self) -> str:
        return self.robot.row("ticket", self.ticket)["id"]

    @property
    def status(self) -> str:
        return self.robot.row("ticket_all", self.ticket)["tstatus.orig"]

    def answer(self, **params: str) -> dict:
        given = {"sok": "ok", "elid": self.assignment, "plid": self.ticket, "message": "Done.", "clicked_button": "ok"}
        return self.robot("ticket.edit", **(given | params))

    def home(self, name: str) -> str:
        return next(row["id"] for row in Api(self.billing, "admin").rows("department") if row["locale_name"] == name)


@pytest.fixture
def scene() -> Iterator[Scene]:
    billing = Billing("acme", seed=0)
    ivan = Api(billing, "ivan")
    department = ivan("clientticket.edit")["slist"][0]["val"][0]["$key"]
    made = ivan("clientticket.edit", sok="ok", subject="Help", message="It broke.", client_department=department)
    yield Scene(billing, ivan, Api(billing, "support-robot"), made["id"]["$"])
    billing.close()


def test_a_new_ticket_waits_in_its_departments_queue(scene: Scene) -> None:
    """A created ticket is new, unread, assigned to its department; assignment and ticket have different ids."""
    row = scene.robot.row("ticket", scene.ticket)
    assert (row["unread"], scene.status, row["responsible"]) == ("on", "0", "Technical support")
    assert row["responsible.orig"] == f"d_{scene.home('Technical support')}"
    assert row["id"] != scene.ticket


def test_types_are_relative_to_the_viewer(scene: Scene) -> None:
    """What is outcoming for its author is incoming for the other side."""
    scene.answer()
    assert scene.ivan.thread("clientticket.edit", elid=scene.ticket) == [
        ("outcoming", "It broke."),
        ("incoming", "Done."),
    ]
    seen = scene.robot.thread("ticket_all.edit", elid=scene.ticket)
    assert seen == [("incoming", "It broke."), ("outcoming", "Done.")]


def test_an_answer_takes_the_ticket_off_the_queue(scene: Scene) -> None:
    """After ``ok`` no assignment is left and the ticket waits for the client, who sees an unread answer."""
    scene.answer()
    assert (scene.robot.rows("ticket"), scene.status) == ([], "2")
    row = scene.ivan.row("clientticket", scene.ticket)
    assert (row["unread"], row["toarchive"], row["tstatus.orig"]) == ("on", "on", "2")


def test_an_answer_may_keep_the_assignment(scene: Scene) -> None:
    """After ``ok_message`` the ticket stays in the queue, under review."""
    scene.answer(clicked_button="ok_message")
    assert (len(scene.robot.rows("ticket")), scene.status) == (1, "1")


def test_the_client_brings_it_back(scene: Scene) -> None:
    """A client's message makes a new assignment for the department, under review once staff have answered."""
    before = scene.assignment
    scene.answer()
    scene.ivan("clientticket.edit", sok="ok", elid=scene.ticket, message="Still broken.")
    assert scene.status == "1"
    assert scene.assignment != before


def test_a_ticket_is_no_assignment(scene: Scene) -> None:
    """ticket.edit with a ticket's id, and ticket_all.edit with an assignment's, find nothing."""
    assert error_of(scene.robot("ticket.edit", elid=scene.ticket)) == "missed/assignment"
    assert error_of(scene.robot("ticket_all.edit", elid=scene.assignment)) == "missed/ticket"
    assert error_of(scene.answer(plid="1")) == "missed/plid"


def test_reading_the_queue_entry_clears_the_unread_mark(scene: Scene) -> None:
    """ticket_all.edit reads without any effect, ticket.edit clears ``unread``."""
    scene.robot("ticket_all.edit", elid=scene.ticket)
    assert "unread" in scene.robot.row("ticket", scene.ticket)
    scene.robot("ticket.edit", elid=scene.assignment)
    assert "unread" not in scene.robot.row("ticket", scene.ticket)


def test_taking_names_the_new_assignment(scene: Scene) -> None:
    """ok_get answers with the address of a form that carries the assignment; the employee is responsible."""
    scene.answer()
    taken = scene.robot("ticket_all.edit", elid=scene.ticket, plid=scene.ticket, sok="ok", clicked_button="ok_get")
    assert f"elid={scene.assignment}&" in taken["ok"]["$"]
    row = scene.robot.row("ticket_all", scene.ticket)
    assert (row["responsible.orig"][:2], row["tstatus.orig"]) == ("e_", "1")
    form = scene.robot("ticket_all.edit", elid=scene.ticket)
    assert form["client_department"]["$"] == scene.home("Technical support")


def test_notes_are_for_staff_only(scene: Scene) -> None:
    """A note is in the staff view as ``note``, keeps the assignment, and is in nothing that a client gets."""
    scene.answer(message="", note_message="secret", show_optional="on")
    assert scene.robot.thread("ticket_all.edit", elid=scene.ticket)[-1] == ("note", "secret")
    assert scene.assignment
    seen = [scene.ivan(func, elid=scene.ticket) for func in ("clientticket.edit", "clientticket", "notify")]
    assert "secret" not in str(seen)


def test_empty_messages_are_refused_unless_files_come(scene: Scene) -> None:
    """Blank text is an error that changes nothing; with a file it is a message."""
    assert error_of(scene.answer(message=" ")) == "value/message"
    assert (len(scene.robot.rows("ticket")), scene.status) == (1, "0")
    reply = {"sok": "ok", "elid": scene.ticket, "message": ""}
    assert error_of(scene.ivan("clientticket.edit", [Attachment("a.txt", b"abc")], **reply)) == ""


def test_files_come_back_as_they_were(scene: Scene) -> None:
    """An upload is named in its message and ticket.file gives its bytes, to those who may see the ticket."""
    scene.ivan("clientticket.edit", [Attachment("ш.bin", b"\x00\xff")], sok="ok", elid=scene.ticket, message="See.")
    (file,) = scene.robot("ticket_all.edit", elid=scene.ticket)["mlist"][0]["message"][-1]["file"]
    assert file["name"]["$"] == "ш.bin"
    assert error_of(Api(scene.billing, "maria")("ticket.file", elid=file["param"]["$"])) == "missed/ticket"
    assert error_of(Api(scene.billing, "petr")("ticket.file", elid=file["param"]["$"])) == "missed/ticket"


def test_closing_and_archiving(scene: Scene) -> None:
    """Archiving is refused while staff hold the ticket; deleted from the queue it is closed, and may be archived."""
    assert error_of(scene.ivan("clientticket.archive", elid=scene.ticket)) == "value/elid"
    assert error_of(scene.robot("ticket_open.delete", elid=scene.assignment)) == ""
    assert scene.status == "3"
    assert error_of(scene.ivan("clientticket.archive", elid=scene.ticket)) == ""
    assert scene.ivan.rows("clientticket") == []
    assert scene.ivan.row("clientticket_archive", scene.ticket)["tstatus.orig"] == "10"
    assert scene.ivan("clientticket.edit", elid=scene.ticket)["closed_ticket_user"]["$"] == "on"


def test_archiving_is_all_or_nothing(scene: Scene) -> None:
    """Of two tickets of which one is held, neither is archived."""
    department = scene.home("Sales")
    other = scene.ivan("clientticket.edit", sok="ok", subject="Two", message="m", client_department=department)["id"][
        "$"
    ]
    scene.robot("ticket_open.delete", elid=scene.assignment)
    assert error_of(scene.ivan("clientticket.archive", elid=f"{scene.ticket}, {other}")) == "value/elid"
    assert len(scene.ivan.rows("clientticket")) == 2


def test_a_message_takes_it_out_of_the_archive(scene: Scene) -> None:
    """A client's message unarchives, leaves system rows, and the ticket waits for staff again."""
    scene.answer()
    scene.ivan("clientticket.archive", elid=scene.ticket)
    scene.ivan("clientticket.edit", sok="ok", elid=scene.ticket, message="Again.")
    kinds = [kind for kind, _ in scene.ivan.thread("clientticket.edit", elid=scene.ticket)]
    assert kinds == ["outcoming", "incoming", "system", "system", "outcoming"]
    assert scene.status == "1"


def test_a_transfer_leaves_no_trace_in_the_dates(scene: Scene) -> None:
    """It makes a new assignment for the target and moves neither last_message nor last_activity."""
    sales, before = scene.home("Sales"), scene.robot.row("ticket_all", scene.ticket)
    old = scene.assignment
    scene.billing.clock.advance(600)
    done = scene.robot("support_tool_responsible", sok="ok", set_responsible=f"d_{sales}", elid=old, plid=scene.ticket)
    assert error_of(done) == ""
    assert scene.robot.rows("ticket_all") == []
    after, queued = (
        Api(scene.billing, "petr").row("ticket_all", scene.ticket),
        Api(scene.billing, "petr").rows("ticket"),
    )
    assert [after[name] for name in ("last_message", "last_activity")] == [
        before["last_message"],
        before["last_activity"],
    ]
    assert (after["responsible.orig"], int(queued[0]["id"]) > int(old)) == (f"d_{sales}", True)


def test_message_ids_grow_across_tickets(scene: Scene) -> None:
    """A later message has a larger id, whatever ticket it is in."""
    scene.answer()
    other = scene.ivan("clientticket.edit", sok="ok", subject="2", message="m", client_department=scene.home("Sales"))
    first = [int(row["id"]) for row in scene.robot.rows("ticket.message", plid=scene.ticket)]
    (later,) = Api(scene.billing, "petr").rows("ticket.message", plid=other["id"]["$"])
    assert first == sorted(first)
    assert int(later["id"]) > first[-1]


def test_another_accounts_ticket_does_not_exist(scene: Scene) -> None:
    """A client finds nobody else's ticket, by whatever function."""
    maria = Api(scene.billing, "maria")
    assert error_of(maria("clientticket.edit", elid=scene.ticket)) == "missed/ticket"
    assert error_of(maria("clientticket.edit", sok="ok", elid=scene.ticket, message="Hi")) == "missed/ticket"
    assert error_of(maria("clientticket.archive", elid=scene.ticket)) == "missed/ticket"


def test_a_locked_ticket_takes_no_answer_from_others(scene: Scene) -> None:
    """While olga writes, blocked_by names her and the robot's answer is refused; unblocked it goes through."""
    olga = scene.billing.people.named("olga")
    scene.billing.desk.lock(olga, int(scene.ticket))
    assert scene.robot.row("ticket", scene.ticket)["blocked_by"].startswith("Ольга Смирнова, ")
    assert error_of(scene.answer()) == "blocked/ticket"
    scene.robot("ticket.unblock", elid=scene.assignment)
    assert error_of(scene.answer()) == ""


def test_staff_may_write_first_and_delete(scene: Scene) -> None:
    """ticket_all.edit creates a ticket for an account, which waits for the client; ticket_all.delete removes it."""
    account = next(row["account"] for row in scene.robot.rows("user") if row["name"] == "ivan")
    home = scene.home("Technical support")
    wish = {"sok": "ok", "subject": "Notice", "message": "Works tonight.", "ticket_account": account}
    made = scene.robot("ticket_all.edit", client_department=home, **wish)["id"]["$"]
    assert scene.ivan.row("clientticket", made)["unread"] == "on"
    scene.robot("ticket_all.delete", elid=made)
    assert error_of(scene.ivan("clientticket.edit", elid=made)) == "missed/ticket"


def test_a_long_thread_comes_in_one_group_per_day(scene: Scene) -> None:
    """Messages of several days are in several mlist entries, in order."""
    for day in range(3):
        scene.billing.clock.advance(86_400)
        scene.ivan("clientticket.edit", sok="ok", elid=scene.ticket, message=f"day {day}")
    shown = scene.robot("ticket_all.edit", elid=scene.ticket)["mlist"]
    assert [len(group["message"]) for group in shown] == [1, 1, 1, 1]
