"""The texts of a rehearsal: a ticket in main that no external ticket stands behind, and that says so.

They carry an origin and header lines as all texts towards main do, so that a later rehearsal knows them again.
What must stay out: writing them.
"""

from __future__ import annotations

from datetime import datetime

from remotesupport.core.text.compose import REHEARSAL, header, markers_in, subject_with_origin, to_main

FIRST, SECOND = "1", "2"
_WORDS = {
    FIRST: "This is a trial of the connection, asked for by an operator of remotesupport. Nobody waits for help. "
    "It is closed by itself as soon as it can be.",
    SECOND: "This is the second message of the trial. If this ticket is still open in a minute, a customer cannot "
    "close it while staff hold it: please answer it with any word, or close it.",
}


def subject_of(connection: str, at: datetime) -> str:
    """``[acme #rehearsal] Trial of remotesupport, 2026-11-20 10:15:00 UTC``."""
    return subject_with_origin(connection, REHEARSAL, f"Trial of remotesupport, {at:%Y-%m-%d %H:%M:%S} UTC")


def text_of(connection: str, message: str, at: datetime) -> str:
    """The FIRST or SECOND message as it is written."""
    head = header(connection, REHEARSAL, message, "remotesupport", "client", f"{at:%Y-%m-%d %H:%M:%S}", "UTC")
    return to_main(head, _WORDS[message])


def messages_in(body: str, connection: str) -> list[str]:
    """Tell which messages of a rehearsal a text is."""
    return markers_in(body, connection, REHEARSAL)


def again(connection: str) -> str:
    """Say how a rehearsal goes on that was not finished."""
    return f"`remotesupport check --rehearse {connection}` goes on with it, and opens no second one"
