"""Leaving, coming back, being gone: only positive evidence counts."""

import pytest

from tests.core_inputs import (
    CORRESPONDENCE,
    blocked,
    carried,
    gone,
    kinds,
    link,
    message,
    only,
    planned,
    read,
    reply,
    run,
    ticket,
    why,
)

FIRST = message("1")
LINKED = {"links": [link()], "ledger": [carried(FIRST)]}
TOLD = "acme #1 has left the remote department (now in 9). Answers written here are no longer delivered."
NOTE = message("5", side="main", ticket="900", body=TOLD, own="yes")
HALF = {"links": [link(departed=True)], "ledger": [carried(FIRST)], "messages": [NOTE]}
OPEN = ticket("900", "main", origin="1")


def test_departure() -> None:
    """A linked ticket that is seen in another department is noted in main, once, and its messages stay there."""
    outcome = run(tickets=[ticket("1", department="9")], messages=[FIRST, message("2", body="SECRET")], **LINKED)
    row = only(outcome)
    assert (row["kind"], row["direction"], row["rank"], row["main_state"]) == ("departure", "to_main", 3, "closed")
    assert row["body"].startswith("acme #1 has left the remote department")
    assert "SECRET" not in outcome.changes.to_json()
    assert why(outcome) == {"1": "pending"}


@pytest.mark.parametrize("main", [[], [ticket("900", "main", state="closed")]])
def test_a_ticket_that_left_and_whose_department_nobody_says_is_still_away(main: list[dict[str, object]]) -> None:
    """Where it once was is no evidence that it is there again: nothing of it is read, written or opened in main."""
    away = [link(departed=True, main_state="closed")]
    there = [ticket("1", department=None), *main]
    outcome = run(tickets=there, messages=[FIRST, message("2", body="SECRET")], links=away, ledger=[carried(FIRST)])
    assert kinds(outcome) == []
    assert why(outcome) == {"1": "departed"}


@pytest.mark.parametrize("there", [[ticket("1", department="9")], []], ids=["seen elsewhere", "not seen"])
def test_whoever_opens_a_departed_ticket_that_main_had_closed_is_told(there: list[dict[str, object]]) -> None:
    """Main had closed it when it left, so nobody was told; staff who open it are, once, and it is closed again."""
    away = {"links": [link(departed=True, main_state="closed")], "ledger": [carried(FIRST)]}
    outcome = run(tickets=[*there, OPEN], messages=[reply("6")], **away)
    row = only(outcome)
    assert (row["kind"], row["main_state"]) == ("departure", "closed")
    assert row["body"].startswith("acme #1 has left the remote department")
    assert "1 reply written here could not be delivered" in row["body"]
    assert kinds(run(tickets=[*there, OPEN], messages=[NOTE], **away)) == []
    assert kinds(run(tickets=[*there, OPEN | {"state": "closed"}], messages=[reply("6")], **away)) == []


def test_departure_names_the_department() -> None:
    """The note says where the ticket is now, by name where it is known."""
    from remotesupport.core import frames

    known = frames.build(
        frames.DEPARTMENTS,
        [
            {
                "connection": "acme",
                "side": "external",
                "department": "9",
                "name": "Sales",
                "active": True,
                "remote": None,
            }
        ],
    )
    assert "now in Sales" in only(run(tickets=[ticket("1", department="9")], departments=known, **LINKED))["body"]
    assert "now in 9" in only(run(tickets=[ticket("1", department="9")], **LINKED))["body"]


def test_late_replies_are_told() -> None:
    """Replies that came too late for a departed ticket are not delivered, and main is told how many."""
    outcome = run(tickets=[ticket("1", department="9")], messages=[reply("5"), reply("6")], **LINKED)
    assert kinds(outcome) == ["departure to_main"]
    assert "2 replies" in only(outcome)["body"]


def test_closed_tickets_leave_silently() -> None:
    """A departure does not open a main ticket that is closed."""
    outcome = run(
        tickets=[ticket("1", department="9", state="closed")],
        links=[link(ext_state="closed", main_state="closed")],
    )
    assert outcome.changes.empty
    assert outcome.agreed["departed"].tolist() == [True]


def test_gone() -> None:
    """A ticket that a complete read did not show and a direct look did not find has departed."""
    row = only(run(absent=[gone("1")], **LINKED))
    assert row["kind"] == "departure"
    assert "not found by a direct look" in row["body"]


@pytest.mark.parametrize(
    "reads",
    [
        [read("external", complete=False), read("main")],
        [read("external", outcome="unreachable"), read("main")],
        [read("external"), read("main", outcome="unreachable")],
        [read("main")],
        [],
    ],
)
def test_incomplete_reads_prove_nothing(reads: list[dict[str, object]]) -> None:
    """Absence means nothing unless both sides were read and the list was read to its end."""
    assert run(absent=[gone("1")], reads=reads, **LINKED).changes.empty


def test_seen_is_not_gone() -> None:
    """A ticket that was shown is there, whatever a direct look said."""
    assert run(tickets=[ticket("1")], absent=[gone("1")], **LINKED).changes.empty


def test_absence_alone() -> None:
    """A linked ticket that was just not shown stays as it is."""
    assert run(**LINKED).changes.empty


def test_failed_read_writes_nothing() -> None:
    """A connection with a side that could not be read plans nothing at all, and its tickets say why."""
    for outcome, reason in (
        ("unreachable", "billing_unreachable"), ("access_denied", "access_denied"), ("too_old", "version_too_old"),
        ("protocol", "billing_unreachable"), ("paused", "connection_paused"),
    ):  # fmt: skip
        result = run(
            tickets=[ticket("1"), ticket("2", department="9")],
            messages=[FIRST, message("2")],
            reads=[read("external"), read("main", outcome=outcome, detail="refused")],
            **LINKED,
        )
        assert result.changes.empty
        assert set(why(result).values()) == {reason}
        assert "refused" in result.reasons["detail"].iloc[0]


