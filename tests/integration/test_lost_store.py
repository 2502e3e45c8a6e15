"""A store that was lost: an empty ledger means that everything is new to us, never that everything was deleted."""

from __future__ import annotations

from pathlib import Path

import pytest

from remotesupport.core.run import BillingState, RunKind
from tests.backups import Office, kinds_planned, lose, runs, shown
from tests.cycle_fixtures import Desk
from tests.database_fixtures import SQLITE_FIRST

pytest_plugins = ("tests.database_fixtures", "tests.backup_fixtures")


@pytest.mark.parametrize("store_url", SQLITE_FIRST, indirect=True)
async def test_a_plain_sync_with_an_empty_ledger_repeats_nothing(office: Office) -> None:
    """After the store was lost, syncs and an audit adopt what is there: nothing is written, no state changes."""
    desk = office.desk
    before, writes = shown(desk), desk.writes()
    lose(desk)
    reports = await runs(desk)
    assert kinds_planned(reports) == {"adopt"}
    assert shown(desk) == before
    assert desk.writes() == writes
    assert [b.state for b in reports[-1].billings] == [BillingState.OK]


@pytest.mark.thorough("many simulated minutes after a disaster; the first test has the disaster itself")
async def test_people_go_on_after_the_loss_as_if_nothing_had_been(plain_office: Office) -> None:
    """After the ledger has filled itself again, each new word, equal ones too, crosses once, and a close as ever."""
    office = plain_office
    desk = office.desk
    lose(desk)
    await runs(desk)
    office.writes("equal", "ping")
    office.answers("equal", "ok")
    office.writes("held", "not solved")
    await runs(desk)
    assert sum(b.endswith("\nping") for b in desk.main.bodies(office.copy("equal"))) == 4
    assert office.acme.bodies(office.tickets["equal"]).count("ok") == 4
    assert desk.main.bodies(office.copy("held"))[-1].endswith("not solved")
    office.answers("held", "now it is")
    await runs(desk)
    desk.main.archive(office.copy("held"))
    await runs(desk)
    assert office.acme.find(office.tickets["held"]).status == 3


@pytest.mark.thorough("many simulated minutes; a plain sync after the loss is in `make test`")
async def test_words_that_came_while_the_store_was_lost_cross_once(plain_office: Office) -> None:
    """What people wrote between the last run and the loss arrives once, in order, and edits made then are told."""
    office = plain_office
    desk, acme = office.desk, office.acme
    office.writes("talk", "a", "b")
    office.answers("equal", "c", "ok")
    acme.edit(str(acme.thread(acme.find(office.tickets["new"]))[0].id), "new: first words, put right")
    lose(desk)
    await runs(desk)
    tail = [b.splitlines()[-1] for b in desk.main.bodies(office.copy("talk"))][-2:]
    assert tail == ["a", "b"]
    assert acme.bodies(office.tickets["equal"])[-2:] == ["c", "ok"]
    told = [b for b in desk.main.bodies(office.copy("new")) if b.endswith("put right")]
    assert len(told) == 1
    assert "edited, it now reads" in told[0]


@pytest.mark.thorough("many simulated minutes after a disaster; the first test has the disaster itself")
async def test_a_ticket_that_left_opens_the_same_one_again_after_the_loss(plain_office: Office) -> None:
    """A ticket away when the store was lost stays away, and its return opens the main ticket that it had."""
    office = plain_office
    desk, copy = office.desk, office.copy("leaves")
    away = desk.main.bodies(copy)
    lose(desk)
    await runs(desk)
    assert desk.main.bodies(copy) == away
    office.acme.transfer(office.tickets["leaves"], "Technical support")
    await runs(desk)
    assert office.copy("leaves") == copy
    assert "is back in a remote department" in desk.main.bodies(copy)[-1]
    assert desk.store.reason_of("acme", office.tickets["leaves"])[:1] == ("in_sync",)


async def test_the_loss_is_no_empty_billing(tmp_path: Path) -> None:
    """An empty ledger and empty lists are a new connection: in order, and nothing is written."""
    desk = Desk(tmp_path, "acme")
    [line] = (await desk.run(RunKind.AUDIT)).billings
    desk.store.close()
    assert (line.state, line.written) == (BillingState.OK, 0)
