"""``check`` walks through the set-up as the document has it, and gives the cure for what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from remotesupport.steps.operator.check import check_connection
from remotesupport.steps.operator.check_row import CheckRow
from tests.emulator_fixtures import password_of
from tests.http_desk import http_desk
from tests.three_billings import ThreeBillings, three_billings

OLD = "4.0.68"
ROBOT = {"other_login": "support-robot", "other_password": password_of("support-robot")}
CUSTOMER = {"other_login": "acme", "other_password": password_of("acme")}


async def checked(world: ThreeBillings) -> dict[str, CheckRow]:
    """The rows of acme by their names."""
    async with http_desk(world) as desk:
        rows = await check_connection(desk.context.connections["acme"], desk.context.settings.main)
        return {row.check: row for row in rows}


@pytest.mark.parametrize(("main", "external"), [(OLD, OLD), ("6.94.1", OLD), (OLD, "6.94.1"), ("6.94.1", "6.94.1")])
async def test_what_is_set_up_as_the_document_says_is_in_order(main: str, external: str, tmp_path: Path) -> None:
    """Every row is good in each pair of versions; where a version has no such setting, it says what stands in."""
    with three_billings(tmp_path, main_version=main, acme_version=external) as world:
        rows = await checked(world)
        assert [row for row in rows.values() if not row.ok] == []
        assert ("stands in" in rows["external support"].detail) == main.startswith("6")
        assert ("stands in" in rows["client of remote support"].detail) == external.startswith("6")


async def test_external_support_is_compared(tmp_path: Path) -> None:
    """Another address, another login: the row says which, and what it should be. Never a password."""
    with three_billings(tmp_path, main_version=OLD, acme_version=OLD) as world:
        other = ROBOT | {"other_login": "somebody"}
        world.main.act(do="external_support", login="acme", url="https://elsewhere.example/billmgr", **other)
        row = (await checked(world))["external support"]
        assert not row.ok
        assert "https://elsewhere.example/billmgr" in row.detail
        assert "the login is somebody" in row.detail
        assert world.acme.url in row.cure
        assert password_of("support-robot") not in row.detail + row.cure


async def test_a_slash_at_the_end_makes_no_difference(tmp_path: Path) -> None:
    """Addresses are compared by what they mean."""
    with three_billings(tmp_path, main_version=OLD, acme_version=OLD) as world:
        world.main.act(do="external_support", login="acme", url=world.acme.url + "/", **ROBOT)
        assert (await checked(world))["external support"].ok


async def test_client_of_remote_support_is_compared(tmp_path: Path) -> None:
    """Switched off, or with another address: named, with the cure."""
    with three_billings(tmp_path, main_version=OLD, acme_version=OLD) as world:
        world.acme.act(do="remote_client")
        row = (await checked(world))["client of remote support"]
        assert (row.ok, row.detail) == (False, "it is switched off")
        assert f"URL {world.main.url}, login acme" in row.cure
        world.acme.act(do="remote_client", url="https://elsewhere.example/billmgr", **CUSTOMER)
        assert "elsewhere.example" in (await checked(world))["client of remote support"].detail


async def test_flags_are_compared(tmp_path: Path) -> None:
    """A corresponding department without the flag fails; a flagged one without a correspondence is named."""
    with three_billings(tmp_path, acme_version=OLD) as world:
        world.acme.act(do="department_flag", department="Sales")
        row = (await checked(world))["department flags"]
        assert row.ok
        assert 'without a correspondence: "Sales"' in row.detail
        world.acme.act(do="department_flag", department="Technical support", remote=False)
        row = (await checked(world))["department flags"]
        assert not row.ok
        assert '"Technical support"' in row.detail


async def test_a_difference_between_list_and_configuration_fails(tmp_path: Path) -> None:
    """What waits in a run for a person fails here too."""
    with three_billings(tmp_path, main_version=OLD) as world:
        world.main.act(do="department", department="Elsewhere")
        world.main.act(do="remote_department", login="acme", remote="Technical support", department="Elsewhere")
        row = (await checked(world))["correspondences"]
        assert not row.ok
        assert "until both say the same" in row.detail


async def test_a_main_billing_that_is_too_old(tmp_path: Path) -> None:
    """4.0.62 has no remote support on either end."""
    with three_billings(tmp_path, main_version="4.0.62") as world:
        row = (await checked(world))["main version"]
        assert not row.ok
        assert "4.0.63 or later" in row.detail
        assert row.cure == "Update that BILLmanager"
