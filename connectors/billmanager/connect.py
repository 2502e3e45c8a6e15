"""From an address and a login to a client that fulfils the contract.

Must stay out: reading configuration or secrets' sources; the caller hands over plain values.
"""

from __future__ import annotations

from collections.abc import Sequence

import httpx

from connectors.billmanager.call import Call, Limits, Listener
from connectors.billmanager.probing import AnyView, ProbingExternal, ProbingMain
from connectors.billmanager.session import Credentials, Session
from connectors.billmanager.transport import Transport
from connectors.billmanager.v4_public import ACTIVE, QUEUE, PublicCustomer, PublicStaff
from connectors.billmanager.v4_session import OldSession
from connectors.billmanager.v4_sync import DEPARTMENTS, SyncCustomer, SyncStaff
from connectors.billmanager.v6_customer import CustomerView
from connectors.billmanager.v6_staff import StaffView
from connectors.contract import ExternalBilling, MainBilling
from connectors.errors import Fatal

VERSIONS = ("auto", "4", "5", "6")
DIALECTS = ("auto", "sync", "public")  # of version 4: the first that the login may use, or one of them by hand


def connect_external(
    name: str,
    url: str,
    login: str,
    password: str,
    *,
    version: str = "auto",
    dialect: str = "auto",
    departments: Sequence[str] = (),
    ca_file: str | None = None,
    tls_fingerprint: str | None = None,
    timezone: str = "UTC",
    limits: Limits | None = None,
    http: httpx.AsyncBaseTransport | None = None,
    listen: Listener | None = None,
) -> ExternalBilling:
    """The staff view. Nothing is sent before the first call. ``http`` replaces the network, for tests.
    ``listen``: told of every answer.

    ``departments``: the enabled remote departments, for a version 4 that names none. Raises Fatal for an address,
    trust, version or dialect that cannot be used.
    """
    where = f"{name} (external)"
    old, new = _sessions(where, url, login, password, version, ca_file, tls_fingerprint, limits, http, QUEUE, listen)
    only = departments[0] if len(departments) == 1 else None
    staff = StaffView(name, new, timezone=timezone)
    olds: dict[str, ExternalBilling] = {
        "sync": SyncStaff(name, old, timezone=timezone),
        "public": PublicStaff(name, old, timezone=timezone, department=only),
    }
    return ProbingExternal(name, choices) if (choices := _choices(version, staff, olds, where, dialect)) else staff


def connect_main(
    name: str,
    url: str,
    login: str,
    password: str,
    *,
    version: str = "auto",
    dialect: str = "auto",
    departments: Sequence[str] = (),
    ca_file: str | None = None,
    tls_fingerprint: str | None = None,
    timezone: str = "UTC",
    limits: Limits | None = None,
    http: httpx.AsyncBaseTransport | None = None,
    listen: Listener | None = None,
) -> MainBilling:
    """The customer's own view; parameters and errors as for ``connect_external``.

    ``departments``: the main departments as they are configured, for a version 4 whose form does not list them.
    """
    where = f"{name} (main)"
    old, new = _sessions(where, url, login, password, version, ca_file, tls_fingerprint, limits, http, ACTIVE, listen)
    customer = CustomerView(name, new, timezone=timezone)
    olds: dict[str, MainBilling] = {
        "sync": SyncCustomer(name, old, timezone=timezone),
        "public": PublicCustomer(name, old, timezone=timezone, departments=departments),
    }
    return ProbingMain(name, choices) if (choices := _choices(version, customer, olds, where, dialect)) else customer


def _choices(version: str, new: AnyView, olds: dict[str, AnyView], where: str, dialect: str) -> list[AnyView]:
    """The views to be tried in turn; none where the version is known and has only one."""
    if dialect not in DIALECTS:
        raise Fatal(f"the dialect {dialect[:20]!r} is unknown", billing=where, cure=f"Write {', '.join(DIALECTS)}")
    chosen = list(olds.values()) if dialect == "auto" else [olds[dialect]]
    if _major(version) == "auto":
        return [new] + chosen  # noqa: RUF005 - mypy loses the type of a starred list
    return chosen if _major(version) == "4" else []


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
    known: Call,
    listen: Listener | None,
) -> tuple[OldSession, Session]:
    """A session of each kind over one transport. ``known``: the list that every version 4 has for such a login."""
    if _major(version) not in VERSIONS:
        raise Fatal(f"the version {version[:20]!r} is unknown", billing=where, cure="Write auto, 4, 5 or 6")
    transport = Transport(
        url, where=where, ca_file=ca_file, fingerprint=fingerprint, limits=limits, http=http, listen=listen
    )
    credentials = Credentials(login, password)
    old = OldSession(transport, credentials, questions=(known, DEPARTMENTS))
    return old, Session(transport, credentials)
