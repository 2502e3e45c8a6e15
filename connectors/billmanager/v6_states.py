"""Reads a ticket's state in versions 5 and 6. Pure; unknown words are not guessed."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.billmanager import habits
from connectors.billmanager.wire import Node

# DOCUMENTED (protocol section 3.5): 0 new, 1 under review, 2 awaiting response, 3 closed, 10 archived.
STATES = {"0": "open", "1": "open", "2": "open", "3": "closed", "10": "closed"}
ARCHIVED = "10"

# The names of the same document; those that ZOM shows (SEEN IN CODE); "awaiting client" is DOCUMENTED for staff.
_WORDS = {
    "new": "0",
    "under review": "1",
    "in progress": "1",
    "awaiting response": "2",
    "awaiting client": "2",
    "waiting to reply": "2",
    "new replies": "2",
    "closed": "3",
    "archived": "10",
}


@dataclass(frozen=True, slots=True)
class State:
    """The number that the document gives the state, and the answer of the habit that said it."""

    number: str
    how: str


def state_of(status: Node | None, *, listed: str = "") -> State | None:
    """The column ``tstatus`` → its state. None: not understood.

    ``listed``: what a row without that column is, by the list that it is in; "" where the list does not tell.
    """
    if status is None:
        return State(listed, habits.STATE_LISTS) if listed else None
    machine, text = status.attr("orig"), status.text
    if machine.strip() in STATES:
        return State(machine.strip(), habits.ORIG)
    if text.strip() in STATES:
        return State(text.strip(), habits.STATE_NUMBER)
    for word in (machine, text):
        if number := _WORDS.get(" ".join(word.split()).casefold()):
            return State(number, habits.STATE_WORDS)
    return None
