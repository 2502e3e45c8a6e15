"""Who uses the set-up pages of an emulated version 4 in tests, without a browser, and what is set by them.

``pytest_plugins = ("tests.setup_pages",)`` brings the fixtures. PYTEST_DONT_REWRITE: it is imported for the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from remotesupport.emulator.v4 import setup
from remotesupport.emulator.v4.setup import Elsewhere
from tests.emulator_fixtures import RunningEmulator, running_emulator

OLD = "4.0.68"
CANARY = "pass<word>-canary"
THERE = {"on": "on", "url": "https://a.example/billmgr", "login": "robot", "password": CANARY}


class Person:
    """Somebody's browser without a browser. ``{acme}``, ``{robot}``, ``{support}`` in a path become ids."""

    def __init__(self, emulator: RunningEmulator, login: str) -> None:
        self.browser = httpx.Client(base_url=emulator.base, follow_redirects=True)
        people = emulator.core.people
        self.ids = {"acme": people.named("acme").id, "robot": people.named("support-robot").id}
        for short, name in (("support", "Technical support"), ("own", "Outsourced support")):
            self.ids[short] = people.department(name).id
        if login:
            self.browser.post("/sign-in", data={"login": login})

    def look(self, path: str) -> httpx.Response:
        """Open a page."""
        return self.browser.get("/setup/" + path.format(**self.ids))

    def send(self, path: str, **fields: object) -> httpx.Response:
        """Submit the form of a page; a check box that is not named is off."""
        return self.browser.post("/setup/" + path.format(**self.ids), data=fields)

    def close(self) -> None:
        """Close the connections."""
        self.browser.close()


@pytest.fixture
def old_billing(request: pytest.FixtureRequest) -> Iterator[RunningEmulator]:
    """One of this version, or of the one that the test asks for."""
    with running_emulator("main", getattr(request, "param", OLD)) as running:
        yield running


@pytest.fixture
def admin(old_billing: RunningEmulator) -> Iterator[Person]:
    """Its superuser, signed in."""
    person = Person(old_billing, "admin")
    yield person
    person.close()


def kept(billing: RunningEmulator, path: str) -> Elsewhere | None:
    """What is set behind one of the two forms."""
    user = billing.core.people.named("acme").id
    return setup.remote_client(billing.core) if path == "settings" else setup.external_support(billing.core, user)


def everything(billing: RunningEmulator) -> list[list[tuple[object, ...]]]:
    """All that can be set up."""
    tables = ("preference", "permission", "remote_department")
    return [[tuple(row) for row in billing.core.database.all(f"SELECT * FROM {table}")] for table in tables]


def problem(answer: httpx.Response) -> str:
    """What the page complains about."""
    found = re.search(r'id="problem"[^>]*>([^<]*)<', answer.text)
    assert found, answer.text
    return found.group(1)


def rows(billing: RunningEmulator) -> list[tuple[str, bool]]:
    """(remote name, on) of acme's list."""
    found = setup.matches(billing.core, billing.core.people.named("acme").id)
    return [(row.remote, row.active) for row in found]
