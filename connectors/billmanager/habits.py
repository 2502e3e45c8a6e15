"""The habits of BILLmanager 5 and 6 that no public source settles, as a table.

One entry for each question: its answers with their marks and sources, who tells, and what holds until it is told. The
readers take the answers that were learned (``core.habits.learn``); nothing here reads or decides. Marks and sources:
protocol sections 1.1 and 1.2.
"""

from __future__ import annotations

from remotesupport.core.connections.habits import Answer, Habit, Mark
from remotesupport.core.model import Side

TYPES, BY_VIEWER, BY_DIRECTION = "types", "by_viewer", "by_direction"
STAFF_TYPES, CLIENT_INCOMING, CLIENT_OUTCOMING = "staff_types", "client_incoming", "client_outcoming"
DEPARTMENT, ORIG, ORIG_NUMBER, PREFIXED, NUMBER, NAME, NAME_INSIDE, QUEUE, FORM = (
    "responsible", "orig", "orig_bare_id", "text", "bare_id", "name", "name_inside", "employee_with_queue_row",
    "employee_with_form",
)  # fmt: skip
STATE, STATE_NUMBER, STATE_WORDS, STATE_LISTS = "state", "number", "words", "lists"
FORM_POSTS, ACCEPTED, AJAX = "form_posts", "accepted", "ajax"
NEW_TICKET, IN_ANSWER, IN_LIST = "new_ticket", "answer", "list"
REOPENING, TAKING, TO_EMPLOYEE, TO_DEPARTMENT = "reopen", "ok_get", "responsible_employee", "responsible_department"
SILENT_TYPES, UNKNOWN_TYPES, ROWS_WITHOUT_ID = "silent_types", "unknown_types", "rows_without_id"
GROUPS, THREAD_ORDER = "groups", "thread_order"
TOTAL, MORE_THAN_SHOWN, SORTING = "total", "more_than_shown", "sort"

_EXTERNAL, _MAIN = (Side.EXTERNAL,), (Side.MAIN,)
_BOTH = (Side.EXTERNAL, Side.MAIN)
_SEEN, _INFERRED, _DOCUMENTED = Mark.SEEN_IN_CODE, Mark.INFERRED, Mark.DOCUMENTED

