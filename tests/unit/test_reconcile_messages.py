"""Messages: what crosses, once, in order, and what never does."""

import json

import pytest

from remotesupport.core.changes.unfinished import Unfinished
from tests.core_inputs import blocked, carried, kinds, link, message, only, planned, reply, run, ticket, why

PAIR = [ticket("1"), ticket("900", "main", origin="1")]
FIRST = message("1")
OURS = message("2", "staff", "Our words", own="yes")
LINKED = {"tickets": PAIR, "links": [link()], "ledger": [carried(FIRST)]}


def test_client_message() -> None:
    """A new client message is posted to main with its origin in a header line."""
    post = only(run(**LINKED, messages=[FIRST, message("2", body="Still broken")]))
    assert (post["kind"], post["direction"], post["act"], post["rank"]) == ("post", "to_main", "2", 1)
    assert post["body"] == "acme #1/2 | Ann (client) | 2026-11-20 10:15:00 Europe/Moscow\nStill broken"
    assert post["main_ticket"] == "900"
    assert [c[0] for c in json.loads(post["covers"])] == ["2"]


def test_local_staff_message() -> None:
    """A message of the external billing's own staff crosses, marked as theirs."""
    assert "Ann (acme staff)" in only(run(**LINKED, messages=[FIRST, message("2", "staff")]))["body"]


def test_staff_reply() -> None:
    """A reply of main's staff goes to the client as it is."""
    post = only(run(**LINKED, messages=[reply("5", "Try <again> & again")]))
    assert (post["kind"], post["direction"], post["act"], post["rank"]) == ("post", "to_external", "5", 0)
    assert post["body"] == "Try <again> & again"


def test_author_where_asked() -> None:
    """The author's name goes along only for the connections that ask for it."""
    assert only(run(**LINKED, messages=[reply("5", "Hi")], show_author=frozenset({"acme"})))["body"] == "Hi\n\nAnn"
    assert only(run(**LINKED, messages=[reply("5", "Hi")], show_author=frozenset({"beta"})))["body"] == "Hi"


def test_only_files() -> None:
    """A reply that is only a file is a line with its name, and keeps the file."""
    files = json.dumps([{"file": "f1", "name": "a.png", "size": 3}])
    post = only(run(**LINKED, messages=[reply("5", "", files=files)]))
    assert post["body"] == "[a.png]"
    assert json.loads(post["files"])[0]["file"] == "f1"


@pytest.mark.parametrize("kind", ["note", "system", "unknown", "something-new"])
def test_denied_by_default(kind: str) -> None:
    """Nothing but clients' and staff's messages crosses, in either direction."""
    secrets = [message("2", kind, "SECRET"), reply("5", "SECRET", kind=kind)]
    outcome = run(**LINKED, messages=[FIRST, *secrets])
    assert outcome.changes.empty
    assert why(outcome) == {"1": "in_sync"}
    created = run(tickets=[ticket("1")], messages=[FIRST, message("2", kind, "SECRET")])
    assert "SECRET" not in created.changes.to_json()


def test_unknown_is_listed() -> None:
    """A message of unknown type is named in the ticket's reason."""
    outcome = run(**LINKED, messages=[FIRST, message("2", "unknown", "SECRET")])
    assert "unknown type" in outcome.reasons["detail"].iloc[0]
    assert "SECRET" not in outcome.reasons.to_json()


def test_client_messages_of_main_stay() -> None:
    """What stands in main as the customer's user is ours and never goes back."""
    assert run(**LINKED, messages=[FIRST, reply("5", kind="client")]).changes.empty


def test_own_replies_do_not_echo() -> None:
    """A reply that we wrote to the client is no message of local staff."""
    answer = reply("5", "Done")
    ledger = [carried(FIRST), carried(answer, "2")]
    threads = [FIRST, message("2", "staff", "Done"), answer]
    assert run(tickets=PAIR, links=[link()], ledger=ledger, messages=threads).changes.empty


def test_order() -> None:
    """Messages go in source order, equal times or not, replies to customers before everything else."""
    threads = [message("12"), reply("7"), message("3"), message("2"), reply("6"), FIRST]
    assert planned(run(**LINKED, messages=threads)) == [
        ("post", "to_external", "6"),
        ("post", "to_external", "7"),
        ("post", "to_main", "2"),
        ("post", "to_main", "3"),
        ("post", "to_main", "12"),
    ]


def test_equal_messages_stay_two() -> None:
    """Two equal messages are two messages."""
    assert len(run(**LINKED, messages=[FIRST, message("2", body="?"), message("3", body="?")]).changes) == 2


def test_formatting_is_no_edit() -> None:
    """A carried message in another wrapping is not an edit."""
    assert run(**LINKED, messages=[message("1", body="text&nbsp;1 \r\n")]).changes.empty


def test_edit() -> None:
    """An edited message is followed up, and says so; its first carrier stays known."""
    post = only(run(**LINKED, messages=[message("1", body="other")]))
    digest = message("1", body="other")["body_hash"]
    assert (post["kind"], post["direction"], post["act"]) == ("post", "to_main", f"1/edit/{digest[:8]}")
    assert "edited" in post["body"].splitlines()[0]
    assert post["body"].endswith("\nother")
    assert json.loads(post["covers"]) == [["1/edit/1", digest, None]]


def test_edit_is_told_once() -> None:
    """A follow-up that was carried is the message's last known text; a later edit has a name of its own."""
    told = message("1", body="other")
    ledger = [carried(FIRST), carried(told, "m9", source_message="1/edit/1")]
    rows = {"tickets": PAIR, "links": [link()], "ledger": ledger}
    assert run(**rows, messages=[told]).changes.empty
    back = only(run(**rows, messages=[FIRST]))
    assert back["act"] == f"1/edit/{FIRST['body_hash'][:8]}/2"
    assert json.loads(back["covers"])[0][0] == "1/edit/2"


