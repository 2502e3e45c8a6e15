"""``links rebuild``: the ledger made anew from what both sides show, without a write to any billing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import Retriable
from connectors.memory import MemoryCall
from remotesupport.core.run import BillingState, RunKind
from remotesupport.core.text.compose import closed_notice
from remotesupport.steps.operator.rebuild_links import LinksResult, rebuild_links
from tests.backups import Office, State, kinds_planned, lose, minutes, restore, rewind, runs, shown
from tests.cycle_fixtures import Desk
from tests.database_fixtures import POSTGRES_FIRST

pytest_plugins = ("tests.database_fixtures", "tests.backup_fixtures")
MANY = 1200


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path, "acme", "globex")
    yield desk
    desk.store.close()


async def rebuilt(desk: Desk, **options: Any) -> LinksResult:
    """The line of acme."""
    report = await rebuild_links(desk.context, ("acme",), **options)
    [line] = report.billings
    return line


def ledger(desk: Desk) -> tuple[list[Any], list[Any]]:
    """Links and carried messages, in order."""
    return (
        desk.store.links("acme").sort_values("ext_ticket").to_dict("records"),
        desk.store.carried("acme").sort_values(["ext_ticket", "direction", "source_message"]).to_dict("records"),
    )


@pytest.mark.parametrize("store_url", POSTGRES_FIRST, indirect=True)
async def test_after_a_rebuild_the_next_plan_is_empty(office: Office) -> None:
    """Delete the store and rebuild, on either database: no billing is written to, and the next plans are empty."""
    desk = office.desk
    before, writes = shown(desk), desk.writes()
    lose(desk)
    line = await rebuilt(desk)
    assert (line.state, line.linked, line.ambiguous, line.alone) == (BillingState.OK, len(office.tickets), [], [])
    assert desk.writes() == writes
    plan = await desk.run(RunKind.PLAN, plan_only=True)
    assert kinds_planned([plan]) == set()
    assert kinds_planned(await runs(desk)) == set()
    assert shown(desk) == before


async def test_a_second_rebuild_changes_nothing(plain_office: Office) -> None:
    """Rebuilding what is whole, or was just rebuilt, changes no row of the ledger."""
    desk = plain_office.desk
    whole = ledger(desk)
    line = await rebuilt(desk)
    assert (line.linked, line.recognised, line.removed, line.forgotten) == (0, 0, [], 0)
    assert ledger(desk) == whole
    lose(desk)
    await rebuilt(desk)
    once = ledger(desk)
    line = await rebuilt(desk)
    assert (line.kept, line.linked, line.recognised) == (len(plain_office.tickets), 0, 0)
    assert ledger(desk) == once


async def test_an_intact_ledger_keeps_what_people_did_since(plain_office: Office) -> None:
    """A rebuild does not swallow a close that has not crossed yet."""
    office = plain_office
    desk = office.desk
    desk.main.archive(office.copy("new"))
    await rebuilt(desk)
    await minutes(desk)
    assert office.acme.find(office.tickets["new"]).status == 3


async def test_only_showing_stores_nothing(plain_office: Office) -> None:
    """With --plan-only the same is shown, and the ledger stays empty."""
    desk = plain_office.desk
    lose(desk)
    assert (await rebuilt(desk, plan_only=True)).linked == len(plain_office.tickets)
    assert ledger(desk) == ([], [])
    assert desk.store.last_runs(5) == []


@pytest.mark.thorough("many simulated minutes after a disaster")
async def test_after_a_restored_main_billing_what_is_missing_is_sent_again(
    plain_office: Office, yesterday: State
) -> None:
    """A person's rebuild takes a restored main billing as the truth: conflicts end, no state is taken over from the
    backup, and what is missing arrives again, once."""
    office = plain_office
    desk, acme = office.desk, office.acme
    rewind(desk.main, yesterday.images["main"])
    await runs(desk)
    statuses = {t.id: t.status for t in acme.tickets.values()}
    line = await rebuilt(desk)
    assert {row["ticket"] for row in line.removed} == {office.tickets["new"], office.tickets["new and closed"]}
    assert line.forgotten
    await runs(desk)
    (waits,) = desk.store.parked()  # that this one left is told again; staff, who hold it in the backup, close it
    assert (waits.ext_ticket, waits.ends_departure) == (office.tickets["leaves"], True)
    assert "no longer delivered" in desk.main.bodies(office.copy("leaves"))[-1]
    talk = [b.splitlines()[-1] for b in desk.main.bodies(office.copy("talk"))]
    ticket = office.tickets["talk"]  # closed over there, and what is sent again opens it in main
    assert talk[1:] == ["more", "ok", "ok", closed_notice("acme", ticket)]
    assert desk.main.bodies(office.copy("new"))
    assert {t.id: t.status for t in acme.tickets.values()} == statuses


@pytest.mark.thorough("many simulated minutes after a disaster")
async def test_after_a_restored_external_billing_answers_are_sent_again(plain_office: Office, yesterday: State) -> None:
    """A person's rebuild after an external billing was restored sends the answers that it lost, each once."""
    office = plain_office
    desk, acme = office.desk, office.acme
    rewind(acme, yesterday.images["acme"])
    await runs(desk)
    await rebuilt(desk)
    await runs(desk)
    assert acme.bodies(office.tickets["equal"]).count("ok") == 3
    assert acme.bodies(office.tickets["talk"])[-2:] == ["answer", "ok"]


