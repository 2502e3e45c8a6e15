"""remotesupport.log: every failure is one line with billing, ticket, function, cause and run."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.errors import Refused
from connectors.memory import MemoryCall
from remotesupport.logs import log_file, set_up, tear_down
from tests.cycle_fixtures import Desk

SECRET_TEXT = "the body of a message"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path, "acme")


async def lines_of(desk: Desk, home: Path) -> tuple[list[str], str]:
    """What one run leaves in the log, and the run's id."""
    set_up(home, ["invented"], stderr=False)
    try:
        run = (await desk.run()).run
    finally:
        tear_down()
    logged = log_file(home).read_text(encoding="utf-8").splitlines()
    return [line for line in logged if " WARNING " in line], run


async def test_each_ticket_that_fails_has_its_own_line(desk: Desk, tmp_path: Path) -> None:
    """Two tickets that the server refuses are two lines; no line has a line break or the text of a message."""

    def refuse(_call: MemoryCall) -> None:
        raise Refused("locked\nby somebody", billing="acme (main)", function="clientticket.edit", kind="locked")

    acme = desk.externals["acme"]
    tickets = [acme.client_opens("ivan", "Technical support", f"s{n}", SECRET_TEXT) for n in range(2)]
    desk.main.before["create"] = refuse
    lines, run = await lines_of(desk, tmp_path)
    assert len(lines) == len(tickets)
    for ticket, line in zip(tickets, lines, strict=True):
        assert f"acme: failed: ticket {ticket}: acme (main) in clientticket.edit: locked by somebody" in line
        assert line.endswith(f"(run {run})")
        assert SECRET_TEXT not in line


async def test_a_billing_that_cannot_be_read_is_one_line(desk: Desk, tmp_path: Path) -> None:
    """With the function and the cause."""

    def refuse(_call: MemoryCall) -> None:
        raise Refused("no", billing="acme (external)", function="ticket")

    desk.externals["acme"].before["pages"] = refuse
    lines, run = await lines_of(desk, tmp_path)
    (line,) = lines
    assert f"acme: failed: acme (external) in ticket: no (run {run})" in line
