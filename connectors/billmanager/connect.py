"""Makes a client that fulfils the contract from an address and a login.

Must stay out: reading configuration or secrets' sources; the caller hands over plain values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict, Unpack

import httpx

from connectors.billmanager.request import Call, Limits, Listener
from connectors.billmanager.session import Credentials, Session
from connectors.billmanager.transport import Transport
from connectors.billmanager.v4_public import ACTIVE, QUEUE, PublicCustomer, PublicStaff
from connectors.billmanager.v4_session import OldSession
from connectors.billmanager.v4_sync import DEPARTMENTS, SyncCustomer, SyncStaff
from connectors.billmanager.v6_customer import CustomerView
from connectors.billmanager.v6_staff import StaffView
from connectors.billmanager.v6_watch import LIST, EmployeesList, no_such_list
from connectors.billmanager.version_detection import AnyView, ProbingExternal, ProbingMain
from connectors.contract import ExternalBilling, MainBilling, WatchedLists
from connectors.errors import Fatal

VERSIONS = ("auto", "4", "5", "6")
DIALECTS = ("auto", "sync", "public")  # of version 4: the first that the login may use, or one of them by hand


class Options(TypedDict, total=False):
    """The options of a client besides its address and login; each may be left out."""

    version: str  # one of VERSIONS, also with what follows a dot; else it is found out
    dialect: str  # of version 4, one of DIALECTS
    departments: Sequence[str]  # enabled ones of this side, for a version 4 that names none
    ca_file: str | None
    tls_fingerprint: str | None
    timezone: str  # of the dates that this login sees; UTC unless told
    limits: Limits | None
    http: httpx.AsyncBaseTransport | None  # in place of the network, for tests
    listen: Listener | None  # told of every answer


def connect_external(name: str, url: str, login: str, password: str, **options: Unpack[Options]) -> ExternalBilling:
    """Return the staff view. Nothing is sent before the first call.

    Raises Fatal for an address, trust, version or dialect that cannot be used.
    """
    where = f"{name} (external)"
    old, new = _sessions(where, url, Credentials(login, password), QUEUE, options)
    timezone, departments = options.get("timezone", "UTC"), options.get("departments", ())
    staff = StaffView(name, new, timezone=timezone)
    only = departments[0] if len(departments) == 1 else None
    olds: dict[str, ExternalBilling] = {
        "sync": SyncStaff(name, old, timezone=timezone),
        "public": PublicStaff(name, old, timezone=timezone, department=only),
    }
    return ProbingExternal(name, choices) if (choices := _choices(staff, olds, where, options)) else staff


def connect_main(name: str, url: str, login: str, password: str, **options: Unpack[Options]) -> MainBilling:
    """Return the customer's own view; options and errors as for ``connect_external``."""
    where = f"{name} (main)"
    old, new = _sessions(where, url, Credentials(login, password), ACTIVE, options)
    timezone, departments = options.get("timezone", "UTC"), options.get("departments", ())
    customer = CustomerView(name, new, timezone=timezone)
    olds: dict[str, MainBilling] = {
        "sync": SyncCustomer(name, old, timezone=timezone),
        "public": PublicCustomer(name, old, timezone=timezone, departments=departments),
    }
    return ProbingMain(name, choices) if (choices := _choices(customer, olds, where, options)) else customer


def connect_watch(url: str, login: str, password: str, **options: Unpack[Options]) -> WatchedLists:
    """Return an employee's list of main's tickets. Errors as for ``connect_external``, and Fatal for a version 4."""
    where = "main (watch login)"
    _, session = _sessions(where, url, Credentials(login, password), LIST, options)
    if _major(options) == "4":
        raise no_such_list(where)
    return EmployeesList(session)


def _choices(new: AnyView, olds: dict[str, AnyView], where: str, options: Options) -> list[AnyView]:
    """The views to be tried in turn; none where the version is known and has only one."""
    dialect = options.get("dialect", "auto")
    if dialect not in DIALECTS:
        raise Fatal(f"the dialect {dialect[:20]!r} is unknown", billing=where, cure=f"Write {', '.join(DIALECTS)}")
    chosen = list(olds.values()) if dialect == "auto" else [olds[dialect]]
    if _major(options) == "auto":
        return [new] + chosen  # noqa: RUF005 - mypy loses the type of a starred list
    return chosen if _major(options) == "4" else []


def _major(options: Options) -> str:
    return options.get("version", "auto").partition(".")[0]


def _sessions(
    where: str, url: str, credentials: Credentials, known: Call, options: Options
) -> tuple[OldSession, Session]:
    """A session of each kind over one transport. ``known``: the list that every version 4 has for such a login."""
    if _major(options) not in VERSIONS:
        version = options["version"][:20]
        raise Fatal(f"the version {version!r} is unknown", billing=where, cure="Write auto, 4, 5 or 6")
    transport = Transport(
        url,
        where=where,
        ca_file=options.get("ca_file"),
        fingerprint=options.get("tls_fingerprint"),
        limits=options.get("limits"),
        http=options.get("http"),
        listen=options.get("listen"),
    )
    old = OldSession(transport, credentials, questions=(known, DEPARTMENTS))
    return old, Session(transport, credentials)
