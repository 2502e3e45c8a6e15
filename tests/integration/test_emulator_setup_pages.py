"""The pages on which the set-up of a version 4 is done by hand: each form does what the side door does."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from remotesupport.core.run import BillingState
from remotesupport.emulator.v4 import rights
from remotesupport.emulator.v4.setup import Elsewhere
from remotesupport.steps.operator.check import check_connection
from tests.emulator_fixtures import RunningEmulator, password_of
from tests.http_desk import crossed_once, http_desk
from tests.setup_pages import CANARY, OLD, THERE, Person, everything, kept, problem, rows
from tests.three_billings import ThreeBillings, three_billings

pytest_plugins = ("tests.setup_pages",)

FORMS = ("users/{acme}", "settings")  # the two with the other billing's address in them

# --- the two forms about the other billing ------------------------------------------------------------------


@pytest.mark.parametrize("path", FORMS)
def test_what_is_typed_is_set_and_the_password_is_never_shown(
    path: str, old_billing: RunningEmulator, admin: Person
) -> None:
    """The three fields arrive; later the password is shown by no page, and left empty it stays as it is."""
    assert 'id="saved"' in admin.send(path, **THERE).text
    assert kept(old_billing, path) == Elsewhere("https://a.example/billmgr", "robot", CANARY)
    shown = admin.look(path).text
    assert 'value="robot"' in shown
    assert "canary" not in shown + admin.look("users").text
    admin.send(path, **THERE | {"login": "other", "password": ""})
    assert kept(old_billing, path) == Elsewhere("https://a.example/billmgr", "other", CANARY)
    admin.send(path, **THERE | {"on": ""})
    assert kept(old_billing, path) is None


BAD = (
    ("url", "", "whole address"),
    ("url", "a.example/billmgr", "whole address"),
    ("url", "javascript://a.example/%0aalert(1)", "whole address"),
    ("url", "https://robot:secret@a.example/", "without a login"),
    ("url", "https://a .example/", "whole address"),
    ("url", "https://a.example:port/", "whole address"),
    ("url", "https://[::1/", "whole address"),
    ("login", "  ", "login in the other billing is missing"),
    ("password", "", "password in the other billing is missing"),
)


@pytest.mark.parametrize("path", FORMS)
def test_bad_input_is_refused(path: str, old_billing: RunningEmulator, admin: Person) -> None:
    """The page says which field is wrong, sets nothing, and shows again what was typed, without the password."""
    for field, typed, complaint in BAD:
        fields = THERE | {field: typed}
        answer = admin.send(path, **fields)
        assert (answer.status_code, kept(old_billing, path)) == (409, None)
        assert complaint in problem(answer)
        assert [f'value="{fields[name]}"' in answer.text for name in ("url", "login")] == [True, True]
        assert 'value="on" checked' in answer.text
        assert "canary" not in answer.text


def test_the_password_of_a_refused_form_need_not_be_typed_again(old_billing: RunningEmulator, admin: Person) -> None:
    """However often it is refused, the form that is right at last has the password of the first; another's has not."""
    answer = admin.send("settings", **THERE | {"url": "wrong"})
    (draft,) = re.findall(r'name="draft" value="(\w+)"', answer.text)
    again = THERE | {"password": "", "draft": draft}
    assert f'value="{draft}"' in admin.send("settings", **again | {"login": ""}).text
    assert "password" in problem(admin.send("settings", **THERE | {"password": ""}))
    admin.send("settings", **again)
    assert kept(old_billing, "settings") == Elsewhere("https://a.example/billmgr", "robot", CANARY)
    assert "type the password again" in problem(admin.send("settings", **again))


def test_the_side_door_refuses_the_same(old_billing: RunningEmulator) -> None:
    """One operation behind both."""
    for order in ({"do": "remote_client"}, {"do": "external_support", "login": "acme"}):
        body = order | {"url": "nonsense", "other_login": "robot", "other_password": "x"}
        answer = httpx.post(f"{old_billing.base}/_emulator/act", json=body)
        assert (answer.status_code, "whole address" in answer.json()["error"]) == (409, True)


# --- "Remote support departments" ---------------------------------------------------------------------------


def test_a_row_is_added_edited_switched_and_deleted(old_billing: RunningEmulator, admin: Person) -> None:
    """Each does what it says, and nothing else."""
    shown = admin.send("users/{acme}/list/new", remote=" Technical support ", own=admin.ids["own"]).text
    assert ">Technical support</td><td>Outsourced support</td>" in shown
    (row,) = re.findall(r'id="match-(\d+)"', shown)
    admin.send(f"users/{{acme}}/list/{row}/disable")
    assert rows(old_billing) == [("Technical support", False)]
    admin.send(f"users/{{acme}}/list/{row}", remote="Почта", own=admin.ids["support"])
    assert rows(old_billing) == [("Почта", False)]
    admin.send(f"users/{{acme}}/list/{row}/enable")
    assert rows(old_billing) == [("Почта", True)]
    admin.send(f"users/{{acme}}/list/{row}/delete")
    assert rows(old_billing) == []


