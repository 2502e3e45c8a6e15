"""Habits in lists of versions 5 and 6, and in how any answer comes."""

from __future__ import annotations

from remotesupport.emulator.habit_tables import ALL, DOCUMENTED, INFERRED, NEW, OURS, SEEN, Answer, Habit

_PLAIN = "the plainest reading"

LISTS = (
    Habit(
        "total",
        "whether a list has its total",
        NEW,
        (
            Answer("present", "p_elems is the number of all rows that this login may see", SEEN, "ZOM, LOG6"),
            Answer("absent", "no p_elems"),
            Answer("absent_in_xml", "no p_elems with out=xml (default of version 5)", INFERRED, "CSAPP, weak"),
            Answer("wrong", "below level 30 p_elems also counts rows that this login may not see", INFERRED, "GUIDE6"),
            Answer("page", "below level 30 p_elems is the number of rows of this page", OURS, _PLAIN),
        ),
    ),
    Habit(
        "sort",
        "whether a list obeys p_sort and p_col",
        NEW,
        (
            Answer("asked", "sorted by any of its columns", SEEN, "ZOM"),
            Answer("ignored", "by id, smallest first, whatever was asked; the echo says what was asked", OURS, _PLAIN),
            Answer("id_only", "as asked by id; any other column as ignored", SEEN, "ZEXT2"),
        ),
    ),
    Habit(
        "extra_columns",
        "what stands beside the plain columns",
        NEW,
        (
            Answer("dates", "_l, _s and _locale_time of each date", SEEN, "LOG6"),
            Answer("none", "nothing", OURS, _PLAIN),
            Answer("many", "those, and <column>_locale of each column with a text in Russian", OURS, _PLAIN),
        ),
    ),
    Habit(
        "utc_times",
        "whether the client's list has times in UTC",
        NEW,
        (
            Answer("last_message_utc", "last_message_utc beside last_message", SEEN, "ZOM (version 6)"),
            Answer("absent", "local times only (default of version 5)", INFERRED, "version 6 adds it"),
        ),
    ),
    Habit(
        "whoami",
        "whether whoami exists",
        NEW,
        (
            Answer("shown", "user, path, mgr, version", SEEN, "LOG6"),
            Answer("missing", "missed/func, as any function that does not exist", OURS, _PLAIN),
        ),
    ),
    Habit(
        "content_type",
        "the content type of JSON",
        ALL,
        (
            Answer("json", "application/json", SEEN, "most clients"),
            Answer("text", "text/plain", SEEN, "ZEXT2"),
        ),
    ),
    Habit(
        "form_posts",
        "whether a form (X.edit, X.filter, support_tool_*) is accepted by POST without sfrom=ajax",
        NEW,
        (
            Answer("accepted", "it is", DOCUMENTED, "B6C"),
            Answer("redirected", "301 to its deep link, not executed; with sfrom=ajax accepted", INFERRED, "ZEXT2"),
            Answer("redirected_session_gone", "the same, and the session is dead afterwards", INFERRED, "ZEXT2"),
        ),
    ),
    Habit(
        "dead_session",
        "the answer to a call without a living session",
        NEW,
        (
            Answer("error", "error access", SEEN, "ZOM, ADDON"),
            Answer("redirect", "301 to the page where one signs in", SEEN, "ZEXT, one host"),
            Answer("html", "200 with a page of HTML", SEEN, "ZEXT, one host"),
        ),
    ),
)
