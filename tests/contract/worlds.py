"""Billings for the contract suite: one interface to act behind the scenes, whatever stands behind it."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from connectors.billmanager import connect_external, connect_main
from connectors.contract import ExternalBilling, MainBilling
from connectors.memory import MemoryBilling
from remotesupport.emulator.billing import Billing
from remotesupport.emulator.server import application
from tests.emulator_fixtures import RunningEmulator, password_of, running_emulator

STAFF, COLLEAGUE, CUSTOMER = "support-robot", "olga", "acme"
HERE, ELSEWHERE = "Technical support", "Sales"
START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
Files = Sequence[tuple[str, bytes]]


class MemoryWorld:
    """``connectors.memory``. Every act happens one minute after the one before."""

    def __init__(self) -> None:
        self.now = START
        self.billing = MemoryBilling(
            "acme", departments=(HERE, ELSEWHERE), clock=lambda: self.now, timezone="Europe/Moscow"
        )
        for login in (STAFF, COLLEAGUE):
            self.billing.add_staff(login, departments=[HERE])
        self.billing.add_customer(CUSTOMER)
        self.staff: ExternalBilling = self.billing.staff(STAFF)
        self.customer: MainBilling = self.billing.customer(CUSTOMER)

    def act(self, do: Callable[..., Any], *args: Any, **named: Any) -> Any:
        self.now += timedelta(minutes=1)
        return do(*args, **named)

    def open(self, department: str, subject: str, text: str, files: Files = ()) -> str:
        return str(self.act(self.billing.client_opens, CUSTOMER, department, subject, text, files))

    def client_writes(self, ticket: str, text: str) -> str:
        return str(self.act(self.billing.client_writes, ticket, text))

    def staff_replies(self, ticket: str, text: str, files: Files = ()) -> str:
        return str(self.act(self.billing.staff_replies, ticket, text, staff=COLLEAGUE, files=files))

    def note(self, ticket: str, text: str) -> str:
        return str(self.act(self.billing.note, ticket, text, staff=COLLEAGUE))

    def transfer(self, ticket: str, department: str) -> None:
        self.act(self.billing.transfer, ticket, department)

    def take(self, ticket: str) -> None:
        self.act(self.billing.take, ticket)

    def delete(self, ticket: str) -> None:
        self.act(self.billing.delete, ticket)

    def edit(self, message: str, text: str) -> None:
        self.act(self.billing.edit, message, text)

    def poison(self, ticket: str) -> None:
        self.billing.poison(ticket)

    def deny(self) -> ExternalBilling:
        self.billing.denied.add("intruder")
        return self.billing.staff("intruder")


class EmulatorWorld:
    """The emulator: ``order`` does acts, ``connect`` makes the keyword arguments of a connection."""

    def __init__(self, core: Billing, url: str, order: Callable[..., dict[str, Any]], **options: Any) -> None:
        self.core, self._order = core, order
        core.clock.set(START, freeze=True)
        self._options = {"timezone": "Europe/Moscow", **options}
        self._url = url
        self.staff = connect_external("acme", url, STAFF, password_of(STAFF), departments=[HERE], **self._options)
        self.customer = connect_main("acme", url, CUSTOMER, password_of(CUSTOMER), **self._options)
        for view in (self.staff, self.customer):
            view.learned(_known(core.habits))

    def act(self, **order: Any) -> dict[str, Any]:
        self.core.clock.advance(60)
        return self._order(**order)

    def open(self, department: str, subject: str, text: str, files: Files = ()) -> str:
        order = {"department": department, "subject": subject, "text": text, "files": _encoded(files)}
        return str(self.act(as_=CUSTOMER, do="open", **order)["ticket"])

    def client_writes(self, ticket: str, text: str) -> str:
        return str(self.act(as_=CUSTOMER, do="reply", ticket=ticket, text=text)["message"])

    def staff_replies(self, ticket: str, text: str, files: Files = ()) -> str:
        done = self.act(as_=COLLEAGUE, do="reply", ticket=ticket, text=text, files=_encoded(files))
        return str(done["message"])

    def note(self, ticket: str, text: str) -> str:
        return str(self.act(as_=COLLEAGUE, do="note", ticket=ticket, text=text)["message"])

    def transfer(self, ticket: str, department: str) -> None:
        self.act(as_="admin", do="transfer", ticket=ticket, department=department)

    def take(self, ticket: str) -> None:
        self.act(as_=COLLEAGUE, do="take", ticket=ticket)

    def delete(self, ticket: str) -> None:
        self.act(as_="admin", do="delete", ticket=ticket)

    def edit(self, message: str, text: str) -> None:
        self.act(as_="admin", do="edit", message=message, text=text)

    def poison(self, ticket: str) -> None:
        self.core.faults.apply({"control_char": int(ticket)})

    def deny(self) -> ExternalBilling:
        return connect_external("acme", self._url, STAFF, "not-the-password", **self._options)


def _known(habits: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """What has to be learned of a server before it is written to."""
    posts = "accepted" if habits.get("form_posts", "accepted") == "accepted" else "ajax"
    answers = {"types": habits.get("types", "by_viewer"), "form_posts": posts}
    return {habit: frozenset({answer}) for habit, answer in answers.items()}


class LiveWorld:
    """A real BILLmanager, through its own connectors only: what needs other people's hands is not tried there."""

    def __init__(self) -> None:
        url = os.environ["REMOTESUPPORT_LIVE_URL"]
        options = {
            "tls_fingerprint": os.environ.get("REMOTESUPPORT_LIVE_FINGERPRINT"),
            "timezone": os.environ.get("REMOTESUPPORT_LIVE_TIMEZONE", "UTC"),
        }
        staff, customer = _live_login("STAFF"), _live_login("CUSTOMER")
        self.staff = connect_external("live", url, *staff, **options)
        self.customer = connect_main("live", url, *customer, **options)


