"""From an address and a login to a client that fulfils the contract.

Must stay out: reading configuration or secrets' sources; the caller hands over plain values.
"""

from __future__ import annotations

import httpx

from connectors.billmanager.answers import too_old
from connectors.billmanager.call import Limits
from connectors.billmanager.session import Credentials, Session
from connectors.billmanager.transport import Transport
from connectors.billmanager.v6_customer import CustomerView
from connectors.billmanager.v6_staff import StaffView
from connectors.contract import ExternalBilling, MainBilling
from connectors.errors import Fatal

VERSIONS = ("auto", "5", "6")


def connect_external(
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
) -> ExternalBilling:
    """The staff view. Nothing is sent before the first call. ``http`` replaces the network, for tests.

    Raises Fatal for an address or trust that cannot be used, TooOld for version 4.
    """
    where = f"{name} (external)"
    session = _session(where, url, login, password, version, ca_file, tls_fingerprint, limits, http)
    return StaffView(name, session, timezone=timezone)


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
    session = _session(where, url, login, password, version, ca_file, tls_fingerprint, limits, http)
    return CustomerView(name, session, timezone=timezone)


def _session(
    where: str,
    url: str,
    login: str,
    password: str,
    version: str,
    ca_file: str | None,
    fingerprint: str | None,
    limits: Limits | None,
    http: httpx.AsyncBaseTransport | None,
) -> Session:
    if version.startswith("4"):
        raise too_old(where)
    if version.partition(".")[0] not in VERSIONS:
        raise Fatal(f"the version {version[:20]!r} is unknown", billing=where, cure="Write auto, 5 or 6")
    transport = Transport(url, where=where, ca_file=ca_file, fingerprint=fingerprint, limits=limits, http=http)
    return Session(transport, Credentials(login, password))
