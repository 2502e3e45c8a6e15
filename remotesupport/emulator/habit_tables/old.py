"""Habits that only version 4 has."""

from __future__ import annotations

from remotesupport.emulator.habit_tables import DOCUMENTED, INFERRED, OLD, OURS, SEEN, Answer, Habit

_PLAIN = "the plainest reading"

OLD_HABITS = (
    Habit(
        "v4_sync",
        "what the three functions of remote support answer, to whoever may call them",
        OLD,
        (
            Answer("ours", "our own reading of them", OURS, "remotesupport/emulator/v4/sync.py"),
            Answer("result_ok", "result ok and nothing else; nothing is done", OURS, _PLAIN),
            Answer("empty", "an empty document; nothing is done", OURS, _PLAIN),
            Answer("empty_body", "no bytes at all; nothing is done", OURS, _PLAIN),
            Answer("code_4", "error code 4 (invalid value), obj type", DOCUMENTED, "error codes"),
            Answer("code_3", "error code 3 (does not exist), obj remoteuser", DOCUMENTED, "error codes"),
        ),
    ),
    Habit(
        "v4_category",
        "whether the empty form clienttickets.edit lists the departments",
        OLD,
        (
            Answer("slist", "a list named category", OURS, _PLAIN),
            Answer("absent", "no list; category takes the same numbers", INFERRED, "hard-coded options of KSEN"),
        ),
    ),
    Habit(
        "v4_hidden_ticket",
        "the answer about a ticket in a department that the login may not see",
        OLD,
        (
            Answer("missing", "error code 3, as for a ticket that is not there", OURS, _PLAIN),
            Answer("access_deny", 'error code 100, "access deny"', INFERRED, "LIVE4 for functions"),
        ),
    ),
    Habit(
        "v4_dead_session",
        "the answer to a call without a living session",
        OLD,
        (
            Answer("auth_failed", 'error code 100, "Auth failed from …"', INFERRED, "LIVE4 for passwords"),
            Answer("access_deny", 'error code 100, "access deny"', OURS, _PLAIN),
        ),
    ),
    Habit(
        "v4_queue",
        "which tickets the staff queue shows",
        OLD,
        (
            Answer("waiting", "those in a queue, also when somebody has taken and answered them", DOCUMENTED,
                   "Trouble_tickets"),
            Answer("unanswered", "of those, the ones whose last message is the client's", INFERRED, "CRM"),
            Answer("open", "every ticket of the login's departments that is not closed", OURS, _PLAIN),
        ),
    ),
    Habit(
        "v4_reply_field",
        "the field of a staff reply",
        OLD,
        (
            Answer("text", "text", INFERRED, "the client's form"),
            Answer("message", "message, which the form shows empty; text is not looked at", OURS, _PLAIN),
        ),
    ),
    Habit(
        "v4_flags",
        "how unread and open look in the client's lists",
        OLD,
        (
            Answer("presence", "there, with on, only when true", SEEN, "KSEN"),
            Answer("on_off", "always there, on or off", OURS, _PLAIN),
        ),
    ),
    Habit(
        "v4_decoration",
        "what stands around a message in hist",
        OLD,
        (
            Answer("img", "an <img> before support-from, in staff's blocks", SEEN, "KSEN"),
            Answer("none", "nothing", OURS, _PLAIN),
            Answer("div", "<div class='support-avatar'><img></div> before support-from, in every block", SEEN, "CRM"),
            Answer("span", "<span class='support-avatar'><img></span> before support-from, in every block", OURS,
                   _PLAIN),
            Answer("nested", "div, span and img in each other, before support-from and after support-body", OURS,
                   _PLAIN),
        ),
    ),
)  # fmt: skip
