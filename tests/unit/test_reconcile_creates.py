"""How tickets enter: created once, or adopted, or contested."""

import json

import orjson
import pytest

from remotesupport.core.changes.unfinished import Unfinished
from tests.core_inputs import (
    CORRESPONDENCE,
    blocked,
    carried,
    kinds,
    link,
    message,
    only,
    read,
    reply,
    run,
    ticket,
    why,
)


def test_create() -> None:
    """A ticket in a corresponding department is created in main with its whole conversation as one opening message."""
    files = json.dumps([{"file": "f", "name": "n", "size": 1}])
    outcome = run(
        tickets=[ticket("1", subject="Не работает")],
        messages=[message("10", "staff", files=files), message("9", files=files), message("11", "note")],
    )
    created = only(outcome)
    assert (created["kind"], created["act"], created["rank"], created["department"]) == ("create", "create", 2, "70")
    assert created["subject"] == "[acme #1] Не работает"
    assert created["body"].index("text 9") < created["body"].index("text 10")
    assert [c[0] for c in json.loads(created["covers"])] == ["9", "10"]
    assert len(json.loads(created["files"])) == 2
    assert (created["ext_state"], created["main_state"]) == ("open", "open")
    assert why(outcome) == {"1": "pending"}


@pytest.mark.parametrize(
    ("department", "flagged", "reason"),
    [
        ("8", frozenset(), "department_not_remote"),
        (None, frozenset(), "not_understood"),
        ("8", frozenset({("acme", "8")}), "department_unmapped"),
        ("9", frozenset(), "correspondence_off"),
    ],
)
def test_elsewhere(department: str | None, flagged: frozenset[tuple[str, str]], reason: str) -> None:
    """A ticket in any other department never crosses, and its reason says which kind of other it is."""
    off = CORRESPONDENCE | {"department": "9", "enabled": False}
    outcome = run(
        tickets=[ticket("1", department=department)],
        messages=[message("1")],
        correspondences=[CORRESPONDENCE, off],
        flagged=flagged,
    )
    assert outcome.changes.empty
    assert why(outcome) == {"1": reason}


def test_closed_before() -> None:
    """What was closed before it was ever linked is left to a backfill."""
    old = ticket("1", state="closed")
    outcome = run(tickets=[old], messages=[message("1")])
    assert outcome.changes.empty
    assert why(outcome) == {"1": "too_old_for_window"}


def test_backfill_of_closed() -> None:
    """A backfill creates closed tickets and closes them again, in that order."""
    old = ticket("1", state="closed")
    outcome = run(tickets=[old], messages=[message("1")], create_closed=True, quiet=True)
    assert kinds(outcome) == ["create to_main", "close to_main"]
    assert outcome.changes["main_ticket"].isna().all()
    assert outcome.changes["ext_state"].tolist() == ["open", "closed"]


def test_unread_thread() -> None:
    """Nothing is created before its thread was read; the reader is told to."""
    outcome = run(tickets=[ticket("1", fresh=False)])
    assert outcome.changes.empty
    assert why(outcome) == {"1": "pending"}
    assert outcome.unfinished[["ext_ticket", "why"]].to_numpy().tolist() == [["1", Unfinished.THREAD]]


def test_nothing_to_say() -> None:
    """A ticket with notes only is not created, and says so."""
    outcome = run(tickets=[ticket("1")], messages=[message("1", "note")])
    assert outcome.changes.empty
    assert why(outcome) == {"1": "pending"}


def test_unknown_create_is_not_repeated() -> None:
    """While it is not known whether a create arrived, it is neither created nor adopted."""
    wait = [blocked("to_main", "the outcome of a create is not known yet")]
    assert run(tickets=[ticket("1")], messages=[message("1")], waits=wait).changes.empty
    both = [ticket("1"), ticket("900", "main", origin="1")]
    assert run(tickets=both, messages=[message("1")], waits=wait).changes.empty


def test_adopt() -> None:
    """An empty ledger adopts what carries the origin, recognises what crossed, and posts only what did not."""
    opening = "acme #1/1 | A (client) | t\ntext 1\n\n---\n\nacme #1/2 | B (acme staff) | t\ntext 2"
    outcome = run(
        tickets=[ticket("1"), ticket("900", "main", origin="1")],
        messages=[
            message("1"), message("2", "staff"), message("3", "staff", "Ok"), message("4", "staff", "Ok"), message("5"),
            reply("10", opening, kind="client"), reply("11", "Ok"), reply("12", "Ok"), reply("13", "Ok"),
        ],
    )  # fmt: skip
    assert kinds(outcome) == ["adopt to_external", "adopt to_main", "post to_external", "post to_main"]
    outward, inward = (json.loads(c) for c in outcome.changes["covers"].iloc[:2])
    assert [(c[0], c[2]) for c in inward] == [("1", "10"), ("2", "10")]
    assert [(c[0], c[2]) for c in outward] == [("11", "3"), ("12", "4")]
    assert outcome.changes["act"].tolist()[2:] == ["13", "5"]
    assert set(outcome.changes["main_ticket"]) == {"900"}


