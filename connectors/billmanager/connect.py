"""From an address and a login to a client that fulfils the contract.

Must stay out: reading configuration or secrets' sources; the caller hands over plain values.
"""

from __future__ import annotations

from collections.abc import Sequence

import httpx

from connectors.billmanager.call import Limits
from connectors.billmanager.probing import AnyView, ProbingExternal, ProbingMain
from connectors.billmanager.session import Credentials, Session
from connectors.billmanager.transport import Transport
from connectors.billmanager.v4_public import PublicCustomer, PublicStaff
from connectors.billmanager.v4_session import OldSession
from connectors.billmanager.v4_sync import SyncCustomer, SyncStaff
from connectors.billmanager.v6_customer import CustomerView
from connectors.billmanager.v6_staff import StaffView
from connectors.contract import ExternalBilling, MainBilling
from connectors.errors import Fatal

VERSIONS = ("auto", "4", "5", "6")


def connect_external(
    name: str,
    url: str,
    login: str,
    password: str,
    *,
    version: str = "auto",
    departments: Sequence[str] = (),
    ca_file: str | None = None,
    tls_fingerprint: str | None = None,
    timezone: str = "UTC",
    limits: Limits | None = None,
    http: httpx.AsyncBaseTransport | None = None,
) -> ExternalBilling:
    """The staff view. Nothing is sent before the first call. ``http`` replaces the network, for tests.

    ``departments``: the enabled remote departments, for a version 4 that names none. Raises Fatal for an address,
    trust or version that cannot be used.
    """
    where = f"{name} (external)"
    old, new = _sessions(where, url, login, password, version, ca_file, tls_fingerprint, limits, http)
    only = departments[0] if len(departments) == 1 else None
    staff = StaffView(name, new, timezone=timezone)
    olds: list[ExternalBilling] = [
        SyncStaff(name, old, timezone=timezone),
        PublicStaff(name, old, timezone=timezone, department=only),
    ]
    return ProbingExternal(name, choices) if (choices := _choices(version, staff, olds)) else staff


def connect_main(
    name: str,
    url: str,
    login: str,
    password: str,
    *,
    version: str = "auto",
    ca_file: str | None = None,
    tls_fingerprint: str | None = None,
    timezone: str = "UTC",
    limits: Limits | None = None,
    http: httpx.AsyncBaseTransport | None = None,
) -> MainBilling:
    """The customer's own view; parameters and errors as for ``connect_external``."""
    where = f"{name} (main)"
    old, new = _sessions(where, url, login, password, version, ca_file, tls_fingerprint, limits, http)
    customer = CustomerView(name, new, timezone=timezone)
    olds: list[MainBilling] = [SyncCustomer(name, old, timezone=timezone), PublicCustomer(name, old, timezone=timezone)]
    return ProbingMain(name, choices) if (choices := _choices(version, customer, olds)) else customer


def _choices(version: str, new: AnyView, olds: list[AnyView]) -> list[AnyView]:
    """The views to be tried in turn; none where the version is known and has only one."""
    if _major(version) == "auto":
        return [new] + olds  # noqa: RUF005 - mypy loses the type of a starred list
    return olds if _major(version) == "4" else []


def _major(version: str) -> str:
    return version.partition(".")[0]


def _sessions(
    where: str,
    url: str,
    login: str,
    password: str,
    version: str,
    ca_file: str | None,
    fingerprint: str | None,
    limits: Limits | None,
    http: httpx.AsyncBaseTransport | None,
) -> tuple[OldSession, Session]:
    """A session of each kind over one transport."""
    if _major(version) not in VERSIONS:
        raise Fatal(f"the version {version[:20]!r} is unknown", billing=where, cure="Write auto, 4, 5 or 6")
    transport = Transport(url, where=where, ca_file=ca_file, fingerprint=fingerprint, limits=limits, http=http)
    credentials = Credentials(login, password)
    return OldSession(transport, credentials), Session(transport, credentials)
