"""Shows the state of a ticket, in lists and forms: the habit ``state``."""

from __future__ import annotations

import sqlite3

from remotesupport.emulator.desk import ARCHIVED, AWAITING, CLOSED, NEW, REVIEW
from remotesupport.emulator.node import Node
from remotesupport.emulator.texts import language, status_name
from remotesupport.emulator.v6.call import Call

_DOCUMENTED = {
    NEW: "New",
    REVIEW: "Under review",
    AWAITING: "Awaiting response",
    CLOSED: "Closed",
    ARCHIVED: "Archived",
}
_IN_WORDS = frozenset({"words", "words_documented", "localised"})


def show_state(call: Call, elem: Node, status: int, *, unread: bool = False) -> None:
    """The column ``tstatus`` of a row."""
    habit = call.billing.habits["state"]
    if habit == "orig":
        elem.add("tstatus", status_name(status, call.lang, unread=unread), orig=str(status))
    elif habit == "number":
        elem.add("tstatus", str(status))
    elif habit in _IN_WORDS:
        elem.add("tstatus", _words(call, habit, status, unread=unread and status == AWAITING))


def show_in_form(call: Call, row: sqlite3.Row) -> None:
    """The field ``tstatus`` of a form."""
    habit = call.billing.habits["state"]
    if habit in _IN_WORDS:
        call.doc.add("tstatus", _words(call, habit, row["status"]))
    elif habit != "lists":
        call.doc.add("tstatus", str(row["status"]))


def show_options(call: Call) -> None:
    """Numbers and words side by side, where the form has them."""
    if call.billing.habits["state"] in {"orig", "number"}:
        options = call.doc.add("slist", None, name="tstatus")
        for status in (NEW, REVIEW, AWAITING, CLOSED, ARCHIVED):
            options.add("val", status_name(status, language(call.lang)), key=str(status))


def _words(call: Call, habit: str, status: int, *, unread: bool = False) -> str:
    if habit == "words_documented":
        return _DOCUMENTED[status]
    english = habit == "words" or call.params.get("lang") == "en"
    return status_name(status, "en" if english else "ru", unread=unread)
