"""``check`` and ``departments``: what a person is told before the first sync."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.errors import AccessDenied, ConnectorError, Fatal, NoConnection, Retriable, TooOld
from connectors.memory import MemoryBilling, MemoryCall
from remotesupport.bootstrap import Connection
from remotesupport.settings import Settings
from remotesupport.steps.operator.check import check_connection
from remotesupport.steps.operator.check_row import CheckRow
from remotesupport.steps.operator.department_overview import department_board
from tests.cycle_fixtures import settings_for


class Pair:
    """Two billings in memory and the connection between them."""

    def __init__(self, folder: Path, extra: str = "", zone: str = "Europe/Moscow") -> None:
        self.settings: Settings = settings_for(folder, "acme", extra=extra)
        self.external = MemoryBilling("acme", timezone=zone)
        self.main = MemoryBilling("main", departments=("Outsourced support",), timezone="Europe/Moscow")
        self.connection = Connection(
            self.settings.connection("acme"),
            self.external.staff("robot", name="acme"),
            self.main.customer("acme", name="acme"),
        )

    async def check(self) -> dict[str, CheckRow]:
        rows = await check_connection(self.connection, self.settings.main)
        return {row.check: row for row in rows}


def fails(world: MemoryBilling, function: str, error: ConnectorError) -> None:
    def hook(_call: MemoryCall) -> None:
        raise error

    world.before[function] = hook


async def test_everything_in_order(tmp_path: Path) -> None:
    """A sound connection has a good row for every check of the contract, and none of them writes."""
    pair = Pair(tmp_path)
    rows = await pair.check()
    asked = ("TLS", "login", "version", "rights", "customer user", "departments", "canary", "time zone")
    assert [c for c in asked if not rows[c].ok] == []
    assert [row for row in rows.values() if not row.ok] == []
    assert pair.external.writes() + pair.main.writes() == []


async def test_refused_login(tmp_path: Path) -> None:
    """A refused login is that row's failure, with the cure; what hangs on it is not looked at."""
    pair = Pair(tmp_path)
    fails(pair.external, "identify", AccessDenied("wrong password", billing="acme", cure="Correct it"))
    rows = await pair.check()
    assert (rows["login"].ok, rows["login"].detail, rows["login"].cure) == (False, "wrong password", "Correct it")
    assert rows["TLS"].ok
    assert rows["customer user"].ok
    assert rows["rights"].detail.startswith("not looked at")
    assert rows["login"].person


async def test_untrusted_certificate(tmp_path: Path) -> None:
    """A certificate that is not trusted is the TLS row's failure."""
    pair = Pair(tmp_path)
    distrust = Fatal("it is not trusted", billing="acme", cure="Set ca_file", kind=NoConnection.CERTIFICATE)
    fails(pair.main, "identify", distrust)
    rows = await pair.check()
    assert not rows["main TLS"].ok
    assert rows["main TLS"].cure == "Set ca_file"
    assert rows["TLS"].ok


async def test_unreachable_needs_no_person(tmp_path: Path) -> None:
    """A billing that does not answer now may answer later."""
    pair = Pair(tmp_path)
    fails(pair.external, "identify", Retriable("refused", billing="acme"))
    rows = await pair.check()
    assert [(r.check, r.person) for r in rows.values() if not r.ok and r.person] == []


async def test_old_version(tmp_path: Path) -> None:
    """A version that cannot be used is the version row's failure."""
    pair = Pair(tmp_path)
    fails(pair.external, "identify", TooOld("3.1 is too old", billing="acme"))
    assert not (await pair.check())["version"].ok


@pytest.mark.parametrize("function", ["departments", "pages"])
async def test_missing_rights(tmp_path: Path, function: str) -> None:
    """A login that may not read what the sync reads fails the rights row."""
    pair = Pair(tmp_path)
    fails(pair.external, function, AccessDenied("access deny", billing="acme"))
    rows = await pair.check()
    assert not rows["rights"].ok
    assert rows["login"].ok


