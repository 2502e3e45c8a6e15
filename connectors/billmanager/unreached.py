"""Why no connection came about: name, refusal, no way, time, TLS and what of it. Which class of error that is, and its
cure.

The classes and codes of what was raised decide, never its text. Must stay out: what a lost answer means (``outcomes``).
"""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator
from typing import NamedTuple

import httpx

from connectors.billmanager import tls
from connectors.billmanager.request import Call
from connectors.errors import ConnectorError, Fatal, NoConnection, Retriable

_PORTS = {"http": 80, "https": 443}
# Verification results of OpenSSL (x509_vfy.h) that people meet, in words.
_UNTRUSTED = {
    9: "it is not valid yet",
    10: "it has expired",
    18: "it is self-signed",
    19: "it goes back to an authority that is not known here",
    20: "no authority known here vouches for it",
    21: "no authority known here vouches for it",
    62: "it is for another host name",
    64: "it is for another address",
}
_OTHER_NAME, _EXPIRED = (62, 64), (9, 10)
# OpenSSL's names of what went wrong in a handshake: the port speaks something else, or only what is too old.
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "HTTP_REQUEST"})
_OLD_TLS = frozenset({"UNSUPPORTED_PROTOCOL", "NO_PROTOCOLS_AVAILABLE", "TLSV1_ALERT_PROTOCOL_VERSION"})


class _Why(NamedTuple):
    kind: NoConnection
    what: str
    cure: str


def of_unsent(call: Call, error: httpx.HTTPError, where: str, url: httpx.URL) -> ConnectorError:
    """The error for a request of which no byte was sent: Fatal for an untrusted certificate, else Retriable."""
    at = f"{url.host}:{url.port or _PORTS.get(url.scheme, 0)}"
    why = _why(error, list(_causes(error)), at, url.host)
    made = Fatal if why.kind is NoConnection.CERTIFICATE else Retriable
    return made(why.what, billing=where, function=call.func, kind=why.kind, cure=why.cure)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """``error`` and everything behind it, tries of several addresses included."""
    for _ in range(12):
        if error is None:
            return
        yield error
        if isinstance(error, BaseExceptionGroup):
            for each in error.exceptions:
                yield from _causes(each)
        error = error.__cause__ or error.__context__


def _why(error: httpx.HTTPError, causes: list[BaseException], at: str, host: str) -> _Why:
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _Why(NoConnection.CERTIFICATE, *_distrust(cause))
    if isinstance(error, httpx.TimeoutException):
        cure = "Is the port right, and does a firewall let this machine in? Such a one often drops without a word"
        return _Why(NoConnection.LATE, f"no connection: {at} gave none in time", cure)
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        cure = f"Correct the host in url, or this machine's name server (try: getent hosts {host})"
        return _Why(NoConnection.NAME, f"no connection: the host name {host} is not found", cure)
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            return _Why(NoConnection.TLS, *_handshake(cause, at))
    return _by_number(causes, at)


def _by_number(causes: list[BaseException], at: str) -> _Why:
    """Return what the operating system said."""
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        cure = "Correct the port in url (BILLmanager's own is 1500), or start that BILLmanager"
        return _Why(NoConnection.REFUSED, f"no connection: {at} refuses it, nothing listens there", cure)
    numbers = [cause.errno for cause in causes if isinstance(cause, OSError) and cause.errno]
    said = f" ({os.strerror(numbers[0])})" if numbers else ""
    cure = "Correct the host in url, or this machine's network"
    return _Why(NoConnection.UNREACHABLE, f"no connection to {at}{said}", cure)


def _handshake(cause: ssl.SSLError, at: str) -> tuple[str, str]:
    reason = cause.reason or type(cause).__name__
    if reason in _NO_TLS:
        return f"no connection: what answers at {at} speaks no TLS", "Correct the port in url"
    if reason in _OLD_TLS:
        return f"no connection: {at} offers no TLS of version 1.2 or newer", "Switch that on in the server over there"
    if isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return f"no connection: {at} broke off the TLS handshake", "Correct the port in url; is a proxy in between?"
    return f"no connection: TLS with {at} failed ({reason})", "Look at the TLS settings of the server over there"


def _distrust(cause: ssl.SSLCertVerificationError) -> tuple[str, str]:
    if isinstance(cause, tls.PinMismatch):
        return f"the server shows the certificate {cause.seen}, not the pinned one", (
            "Ask the owner whether the certificate was changed, and only then change tls_fingerprint"
        )
    words = _UNTRUSTED.get(cause.verify_code, cause.verify_message)
    return f"the certificate is not trusted: {words}", _trust(cause.verify_code)


def _trust(code: int) -> str:
    if code in _EXPIRED:
        return "Renew it over there, and see that both clocks are right"
    if code in _OTHER_NAME:
        return "Write the host in url as the certificate names it, or set tls_fingerprint"
    return "Set ca_file, or tls_fingerprint once its owner confirms it"
