"""Habits in what a write does: to the state of its ticket, and which way of doing a thing does it."""

from __future__ import annotations

from remotesupport.emulator.habit_tables import ALL, OURS, SEEN, Answer, Habit

_WRITES = (
    ("after_answer", "a staff answer that gives the ticket away (clicked_button=ok; version 4: each)",
     "open while another assignment is left, else awaiting (2)"),
    ("after_kept_answer", "a staff answer that keeps it (ok_message)", "stays in the queue, under review (1)"),
    ("after_note", "an internal note", "nothing changes"),
    ("after_close", "a close by staff", "closed (3) when nobody holds it any more"),
    ("after_reopen", "taking, or handing over, what was in no queue", "under review (1), in the queue"),
    ("after_new_ticket", "a new ticket by the customer's user", "new (0), in the queue"),
    ("after_client_message", "a message by the customer's user", "in the queue, new (0) or under review (1)"),
    ("after_archive", "archiving by the customer's user", "archived (10)"),
    ("after_client_reopen", "taking out of the archive by the customer's user (version 4)", "in the queue"),
)  # fmt: skip


def _after(name: str, write: str, usual: str) -> Habit:
    answers = (
        Answer("usual", usual, SEEN if name == "after_answer" else OURS, "ZEXT, TMI; else the plainest reading"),
        Answer("open", "in a queue: new (0) or under review (1), whatever it was"),
        Answer("awaiting", "in no queue, awaiting the client (2)"),
        Answer("closed", "in no queue, closed (3)"),
        Answer("archived", "in no queue, archived (10), with its system row"),
        Answer("unchanged", "state and queue as before the write"),
    )
    versions = ("4",) if name == "after_client_reopen" else ALL
    return Habit(name, f"the state after {write}", versions, answers)


WRITES = tuple(_after(*each) for each in _WRITES)
