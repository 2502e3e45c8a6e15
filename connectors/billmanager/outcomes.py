"""What it means when the answer is missing, half there, or from something below the API: the class of the error.

For a read the question is whether to try again; for a write it is whether anything may have been written. Must stay
out: sending, documents of the API (``answers``).
"""

from __future__ import annotations

import ssl

import httpx

from connectors.billmanager import tls
from connectors.billmanager.call import Answer, Call, Progress
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
        error = Fatal("nothing answers at this address (HTTP 404)", billing=where, cure=UNREADABLE_CURE)
    else:
        error = ProtocolError(f"HTTP {status}", billing=where, cure=UNREADABLE_CURE)
    error.function, error.kind = call.func, kind
    if isinstance(error, Retriable):
        error.retry_after = answer.retry_after
    return error


def _certificate(error: BaseException) -> ssl.SSLCertVerificationError | None:
    """The refusal of a certificate somewhere behind ``error``."""
    seen: BaseException | None = error
    for _ in range(8):
        if seen is None or isinstance(seen, ssl.SSLCertVerificationError):
            break
        seen = seen.__cause__ or seen.__context__
    return seen if isinstance(seen, ssl.SSLCertVerificationError) else None


def _distrust(cause: ssl.SSLCertVerificationError) -> tuple[str, str]:
    if isinstance(cause, tls.PinMismatch):
        return f"the server shows the certificate {cause.seen}, not the pinned one", (
            "Ask the owner whether the certificate was changed, and only then change tls_fingerprint"
        )
    return f"the certificate is not trusted ({cause.verify_message})", (
        "Set ca_file, or tls_fingerprint of a certificate that its owner confirms"
    )


def _manner(error: httpx.HTTPError, *, unsent: bool) -> tuple[str, str]:
    """(kind, words) of a failure; never the library's own text, which may quote the request."""
    if isinstance(error, httpx.TimeoutException):
        return "connection", "no connection in time" if unsent else "no answer in time"
    if unsent:
        return "connection", "no connection (refused, name not found, or TLS failed)"
    if isinstance(error, httpx.RemoteProtocolError) and "without sending a response" not in str(error):
        cut = "closed connection" in str(error)
        return ("cut", "the answer was cut off") if cut else ("http", "what came is not HTTP")
    return "connection", "the connection was lost before an answer came"


def of_lost(call: Call, error: httpx.HTTPError, progress: Progress, where: str) -> ConnectorError:
    """No answer, or half of one. Nothing was written when no byte of the request left."""
    unsent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout) or not progress.sent
    cause = _certificate(error)
    if cause is not None:
        what, cure = _distrust(cause)
        return Fatal(what, billing=where, function=call.func, kind="certificate", cure=cure)
    kind, what = _manner(error, unsent=unsent)
    made: type[ConnectorError] = Retriable if kind == "connection" else ProtocolError
    if call.write and not unsent:
        made = UnknownOutcome
    return made(what, billing=where, function=call.func, kind=kind)


def of_broken(call: Call, what: str, where: str, *, kind: str) -> ConnectorError:
    """An answer that came but says nothing readable: unknown for a write, a protocol error for a read."""
    made = UnknownOutcome if call.write else ProtocolError
    return made(what, billing=where, function=call.func, kind=kind, cure=UNREADABLE_CURE)
