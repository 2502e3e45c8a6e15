"""``departments`` as a person starts it, over real HTTP."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from remotesupport import logs
from remotesupport.cli.main import main
from tests.emulator_fixtures import password_of
from tests.three_billings import ThreeBillings, three_billings


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreeBillings]:
    """The billings, and the environment in which the command finds them."""
    level = logging.getLogger().level
    with three_billings(tmp_path) as running:
        for name, value in running.environ.items():
            monkeypatch.setenv(name, value)
        yield running
    logs.tear_down()
    logging.getLogger().setLevel(level)


def shown(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The rows of acme by name, as ``--json`` has them."""
    assert main(["departments", "--billing", "acme", "--json"]) == 0
    (board,) = json.loads(capsys.readouterr().out)["billings"]
    return {line["name"]: line for line in board["departments"]}


def test_what_the_login_cannot_see_is_not_counted_as_nothing(
    world: ThreeBillings, capsys: pytest.CaptureFixture[str]
) -> None:
    """A department whose tickets this login is not shown says so, in words and as a machine value; never 0."""
    world.acme.act(as_="ivan", do="open", department="Sales", subject="Q", text="one")
    world.acme.act(as_="ivan", do="open", department="Technical support", subject="Q", text="two")
    rows = shown(capsys)
    assert (rows["Technical support"]["waiting"], rows["Technical support"]["reason"]) == (1, "")
    assert (rows["Sales"]["waiting"], rows["Sales"]["reason"]) == (None, "not_visible")
    assert main(["departments", "--billing", "acme"]) == 0
    (line,) = [text for text in capsys.readouterr().out.splitlines() if "\tSales\t" in text]
    assert "not visible to this login" in line


def test_a_configured_department_of_others_is_told_with_its_cure(
    world: ThreeBillings, capsys: pytest.CaptureFixture[str]
) -> None:
    """A correspondence whose department the login has lost says what to give to which login."""
    world.acme.act(do="user", login="support-robot", departments=["Billing"])
    row = shown(capsys)["Technical support"]
    assert (row["main"], row["waiting"], row["reason"]) == ("Outsourced support", None, "not_visible")
    assert "give the login support-robot the department 'Technical support'" in row["problem"]


def test_a_login_with_full_access_sees_everything(world: ThreeBillings, capsys: pytest.CaptureFixture[str]) -> None:
    """For a superuser every count is one: 0 means that nothing is open there."""
    file = world.home / "remotesupport.toml"
    secret = world.home / "secrets" / "support-robot"
    file.write_text(file.read_text().replace('login = "support-robot"', 'login = "admin"'))
    secret.write_text(password_of("admin"))
    assert {row["waiting"] for row in shown(capsys).values()} == {0}