async def test_what_is_ambiguous_is_named_and_left(desk: Desk) -> None:
    """Two main tickets with one origin are named both, nothing is linked to either, and a person is needed."""
    ticket = desk.externals["acme"].client_opens("ivan", "Technical support", "Q", "one")
    mains = [desk.main.client_opens("acme", "Outsourced support", f"[acme #{ticket}] Q", "x") for _ in range(2)]
    report = await rebuild_links(desk.context)
    [line] = [b for b in report.billings if b.name == "acme"]
    assert report.exit_status == 3
    [row] = line.ambiguous
    assert row["ticket"] == ticket
    assert all(f"main ticket {main}" in row["why"] for main in mains)
    assert ledger(desk) == ([], [])


async def test_origins_without_a_partner_are_named(desk: Desk) -> None:
    """An origin whose external ticket is not there, or in no corresponding department, is named, not linked."""
    acme = desk.externals["acme"]
    acme.people["robot"].departments.add(acme.department("Sales"))
    sold = acme.client_opens("ivan", "Sales", "Q", "S3CRET")
    for ticket in ("4711", sold):
        desk.main.client_opens("acme", "Outsourced support", f"[acme #{ticket}] Q", "x")
    line = await rebuilt(desk)
    why = {row["ticket"]: row["why"] for row in line.alone}
    assert "not there" in why["4711"]
    assert "no correspondence" in why[sold]
    assert not [c for c in acme.calls if c.function == "thread"]


async def test_a_broken_billing_is_its_own_line(desk: Desk) -> None:
    """A connection that cannot be read is named as failed; the others are rebuilt."""
    acme, globex = desk.externals["acme"], desk.externals["globex"]
    globex.client_opens("maria", "Technical support", "Q", "one")
    await desk.run()

    def broken(call: MemoryCall) -> None:
        raise Retriable("no route", billing="acme", function=call.function)

    acme.before["pages"] = broken
    lose(desk)
    report = await rebuild_links(desk.context)
    lines = {b.name: b for b in report.billings}
    assert lines["acme"].state is BillingState.FAILED
    assert "no route" in lines["acme"].reason
    assert lines["globex"].linked == 1
    assert report.exit_status == 1


async def test_a_rebuild_needs_the_right_to_write(desk: Desk) -> None:
    """While another run works on a connection its ledger is not touched."""
    other = desk.store.acquire_lease("acme", "somebody else", 60)
    line = await rebuilt(desk)
    assert other is not None
    assert line.state is BillingState.FAILED
    assert "another run" in line.reason


@pytest.mark.thorough("a thousand tickets")
async def test_a_rebuild_of_many_tickets_takes_seconds(desk: Desk) -> None:
    """More than a thousand tickets are linked again in one go, and nothing is planned afterwards."""
    acme = desk.externals["acme"]
    desk.main.add_customer("acme")
    for n in range(MANY):
        ticket = acme.client_opens("ivan", "Technical support", f"Q{n}", f"text {n}")
        said = acme.thread(acme.find(ticket))[0]
        body = f"acme #{ticket}/{said.id} | ivan (client) | 2026-11-23 12:00:00 Europe/Moscow\ntext {n}"
        copy = desk.main.client_opens("acme", "Outsourced support", f"[acme #{ticket}] Q{n}", body)
        acme.staff_replies(ticket, f"answer {n}", staff="robot")
        desk.main.staff_replies(copy, f"answer {n}")
    line = await rebuilt(desk)
    assert (line.linked, line.recognised) == (MANY, 2 * MANY)
    assert kinds_planned([await desk.run(RunKind.PLAN, plan_only=True)]) == set()


@pytest.mark.thorough("many simulated minutes after a disaster; a rebuild after a loss is in `make test`")
async def test_a_restored_store_is_brought_up_by_a_rebuild_too(plain_office: Office, yesterday: State) -> None:
    """With yesterday's store a rebuild links what is new, recognises the rest, and leaves nothing to write."""
    desk = plain_office.desk
    before = shown(desk)
    restore(desk, yesterday.dump)
    assert (await rebuilt(desk)).linked == 2
    assert kinds_planned(await runs(desk)) == set()
    assert shown(desk) == before
