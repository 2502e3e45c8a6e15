"""Checks that one side answers, with which certificate, to which login, in which version: the first rows of ``check``.

The classes and kinds of errors decide which row an error belongs to. What must stay out: what is asked after the login.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from connectors.billmanager.tls import Shown
from connectors.contract import Setup
from connectors.errors import AccessDenied, ConnectorError, Fatal, NoConnection, Retriable, TooOld
from remotesupport.core.model import DepartmentRow, Identity
from remotesupport.settings_models import Endpoint
from remotesupport.steps.operator.check_row import CheckRow

Look = Callable[[str], Awaitable[Shown | None]]
DAYS_LEFT = 21  # with fewer the certificate is worth a look
_OF_TLS = (NoConnection.TLS, NoConnection.CERTIFICATE)
_COMPARE = (
    "{cure}. Compare the fingerprint that was seen here with the server's own, as its administrator reads it there, "
    'before you trust it; if both are the same, write under {section}: tls_fingerprint = "{seen}"'
)


@dataclass(frozen=True, slots=True)
class Met:
    """The answers of one side about itself: identity, departments and set-up, or the error that prevented it.

    ``shown``: the certificate that it shows to anybody.
    """

    identity: Identity | None
    departments: tuple[DepartmentRow, ...]
    error: ConnectorError | None = None
    setup: Setup | None = None
    shown: Shown | None = None


@dataclass(frozen=True, slots=True)
class End:
    """One side as the configuration has it. ``section``: where it stands there; ``prefix``: of its rows' names."""

    endpoint: Endpoint
    section: str
    login: str
    login_check: str
    prefix: str = ""


def reach_rows(end: End, met: Met) -> list[CheckRow]:
    """Answer, TLS, login, version: in this order, because each needs the one before."""
    return [_answer(end, met), _tls(end, met), _login(end, met), _version(end, met)]


def failed(check: str, error: ConnectorError) -> CheckRow:
    """The row of a check that ended with ``error``."""
    person = isinstance(error, AccessDenied | Fatal) or not isinstance(error, Retriable)
    return CheckRow(check, False, error.what, error.cure, person)


def not_looked_at(check: str) -> CheckRow:
    """The row of a check that an earlier failure was in the way of."""
    return CheckRow(check, False, "not looked at: an earlier check failed", person=False, looked_at=False)


def _answer(end: End, met: Met) -> CheckRow:
    check, error = f"{end.prefix}answer", _of_identity(met)
    if error is not None and error.kind not in _OF_TLS:
        return failed(check, error)
    return CheckRow(check, True, urlsplit(end.endpoint.url).netloc)


def _of_identity(met: Met) -> ConnectorError | None:
    """Return the error that was in the way before the server said anything about login and version."""
    return met.error if met.identity is None and not isinstance(met.error, AccessDenied | TooOld) else None


def _tls(end: End, met: Met) -> CheckRow:
    check, error = f"{end.prefix}TLS", _of_identity(met)
    if error is not None and error.kind in _OF_TLS:
        return _untrusted(check, end, error, met.shown)
    if error is not None and error.kind in tuple(NoConnection):
        return not_looked_at(check)
    return _trusted(check, end.endpoint, met.shown)


def _untrusted(check: str, end: End, error: ConnectorError, shown: Shown | None) -> CheckRow:
    row = failed(check, error)
    if shown is None or error.kind is not NoConnection.CERTIFICATE or end.endpoint.tls_fingerprint:
        return row
    cure = _COMPARE.format(cure=error.cure, section=end.section, seen=shown.fingerprint)
    return CheckRow(check, False, "; ".join([error.what, *_days(shown)]), cure)


def _trusted(check: str, endpoint: Endpoint, shown: Shown | None) -> CheckRow:
    said = [_verified(endpoint), *_days(shown)]
    if shown is not None:
        said.append(f"seen was {shown.fingerprint}")
    ended = (left := _days_left(shown)) is not None and left < 0  # only a pin lets one in that has ended
    return CheckRow(check, not ended, "; ".join(said), _renew(endpoint, shown))


def _days(shown: Shown | None) -> list[str]:
    """Tell how long the certificate is good for, in words; nothing where that is not known."""
    left = _days_left(shown)
    if left is None:
        return []
    return [f"{left} days left" if left >= 0 else f"it ended {-left} days ago"]


def _days_left(shown: Shown | None) -> int | None:
    return (shown.expires - datetime.now(UTC)).days if shown is not None and shown.expires is not None else None


def _renew(endpoint: Endpoint, shown: Shown | None) -> str:
    left = _days_left(shown)
    if left is None or left >= DAYS_LEFT:
        return ""
    pinned = "; the new one has another tls_fingerprint" if endpoint.tls_fingerprint else ""
    return f"Renew the certificate over there{pinned}"


def _verified(endpoint: Endpoint) -> str:
    if endpoint.url.startswith("http:"):
        return "plain http on this machine"
    if endpoint.tls_fingerprint:
        return "the certificate is the pinned one"
    return f"checked with {endpoint.ca_file}" if endpoint.ca_file else "checked with the system's authorities"


def _login(end: End, met: Met) -> CheckRow:
    check, login = end.login_check, end.login
    if met.identity is not None:
        return CheckRow(check, True, f"{login}: {met.identity.name or met.identity.user} (level {met.identity.level})")
    if isinstance(met.error, TooOld):
        return CheckRow(check, True, f"{login}: accepted")
    return failed(check, met.error) if isinstance(met.error, AccessDenied) else not_looked_at(check)


def _version(end: End, met: Met) -> CheckRow:
    check = f"{end.prefix}version"
    if isinstance(met.error, TooOld):
        return failed(check, met.error)
    if met.identity is None:
        return not_looked_at(check)
    return CheckRow(check, True, met.identity.version or "5 or 6: the server does not say which (no whoami)")
