"""The TLS context of one billing: its own CA file, a pinned certificate, or both. There is no third way.

Verification cannot be switched off. A pin is checked at the end of the handshake, before a byte of a request can be
sent, so a man in the middle sees none. Must stay out: HTTP, configuration files.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import hmac
import re
import ssl
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_FINGERPRINT = re.compile(r"sha256:([0-9a-f]{64})")


class BadTrust(ValueError):
    """The CA file or the fingerprint cannot be used; the message says which and why."""


class PinMismatch(ssl.SSLCertVerificationError):
    """The server showed another certificate than the pinned one. ``seen`` is what it showed."""

    def __init__(self, seen: str) -> None:
        super().__init__(1, f"the server shows the certificate {seen}, which is not the pinned one")
        self.seen = seen


def context(ca_file: str | None = None, fingerprint: str | None = None) -> ssl.SSLContext:
    """The context for one billing, built once per pair of settings and file version. Raises BadTrust.

    ``fingerprint`` is ``sha256:`` and the SHA-256 of the certificate in hex (colons allowed). With a fingerprint
    alone the host name is not compared: the certificate itself is known.
    """
    digest = parse_fingerprint(fingerprint) if fingerprint else None
    try:
        stamp = Path(ca_file).stat().st_mtime_ns if ca_file else 0
    except OSError as error:
        raise BadTrust(f"the CA file {ca_file} cannot be read: {error.strerror}") from None
    return _built(ca_file, stamp, digest)


def parse_fingerprint(text: str) -> bytes:
    """``sha256:AB:CD…`` → 32 bytes. Raises BadTrust."""
    prefix, _, digits = text.strip().lower().partition(":")
    found = _FINGERPRINT.fullmatch(f"{prefix}:{digits.replace(':', '')}")
    if not found:
        raise BadTrust("a fingerprint is written sha256: and 64 hexadecimal digits")
    return bytes.fromhex(found[1])


@functools.lru_cache(maxsize=256)
def _built(ca_file: str | None, _stamp: int, digest: bytes | None) -> ssl.SSLContext:
    try:
        made = _AsyncOnly(ssl.PROTOCOL_TLS_CLIENT)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        if ca_file:
            made.load_verify_locations(cafile=ca_file)
        elif digest is None:
            made.load_default_certs()
    except (OSError, ssl.SSLError) as error:
        raise BadTrust(f"the CA file {ca_file} holds no usable certificate ({type(error).__name__})") from None
    if digest is not None:
        made.sslobject_class = _pinned(digest)
        if not ca_file:
            made.check_hostname = False
            made.verify_mode = ssl.CERT_NONE  # the pin below takes its place, and is stricter
    return made


class _AsyncOnly(ssl.SSLContext):
    """Refuses the socket way of TLS, on which the pin would not be looked at."""

    def wrap_socket(self, *_args: Any, **_options: Any) -> ssl.SSLSocket:
        raise ssl.SSLError("this context is for asynchronous connections only")


def _pinned(digest: bytes) -> type[ssl.SSLObject]:
    class Pinned(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            seen = hashlib.sha256(self.getpeercert(binary_form=True) or b"").digest()
            if not hmac.compare_digest(seen, digest):
                raise PinMismatch(f"sha256:{seen.hex()}")

    return Pinned


@dataclass(frozen=True, slots=True)
class Shown:
    """The certificate that a server shows to anybody: ``sha256:…`` as it can be pinned, and when it ends."""

    fingerprint: str
    expires: datetime | None


async def shown(url: str, seconds: float = 10.0) -> Shown | None:
    """A look at the certificate of ``url``, trusted or not: a handshake of its own, in which no byte of a request is
    sent. None where there is none to be had."""
    parts = urlsplit(url)
    if parts.scheme != "https":
        return None
    looking = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    looking.check_hostname = False
    looking.verify_mode = ssl.CERT_NONE  # nothing is believed and nothing is told on this connection
    try:
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection(parts.hostname, parts.port or 443, ssl=looking)
    except OSError:  # refused, not found, too late, no TLS
        return None
    try:
        certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True) or b""
    finally:
        writer.transport.abort()
    return Shown(f"sha256:{hashlib.sha256(certificate).hexdigest()}", _end_of(certificate))


def _end_of(certificate: bytes) -> datetime | None:
    from cryptography.x509 import load_der_x509_certificate

    try:
        return load_der_x509_certificate(certificate).not_valid_after_utc
    except ValueError:
        return None
