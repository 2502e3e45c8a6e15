"""Habits in how a conversation of versions 5 and 6 is shown: who speaks, what nobody says, in which order."""

from __future__ import annotations

from remotesupport.emulator.habit_tables import ALL, INFERRED, NEW, OURS, SEEN, Answer, Habit

THREADS = (
    Habit(
        "types",
        "who speaks, seen by the customer's user",
        NEW,
        (
            Answer("by_viewer", "the client's own messages are outcoming, support's incoming", INFERRED,
                   "the names of the types"),
            Answer("by_direction", "the client's own messages are incoming, support's outcoming", INFERRED,
                   "layout of ZOM"),
        ),
    ),
    Habit(
        "staff_types",
        "who speaks, seen by staff",
        NEW,
        (
            Answer("client_incoming", "the client's messages are incoming, staff's outcoming", SEEN, "ZEXT2"),
            Answer("client_outcoming", "the reverse: it contradicts what was seen"),
        ),
    ),
    Habit(
        "rates",
        "whether support's messages are marked, seen by the customer's user",
        NEW,
        (
            Answer("absent", "no rates"),
            Answer("support", "rates/rate name=good and name=bad on support's messages", SEEN,
                   "ZOM for the field, INFERRED for whose messages"),
        ),
    ),
    Habit(
        "author",
        "what a message says of its author",
        NEW,
        (
            Answer("realname", "user/realname only", SEEN, "ZOM, ZEXT2"),
            Answer("login", "user/realname and user/name, the login", OURS, "columns of the list of users"),
            Answer("id", "user/realname and user/id", OURS, "columns of the list of users"),
            Answer("nobody", "no user"),
        ),
    ),
    Habit(
        "realnames",
        "whether two employees may have one real name",
        ALL,
        (
            Answer("distinct", "each employee has the own name"),
            Answer("shared", "every employee is shown as Support, wherever a real name is shown"),
        ),
    ),
    Habit(
        "notes",
        "where internal notes are, seen by staff",
        NEW,
        (
            Answer("note", "in the thread, type note", OURS, "no source has it"),
            Answer("ticketnote", "in the thread, type ticketnote", INFERRED, "style classes of ZEXT2"),
            Answer("inner", "in the thread, type inner", INFERRED, "style classes of ZEXT2"),
            Answer("absent", "not in the thread; only the row's mark note=on"),
        ),
    ),
    Habit(
        "note_ids",
        "whether ids of notes may equal those of messages",
        NEW,
        (
            Answer("apart", "one sequence for both"),
            Answer("equal", "the n-th note of a ticket has the id of its n-th message", INFERRED,
                   "a table of its own (TMI)"),
        ),
    ),
    Habit(
        "info_row",
        "whether a thread begins with a row of type info",
        NEW,
        (
            Answer("absent", "no such row"),
            Answer("bare", "type info, rowgroup/row, no id, no body, no date", INFERRED, "ZOM"),
            Answer("full", "type info, rowgroup/row, an id, a date and an empty body", OURS, "the plainest reading"),
        ),
    ),
    Habit(
        "system_rows",
        "what a row of type system has",
        NEW,
        (
            Answer("full", "id, user, date_post and body", SEEN, "ZOM for the texts"),
            Answer("bare", "date_post and rowgroup/row; no id, no user, no body", INFERRED, "info rows of ZOM"),
        ),
    ),
    Habit(
        "groups",
        "how many mlist a thread has",
        NEW,
        (
            Answer("per_day", "one for each day", INFERRED, "fm_date_post"),
            Answer("one", "one for the whole thread, fm_date_post of its first message", SEEN, "ZOM"),
        ),
    ),
    Habit(
        "thread_order",
        "in which order a thread comes",
        NEW,
        (
            Answer("oldest_first", "by time", SEEN, "ZOM"),
            Answer("newest_first", "groups, and messages in them, backwards", OURS, "the table of habits"),
            Answer("newest_group_first", "groups backwards, messages in each by time", OURS, "the table of habits"),
        ),
    ),
)  # fmt: skip
