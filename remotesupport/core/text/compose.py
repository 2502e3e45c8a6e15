"""The texts that the product writes, and how it recognises them again.

Towards the main billing each message carries a header line with its origin (``acme #123/77 | …``), and the subject
carries ``[acme #123]``: people see where it comes from and links can be rebuilt without the ledger. Towards clients
nothing is added. All formats in here are OURS. What must stay out: deciding what to write, and to where.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from remotesupport.core.text.normalize import shorten, unify_line_ends

if TYPE_CHECKING:
    import pandas as pd

RULE = "\n\n---\n\n"
SUBJECT_CHARS = 250
REHEARSAL = "rehearsal"  # stands in the origin of a ticket of `check --rehearse`, behind which no external one is
_NAME_CHARS = 80
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069]+")
_CLAIM = re.compile(r"\s*\[([a-z0-9-]+) #([^\s\[\]/|]+)\]")
# Looser than what is recognised: whatever could become a header line on its way is defused.
_LIKE_HEADER = re.compile(
    r"^(?=[^\w\n]{0,16}[a-z0-9-]{1,64}[ \t]{0,4}#[^\s/|]{1,128}/\S{1,256}[ \t]{0,4}\|)", re.IGNORECASE | re.MULTILINE
)


def origin_tag(connection: str, ticket: str) -> str:
    """Return the beginning of a main ticket's subject: ``[acme #123]``."""
    return f"[{connection} #{ticket}]"


def subject_with_origin(connection: str, ticket: str, subject: str) -> str:
    """``[acme #123] subject`` on one line, at most 250 characters; ``(no subject)`` where there is none."""
    words = " ".join(_CONTROL.sub(" ", subject).split()) or "(no subject)"
    return shorten(f"{origin_tag(connection, ticket)} {words}", SUBJECT_CHARS)


def origin_of(subject: str, connection: str) -> str | None:
    """The external ticket that a main ticket's subject claims, None: none. Only ``connection``'s own claims count."""
    claimed = claim_of(subject, connection)
    return None if claimed == REHEARSAL else claimed


def claim_of(subject: str, connection: str) -> str | None:
    """Return what a subject's origin of ``connection`` names: a ticket's id, or REHEARSAL."""
    found = _CLAIM.match(subject)
    return found[2] if found is not None and found[1] == connection else None


def header(connection: str, ticket: str, message: str, author: str, kind: str, at_text: str, zone: str) -> str:
    """``acme #123/77 | Иван Петров (client) | 2026-11-20 10:15:00 Europe/Moscow``; staff are that billing's staff."""
    role = "client" if kind == "client" else f"{connection} staff"
    when = _on_one_line(f"{at_text} {zone}") if at_text.strip() else "time not shown"
    return f"{connection} #{ticket}/{message} | {_on_one_line(author) or 'name not shown'} ({role}) | {when}"


def header_lines(rows: pd.DataFrame) -> list[str]:
    """Return the header line of each row of external MESSAGES (with ``ext_ticket``)."""
    columns = ("connection", "ext_ticket", "message", "author", "kind", "at_text", "zone")
    return [header(*one) for one in zip(*(rows[c].astype(object) for c in columns), strict=True)]


def _on_one_line(text: str) -> str:
    return shorten(" ".join(_CONTROL.sub(" ", text).replace("|", "/").split()), _NAME_CHARS)


def to_main(head: str, body: str, *, edited: bool = False) -> str:
    """One message as it is written to the main billing: the header line, then the body with forged headers defused."""
    first = f"{head} | edited, it now reads:" if edited else head
    return f"{first}\n{defuse(body)}"


def opening(messages: list[str]) -> str:
    """A conversation so far as one text, each message with its own header line."""
    return RULE.join(messages)


def defuse(body: str) -> str:
    """``body`` with a quote sign before each line that looks like one of our header lines: origins cannot be forged."""
    return _LIKE_HEADER.sub("> ", unify_line_ends(body))


def markers_in(body: str, connection: str, ticket: str) -> list[str]:
    """The ids of the source messages that a text of ours carries, in order, each once; follow-ups on edits are not."""
    pattern = rf"^{re.escape(connection)} #{re.escape(ticket)}/(\S+) \| .*$"
    heads = re.finditer(pattern, unify_line_ends(body), re.MULTILINE)
    return list(dict.fromkeys(h[1] for h in heads if not h[0].endswith("| edited, it now reads:")))


def has_header(body: str, connection: str) -> bool:
    """Tell whether a text has one of our header lines, perhaps below a note: only we write to main like that."""
    return re.search(rf"^{re.escape(connection)} #[^\s/|]+/\S+ \|", unify_line_ends(body), re.MULTILINE) is not None


def to_external(body: str, files: list[str], author: str | None = None, *, edited: bool = False) -> str:
    """A staff reply as the client gets it: the body only, with the author's name where the connection asks for it.

    A message that is only a file gets a line with the files' names, because an empty text is refused (SEEN IN CODE).
    """
    text = body if body.strip() else "\n".join(f"[{_on_one_line(name)}]" for name in files) or "-"
    if edited:
        text = f"(edited) {text}"
    return f"{text}\n\n{_on_one_line(author)}" if author and author.strip() else text


def attachment_placeholder(name: str, why: str) -> str:
    """The line that stands for a file that could not be carried."""
    return f"[attachment not carried: {_on_one_line(name)}: {' '.join(_CONTROL.sub(' ', why).split())}]"


def closed_notice(connection: str, ticket: str) -> str:
    """For the main billing where a ticket cannot simply be closed."""
    return f"{connection} #{ticket} was closed there."


def unclosable_note(connection: str) -> str:
    """For the main billing, once per ticket, where the external billing gives us no way to close one."""
    return (
        f"(Closing this ticket here does not close it in {connection}: that billing gives us no way to do so. "
        "There it waits until it is answered from here or closed by hand.)"
    )


def reopened_notice(connection: str, ticket: str) -> str:
    """For the main billing where only a message reopens a ticket."""
    return f"{connection} #{ticket} was opened again there."


def returned_notice(connection: str, ticket: str) -> str:
    """For the main billing when a ticket is in a remote department again."""
    return f"{connection} #{ticket} is back in a remote department; answers written here are delivered again."


def departure_notice(connection: str, ticket: str, why: str, undelivered: int) -> str:
    """For the main billing when a ticket leaves; ``undelivered`` replies of main staff came too late to be carried."""
    lost = f" {undelivered} repl{'y' if undelivered == 1 else 'ies'} written here could not be delivered."
    return f"{connection} #{ticket} {why}. Answers written here are no longer delivered.{lost if undelivered else ''}"