def test_other_connections_go_on() -> None:
    """One connection's failed read holds up no other."""
    outcome = run(
        tickets=[ticket("1"), ticket("1", connection="beta")],
        messages=[FIRST, message("1", connection="beta")],
        correspondences=[CORRESPONDENCE, CORRESPONDENCE | {"connection": "beta"}],
        reads=[read("external", outcome="unreachable"), read("main"), read("external", "beta"), read("main", "beta")],
    )
    assert outcome.changes["connection"].tolist() == ["beta"]


def test_departed_stays_away() -> None:
    """Nothing crosses for a departed ticket, in either direction."""
    away = {"links": [link(departed=True)], "ledger": [carried(FIRST)]}
    tickets = [ticket("1", department="9"), ticket("900", "main", origin="1")]
    outcome = run(tickets=tickets, messages=[FIRST, message("2"), reply("5")], **away)
    assert outcome.changes.empty
    assert why(outcome) == {"1": "departed"}
    assert run(absent=[gone("1")], **away).changes.empty


def test_return() -> None:
    """A ticket that comes back reopens the same main ticket first, then the messages it missed follow."""
    outcome = run(
        tickets=[ticket("1")],
        links=[link(departed=True, main_state="closed")],
        ledger=[carried(FIRST)],
        messages=[FIRST, message("2"), message("3")],
    )
    assert kinds(outcome) == ["reopen to_main", "post to_main", "post to_main"]
    assert set(outcome.changes["main_ticket"]) == {"900"}
    assert set(outcome.changes["main_state"]) == {"open"}
    assert [p[2] for p in planned(outcome)][1:] == ["2", "3"]


def test_return_closed() -> None:
    """A ticket that comes back closed with nothing to say opens nothing."""
    outcome = run(
        tickets=[ticket("1", state="closed")], links=[link(departed=True, main_state="closed")], ledger=[carried(FIRST)]
    )
    assert outcome.changes.empty
    assert outcome.agreed["departed"].tolist() == [False]


def test_configuration_is_no_departure() -> None:
    """A ticket that did not move has not left because the configuration changed."""
    for correspondences in ([], [CORRESPONDENCE | {"enabled": False}]):
        outcome = run(tickets=[ticket("1")], correspondences=correspondences, **LINKED)
        assert outcome.changes.empty
        assert why(outcome) == {"1": "correspondence_off"}


def test_blocked_departure() -> None:
    """A departure waits while an earlier write to main is not settled."""
    wait = [blocked("to_main", "the outcome of a post is not known yet")]
    assert run(tickets=[ticket("1", department="9")], waits=wait, **LINKED).changes.empty


def test_main_gone() -> None:
    """A main ticket that is gone is a conflict and is never created again by itself."""
    outcome = run(tickets=[ticket("1")], messages=[FIRST, message("2")], absent=[gone("900", "main")], **LINKED)
    assert kinds(outcome) == ["conflict to_main"]
    assert "not created again" in only(outcome)["detail"]
    assert why(outcome) == {"1": "conflict"}
    blind = [read("external"), read("main", complete=False)]
    assert kinds(run(tickets=[ticket("1")], absent=[gone("900", "main")], reads=blind, **LINKED)) == []


def test_departures_are_told_apart() -> None:
    """Leaving a second time is another act than leaving the first time, once the return has crossed."""
    first = only(run(tickets=[ticket("1", department="9")], **LINKED))["act"]
    again = run(tickets=[ticket("1", department="9")], links=[link()], ledger=[carried(FIRST), carried(message("2"))])
    assert only(again)["act"] != first


def test_a_departed_ticket_that_is_open_in_main_is_closed() -> None:
    """Main was told and is still open: the close alone is planned, without a word, and the reason stays."""
    outcome = run(tickets=[ticket("1", department="9"), OPEN], **HALF)
    row = only(outcome)
    assert (row["kind"], row["direction"], row["body"], row["main_state"]) == ("close", "to_main", "", "closed")
    assert row["act"].startswith("departure/close/")
    assert why(outcome) == {"1": "departed"}


@pytest.mark.parametrize(
    "change",
    [
        {"close_not_due": frozenset({("acme", "1")})},
        {"waits": [blocked("to_main", "a departure was sent and is not seen there yet")]},
        {"links": [link(departed=True, main_state="closed")]},
        {"messages": [NOTE, reply("6")]},
        {"messages": []},
        {"tickets": [ticket("1", department="9"), OPEN | {"fresh": False}], "messages": []},
        {"tickets": [ticket("1", department="9"), OPEN | {"state": "closed"}]},
        {"tickets": [ticket("1", department="9")], "messages": []},
    ],
    ids=["not due", "blocked", "opened by staff", "answered", "no note", "thread not read", "closed", "not seen"],
)
def test_a_departed_ticket_is_closed_on_evidence_only(change: dict[str, object]) -> None:
    """Not before its time, not when main's staff have dealt with it, and not when its thread was not read."""
    assert run(**{"tickets": [ticket("1", department="9"), OPEN], **HALF, **change}).changes.empty


@pytest.mark.parametrize(("state", "said"), [("closed", []), ("open", [reply("6")])], ids=["closed", "answered"])
def test_people_in_main_end_a_departure(state: str, said: list[dict[str, object]]) -> None:
    """What staff have closed or gone on with is agreed on as it is."""
    shown = [ticket("1", department="9"), OPEN | {"state": state}]
    outcome = run(**{"tickets": shown, **HALF, "messages": [NOTE, *said]})
    assert outcome.agreed[["main_state", "departed"]].to_numpy().tolist() == [[state, True]]