TABLE: tuple[Habit, ...] = (
    Habit(
        TYPES,
        "Which messages are the customer's own in the customer's view?",
        _MAIN,
        "the opening message of a ticket that this login opened (its header line), a message that shows our id or "
        "login, else what can be rated",
        (
            Answer(BY_VIEWER, _INFERRED, "own messages are outcoming"),
            Answer(BY_DIRECTION, _INFERRED, "own messages are incoming: ZOM shows them on its right"),
        ),
        exclusive=True,
        needed=True,
        by_writing=True,
    ),
    Habit(
        STAFF_TYPES,
        "Which messages are the client's in the staff's view?",
        _EXTERNAL,
        "the type of our own replies",
        (
            Answer(CLIENT_INCOMING, _SEEN, "ZEXT2, comments and use"),
            Answer(CLIENT_OUTCOMING, Mark.OURS, "nowhere seen; a reply of ours that comes back as the client's stops"),
        ),
        exclusive=True,
        by_writing=True,
        default=CLIENT_INCOMING,
    ),
    Habit(
        DEPARTMENT,
        "How does a ticket's row name its department?",
        _EXTERNAL,
        "the list of departments; equal names are ambiguous, and then only ids count",
        (
            Answer(ORIG, _INFERRED, "orig d_<id>, as support_tool_responsible takes it"),
            Answer(ORIG_NUMBER, _INFERRED, "orig is the bare id, as in the database (TMI)"),
            Answer(PREFIXED, _INFERRED, "d_<id> as text"),
            Answer(NUMBER, _SEEN, "TMI: ticket.responsible is a bare user id in the database"),
            Answer(NAME, _SEEN, "ZEXT2 picks departments by the text"),
            Answer(NAME_INSIDE, _SEEN, "ZEXT2: the text contains the name"),
            Answer(QUEUE, _INFERRED, "an employee is in charge, and the queue's row names the department"),
            Answer(FORM, _INFERRED, "an employee is in charge, and the form names the department"),
        ),
    ),
    Habit(
        STATE,
        "How does a row say its state?",
        _BOTH,
        "the column tstatus and the list that the row is in; an unknown word is not understood",
        (
            Answer(ORIG, _SEEN, "LOG6: the machine value is in orig"),
            Answer(STATE_NUMBER, _DOCUMENTED, "B6C clientticket"),
            Answer(STATE_WORDS, _SEEN, "ZOM; the names of B6C are DOCUMENTED; lang=en is sent"),
            Answer(STATE_LISTS, _INFERRED, "only which of the customer's two lists it is in"),
        ),
    ),
    Habit(
        FORM_POSTS,
        "Is a form answered to a plain POST?",
        _BOTH,
        "a redirect in a session that lives: the read is asked once again with sfrom=ajax",
        (
            Answer(ACCEPTED, _SEEN, "most clients"),
            Answer(AJAX, _SEEN, "ZEXT2: 301 without sfrom=ajax"),
        ),
        default=ACCEPTED,
    ),
    Habit(
        NEW_TICKET,
        "Where is the id of a new ticket?",
        _MAIN,
        "the answer; else the list, by the origin in the subject",
        (Answer(IN_ANSWER, _SEEN, "LH"), Answer(IN_LIST, _INFERRED, "the answer says ok and no id")),
        by_writing=True,
    ),
    Habit(
        REOPENING,
        "How does a ticket come back into the staff's queue?",
        _EXTERNAL,
        "whether it is in the queue afterwards",
        (
            Answer(TAKING, _SEEN, "LH: ticket_all.edit with ok_get"),
            Answer(TO_EMPLOYEE, _SEEN, "TMI: support_tool_responsible with e_<id>"),
            Answer(TO_DEPARTMENT, _SEEN, "TMI: support_tool_responsible with d_<id>"),
        ),
        by_writing=True,
        default=TAKING,
    ),
    Habit(
        SILENT_TYPES,
        "Which types have the rows that no client and no public answer wrote?",
        _BOTH,
        "the type; none of them crosses",
        (
            Answer("note", _INFERRED, "no source has it"),
            Answer("ticketnote", _SEEN, "ZEXT2: a style class of the staff's pages"),
            Answer("inner", _SEEN, "ZEXT2: the same"),
            Answer("system", _SEEN, "ZOM"),
            Answer("info", _SEEN, "ZOM"),
        ),
    ),
    Habit(
        UNKNOWN_TYPES, "Which types of messages do we not know?", _BOTH, "the type; none of them crosses", counted=True
    ),
    Habit(
        ROWS_WITHOUT_ID,
        "Are there rows without an id?",
        _BOTH,
        "the row; only what people say needs one",
        (Answer("without_id", _INFERRED, "ZOM reads neither id nor body of info rows"),),
    ),
    Habit(
        GROUPS,
        "Is a conversation in one mlist or in several?",
        _BOTH,
        "the form; all groups are read as one",
        (Answer("one", _SEEN, "ZOM"), Answer("several", _INFERRED, "ZEXT2 flattens them")),
    ),
    Habit(
        THREAD_ORDER,
        "Which end of a conversation comes first?",
        _BOTH,
        "the ids of what people said (increasing: SEEN IN CODE, TMI)",
        (
            Answer("oldest_first", _SEEN, "ZOM"),
            Answer("newest_first", _INFERRED, "not excluded"),
            Answer("newest_group_first", _INFERRED, "not excluded where a day is a group"),
        ),
    ),
    Habit(
        TOTAL,
        "Does a list say its total?",
        _BOTH,
        "p_elems; without it a page that is not full, or repeats, is the last",
        (
            Answer("there", _SEEN, "ZOM"),
            Answer("missing", _INFERRED, "CSAPP, weak"),
            Answer(MORE_THAN_SHOWN, _INFERRED, "GUIDE6: below level 30 it counts rows that this login is not shown"),
        ),
    ),
    Habit(
        SORTING,
        "Does a list obey the column that it is asked to sort by?",
        _BOTH,
        "the order that came; one that does not is read whole",
        (Answer("asked", _SEEN, "ZOM, ZEXT"), Answer("ignored", _SEEN, "ZEXT2: for some columns, silently")),
    ),
)


def of_side(side: Side) -> tuple[Habit, ...]:
    """The questions that are asked on one side."""
    return tuple(habit for habit in TABLE if side in habit.sides)