def test_a_row_that_cannot_be_is_refused(old_billing: RunningEmulator, admin: Person) -> None:
    """No second row of a name, no empty name, no department that is not there; what was typed is shown again."""
    own = admin.ids["own"]
    admin.send("users/{acme}/list/new", remote="A", own=own)
    shown = admin.send("users/{acme}/list/new", remote="B", own=own).text
    second = re.findall(r'id="match-(\d+)"', shown)[1]
    before = everything(old_billing)
    for path in ("new", second):
        for remote, chosen, complaint in (
            ("A", own, "there already"),
            (" ", own, "name that the department has"),
            ("C", "", "Choose one of your own"),
            ("C", "999999999999999999999", "does not exist"),
        ):
            answer = admin.send(f"users/{{acme}}/list/{path}", remote=remote, own=chosen)
            assert (answer.status_code, complaint in problem(answer)) == (409, True)
            assert f'value="{remote}"' in answer.text
            assert (f'value="{own}" selected' in answer.text) == (chosen == own)
    assert everything(old_billing) == before


def test_a_row_belongs_to_its_user(old_billing: RunningEmulator, admin: Person) -> None:
    """By another user's address, or staff's, or a number nobody has, it is neither shown nor changed."""
    shown = admin.send("users/{acme}/list/new", remote="A", own=admin.ids["own"]).text
    (row,) = re.findall(r'id="match-(\d+)"', shown)
    globex, before = old_billing.core.people.named("globex").id, everything(old_billing)
    for path in (f"users/{globex}/list/{row}", f"users/{{robot}}/list/{row}", f"users/{{acme}}/list/{'9' * 30}"):
        assert admin.look(path).status_code == 409
        for do in ("", "/delete", "/disable"):
            assert admin.send(path + do, remote="B", own=admin.ids["own"]).status_code == 409
    assert admin.send(f"users/{{acme}}/list/{row}/forget").status_code == 409
    assert admin.look(f"users/{{acme}}/list/{row}/delete").status_code == 405
    assert everything(old_billing) == before


# --- departments, rights ------------------------------------------------------------------------------------


def test_the_department_has_its_check_box(old_billing: RunningEmulator, admin: Person) -> None:
    """On is on and off is off, for that department alone."""
    for fields, flagged in (({"on": "on"}, {"Technical support"}), ({}, set())):
        admin.send("departments/{support}", **fields)
        assert {d["name"] for d in old_billing.state()["departments"] if d["remote"]} == flagged
        assert (' checked><label for="remote-department"' in admin.look("departments/{support}").text) == bool(fields)


@pytest.mark.parametrize("owner", ["robot", "support"])
def test_rights_are_given_and_taken(owner: str, old_billing: RunningEmulator, admin: Person) -> None:
    """Exactly the chosen functions, to an administrator or a department; without "Internal functions" none."""
    path, two = f"functions/{{{owner}}}", ["clienttickets.sync", "clienttickets.syncdepartments"]
    admin.send(path, on="on", function=two)
    assert rights.own_rights(old_billing.core, admin.ids[owner]) == two
    assert admin.look(path).text.count(" checked>") == 1 + len(two)
    answer = admin.send(path, on="on", function=["tickets"])
    assert "There is no function tickets" in problem(answer)
    assert "Choose a function" in problem(admin.send(path, on="on"))
    assert rights.own_rights(old_billing.core, admin.ids[owner]) == two
    admin.send(path, function=two)
    assert rights.own_rights(old_billing.core, admin.ids[owner]) == []


def test_full_access_cannot_be_limited(old_billing: RunningEmulator, admin: Person) -> None:
    """A superuser's functions are no form, and a client has none."""
    for login in ("admin", "acme"):
        path = f"functions/{old_billing.core.people.named(login).id}"
        assert (admin.look(path).status_code, admin.send(path, on="on").status_code) == (409, 409)
    assert "cannot be limited" in admin.look("administrators").text


# --- what the product sees of it ----------------------------------------------------------------------------


def by_hand(world: ThreeBillings) -> tuple[Person, str]:
    """The set-up of both billings by these pages: (main's administrator, the address of the list's row)."""
    main, acme = Person(world.main, "admin"), Person(world.acme, "admin")
    robot = {"login": "support-robot", "password": password_of("support-robot")}
    main.send("users/{acme}", on="on", url=world.acme.url, **robot)
    listed = main.send("users/{acme}/list/new", remote="Technical support", own=main.ids["own"]).text
    acme.send("settings", on="on", url=world.main.url, login="acme", password=password_of("acme"))
    acme.send("departments/{support}", on="on")
    acme.send("functions/{robot}", on="on", function=rights.SYNC_FUNCTIONS)
    acme.close()
    (row,) = re.findall(r'id="match-(\d+)"', listed)
    return main, f"users/{{acme}}/list/{row}"


async def test_what_is_set_up_by_hand_is_in_order_and_a_row_switched_off_stops(tmp_path: Path) -> None:
    """``check`` has nothing to say of it; while the row is off nothing crosses, and nothing is lost by that."""
    with three_billings(tmp_path, main_version=OLD, acme_version=OLD, set_up=False) as world:
        admin, row = by_hand(world)
        async with http_desk(world) as desk:
            checked = await check_connection(desk.context.connections["acme"], desk.context.settings.main)
            assert [each for each in checked if not each.ok or each.cure] == []
            said = {"as_": "ivan", "department": "Technical support", "subject": "s"}
            ticket = world.acme.act(do="open", text="E1", **said)["ticket"]
            admin.send(f"{row}/disable")
            (line,) = (await desk.run()).billings
            assert (line.state, line.written, world.copies("[acme")) == (BillingState.OK, 0, [])
            admin.send(f"{row}/enable")
            await desk.drain()
            crossed_once(world.main, world.copy(f"[acme #{ticket}]"), ["E1"])
        admin.close()
