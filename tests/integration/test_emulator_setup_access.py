"""Who may open the set-up pages, in which releases they are, and that nothing typed there comes alive."""

from __future__ import annotations

import httpx
import pytest

from remotesupport.emulator.v4 import rights
from tests.emulator_fixtures import RunningEmulator
from tests.setup_pages import THERE, Person, everything, kept, problem

pytest_plugins = ("tests.setup_pages",)

CHANGES = {
    "users/{acme}": THERE,
    "settings": THERE,
    "users/{acme}/list/new": {"remote": "A", "own": "Outsourced support"},
    "departments/{support}": {"on": "on"},
    "functions/{robot}": {"on": "on", "function": "clienttickets.sync"},
}
LISTS = ("", "users", "users/{acme}/list", "departments", "administrators")


@pytest.mark.parametrize(("login", "status"), [("", 200), ("ivan", 403), ("acme", 403), ("support-robot", 403)])
def test_only_superusers_come_in(login: str, status: int, old_billing: RunningEmulator) -> None:
    """A stranger is asked who he is, everybody else is refused; neither sees nor changes anything."""
    person, before = Person(old_billing, login), everything(old_billing)
    for path in (*CHANGES, *LISTS):
        answer = person.look(path)
        assert (answer.status_code, "Set-up" in answer.text) == (status, False)
        assert ("Who would you like to be?" in answer.text) == (not login)
    for path, fields in CHANGES.items():
        assert person.send(path, **fields).status_code == status
    assert everything(old_billing) == before
    person.close()


def test_a_suspended_administrator_is_signed_out(old_billing: RunningEmulator, admin: Person) -> None:
    """The pages that were open do nothing any more."""
    old_billing.act(do="user", login="admin", active=False)
    assert "Who would you like to be?" in admin.send("settings", **THERE).text
    assert kept(old_billing, "settings") is None


def test_who_signs_in_on_the_way_arrives(old_billing: RunningEmulator) -> None:
    """The choice of people leads an administrator back to the page he wanted, and nobody anywhere else."""
    with httpx.Client(base_url=old_billing.base) as client:
        assert client.get("/setup/settings").headers["location"] == "/?then=/setup/settings"
        assert 'name="then" value="/setup/settings"' in client.get("/?then=/setup/settings").text
        for login, then, arrives in (
            ("admin", "/setup/settings", "/setup/settings"),
            ("admin", "/setup/", "/setup/"),
            ("admin", "https://evil.example/", "/staff"),
            ("ivan", "/setup/settings", "/client"),
        ):
            assert client.post("/sign-in", data={"login": login, "then": then}).headers["location"] == arrives
            assert client.get(arrives).status_code in {200, 303}


@pytest.mark.parametrize("old_billing", ["4.0.62"], indirect=True)
def test_a_release_without_the_option_says_so(old_billing: RunningEmulator, admin: Person) -> None:
    """4.0.62 has no remote support: every page says it, and no form does anything."""
    before = everything(old_billing)
    for path in (*CHANGES, *LISTS):
        assert "4.0.62 has no such option" in problem(admin.look(path))
    for path, fields in CHANGES.items():
        assert admin.send(path, **fields).status_code == 409
    assert everything(old_billing) == before


@pytest.mark.parametrize("old_billing", ["4.0.63"], indirect=True)
def test_rights_are_not_offered_before_4_0_68(old_billing: RunningEmulator, admin: Person) -> None:
    """The lists have no link to them, and their address says why."""
    assert "/setup/functions/" not in admin.look("administrators").text + admin.look("departments").text
    assert "4.0.68" in problem(admin.look("functions/{robot}"))
    assert admin.send("functions/{robot}", on="on", function="clienttickets.sync").status_code == 409
    assert rights.own_rights(old_billing.core, admin.ids["robot"]) == []


@pytest.mark.parametrize("old_billing", ["6.94.1"], indirect=True)
def test_version_6_has_no_such_pages(admin: Person) -> None:
    """Neither the addresses nor a link to them."""
    assert {admin.look(path).status_code for path in (*CHANGES, *LISTS)} == {404}
    assert "/setup/" not in admin.browser.get("/staff").text


def test_nothing_typed_comes_alive(admin: Person) -> None:
    """Markup in any field is shown as text, before and after it is saved, and no script may run."""
    evil = "\"'><script>alert(1)</script>"
    answers = [
        admin.send("settings", on="on", url=evil, login=evil, password=evil),
        admin.send("users/{acme}", **THERE | {"login": evil}),
        admin.send("users/{acme}/list/new", remote=evil, own=evil),
        admin.send("users/{acme}/list/new", remote=evil, own=admin.ids["own"]),
        admin.send("functions/{robot}", on="on", function=evil),
    ]
    for answer in answers:
        assert "&lt;script&gt;" in answer.text
        assert "<script" not in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]
