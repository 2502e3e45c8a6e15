"""Open and closed: a state crosses once, as the effect of what a person did, and never flips back."""

from typing import Any

import pytest

from remotesupport.core.reconcile import Outcome
from remotesupport.core.text.compose import unclosable_note
from tests.core_inputs import blocked, carried, kinds, link, message, only, reply, run, ticket, why

FIRST = message("1")


def look(now: str, agreed: str, *messages: dict[str, Any], **more: Any) -> Outcome:
    """Reconcile a pair: ``now`` and ``agreed`` are states of external and main, "oc" is open and closed."""
    word = {"o": "open", "c": "closed"}
    return run(
        tickets=[ticket("1", state=word[now[0]]), ticket("900", "main", origin="1", state=word[now[1]])],
        links=[link(ext_state=word[agreed[0]], main_state=word[agreed[1]])],
        ledger=[carried(FIRST)],
        messages=[FIRST, *messages],
        **more,
    )


@pytest.mark.parametrize(
    ("now", "agreed", "change"),
    [
        ("co", "oo", "close to_main"),
        ("oc", "oo", "close to_external"),
        ("oc", "cc", "reopen to_main"),
        ("co", "cc", "reopen to_external"),
        ("oc", "co", "reopen to_main"),
        ("co", "oc", "reopen to_external"),
    ],
)
def test_state_crosses(now: str, agreed: str, change: str) -> None:
    """The side that moved decides; where both did, open wins."""
    outcome = look(now, agreed)
    assert kinds(outcome) == [change]
    row = only(outcome)
    assert row["rank"] == 4
    assert row["ext_state"] == row["main_state"] == ("closed" if change.startswith("close") else "open")
    assert bool(row["body"]) == change.endswith("to_main")
    assert ("both sides" in row["detail"]) == (now[0] != agreed[0] and now[1] != agreed[1])


@pytest.mark.parametrize("pair", ["oo", "oc", "co", "cc"])
def test_agreed_states_stay(pair: str) -> None:
    """What both sides agreed on is no change, alike or not."""
    outcome = look(pair, pair)
    assert outcome.changes.empty
    assert outcome.agreed.empty
    assert why(outcome) == {"1": "in_sync"}


@pytest.mark.parametrize(
    ("now", "agreed"), [("cc", "oo"), ("oo", "cc"), ("cc", "co"), ("oo", "co"), ("cc", "oc"), ("oo", "oc")]
)
def test_sides_that_meet(now: str, agreed: str) -> None:
    """Sides that came to look alike need no write; the ledger learns it."""
    outcome = look(now, agreed)
    assert outcome.changes.empty
    assert [s[0] for s in outcome.agreed[["ext_state", "main_state"]].iloc[0]] == list(now)


def test_unseen_is_unchanged() -> None:
    """A side that was not shown has not moved."""
    outcome = run(tickets=[ticket("1", state="closed")], links=[link(ext_state="closed", main_state="closed")])
    assert outcome.changes.empty
    assert kinds(run(tickets=[ticket("1", state="closed")], links=[link()])) == ["close to_main"]


def test_client_message_reopens() -> None:
    """A client's message on a closed pair is a post that reopens main; no other write is needed."""
    outcome = look("oc", "cc", message("2"))
    assert kinds(outcome) == ["post to_main"]
    assert only(outcome)["main_state"] == only(outcome)["ext_state"] == "open"


def test_never_a_close_with_a_post() -> None:
    """A close waits for the next run when a message goes along, and the ledger keeps the old state until then."""
    outcome = look("co", "oo", message("2"))
    assert kinds(outcome) == ["post to_main"]
    assert only(outcome)["ext_state"] == "open"
    assert len(outcome.unfinished) == 1
    back = look("oc", "oo", reply("5"))
    assert kinds(back) == ["post to_external"]
    assert only(back)["main_state"] == "open"


def test_message_against_close() -> None:
    """Staff close what the client just wrote on: the message reopens it, and no close crosses."""
    outcome = look("oc", "oo", message("2"))
    assert kinds(outcome) == ["post to_main"]
    assert only(outcome)["main_state"] == "open"


def test_message_and_a_close_on_either_side() -> None:
    """Both closed it with a message on its way: the post opens main, and the close that came after it crosses next."""
    both = look("cc", "oo", message("2"))
    assert kinds(both) == ["post to_main"]
    assert only(both)[["ext_state", "main_state"]].tolist() == ["open", "open"]
    assert "both sides" in only(both)["detail"]
    assert len(both.unfinished) == 1
    assert kinds(look("co", "oo")) == ["close to_main"]


def test_closed_again_after_a_message() -> None:
    """Opened by a message and closed again between two runs, no state has moved, and the other side is closed next."""
    asked, answered = look("cc", "cc", message("2")), look("cc", "cc", reply("5"))
    assert kinds(asked) == ["post to_main"]
    assert kinds(answered) == ["post to_external"]
    assert only(asked)["ext_state"] == only(answered)["main_state"] == "open"
    assert len(asked.unfinished) == len(answered.unfinished) == 1


def test_reply_to_closed() -> None:
    """A staff reply on a ticket that the client closed makes it wait for the client again."""
    row = only(look("co", "oo", reply("5")))
    assert row[["kind", "ext_state", "main_state"]].tolist() == ["post", "open", "open"]