async def test_lost_department(tmp_path: Path) -> None:
    """A configured department that is not there is named with its side."""
    pair = Pair(tmp_path)
    pair.main.departments.clear()
    row = (await pair.check())["departments"]
    assert "'Outsourced support' is not in the main billing" in row.detail


async def test_canary(tmp_path: Path) -> None:
    """A canary that cannot be read fails its row."""
    lost = Pair(tmp_path, extra='canary_department = "Nowhere"')
    assert not (await lost.check())["canary"].ok
    there = Pair(tmp_path, extra='canary_department = "technical support"')
    assert (await there.check())["canary"].ok
    gone = Pair(tmp_path, extra='canary_ticket = "9999"')
    assert not (await gone.check())["canary"].ok


async def test_other_time_zone(tmp_path: Path) -> None:
    """A time zone other than the configured one fails with the line to write."""
    row = (await Pair(tmp_path, zone="Asia/Tokyo").check())["time zone"]
    assert (row.ok, row.cure) == (False, 'Set timezone = "Asia/Tokyo"')


async def test_departments_show_unmapped(tmp_path: Path) -> None:
    """Each remote department is shown with where it goes; one that goes nowhere says so."""
    pair = Pair(tmp_path)
    board = await department_board(pair.connection)
    lines = {line.name: line for line in board.departments}
    assert lines["Technical support"].main == "Outsourced support"
    unmapped = [line for line in board.departments if line.main is None]
    assert {line.problem for line in unmapped} == {"no correspondence"}
    assert len(lines) == len(pair.external.departments)


async def test_a_department_that_the_login_cannot_see_has_no_count(tmp_path: Path) -> None:
    """Where the login is shown no ticket of a department, nobody claims that there are none."""
    pair = Pair(tmp_path)
    ids = {name: department for department, name in pair.external.departments.items()}
    pair.external.people["robot"].departments.discard(ids["Sales"])
    pair.external.client_opens("ivan", "Sales", "Q", "one")
    pair.external.client_opens("ivan", "Technical support", "Q", "two")
    lines = {line.name: line for line in (await department_board(pair.connection)).departments}
    assert (lines["Technical support"].waiting, lines["Technical support"].reason) == (1, "")
    assert (lines["Sales"].waiting, lines["Sales"].reason) == (None, "not_visible")


async def test_a_configured_department_that_is_not_visible_has_its_cure(tmp_path: Path) -> None:
    """A configured department that the login is not shown, or none of whose tickets, is told with what to do."""
    pair = Pair(tmp_path)
    pair.external.people["robot"].departments.clear()
    (line,) = [d for d in (await department_board(pair.connection)).departments if d.enabled]
    assert (line.waiting, line.reason, line.main) == (None, "not_visible", "Outsourced support")
    assert "give the login robot the department 'Technical support'" in line.problem
    pair.external.departments = {k: v for k, v in pair.external.departments.items() if v != "Technical support"}
    (lost,) = [d for d in (await department_board(pair.connection)).departments if d.enabled]
    assert (lost.department, lost.waiting, lost.reason) == ("", None, "not_visible")
    assert "remotesupport departments --billing acme" in lost.problem
    assert "visible are 'Sales'" in lost.problem


async def test_a_name_that_means_two_departments_is_not_counted(tmp_path: Path) -> None:
    """Which of two departments of one name is meant nobody can tell: both ids are named."""
    pair = Pair(tmp_path)
    twin = pair.external.add_department("Technical support")
    lost = next(d for d in (await department_board(pair.connection)).departments if not d.department)
    assert (lost.waiting, lost.reason) == (None, "ambiguous")
    assert twin in lost.problem


async def test_departments_of_a_broken_billing(tmp_path: Path) -> None:
    """A billing that cannot be read has an error instead of lines."""
    pair = Pair(tmp_path)
    fails(pair.external, "departments", Retriable("refused", billing="acme"))
    board = await department_board(pair.connection)
    assert (board.departments, board.error) == ((), "acme: refused")
