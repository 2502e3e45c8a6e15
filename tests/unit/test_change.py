"""Changes as typed values: what a row of CHANGES says, and the keys under which stores know a write."""

from __future__ import annotations

import pytest

from remotesupport.core import frames
from remotesupport.core.model import ChangeKind, Direction, FileRef, TicketState
from remotesupport.core.plan.change import Change, WholeText, parse_changes
from remotesupport.core.records import Beside, Carried
from tests.store_rows import change, parked

ROW = {
    "connection": "acme", "kind": "post", "direction": "to_main", "rank": 1, "ext_ticket": "1", "main_ticket": "501",
    "act": "77", "ordinal": 3, "subject": "", "department": None, "body": "text", "body_hash": "h",
    "files": '[{"file": "8", "name": "a", "size": 7}, {"file": "77", "name": "all", "size": null, "text": true}]',
    "covers": '[["77", "h", null], ["76", "g", "m6"]]', "ext_state": "open", "main_state": "closed",
    "detail": "message 77",
}  # fmt: skip


def parsed(*rows: dict[str, object]) -> tuple[Change, ...]:
    return parse_changes(frames.build(frames.CHANGES, rows))


def test_a_row_of_a_plan_is_read_whole() -> None:
    """Each column that writing reads is a typed field; what a row does not say is None."""
    (one,) = parsed(ROW)
    assert one == Change(
        "acme", ChangeKind.POST, Direction.TO_MAIN, "1", "77", 1, "501", body="text", detail="message 77",
        files=(FileRef("8", "a", 7), WholeText("77", "all")), covers=(Carried("77", "h"), Carried("76", "g", "m6")),
        ext_state=TicketState.OPEN, main_state=TicketState.CLOSED,
    )  # fmt: skip
    (new,) = parsed(ROW | {"kind": "create", "main_ticket": None, "department": "70"})
    assert (new.main_ticket, new.department) == (None, "70")


def test_a_change_knows_whether_another_one_follows() -> None:
    """Only a later change of the same ticket and direction makes it wait to be read back."""
    other = {"act": "78"}
    changes = parsed(ROW, ROW | {"direction": "to_external"}, ROW | {"ext_ticket": "2"}, ROW | other)
    assert [one.followed for one in changes] == [True, False, False, False]


@pytest.mark.parametrize("column", ["kind", "direction", "ext_state", "main_state"])
def test_a_word_that_is_none_of_ours_is_refused(column: str) -> None:
    """Nothing of such a plan is written."""
    with pytest.raises(ValueError, match="strange"):
        parsed(ROW | {column: "strange"})


def test_a_change_knows_its_tickets() -> None:
    """Words come from one side and go to the other; a main ticket that is not created yet has no number."""
    into, out = change(main_ticket="501"), change(main_ticket="501", direction=Direction.TO_EXTERNAL)
    assert (into.source_ticket, into.target, out.source_ticket, out.target) == ("1", "501", "501", "1")
    with pytest.raises(ValueError, match="not created yet"):
        _ = change(main_ticket=None).target


@pytest.mark.parametrize(
    ("kind", "act", "write", "waiting"),
    [
        (ChangeKind.POST, "77", "77", "77"),
        (ChangeKind.POST, "77/edit/0a1b2c3d", "77/edit/0a1b2c3d", "77/edit/0a1b2c3d"),
        (ChangeKind.CREATE, "create", "create", "create"),
        (ChangeKind.CONFLICT, "conflict", "conflict", "conflict"),
        (ChangeKind.CLOSE, "close/0a1b2c3d", "close/0a1b2c3d/run-7", "close"),
        (ChangeKind.CLOSE, "create/close", "create/close/run-7", "close"),
        (ChangeKind.REOPEN, "return/0a1b2c3d", "return/0a1b2c3d/run-7", "reopen"),
        (ChangeKind.DEPARTURE, "departure/0a1b2c3d", "departure/0a1b2c3d/run-7", "departure"),
        (ChangeKind.CLOSE, "departure/close/0a1b2c3d", "departure/close/0a1b2c3d/run-7", "departure/close"),
    ],
)  # fmt: skip
def test_stores_know_a_write_by_these_keys(kind: ChangeKind, act: str, write: str, waiting: str) -> None:
    """A message has one key for ever, an act one for each run; what waits has one key in every run."""
    one = change(act, kind=kind, ext_ticket="1/%")
    assert one.write_key("run-7") == f"acme/to_main/1%2F%25/{write}"
    assert one.parked_key == f"acme/to_main/1%2F%25/{waiting}"


@pytest.mark.parametrize(
    ("key", "beside", "write"),
    [
        ("acme/to_main/1/77/files", Beside.FILES, "acme/to_main/1/77"),
        ("acme/to_main/1/77/there/files", Beside.FILES, "acme/to_main/1/77/there"),
        ("acme/to_main/1/77/altered", Beside.ALTERED, "acme/to_main/1/77"),
        ("acme/to_main/1/reopen/stays-closed", Beside.STAYS_CLOSED, "acme/to_main/1/reopen"),
        ("acme/to_main/1/77/unproven", Beside.UNPROVEN, "acme/to_main/1/77"),
        ("acme/to_main/1/post/denied", Beside.DENIED, "acme/to_main/1/post"),
        ("acme/to_main/1/post/kept-out", Beside.KEPT_OUT, "acme/to_main/1/post"),
        ("acme/to_main/1/post/talk/brake", Beside.BRAKE, "acme/to_main/1/post/talk"),
        ("acme/to_main/1/77", None, "acme/to_main/1/77"),
        ("acme/to_main/1/departure/close", None, "acme/to_main/1/departure/close"),
    ],
)
def test_stores_know_what_waits_beside_a_write_by_these_keys(key: str, beside: Beside | None, write: str) -> None:
    """The end of a key says what waits beside a write or a ticket; a key without such an end is the write's own."""
    waiting = parked(key)
    assert (waiting.beside, waiting.write_key) == (beside, write)


@pytest.mark.parametrize("kind", ChangeKind)
def test_a_change_says_which_writes_it_consists_of(kind: ChangeKind) -> None:
    """Every change is one write, but an adoption and a conflict are none, and a departure is its note and its close."""
    one = change("departure/0a1b2c3d", kind=kind, body="it has left", covers=(Carried("77", "h"),))
    count = {ChangeKind.ADOPT: 0, ChangeKind.CONFLICT: 0, ChangeKind.DEPARTURE: 2}.get(kind, 1)
    assert len(one.writes) == count
    assert one.writes[:1] == (one,)[:count]


def test_the_close_of_a_departed_ticket_is_the_second_act_of_its_departure() -> None:
    """It closes the same main ticket without a word, and waits under the key of the close that a later plan has."""
    note = change("departure/0a1b2c3d", kind=ChangeKind.DEPARTURE, body="it has left", main_state=TicketState.CLOSED)
    later = change("departure/close/4e5f6a7b", kind=ChangeKind.CLOSE)
    _, close = note.writes
    assert (close.kind, close.act, close.body) == (ChangeKind.CLOSE, "departure/close/0a1b2c3d", "")
    assert (close.target, close.main_state, close.ends_departure) == (note.target, TicketState.CLOSED, True)
    assert (close.parked_key, note.ends_departure) == (later.parked_key, False)


def test_the_close_of_a_departed_ticket_is_known_by_its_older_name_too() -> None:
    """Stores of older releases have the digest before the word: it waits under the same key, and ends a departure."""
    old = change("departure/0a1b2c3d/close", kind=ChangeKind.CLOSE)
    assert (old.ends_departure, old.parked_key) == (True, "acme/to_main/1/departure/close")
