"""Documents of the API that say no: which class of error each one is.

Types and objects are SEEN IN CODE (protocol sections 2.1 and 2.3) unless marked otherwise. Must stay out: sending,
sessions, rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from connectors.billmanager.http_errors import of_broken
from connectors.billmanager.request import Answer, Call
from connectors.billmanager.wire import Node, Unreadable, parse
from connectors.errors import (
    AccessDenied,
    ConnectorError,
    FilesRefused,
    Missing,
    ProtocolError,
    Refused,
    Retriable,
    TextRefused,
    TooOld,
    UnknownOutcome,
)
from remotesupport.core.text.foreign import quoted

CURES = {
    "badpassword": "Put the right login and password into the configuration",
    "badip": "Allow this machine's address for the login in BILLmanager",
    "blockgeoip": "Allow this machine's country for the login in BILLmanager",
    "blocklogon": "Wait until BILLmanager lifts the block, and check the password before trying again",
    "totp": "Use a user of its own without two-factor login for the synchronisation",
}
# INFERRED: words in an error's type or object that speak of a failure inside the server, after which a write may
# have been done in part.
_INNER = ("xml", "db", "database", "sql", "internal", "exception", "signal", "timeout", "unknown", "system")
_MALFORMED = ("value", "exists")
TEXT_FIELDS = ("message", "text", "body", "note_message")


@dataclass(frozen=True, slots=True)
class Complaint:
    """An error document: its type, its object and its text."""

    type: str
    object: str
    text: str


def read(answer: Answer, call: Call, where: str, *, secrets: Iterable[str] = (), ticket: str = "") -> Node:
    """The document of an answer with status 200. Raises what an error document or an unreadable answer means.

    ``secrets`` are the texts that were sent and must not come back in a message.
    """
    try:
        doc = parse(answer.body, charset=answer.charset)
    except Unreadable as error:
        if error.kind == "v4":
            raise too_old(where) from None
        failure = of_broken(call, f"the server sent {error}", where, kind=error.kind)
        failure.ticket = ticket
        raise failure from None
    problem = complaint(doc)
    if problem is not None:
        raise _classed(problem, call, where, secrets, ticket)
    if any("totp.confirm" in ok.text for ok in doc.all("ok")):
        raise AccessDenied(
            "the login wants a second factor", billing=where, function=call.func, kind="auth", cure=CURES["totp"]
        )
    return doc


def complaint(doc: Node) -> Complaint | None:
    """The error of a document, None when it has none. A version 4 error has the type ``v4``."""
    if doc.has("authfail"):
        return Complaint("v4", "", "")
    error = doc.first("error")
    if error is None:
        return None
    if not error.attr("type") and (error.attr("code") or error.has("code")):
        return Complaint("v4", "", "")
    message = error.first("msg")
    return Complaint(error.attr("type"), error.attr("object"), message.text.strip() if message else "")


def too_old(where: str) -> TooOld:
    """The server speaks like version 4 (INFERRED, protocol section 2.3)."""
    return TooOld(
        "it answers like BILLmanager 4, not like the configured version",
        billing=where,
        kind="v4",
        cure='Set version = "4" (or "auto") for this billing',
    )


def _classed(problem: Complaint, call: Call, where: str, secrets: Iterable[str], ticket: str) -> ConnectorError:
    if problem.type == "v4":
        return too_old(where)
    known = tuple(secrets)
    what = _in_words(problem, known)
    made: type[ConnectorError]
    cure = ""
    if problem.type in ("auth", "access"):
        made = AccessDenied
        cure = CURES.get(problem.object, "Check the login and its rights on this function")
    elif problem.type == "missed":
        made = Missing
    elif call.write:
        made = UnknownOutcome if _is_inner(problem) else _refused(problem.type, problem.object)
    else:
        made = ProtocolError if problem.type in _MALFORMED else Retriable
    return made(what, billing=where, function=call.func, ticket=ticket, cure=cure, kind=quoted(problem.type, 40, known))


def _is_inner(problem: Complaint) -> bool:
    return problem.type.lower() in _INNER


def _refused(kind: str, target: str) -> type[Refused]:
    """A value that is refused and is a file's or the text's (INFERRED from the names that both are sent under)."""
    if kind not in _MALFORMED:
        return Refused
    return FilesRefused if target.startswith("file") else TextRefused if target in TEXT_FIELDS else Refused


def _in_words(problem: Complaint, secrets: Iterable[str]) -> str:
    known = tuple(secrets)
    kind, target, text = (
        quoted(part, limit, known) for part, limit in ((problem.type, 40), (problem.object, 40), (problem.text, 120))
    )
    return f"the server said no ({f'{kind} {target}'.strip() or 'no type'})" + (f": {text}" if text else "")