def test_edited_reply_does_not_echo() -> None:
    """Both the reply and the follow-up on its edit are ours in the external thread."""
    answer, edited = reply("5", "one"), reply("5", "two")
    ledger = [carried(FIRST), carried(answer, "2"), carried(edited, "3", source_message="5/edit/1")]
    threads = [FIRST, message("2", "staff", "one"), message("3", "staff", "(edited) two"), edited]
    assert run(tickets=PAIR, links=[link()], ledger=ledger, messages=threads).changes.empty


def test_blocked_direction() -> None:
    """A ticket that waits in one direction goes on in the other, and says why."""
    threads = [FIRST, message("2"), reply("5")]
    outcome = run(**LINKED, messages=threads, waits=[blocked("to_main", "parked: refused", parked=True)])
    assert kinds(outcome) == ["post to_external"]
    assert why(outcome) == {"1": "parked"}
    assert outcome.unfinished["why"].tolist() == [Unfinished.EARLIER_WRITE]
    unknown = run(**LINKED, messages=threads, waits=[blocked("to_external", "the outcome of a post is not known yet")])
    assert kinds(unknown) == ["post to_main"]
    assert why(unknown) == {"1": "pending"}
    assert "not known yet" in unknown.reasons["detail"].iloc[0]


def test_other_tickets_go_on() -> None:
    """A blocked ticket holds up no other one."""
    rows = {"tickets": [*PAIR, ticket("2")], "links": [link()], "ledger": [carried(FIRST)]}
    threads = [FIRST, message("2"), message("1", ticket="2")]
    outcome = run(
        **rows,
        messages=threads,
        waits=[blocked("to_main", "parked: x", parked=True), blocked("to_external", "parked: x", parked=True)],
    )
    assert kinds(outcome) == ["create to_main"]


def test_unknown_reply_does_not_echo() -> None:
    """While a reply of ours may turn up late, a staff message that could be it waits, and so does what follows it."""
    threads = [FIRST, message("2"), message("3", "staff"), message("4")]
    wait = [blocked("to_external", "the outcome of a post is not known yet")]
    assert planned(run(**LINKED, messages=threads, waits=wait)) == [("post", "to_main", "2")]
    sure = [FIRST, message("2"), message("3", "staff", own="no"), message("4")]
    assert len(run(**LINKED, messages=sure, waits=wait).changes) == 3


def test_unconfirmed_reply_does_not_echo() -> None:
    """A reply whose place in the thread is not known yet is not taken for local staff's."""
    rows = {"tickets": PAIR, "links": [link()], "ledger": [carried(FIRST), carried(reply("5"), None)]}
    outcome = run(**rows, messages=[FIRST, message("2", "staff", "text 5")])
    assert outcome.changes.empty
    assert why(outcome) == {"1": "pending"}


def test_quiet() -> None:
    """A quiet run writes nothing to the external side, and leaves it to the next one."""
    outcome = run(**LINKED, messages=[FIRST, message("2"), reply("5")], quiet=True)
    assert kinds(outcome) == ["post to_main"]
    assert len(outcome.unfinished) == 1


def test_switched_off() -> None:
    """Nothing is written for a ticket whose correspondence is switched off."""
    off = [{"connection": "acme", "department": "7", "main_department": "70", "enabled": False}]
    outcome = run(**LINKED, messages=[FIRST, message("2"), reply("5")], correspondences=off)
    assert outcome.changes.empty
    assert why(outcome) == {"1": "correspondence_off"}
    assert run(**LINKED, messages=[FIRST, message("2"), reply("5")], correspondences=[]).changes.empty


def test_one_side_only() -> None:
    """A reply goes out though the external ticket did not move, and a message comes in though main's did not."""
    rows = {"links": [link()], "ledger": [carried(FIRST)]}
    assert kinds(run(tickets=[ticket("900", "main")], messages=[reply("5")], **rows)) == ["post to_external"]
    assert kinds(run(tickets=[ticket("1")], messages=[FIRST, message("2")], **rows)) == ["post to_main"]


def test_lost_receipts() -> None:
    """What a restored ledger forgot is recognised on the other side and not written twice."""
    told = reply("8", "acme #1/2 | Ann (client) | t\ntext 2", kind="client")
    threads = [FIRST, message("2"), told, reply("9", "Done"), message("3", "staff", "Done", own="yes")]
    outcome = run(**LINKED, messages=threads)
    assert kinds(outcome) == ["adopt to_external", "adopt to_main"]
    assert [json.loads(c)[0][2] for c in outcome.changes["covers"]] == ["3", "8"]


@pytest.mark.parametrize(
    "ledger", [[], [carried(FIRST)], [carried(FIRST), carried(OURS)]], ids=["lost", "old", "wrong"]
)
@pytest.mark.parametrize("linked", [True, False])
def test_an_echo_is_impossible(ledger: list[dict[str, object]], linked: bool) -> None:
    """What our own login wrote never comes back into main, whatever the ledger knows of it or its text."""
    rows = LINKED if linked else {"tickets": [ticket("1")]}
    outcome = run(**rows | {"ledger": ledger}, messages=[FIRST, OURS, message("3")])
    assert not [body for body in outcome.changes["body"] if "Our words" in str(body)]


def test_another_persons_equal_words() -> None:
    """Between linked tickets an equal text of somebody else is no receipt."""
    threads = [FIRST, reply("9", "Done"), message("3", "staff", "Done")]
    assert kinds(run(**LINKED, messages=threads)) == ["post to_external", "post to_main"]