def test_adopt_what_was_given_up() -> None:
    """What a person gave up before the ledger was lost is known as such, without a target, and is not sent."""
    outcome = run(
        tickets=[ticket("1"), ticket("900", "main", origin="1")],
        messages=[message("1"), message("2"), reply("10", "acme #1/2 | A (client) | t\ntext 2", kind="client")],
    )
    assert kinds(outcome) == ["adopt to_main"]
    assert [(c[0], c[2]) for c in orjson.loads(outcome.changes["covers"].iloc[0])] == [("1", None), ("2", "10")]


def test_adopt_what_our_login_wrote() -> None:
    """An answer of ours, deleted in main before the ledger was lost, is no message of the other billing's own staff."""
    outcome = run(
        tickets=[ticket("1"), ticket("900", "main", origin="1")],
        messages=[
            message("1"), message("2", "staff", "first words", own="yes"),
            reply("10", "acme #1/1 | A (client) | t\ntext 1", kind="client"),
        ],
    )  # fmt: skip
    assert kinds(outcome) == ["adopt to_main"]
    assert [c[0] for c in orjson.loads(outcome.changes["covers"].iloc[0])] == ["1", "2"]


def test_adopt_an_answer_that_was_edited() -> None:
    """Answers are written in order: the first one in other words is an edit of what the client has, the next is new."""
    outcome = run(
        tickets=[ticket("1"), ticket("900", "main", origin="1")],
        messages=[
            message("1"), message("2", "staff", "first words", own="yes"),
            reply("10", "acme #1/1 | A (client) | t\ntext 1", kind="client"),
            reply("11", "other words"), reply("12", "more"),
        ],
    )  # fmt: skip
    assert kinds(outcome) == ["adopt to_external", "adopt to_main", "post to_external", "post to_external"]
    assert outcome.changes["body"].tolist()[2:] == ["(edited) other words", "more"]


def test_adopt_needs_both_threads() -> None:
    """Nothing is adopted unread: what crossed already could not be told from what did not."""
    outcome = run(tickets=[ticket("1"), ticket("900", "main", origin="1", fresh=False)], messages=[message("1")])
    assert outcome.changes.empty
    left = outcome.unfinished[["ext_ticket", "main_ticket", "why"]]
    assert left.to_numpy().tolist() == [["1", "900", Unfinished.THREAD]]


def test_adopt_agrees_on_what_is() -> None:
    """An adoption takes both states as they are: nothing is closed or opened by it."""
    for ext, main in (("closed", "open"), ("open", "closed"), ("closed", "closed")):
        outcome = run(tickets=[ticket("1", state=ext), ticket("900", "main", origin="1", state=main)], messages=[])
        assert kinds(outcome) == ["adopt to_main"]
        assert outcome.changes[["ext_state", "main_state"]].to_numpy().tolist() == [[ext, main]]


def test_adopted_closed_history() -> None:
    """A closed ticket whose main ticket is there is adopted, not called too old."""
    outcome = run(tickets=[ticket("1", state="closed"), ticket("900", "main", origin="1", state="closed")])
    assert kinds(outcome) == ["adopt to_main"]


def test_two_mains_claim_one() -> None:
    """Two main tickets with one origin are a conflict, not a choice."""
    mains = [ticket("900", "main", origin="1"), ticket("901", "main", origin="1")]
    outcome = run(tickets=[ticket("1"), *mains], messages=[message("1")])
    assert kinds(outcome) == ["conflict to_main"]
    assert "900" in only(outcome)["detail"]
    assert "901" in only(outcome)["detail"]
    assert why(outcome) == {"1": "conflict"}


def test_two_externals_claim_one() -> None:
    """Two external tickets that claim one main ticket are a conflict for both, whatever else they have to say."""
    tickets = [ticket("1"), ticket("2"), ticket("900", "main", origin="2")]
    outcome = run(
        tickets=tickets, links=[link()], ledger=[carried(message("1"))],
        messages=[message("1"), message("3"), message("4", ticket="2"), reply("5")],
    )  # fmt: skip
    assert kinds(outcome) == ["conflict to_main"] * 2
    assert why(outcome) == {"1": "conflict", "2": "conflict"}


def test_ledger_with_two_owners() -> None:
    """Links that share a main ticket are a conflict for both."""
    links = [link(), link(ext_ticket="2")]
    assert kinds(run(tickets=[ticket("1"), ticket("2")], links=links)) == ["conflict to_main"] * 2


def test_same_ids_elsewhere_do_not_clash() -> None:
    """Connections never see each other's tickets, equal as their ids may be."""
    beta = {"connection": "beta"}
    mine = [ticket("1"), ticket("900", "main", origin="1")]
    outcome = run(
        tickets=[*mine, *(t | beta for t in mine)],
        links=[link(), link(**beta)],
        correspondences=[CORRESPONDENCE, CORRESPONDENCE | beta],
        reads=[read(side, name) for name in ("acme", "beta") for side in ("external", "main")],
    )
    assert outcome.changes.empty


def test_parked_conflict_is_quiet() -> None:
    """A conflict that a person has on the board is not planned again every minute."""
    mains = [ticket("900", "main", origin="1"), ticket("901", "main", origin="1")]
    waits = [
        blocked("to_main", "parked: conflict", parked=True),
        blocked("to_external", "parked: conflict", parked=True),
    ]
    outcome = run(tickets=[ticket("1"), *mains], waits=waits)
    assert outcome.changes.empty
    assert why(outcome) == {"1": "conflict"}
