"""Version 4's way to say no: numbers, and for code 100 the words (protocol section 4.2).

Must stay out: sending, what a function's rows mean.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from connectors.billmanager.http_errors import of_broken
from connectors.billmanager.request import Answer, Call
from connectors.billmanager.v6_errors import CURES, TEXT_FIELDS
from connectors.billmanager.v6_rows import BadRow
from connectors.billmanager.wire import MARK, Node, Unreadable, marked, parse
from connectors.errors import (
    AccessDenied,
    ConnectorError,
    Missing,
    ProtocolError,
    Refused,
    Retriable,
    TextRefused,
    UnknownOutcome,
)
from remotesupport.core.text.foreign import quoted

NO_FUNCTION = "no-function"
NO_RIGHT = "no-right"  # on the three functions; the public ones may do
NOT_OURS = "not-ours"  # the three functions answer, but not as this program reads them; the public ones may do
# DOCUMENTED for the sister products: 1 internal, 2 exists, 3 does not exist, 4 invalid value, 5 limit, 6 access denied,
# 7 licence, 8 message. SEEN IN CODE: 100 for a failed login and for a function that is not permitted.
_SAID_NO = {"2": "exists", "4": "value", "5": "limit", "8": "message"}


def read(answer: Answer, call: Call, where: str, *, secrets: Iterable[str] = (), ticket: str = "") -> Node:
    """The document of an answer with status 200. Raises what an error or an unreadable answer means.

    A read with characters that no document may hold is read all the same; such texts have ``MARK`` in them.
    """
    try:
        doc = _parsed(answer, repair=not call.write)
    except Unreadable as broken:
        failure = of_broken(call, f"the server sent {broken}", where, kind=broken.kind)
        failure.ticket = ticket
        raise failure from None
    if doc.has("doc"):
        raise ProtocolError(
            "this is no version 4: its JSON has a doc", billing=where, function=call.func, kind="version",
            cure='Set version = "6" (or "auto") for this billing',
        )  # fmt: skip
    if doc.has("authfail") or doc.has("expirepass"):
        raise _auth_failed(quoted(doc.value("authfail"), 80, secrets), call, where)
    error = doc.first("error")
    if error is not None:
        known = tuple(secrets)
        code, obj = (quoted(_part(error, name), 40, known) for name in ("code", "obj"))
        raise _classed(code, obj, _words(error, known), call, where, ticket)
    return doc


def _parsed(answer: Answer, *, repair: bool) -> Node:
    try:
        return parse(answer.body, charset=answer.charset, flat=True)
    except Unreadable as broken:
        if not (repair and broken.one_row):
            raise
        return parse(marked(answer.body), charset=answer.charset, flat=True)


def whole(*texts: str) -> None:
    """Raises BadRow when one of them had characters that no document may hold."""
    if any(MARK in text for text in texts):
        raise BadRow("it holds characters that no document may hold")


def _part(error: Node, name: str) -> str:
    """``code`` and ``obj`` are attributes in XML and children in JSON (SEEN IN CODE)."""
    return (error.attr(name) or error.value(name)).strip()


def _words(error: Node, secrets: Iterable[str]) -> str:
    return quoted(error.value("msg") or error.text, 120, secrets)


def _auth_failed(text: str, call: Call, where: str) -> AccessDenied:
    cure = CURES["blocklogon" if "block" in text.lower() else "badpassword"]
    what = f"the login is refused{': ' + text[:80] if 'block' in text.lower() else ''}"
    return AccessDenied(what, billing=where, function=call.func, kind="auth", cure=cure)


def _classed(code: str, obj: str, text: str, call: Call, where: str, ticket: str) -> ConnectorError:
    if code == "100" and text.lower().startswith("auth"):
        return _auth_failed(text, call, where)
    said = f"the server said no (code {code[:6]}{f', {obj[:40]}' if obj else ''}){f': {text}' if text else ''}"
    named: dict[str, Any] = {"billing": where, "function": call.func, "ticket": ticket}
    if code in ("100", "6"):
        cure = f"Give the login the right on {call.func}, or use a superuser (below 4.0.68 only those may)"
        return AccessDenied(said, **named, kind="access", cure=cure)
    if code == "3" and obj == "func":
        return ProtocolError(f"there is no function {call.func}", **named, kind=NO_FUNCTION)
    if code == "3":
        return Missing(said, **named, kind="missed")
    if code in _SAID_NO:
        no: type[Refused] = TextRefused if _SAID_NO[code] == "value" and obj in TEXT_FIELDS else Refused
        made: type[ConnectorError] = no if call.write else ProtocolError
        return made(said, **named, kind=_SAID_NO[code])
    return (UnknownOutcome if call.write else Retriable)(said, **named, kind=f"v4-{code[:6]}")


def digest(*texts: str) -> str:
    """A short stable digest of some texts."""
    return hashlib.blake2b("\x1f".join(texts).encode(), digest_size=16).hexdigest()
