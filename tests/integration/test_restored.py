"""A store put back from yesterday's backup, and billings put back from theirs: nothing is repeated or guessed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors.errors import Refused, Skippable, UnknownOutcome
from connectors.memory import STATES, MemoryCall
from remotesupport.core.model import ChangeKind
from remotesupport.core.run import BillingState, RunKind
from tests.backups import (
    Office,
    State,
    backup,
    image,
    kinds_planned,
    minutes,
    restore,
    rewind,
    runs,
    shown,
)
from tests.database_fixtures import POSTGRES_FIRST

pytest_plugins = ("tests.database_fixtures", "tests.backup_fixtures")
QUIET = {"adopt"}


# --- the store ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("store_url", POSTGRES_FIRST, indirect=True)
async def test_a_store_from_yesterday_repeats_and_closes_nothing(office: Office, yesterday: State) -> None:
    """With yesterday's tables put back, on either database, a day of messages, creates, closes, reopens, departures,
    returns and edits is only recognised: nothing is written, and the board is in order."""
    desk = office.desk
    before, writes = shown(desk), desk.writes()
    restore(desk, yesterday.dump)
    reports = await runs(desk)
    assert kinds_planned(reports) <= QUIET
    assert shown(desk) == before
    assert desk.writes() == writes
    assert [b.state for b in reports[-1].billings] == [BillingState.OK]
    assert desk.store.parked() == []


@pytest.mark.thorough("many simulated minutes after a disaster; the first test has the disaster itself")
@pytest.mark.parametrize("outcome", [UnknownOutcome, Refused])
async def test_a_reply_is_not_repeated_where_the_copy_has_an_unsettled_write(
    plain_office: Office, outcome: type[Exception]
) -> None:
    """What crossed after the copy was made is recognised once the copy's own write is settled, and not before that
    taken for something that a person gave up, though a later message of the client is in main already."""
    desk, acme = plain_office.desk, plain_office.desk.externals["acme"]
    ticket = acme.client_opens("ivan", "Technical support", "unsettled", "E1")
    await minutes(desk, 2)
    (main,) = [t for t in desk.main.tickets.values() if "unsettled" in t.subject]

    def fails(call: MemoryCall) -> None:
        raise outcome("no answer", billing="acme", function=call.function)  # type: ignore[call-arg]

    acme.after["close"] = fails
    desk.main.close(str(main.id))
    await desk.run()
    del acme.after["close"]
    dump = backup(desk)
    await runs(desk)
    desk.main.staff_replies(str(main.id), "M1")
    await minutes(desk, 2)
    acme.client_writes(ticket, "E2")
    await minutes(desk, 2)
    restore(desk, dump)
    acme.client_writes(ticket, "E3")
    await runs(desk)
    assert acme.bodies(ticket).count("M1") == 1
    said = "\n".join(desk.main.bodies(str(main.id)))
    assert [said.count(text) for text in ("E1", "E2", "E3", "M1")] == [1, 1, 1, 1]


@pytest.mark.thorough("many simulated minutes after a disaster; the first test has the disaster itself")
async def test_a_reply_is_not_repeated_where_the_clients_ticket_cannot_be_read(plain_office: Office) -> None:
    """A restored ledger does not know the reply, and in its first run the client's thread cannot be read: nothing is
    sent before it was, and then there is nothing to send."""
    office = plain_office
    desk, acme = office.desk, office.acme
    office.opens("unseen")
    await minutes(desk)
    dump = backup(desk)
    office.answers("unseen", "M1")
    await minutes(desk)
    restore(desk, dump)

    def garbage(call: MemoryCall) -> None:
        raise Skippable("garbage", billing="acme", function=call.function, kind="readable")

    acme.before["thread"] = garbage
    await desk.run()
    assert acme.bodies(office.tickets["unseen"]).count("M1") == 1
    del acme.before["thread"]
    await runs(desk)
    assert acme.bodies(office.tickets["unseen"]).count("M1") == 1
    assert [b for b in desk.main.bodies(office.copy("unseen")) if "Support Robot" in b] == []


@pytest.mark.thorough("many simulated minutes after a disaster; the first test has the disaster itself")
async def test_what_our_own_message_opened_is_no_reopening_by_a_person(plain_office: Office) -> None:
    """Both sides were closed in the copy; since then a told edit opened main, a told reply the client's ticket. What
    people have closed stays closed; the client's ticket closes again, and main's staff are told to close theirs."""
    office = plain_office
    desk, acme = office.desk, office.acme
    office.opens("edited", "replied")
    await minutes(desk)
    office.free("edited", "replied")
    await minutes(desk)
    for subject in ("edited", "replied"):
        desk.main.close(office.copy(subject))
    await minutes(desk)
    dump = backup(desk)
    acme.edit(str(acme.thread(acme.find(office.tickets["edited"]))[0].id), "edited: corrected")
    office.answers("replied", "one more word")
    await desk.run()
    desk.main.close(office.copy("replied"))
    restore(desk, dump)
    assert "reopen" not in kinds_planned(await runs(desk))
    assert [STATES[str(acme.find(office.tickets[s]).status)] for s in ("edited", "replied")] == ["closed"] * 2
    assert STATES[str(desk.main.find(office.copy("replied")).status)] == "closed"
    assert "was closed there" in desk.main.bodies(office.copy("edited"))[-1]
    assert acme.bodies(office.tickets["replied"]).count("one more word") == 1


@pytest.mark.thorough("many simulated minutes after a disaster; the first test has the disaster itself")
async def test_the_ledger_of_a_restored_store_is_as_the_lost_one_was(plain_office: Office, yesterday: State) -> None:
    """Once it has caught up, a restored ledger has the links and states of the one that was lost."""
    desk = plain_office.desk

    def ledger() -> list[dict[str, object]]:
        links = desk.store.links("acme").sort_values("ext_ticket")
        return links.assign(main_state=links["main_state"].mask(links["departed"])).to_dict("records")

    lost = ledger()
    restore(desk, yesterday.dump)
    await runs(desk)
    assert str(ledger()) == str(lost)


@pytest.mark.thorough("many simulated minutes after a disaster; the first test has the disaster itself")
async def test_people_go_on_after_a_restored_store(plain_office: Office, yesterday: State) -> None:
    """New words after the restore cross once, a further edit is told once, and what came meanwhile is not lost."""
    office = plain_office
    desk, acme = office.desk, office.acme
    office.writes("talk", "while it was away")
    restore(desk, yesterday.dump)
    acme.edit(str(acme.thread(acme.find(office.tickets["edits"]))[0].id), "edits: corrected a third time")
    office.answers("equal", "ok")
    await runs(desk)
    assert [b.splitlines()[-1] for b in desk.main.bodies(office.copy("talk"))].count("while it was away") == 1
    told = [b.splitlines()[-1] for b in desk.main.bodies(office.copy("edits")) if "it now reads" in b]
    assert told == ["edits: corrected", "edits: corrected twice", "edits: corrected a third time"]
    assert acme.bodies(office.tickets["equal"]).count("ok") == 4


@pytest.mark.thorough("many simulated minutes after a disaster; the first test has the disaster itself")
async def test_writes_that_were_open_in_the_backup_are_found_done(morning: Office) -> None:
    """Writes of unknown outcome in the backup, resolved long since, are recognised: none is sent again."""
    office = morning
    desk, acme = office.desk, office.acme

    def lost(call: MemoryCall) -> None:
        raise UnknownOutcome("the answer did not come", billing="x", function=call.function)

    office.opens("unanswered")
    office.writes("talk", "into the void")
    office.answers("equal", "echo?")
    for world in (desk.main, acme):
        world.after.update(reply=lost, create=lost)
    await desk.run()
    dump = backup(desk)
    assert len(desk.store.open_intents("acme")) == 3
    for world in (desk.main, acme):
        world.after.clear()
    await minutes(desk, 3)
    office.writes("unanswered", "and more")
    await minutes(desk, 2)
    before = shown(desk)
    restore(desk, dump)
    await runs(desk)
    assert shown(desk) == before
    assert desk.store.open_intents("acme") == []


@pytest.mark.thorough("many simulated minutes after a disaster; the first test has the disaster itself")
async def test_what_a_person_gave_up_stays_given_up(morning: Office) -> None:
    """A message that a person dropped after the backup is not sent late behind the ones that followed it."""
    office = morning
    desk = office.desk
    dump = backup(desk)

    def refuse(call: MemoryCall) -> None:
        if "poison" in str(call.args["body"]):
            raise Refused("no", billing="acme", function="reply")

    desk.main.before["reply"] = refuse
    office.writes("talk", "poison", "harmless")
    await desk.run()
    [parked] = desk.store.parked()
    desk.store.drop(parked.id or 0, "spam", "a person")
    await minutes(desk, 2)
    desk.main.before.clear()
    assert desk.main.bodies(office.copy("talk"))[-1].endswith("harmless")
    restore(desk, dump)
    await runs(desk)
    assert desk.main.bodies(office.copy("talk"))[-1].endswith("harmless")
    assert not any("poison" in b for b in desk.main.bodies(office.copy("talk")))


@pytest.mark.thorough("many simulated minutes after a disaster; the first test has the disaster itself")
async def test_what_was_parked_in_the_backup_and_written_since_waits_no_more(morning: Office) -> None:
    """A refused message of the backup that went through since is recognised and leaves the list of what waits."""
    office = morning
    desk = office.desk

    def refuse(call: MemoryCall) -> None:
        raise Refused("not now", billing="acme", function="reply")

    desk.main.before["reply"] = refuse
    office.writes("talk", "held up")
    await desk.run()
    dump = backup(desk)
    assert [p.kind for p in desk.store.parked()] == [ChangeKind.POST]
    desk.main.before.clear()
    await minutes(desk, 2)
    restore(desk, dump)
    await runs(desk)
    assert desk.store.parked() == []
    assert sum(b.endswith("held up") for b in desk.main.bodies(office.copy("talk"))) == 1


# --- the billings -------------------------------------------------------------------------------------------


async def test_a_restored_main_billing_gets_nothing_by_itself(plain_office: Office, yesterday: State) -> None:
    """Main restored from yesterday: what vanished is a conflict that says what to do; nothing is written there."""
    office = plain_office
    desk = office.desk
    rewind(desk.main, yesterday.images["main"])
    before = shown(desk)
    reports = await runs(desk)
    assert shown(desk) == before
    assert kinds_planned(reports) == {"conflict"}
    assert {r.exit_status for r in reports[-2:]} == {3}
    causes = {p.ext_ticket: p.cause for p in desk.store.parked()}
    assert "is gone" in causes[office.tickets["new"]]
    assert "not there any more" in causes[office.tickets["talk"]]
    assert "links rebuild" in causes[office.tickets["talk"]]
    assert all(p.kind is ChangeKind.CONFLICT for p in desk.store.parked())


@pytest.mark.thorough("many simulated minutes after a disaster; the first test has the disaster itself")
async def test_a_main_id_that_is_used_again_is_never_posted_to(plain_office: Office, yesterday: State) -> None:
    """A main ticket of somebody else that got a vanished ticket's id is a conflict, and no word is written to it."""
    office = plain_office
    desk, lost = office.desk, office.copy("new")
    rewind(desk.main, yesterday.images["main"])
    desk.main._ids = iter(range(int(lost), int(lost) + 1000))
    mine = desk.main.client_opens("acme", "Own customers", "An invoice of our own", "not the product's")
    assert mine == lost
    office.writes("new", "for the right ticket only")
    await runs(desk)
    assert desk.main.bodies(mine) == ["not the product's"]
    [parked] = [p for p in desk.store.parked() if p.ext_ticket == office.tickets["new"]]
    assert parked.kind is ChangeKind.CONFLICT
    assert "does not begin with" in parked.cause