def test_reopen_beside_a_reply() -> None:
    """A reopen over there is not lost because a reply goes out in the same run."""
    assert kinds(look("oc", "cc", reply("5"))) == ["post to_external", "reopen to_main"]


def test_both_talk() -> None:
    """Messages of both sides interleave and leave both open."""
    outcome = look("oc", "oo", message("2"), reply("5"))
    assert kinds(outcome) == ["post to_external", "post to_main"]
    assert outcome.changes["main_state"].tolist()[-1] == "open"


@pytest.mark.parametrize("direction", ["to_main", "to_external"])
def test_blocked_status(direction: str) -> None:
    """A blocked direction holds its states too, and the ledger does not pretend that they crossed."""
    now = "co" if direction == "to_main" else "oc"
    outcome = look(now, "oo", waits=[blocked(direction, "parked: x", parked=True)])
    assert outcome.changes.empty
    assert outcome.agreed.empty
    assert why(outcome) == {"1": "parked"}


def test_no_message_waits_for_a_parked_close() -> None:
    """An answer crosses although a close of the same direction is parked, and the close itself goes on waiting."""
    waits = [blocked("to_external", "parked: x", kind="close", parked=True)]
    assert kinds(look("oo", "oo", reply("5"), waits=waits)) == ["post to_external"]
    still = look("oc", "oo", waits=waits)
    assert (still.changes.empty, still.agreed.empty, why(still)) == (True, True, {"1": "parked"})


def test_a_parked_close_that_nobody_wants_any_more_holds_nothing() -> None:
    """Where both sides agree by now, in whichever state, the ticket is in sync and the ledger learns it."""
    waits = [blocked("to_external", "parked: x", kind="close", parked=True)]
    for now, agreed in (("cc", 1), ("oo", 0)):
        outcome = look(now, "oo", waits=waits)
        assert (len(outcome.agreed), why(outcome)) == (agreed, {"1": "in_sync"})


def test_unsent_message_holds_the_close() -> None:
    """Nothing is closed over a message that could not be delivered yet."""
    outcome = look("oc", "oo", message("2"), waits=[blocked("to_main", "parked: x", parked=True)])
    assert outcome.changes.empty


def test_quiet_status() -> None:
    """A quiet run changes no state over there and does not forget it."""
    outcome = look("oc", "oo", quiet=True)
    assert outcome.changes.empty
    assert outcome.agreed.empty
    assert len(outcome.unfinished) == 1


def test_acts_are_told_apart() -> None:
    """One situation has one name; the next situation of its kind has another."""
    first = only(look("co", "oo"))["act"]
    assert first == only(look("co", "oo"))["act"]
    later = run(
        tickets=[ticket("1", state="closed", activity="later"), ticket("900", "main", origin="1")],
        links=[link()],
        ledger=[carried(FIRST)],
    )
    assert only(later)["act"] != first
    talked = run(
        tickets=[ticket("1", state="closed"), ticket("900", "main", origin="1")],
        links=[link()],
        ledger=[carried(FIRST), carried(message("2"))],
    )
    assert only(talked)["act"] not in (first, only(later)["act"])


def test_department_moves_silently() -> None:
    """A move between remote departments writes nothing; the ledger learns the new one."""
    more = {"connection": "acme", "department": "8", "main_department": "80", "enabled": True}
    outcome = run(
        tickets=[ticket("1", department="8")],
        links=[link()],
        correspondences=[more, more | {"department": "7"}],
    )
    assert outcome.changes.empty
    assert outcome.agreed["department"].tolist() == ["8"]


CANNOT = {"unable": frozenset({("acme", "close to_external"), ("acme", "reopen to_external")})}


@pytest.mark.parametrize(("now", "agreed"), [("oc", "oo"), ("co", "cc"), ("co", "oc")])
def test_no_crossing_without_a_way(now: str, agreed: str) -> None:
    """What a billing cannot do is not planned: both sides agree to differ, and nothing is left to do for anybody."""
    outcome = look(now, agreed, **CANNOT)
    assert outcome.changes.empty
    assert [s[0] for s in outcome.agreed[["ext_state", "main_state"]].iloc[0]] == list(now)
    assert outcome.unfinished.empty
    assert why(outcome) == {"1": "in_sync"}
    assert look(now, now, **CANNOT).agreed.empty


def test_a_reply_does_not_wait_for_a_close_that_cannot_be() -> None:
    """Answered and closed in main: the answer crosses, and no close is deferred to the next run."""
    outcome = look("oc", "oo", reply("5"), **CANNOT)
    assert kinds(outcome) == ["post to_external"]
    assert only(outcome)[["ext_state", "main_state"]].tolist() == ["open", "closed"]
    assert outcome.unfinished.empty


@pytest.mark.parametrize("able", [True, False])
def test_main_is_told_once_what_cannot_be_closed(able: bool) -> None:
    """A new main ticket says at its top that closing it closes nothing there, where that is so."""
    outcome = run(tickets=[ticket("1")], messages=[message("9")], **({} if able else CANNOT))
    body = only(outcome)["body"]
    assert body.count(unclosable_note("acme")) == (not able)
    assert body.index("text 9") > 0
