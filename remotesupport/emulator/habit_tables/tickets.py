"""Habits in what staff and clients are shown of a ticket: its department, its state."""

from __future__ import annotations

from remotesupport.emulator.habit_tables import INFERRED, NEW, OURS, SEEN, Answer, Habit

_PLAIN = "the plainest reading"

TICKETS = (
    Habit(
        "responsible",
        "how staff are told the department of a ticket",
        NEW,
        (
            Answer("orig", "lists: name, orig d_<id> (taken: e_<id>); form as form_department says", INFERRED,
                   "values of set_responsible"),
            Answer("text", "lists: the text is d_<id> or e_<id>, no orig", OURS, _PLAIN),
            Answer("bare_id", "lists: the text is the bare id of the department or employee, no orig", INFERRED,
                   "ticket.responsible in the database (TMI)"),
            Answer("orig_bare_id", "lists: name, orig is the bare id", INFERRED,
                   "ticket.responsible in the database (TMI)"),
            Answer("name", "lists: the department's (taken: the employee's) name, no orig", SEEN, "ZEXT2"),
            Answer("employee_with_form", "lists: always an employee's name; the form says the department", OURS,
                   _PLAIN),
            Answer("employee_with_queue_row",
                   "lists: an employee's name, but the queue's row has the department as orig d_<id>; forms say"
                   " nothing", OURS, _PLAIN),
            Answer("employee", "lists: an employee's name; nobody says the department", OURS, _PLAIN),
        ),
    ),
    Habit(
        "form_department",
        "how a staff form says the department",
        NEW,
        (
            Answer("both", "client_department is the id, responsible as in the lists", INFERRED, "B6C field lists"),
            Answer("client_department", "client_department only", INFERRED, "B6C field lists"),
            Answer("responsible", "responsible only: d_<id> of the department, also when an employee has taken it",
                   OURS, _PLAIN),
            Answer("selected", "no field: <val key= selected=yes> in the list client_department", OURS, _PLAIN),
        ),
    ),
    Habit(
        "department_names",
        "which column of the list of departments has the name",
        NEW,
        (
            Answer("locale_name", "locale_name only", "DOCUMENTED", "B6C department"),
            Answer("name", "name only"),
            Answer("both", "name and locale_name, equal"),
        ),
    ),
    Habit(
        "state",
        "how the state of a ticket is shown",
        NEW,
        (
            Answer("orig", "tstatus in words of the viewer's language, orig the number; form: the number", SEEN,
                   "LOG6 for translated columns"),
            Answer("number", "tstatus is the number, no orig", OURS, _PLAIN),
            Answer("words", "tstatus in English words, no orig, in lists and form; an unread answer: New replies",
                   SEEN, "ZOM"),
            Answer("words_documented", "tstatus in the words of the documentation (New, Under review, Awaiting"
                   " response, Closed, Archived), no orig", "DOCUMENTED", "B6C clientticket"),
            Answer("localised", "tstatus in Russian words, English with lang=en in the call; no orig", INFERRED,
                   "lang= of ZOM and KSEN"),
            Answer("lists", "no tstatus anywhere: only which list a ticket is in (toarchive stays)", OURS, _PLAIN),
        ),
    ),
)  # fmt: skip
