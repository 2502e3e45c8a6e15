"""Classes an answer that is missing, half there, or from something below the API, as an error.

For a read the question is whether to try again; for a write it is whether anything may have been written. Must stay
out: sending, documents of the API (``answers``).
"""

from __future__ import annotations

import httpx

from connectors.billmanager import unreached
from connectors.billmanager.request import Answer, Call, Progress
from connectors.errors import (
    AccessDenied,
    ConnectorError,
    Fatal,
    FilesRefused,
    ProtocolError,
    Retriable,
    UnknownOutcome,
)

UNREADABLE_CURE = "Check that the address is the complete one of BILLmanager and that nothing in between answers for it"
_PATH_CURE = "Correct the path in url: it is usually /billmgr, as in https://host:1500/billmgr"
_REFUSED_CURE = "Check the login's rights and whether this machine's address is allowed there"


def of_status(call: Call, answer: Answer, where: str) -> ConnectorError:
    status, kind = answer.status, f"http-{answer.status}"
    error: ConnectorError
    if status in (401, 403, 460):
        error = AccessDenied(f"the server refused access (HTTP {status})", billing=where, cure=_REFUSED_CURE)
    elif status == 429:
        error = Retriable("the server asks for fewer calls (HTTP 429)", billing=where)
    elif call.write and status == 413:
        error = FilesRefused("the request is too large for the server (HTTP 413)", billing=where)
    elif call.write:
        error = UnknownOutcome(f"the server answered HTTP {status} to a write", billing=where)
    elif 300 <= status < 400:
        kind = "redirect"
        error = ProtocolError(f"a redirect (HTTP {status}), which is not followed", billing=where, cure=UNREADABLE_CURE)
    elif status >= 500:
        error = Retriable(f"the server has a problem (HTTP {status})", billing=where)
    elif status == 404:
        error = Fatal("there is no BILLmanager at this address (HTTP 404)", billing=where, cure=_PATH_CURE)
    else:
        error = ProtocolError(f"HTTP {status}", billing=where, cure=UNREADABLE_CURE)
    error.function, error.kind = call.func, kind
    if isinstance(error, Retriable):
        error.retry_after = answer.retry_after
    return error


def of_lost(call: Call, error: httpx.HTTPError, progress: Progress, where: str, url: httpx.URL) -> ConnectorError:
    """No answer, or half of one. Nothing was written when no byte of the request left."""
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout) or not progress.sent:
        return unreached.of_unsent(call, error, where, url)
    kind, what = _manner(error)
    made: type[ConnectorError] = Retriable if kind == "connection" else ProtocolError
    return (UnknownOutcome if call.write else made)(what, billing=where, function=call.func, kind=kind)


def _manner(error: httpx.HTTPError) -> tuple[str, str]:
    """(kind, words) of a failure; never the library's own text, which may quote the request."""
    if isinstance(error, httpx.TimeoutException):
        return "connection", "no answer in time"
    if isinstance(error, httpx.RemoteProtocolError) and "without sending a response" not in str(error):
        cut = "closed connection" in str(error)
        return ("cut", "the answer was cut off") if cut else ("http", "what came is not HTTP")
    return "connection", "the connection was lost before an answer came"


def of_broken(call: Call, what: str, where: str, *, kind: str) -> ConnectorError:
    """An answer that came but says nothing readable: unknown for a write, a protocol error for a read."""
    made = UnknownOutcome if call.write else ProtocolError
    return made(what, billing=where, function=call.func, kind=kind, cure=UNREADABLE_CURE)