@pytest.mark.thorough("many simulated minutes after a disaster; the first test has the disaster itself")
async def test_a_restored_external_billing_gets_nothing_by_itself(plain_office: Office, yesterday: State) -> None:
    """External restored from yesterday: what we wrote there and is gone is a conflict; no client hears it twice."""
    office = plain_office
    desk, acme = office.desk, office.acme
    rewind(acme, yesterday.images["acme"])
    replies = [w for w in acme.writes() if w.function == "reply"]
    await runs(desk)
    assert [w for w in acme.writes() if w.function == "reply"] == replies
    causes = {p.ext_ticket: p.cause for p in desk.store.parked()}
    assert "not there any more" in causes[office.tickets["talk"]]


@pytest.mark.thorough("many simulated minutes after a disaster; the first test has the disaster itself")
@pytest.mark.parametrize("subject", ["new", "another"])
async def test_an_external_id_that_is_used_again_leaks_nothing(
    plain_office: Office, yesterday: State, subject: str
) -> None:
    """Another client's ticket that got a vanished one's id, and even its message's, is a conflict: neither is its text
    in the old main ticket, nor the answer there in it."""
    office = plain_office
    desk, acme, copy = office.desk, office.acme, office.copy("new")
    rewind(acme, yesterday.images["acme"])
    acme._ids = iter(range(int(office.tickets["new"]), int(office.tickets["new"]) + 1000))
    other = acme.client_opens("maria", "Technical support", subject, "maria's secret")
    assert other == office.tickets["new"]
    office.answers("new", "an answer for ivan")
    await runs(desk)
    assert acme.bodies(other) == ["maria's secret"]
    assert not any("maria's secret" in body for body in desk.main.bodies(copy))
    assert [p.kind for p in desk.store.parked() if p.ext_ticket == other] == [ChangeKind.CONFLICT]


