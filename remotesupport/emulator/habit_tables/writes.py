"""Habits in what a write does: to the state of its ticket, and which way of doing a thing does it."""

from __future__ import annotations

from remotesupport.emulator.habit_tables import ALL, DOCUMENTED, INFERRED, NEW, OURS, SEEN, Answer, Habit

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
        Answer("drawn", "one of the others, drawn anew for each write; each billing draws the same ones in a row"),
    )
    versions = ("4",) if name == "after_client_reopen" else ALL
    return Habit(name, f"the state after {write}", versions, answers)


_PLAIN = "the plainest reading"

WRITES = (
    *(_after(*each) for each in _WRITES),
    Habit(
        "reopen",
        "how staff put a ticket that is in no queue back into one",
        NEW,
        (
            Answer("ok_get", "ticket_all.edit with clicked_button=ok_get", SEEN, "LH"),
            Answer("support_tool_responsible", "that function with elid=<ticket id>, set_responsible=e_<id> or d_<id>;"
                   " ok_get says ok and does nothing", SEEN, "TMI"),
            Answer("support_tool_responsible_refused", "the same; ok_get is refused: value/clicked_button", SEEN,
                   "TMI"),
        ),
    ),
    Habit(
        "close",
        "whose close closes a ticket that several hold",
        ALL,
        (
            Answer("everybody", "everybody's", DOCUMENTED, "docs.ispsystem.com 84388061"),
            Answer("ours", "the first one's: all others are taken off it", OURS, _PLAIN),
        ),
    ),
    Habit(
        "reply_reopens",
        "whether a message by the customer's user reopens a closed or archived ticket",
        ALL,
        (
            Answer("yes", "it is in the queue again", OURS, _PLAIN),
            Answer("no", "the message is there; state and queue stay", OURS, _PLAIN),
        ),
    ),
    Habit(
        "new_id",
        "whether clientticket.edit answers with the new ticket's id",
        NEW,
        (
            Answer("answer", "id beside ok", SEEN, "LH, ZOM"),
            Answer("list", "ok only", OURS, _PLAIN),
        ),
    ),
    Habit(
        "empty_answer",
        "what ticket.edit with clicked_button=ok and no text does",
        NEW,
        (
            Answer("refused", "value/message", SEEN, "LH"),
            Answer("closes", "closes the assignment without words", SEEN, "TMI, doubtful"),
        ),
    ),
    Habit(
        "message_refusal",
        "why what is written is refused, in every version (4: codes 4, 8, 5)",
        ALL,
        (
            Answer("none", "it is not"),
            Answer("too_long", "value/message for more than 2000 characters, for good", OURS, _PLAIN),
            Answer("too_large", "value/message for more than 65535 bytes, for good", OURS, "a text column of MySQL"),
            Answer("blocked", "blocked/infoboard for all that clients write, until the habit changes", INFERRED, "ANN"),
            Answer("paid", "limit/support_require for new tickets by clients, until the habit changes", INFERRED,
                   "PROJ"),
            Answer("rate", "limit/ticket_message_ratelimit for a second message of one user in one ticket within"
                   " 60 s of the billing's clock", INFERRED, "LOG6"),
            Answer("rate_all", "the same for a second message of one user in any tickets", INFERRED, "LOG6"),
        ),
    ),
    Habit(
        "auto_archive",
        "whether tickets archive themselves",
        ALL,
        (
            Answer("never", "they do not"),
            Answer("after_7_days", "answered or closed, in no queue and 7 days without activity: archived (10) at the"
                   " next call, with a system row", SEEN, "ZOM for the text, OURS for the time"),
        ),
    ),
)  # fmt: skip
