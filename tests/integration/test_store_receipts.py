"""Receipts: what came back becomes true all at once, or not at all; what a read-back finds is filled in."""

import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import text

from remotesupport.core.model import ChangeKind
from remotesupport.core.records import Carried, Intent, IntentState, LinkRow
from remotesupport.store import LinkConflict, Store, StoreError
from remotesupport.store.database import Database
from remotesupport.store.pairs import count_links
from tests.database_fixtures import POSTGRES_FIRST
from tests.store_rows import TO_EXTERNAL, TO_MAIN, FakeClock, intent, parked, received, taken

pytest_plugins = ("tests.database_fixtures",)

ROOT = Path(__file__).parents[2]
DIES_IN_RECEIVE = """
import os, signal, sys
from datetime import datetime, UTC
from remotesupport.store import Store
from tests.store_rows import intent, received, taken

class Death:
    left = None
    def __call__(self):
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return datetime.now(UTC)

clock = Death()
store = Store.open(sys.argv[1], clock)
done = store.intend(taken(store), intent())
clock.left = int(sys.argv[2])
received(store, done, "900")
"""
FAIL = {
    "sqlite": ["CREATE TRIGGER no BEFORE INSERT ON rs_events BEGIN SELECT RAISE(ABORT, 'no room'); END"],
    "postgresql": [
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no room'; END $$",
        "CREATE TRIGGER no BEFORE INSERT ON rs_events FOR EACH ROW EXECUTE FUNCTION no()",
    ],
}


def posted(store: Store, clock: FakeClock, act: str = "77", **changed: object) -> Intent:
    """A stored intent under a lease that is given back."""
    lease = taken(store, seconds=3600)
    stored = store.intend(lease, intent(act, now=clock(), **changed))
    store.release_lease(lease)
    return stored


def nothing_happened(store: Store) -> bool:
    """No link, no message, no event; the intent is still open."""
    (waiting,) = store.open_intents("acme")
    traces = (len(store.links("acme")), len(store.carried("acme")), len(store.timeline("acme", "1")))
    return waiting.state is IntentState.INTENT and traces == (0, 0, 0) and store.link_counts(["acme"]) == {"acme": 0}


LATER = pytest.mark.thorough("a process of its own; an earlier death within a receipt is in `make test`")