@pytest.mark.thorough("many simulated minutes after a disaster; the first test has the disaster itself")
async def test_many_vanished_tickets_stop_the_whole_connection(yesterday: State, plain_office: Office) -> None:
    """When more than a fifth of the tickets contradict, the guard stops everything of that connection, sound tickets
    too, until a person applies."""
    office = plain_office
    desk = office.desk
    rewind(desk.main, yesterday.images["main"])
    writes = desk.writes()
    guard = desk.settings.external[0].guard.model_copy(update={"departures_percent": 20.0})
    strict = desk.settings.external[0].model_copy(update={"guard": guard})
    desk.context.settings = replace(desk.settings, external=(strict,))
    office.opens("after")
    for kind in (RunKind.SYNC, RunKind.AUDIT):
        [line] = (await desk.run(kind)).billings
        assert line.state is BillingState.STOPPED
        assert "conflicts:" in line.reason
    assert desk.writes() == writes


@pytest.mark.thorough("many simulated minutes after a disaster; the first test has the disaster itself")
async def test_messages_that_reappear_end_the_conflict(plain_office: Office, yesterday: State) -> None:
    """When the billing is put back as it was, the conflicts end by themselves and work goes on."""
    office = plain_office
    desk = office.desk
    now = image(desk.main)
    rewind(desk.main, yesterday.images["main"])
    await runs(desk)
    assert desk.store.parked()
    rewind(desk.main, now)
    office.writes("talk", "are you there?")
    reports = await runs(desk)
    assert desk.store.parked() == []
    assert reports[-1].exit_status == 0
    assert desk.main.bodies(office.copy("talk"))[-1].endswith("are you there?")