def _live_login(who: str) -> tuple[str, str]:
    return os.environ[f"REMOTESUPPORT_LIVE_{who}"], os.environ[f"REMOTESUPPORT_LIVE_{who}_PASSWORD"]


def _encoded(files: Files) -> list[dict[str, str]]:
    return [{"name": name, "content_base64": base64.b64encode(content).decode()} for name, content in files]


@contextmanager
def memory() -> Iterator[MemoryWorld]:
    yield MemoryWorld()


@contextmanager
def in_process(
    release: str = "6.94.1", *, habits: Mapping[str, str] | None = None, **options: Any
) -> Iterator[EmulatorWorld]:
    """The application itself, without a socket; its ``habits`` where they are not the emulator's defaults."""
    core = Billing("acme", release, seed=0, habits=habits)
    running = RunningEmulator.act
    try:
        yield EmulatorWorld(
            core,
            "http://127.0.0.1/billmgr",
            lambda **order: running(_Core(core), **order),  # type: ignore[arg-type]
            http=httpx.ASGITransport(application(core)),
            **options,
        )
    finally:
        core.close()


@contextmanager
def old_by_sync(habits: Mapping[str, str] | None = None) -> Iterator[EmulatorWorld]:
    """Version 4.0.68 whose logins may call the three functions."""
    with in_process("4.0.68", habits=habits) as world:
        world.act(do="rights", login=STAFF)
        world.act(
            do="external_support",
            login=CUSTOMER,
            url="https://acme.invalid/billmgr",
            other_login=STAFF,
            other_password="invented",
        )
        world.core.clock.set(START, freeze=True)
        yield world


@contextmanager
def old_by_public(habits: Mapping[str, str] | None = None) -> Iterator[EmulatorWorld]:
    """Version 4.0.68 whose logins have the public functions only."""
    with in_process("4.0.68", habits=habits, version="4") as world:
        yield world


class _Core:
    def __init__(self, core: Billing) -> None:
        self.core = core


@contextmanager
def over_tls() -> Iterator[EmulatorWorld]:
    """A socket and the emulator's own certificate, pinned."""
    with running_emulator("acme", tls=True) as running:
        yield EmulatorWorld(running.core, running.url, running.act, tls_fingerprint=running.fingerprint)


@contextmanager
def live() -> Iterator[LiveWorld]:
    yield LiveWorld()


OLD = {"by sync": old_by_sync, "by public": old_by_public}
WORLDS = {"memory": memory, "in process": in_process, "over tls": over_tls}
LIVE = {"live": live} if os.environ.get("REMOTESUPPORT_LIVE_URL") else {}