@pytest.mark.parametrize("calls", [0, pytest.param(1, marks=LATER)])
@pytest.mark.parametrize("store_url", POSTGRES_FIRST, indirect=True)
def test_a_death_within_a_receipt_leaves_nothing(store_url: str, calls: int) -> None:
    """A process killed in the middle of storing a receipt leaves the intent open and nothing else."""
    command = [sys.executable, "-c", DIES_IN_RECEIVE, store_url, str(calls)]
    done = subprocess.run(command, cwd=ROOT, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    with Store.open(store_url) as store:
        assert nothing_happened(store)


def test_an_error_within_a_receipt_leaves_nothing(store: Store, store_url: str, clock: FakeClock) -> None:
    """When the last row of a receipt cannot be stored, none of it is; the receipt can be given again."""
    done = posted(store, clock)
    database = Database(store_url)
    with database.write() as conn:
        for statement in FAIL["sqlite" if database.is_sqlite else "postgresql"]:
            conn.execute(text(statement))
    with pytest.raises(StoreError, match="no room"):
        received(store, done, "900")
    assert nothing_happened(store)
    with database.write() as conn:
        conn.execute(text("DROP TRIGGER no" + ("" if database.is_sqlite else " ON rs_events")))
    database.engine.dispose()
    received(store, done, "900")
    assert store.open_intents("acme") == []


def test_a_receipt_makes_everything_true_at_once(store: Store, clock: FakeClock) -> None:
    """Link, carried messages, timeline and counter appear together, and the parked row of this write goes."""
    done = posted(store, clock, "create", kind=ChangeKind.CREATE, main_ticket=None, covers=(Carried("7", "a" * 32),))
    store.park(parked(done.key))
    received(store, done, "900", main_ticket="501", department="3")
    link = store.links("acme").to_dict("records")
    assert link == [{"connection": "acme", "ext_ticket": "1", "main_ticket": "501", "ext_state": "open",
                     "main_state": "open", "department": "3", "departed": False}]  # fmt: skip
    assert store.carried("acme", ["1"])[["source_message", "target_message"]].to_numpy().tolist() == [["7", "900"]]
    assert [(e.event, e.run, e.detail) for e in store.timeline("acme", "1")][-1] == (
        "created", "run-1", "to_main 501: 7 → 900",
    )  # fmt: skip
    assert store.link_counts(["acme"]) == {"acme": 1}
    assert store.parked(["acme"]) == []


def test_a_receipt_may_be_given_twice(store: Store, clock: FakeClock) -> None:
    """Repeating a receipt whose commit was doubtful changes nothing."""
    done = posted(store, clock)
    received(store, done, "900")
    before = store.carried("acme").to_dict("records")
    received(store, done)
    assert (store.carried("acme").to_dict("records"), store.open_intents("acme")) == (before, [])
    assert store.link_counts(["acme"]) == {"acme": 1}


def test_a_receipt_needs_no_lease(store: Store, clock: FakeClock) -> None:
    """The write did happen: its receipt is taken even from somebody whose lease has passed on."""
    done = posted(store, clock)
    taken(store)
    received(store, done)
    assert [i.state for i in store.open_intents("acme")] == [IntentState.ACKED]


def test_only_what_was_intended_has_a_receipt(store: Store) -> None:
    """A receipt for a value that intend never returned is a mistake of the caller, and nothing is stored."""
    with pytest.raises(ValueError, match="never intended"):
        received(store, intent())
    assert len(store.links("acme")) == 0


def test_reading_back_fills_in_the_target(store: Store, clock: FakeClock) -> None:
    """A confirmed write is settled, and the timeline tells of it once."""
    done = posted(store, clock)
    received(store, done)
    assert pd.isna(store.carried("acme")["target_message"].item())
    store.confirm(done, [Carried("77", "h" * 32, "900")], state=IntentState.ACKED)
    assert store.carried("acme")["target_message"].item() == "900"
    assert store.open_intents("acme") == []
    assert [e.event for e in store.timeline("acme", "1")] == ["posted", "confirmed"]


def test_an_adopted_create_is_linked(store: Store, clock: FakeClock) -> None:
    """An unanswered create that the read-back finds gets its link, and the timeline says how it was found."""
    done = posted(store, clock, "create", kind=ChangeKind.CREATE, main_ticket=None)
    store.mark(done, IntentState.UNKNOWN, "no answer in 20 s")
    store.confirm(done, [Carried("create", "h" * 32, "900")], main_ticket="501")
    assert store.links("acme")["main_ticket"].tolist() == ["501"]
    events = [(e.event, e.detail) for e in store.timeline("acme", "1")]
    assert events == [
        ("unknown", "create to_main: no answer in 20 s"),
        ("created", "to_main 501: create → 900 (found by reading back)"),
    ]


def test_a_known_target_is_never_forgotten(store: Store, clock: FakeClock) -> None:
    """A late receipt without target ids does not undo what a read-back found."""
    done = posted(store, clock)
    store.confirm(done, [Carried("77", "h" * 32, "900")], main_ticket="501")
    received(store, done)
    assert store.carried("acme")["target_message"].item() == "900"
    assert store.open_intents("acme") == []


def test_an_edit_keeps_the_older_message_as_ours(store: Store, clock: FakeClock) -> None:
    """After a follow-up for an edit both written messages are known as our own."""
    received(store, posted(store, clock), "900")
    received(store, posted(store, clock, "77/edit/cafe", covers=(Carried("77", "c" * 32),)), "905")
    current = store.carried("acme").set_index("source_message")
    assert (current.loc["77", "body_hash"], current.loc["77", "target_message"]) == ("c" * 32, "905")
    assert store.targets("acme", TO_MAIN, "1") == {"900", "905"}


def test_one_main_ticket_has_one_external_ticket(store: Store, clock: FakeClock) -> None:
    """Neither side of a pair can be claimed by a third ticket; the refused claim leaves no trace."""
    received(store, posted(store, clock), main_ticket="501")
    other = posted(store, clock, ext_ticket="2")
    with pytest.raises(LinkConflict, match="external ticket 1 with main ticket 501"):
        received(store, other, main_ticket="501")
    with pytest.raises(LinkConflict, match="external ticket 1 with main ticket 501"):
        store.link("acme", LinkRow("acme", "1", "999", "open", "open", None), [], "run-1")
    assert (len(store.links("acme")), len(store.carried("acme", ["2"]))) == (1, 0)
    store.link("other", LinkRow("other", "2", "501", "open", "open", None), [], "run-1")


@pytest.mark.parametrize(
    ("kind", "direction", "expected"),
    [
        (ChangeKind.DEPARTURE, TO_MAIN, [True, True]),
        (ChangeKind.REOPEN, TO_MAIN, [False, False]),
        (ChangeKind.REOPEN, TO_EXTERNAL, [False, True]),
        (ChangeKind.POST, TO_MAIN, [False, True]),
    ],
)
def test_departures_follow_from_the_kind(
    store: Store, clock: FakeClock, kind: ChangeKind, direction: object, expected: list[bool]
) -> None:
    """A departure note makes a ticket departed, a reopening in the main billing ends that, the rest keeps it."""
    for ticket, departed in enumerate([False, True]):
        row = LinkRow("acme", str(ticket), f"50{ticket}", "open", "open", "3", departed)
        store.link("acme", row, [], "run-1")
        done = posted(store, clock, "x", kind=kind, direction=direction, ext_ticket=str(ticket), covers=())
        received(store, done, main_ticket=None, main_state="closed")
    found = store.links("acme").sort_values("ext_ticket")
    assert found["departed"].tolist() == expected
    assert found["main_state"].tolist() == ["closed", "closed"]
    assert found["department"].tolist() == ["3", "3"]


def test_the_counter_of_links_is_their_number(store: Store, store_url: str, clock: FakeClock) -> None:
    """The number that the guard uses without counting equals the number of links."""
    for n in range(5):
        store.link("acme", LinkRow("acme", str(n), f"m{n}", "open", "open", None), [], "run-1")
        store.link("acme", LinkRow("acme", str(n), f"m{n}", "closed", "open", None), [], "run-2")
    received(store, posted(store, clock, ext_ticket="9"), main_ticket="m9")
    database = Database(store_url)
    with database.read() as conn:
        true_number = count_links(conn, "acme")
    database.engine.dispose()
    assert store.link_counts(["acme", "none"]) == {"acme": true_number, "none": 0} == {"acme": 6, "none": 0}


def test_carried_rows_stay_small(sqlite_url: str, clock: FakeClock) -> None:
    """A carried message costs at most half a kilobyte with its intent and timeline, much less once they are pruned."""
    clock.at += timedelta(days=1)

    def pages(store: Store) -> int:
        with store._db.read() as conn:
            used = conn.execute(text("PRAGMA page_count")).scalar_one()
            return 4096 * (used - conn.execute(text("PRAGMA freelist_count")).scalar_one())

    with Store.open(sqlite_url, clock) as store:
        before, lease = pages(store), taken(store, seconds=10**6)
        for n in range(300):
            row = intent(str(10_000 + n), now=clock(), ext_ticket=str(n // 10), run="0123456789ab")
            received(store, store.intend(lease, row), str(20_000 + n), main_ticket=str(500 + n // 10))
        full = pages(store) - before
        store.prune(clock() + timedelta(days=1))
        pruned = pages(store) - before
    assert full / 300 <= 512
    assert pruned / 300 <= 200


def test_what_was_sent_keeps_its_run_and_time(store: Store, clock: FakeClock) -> None:
    """A later look keeps run and time of what was sent; a text that takes another one's place keeps those of both."""
    lease, began = taken(store, seconds=7200), clock()
    first = store.intend(lease, intent(now=clock(), run="run-1"))
    received(store, first)
    clock.advance(60)
    store.confirm(first, [Carried("77", "h" * 32, "900")], state=IntentState.ACKED)
    (seen,) = store.crossings("acme")
    assert (seen.run, seen.at, seen.confirmed_at, seen.target) == ("run-1", began, clock(), "900")
    clock.advance(60)
    other = intent(now=clock(), run="run-2", covers=(Carried("77", "g" * 32),), key="acme/to_main/1/77/edit/1")
    received(store, store.intend(lease, other), "901")
    found = {(one.run, one.at, one.target, one.message) for one in store.crossings("acme")}
    assert found == {("run-1", began, "900", "77"), ("run-2", clock(), "901", "77")}
    assert [one.run for one in store.crossings("acme", clock())] == ["run-2"]
