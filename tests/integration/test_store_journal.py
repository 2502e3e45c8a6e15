"""Exactly one effect: what may be intended, once, and what an unknown outcome holds up."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from remotesupport.core.model import ChangeKind
from remotesupport.core.records import Carried, Intent, IntentState, Lease, LinkRow
from remotesupport.store import AlreadyIntended, Store, WriteBlocked
from tests.database_fixtures import POSTGRES_FIRST
from tests.store_rows import TO_EXTERNAL, FakeClock, intent, received, taken

pytest_plugins = ("tests.database_fixtures",)

DIES_AFTER_INTEND = """
import os, signal, sys
from remotesupport.store import Store
from tests.store_rows import FakeClock, intent, taken
store = Store.open(sys.argv[1])
store.intend(taken(store), intent())
os.kill(os.getpid(), signal.SIGKILL)
"""
ROOT = Path(__file__).parents[2]


def intended(store: Store, clock: FakeClock, act: str = "77") -> tuple[Lease, Intent]:
    """A fresh lease and a stored intent."""
    lease = taken(store, seconds=3600)
    return lease, store.intend(lease, intent(act, now=clock()))


@pytest.mark.parametrize("store_url", POSTGRES_FIRST, indirect=True)
def test_an_intent_survives_the_death_of_its_process(store_url: str) -> None:
    """What intend returned is on the disk: a SIGKILL right after it leaves the intent to be resolved."""
    done = subprocess.run([sys.executable, "-c", DIES_AFTER_INTEND, store_url], cwd=ROOT, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    with Store.open(store_url) as store:
        assert [i.key for i in store.open_intents("acme")] == ["acme/to_main/1/77"]


def test_an_intent_comes_back_as_it_was(store: Store, clock: FakeClock) -> None:
    """Every field of an intent is kept, 4-byte characters and microseconds included."""
    covers = (Carried("77", "a" * 32), Carried("78", "b" * 32, "900"))
    wide = intent(now=clock() + timedelta(microseconds=7), covers=covers, subject="[acme #1] Ошибка 🚑", last_known="5")
    stored = store.intend(taken(store), wide)
    assert store.open_intents("acme") == [stored]
    assert stored == Intent(**{**{f: getattr(wide, f) for f in wide.__slots__}, "id": stored.id})


def test_the_same_key_is_intended_once(store: Store, clock: FakeClock) -> None:
    """A second intent of one source message in one direction is refused, and says what there is."""
    lease, first = intended(store, clock)
    with pytest.raises(AlreadyIntended, match="intended before") as caught:
        store.intend(lease, intent(now=clock()))
    assert caught.value.existing == first
    received(store, first, "900")
    with pytest.raises(AlreadyIntended):
        store.intend(lease, intent(now=clock()))


def test_two_threads_intend_one_key_once(real_time_store: Store) -> None:
    """However often two threads race for one key, exactly one of them may send."""
    lease = taken(real_time_store, seconds=600)

    def attempt(act: str) -> bool:
        try:
            real_time_store.intend(lease, intent(act, ext_ticket=act))
        except AlreadyIntended:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        for n in range(50):
            assert sorted(pool.map(attempt, [str(n)] * 2)) == [False, True]


@pytest.mark.parametrize("state", [IntentState.REFUSED, IntentState.ABSENT])
def test_what_was_not_written_may_be_intended_again(store: Store, clock: FakeClock, state: IntentState) -> None:
    """A refused or absent write may be tried again, under the same id, as the next attempt."""
    lease, first = intended(store, clock)
    assert store.mark(first, state, "locked")
    again = store.intend(lease, intent(now=clock(), run="run-2", last_known="8"))
    assert (again.id, again.attempt, again.state) == (first.id, 2, IntentState.INTENT)
    assert store.open_intents("acme") == [again]


def test_an_outcome_found_out_is_never_made_uncertain_again(store: Store, clock: FakeClock) -> None:
    """Somebody who comes late with "unknown" changes nothing once the write was received, or tried again."""
    lease, first = intended(store, clock)
    store.mark(first, IntentState.ABSENT)
    second = store.intend(lease, intent(now=clock()))
    assert store.mark(first, IntentState.UNKNOWN, "late") is False
    assert store.count_absent(first) == 0
    received(store, second, "900")
    assert store.mark(second, IntentState.UNKNOWN, "late") is False
    assert store.open_intents("acme") == []


def test_open_intents_are_those_to_be_resolved(store: Store, clock: FakeClock) -> None:
    """Open are: sent, unknown, and done without a known target; not the refused, the absent, the confirmed."""
    lease = taken(store, seconds=3600)
    made = [store.intend(lease, intent("77", ext_ticket=str(n), now=clock())) for n in range(6)]
    store.mark(made[1], IntentState.UNKNOWN, "timeout")
    store.mark(made[2], IntentState.REFUSED, "locked")
    store.mark(made[3], IntentState.ABSENT)
    received(store, made[4], main_ticket="504")
    received(store, made[5], "900", main_ticket="505")
    states = [(i.ext_ticket, i.state) for i in store.open_intents("acme")]
    assert states == [("0", "intent"), ("1", "unknown"), ("4", "acked")]
    assert store.open_intents("other") == []


def test_absences_are_counted_per_attempt(store: Store, clock: FakeClock) -> None:
    """Each complete read-back without the message counts once; a new attempt starts at none."""
    lease, first = intended(store, clock)
    store.mark(first, IntentState.UNKNOWN)
    assert [store.count_absent(first), store.count_absent(first)] == [1, 2]
    store.mark(first, IntentState.ABSENT)
    assert store.count_absent(store.intend(lease, intent(now=clock()))) == 1


def test_an_unknown_outcome_holds_up_its_ticket_and_direction_only(store: Store, clock: FakeClock) -> None:
    """Nothing later of that ticket and direction is sent; the other direction and other tickets go on."""
    lease, first = intended(store, clock)
    store.mark(first, IntentState.UNKNOWN, "timeout")
    with pytest.raises(WriteBlocked) as caught:
        store.intend(lease, intent("78", now=clock()))
    assert caught.value.existing is not None
    assert caught.value.existing.key == first.key
    store.intend(lease, intent("9", now=clock(), direction=TO_EXTERNAL))
    store.intend(lease, intent("78", now=clock(), ext_ticket="2"))


def test_what_the_ledger_has_is_not_sent_again(store: Store, clock: FakeClock) -> None:
    """A message carried already is refused without any intent of it; an edited one is not."""
    link = LinkRow("acme", "1", "501", "open", "open", None)
    store.link("acme", link, [Carried("77", "h" * 32, "900")], "run-1")
    lease = taken(store, seconds=3600)
    with pytest.raises(AlreadyIntended, match="message 77 is on the other side"):
        store.intend(lease, intent(now=clock()))
    with pytest.raises(AlreadyIntended, match="the ticket is on the other side"):
        store.intend(lease, intent("create", now=clock(), kind=ChangeKind.CREATE, covers=()))
    edited = intent("77/edit/cafe", now=clock(), covers=(Carried("77", "c" * 32),))
    assert store.intend(lease, edited).id is not None


def test_pruned_intents_still_refuse(store: Store, clock: FakeClock) -> None:
    """Forgetting old intents never lets a message out twice."""
    lease, first = intended(store, clock)
    received(store, first, "900")
    assert store.prune(clock() + timedelta(days=1)) > 0
    with pytest.raises(AlreadyIntended, match="on the other side"):
        store.intend(lease, intent(now=clock()))


def test_deadlines_are_kept_in_utc(store: Store) -> None:
    """Times go in with any zone and come back in UTC."""
    stored = store.intend(taken(store, seconds=10**9), intent())
    (back,) = store.open_intents("acme")
    assert back.deadline == stored.deadline
    assert back.deadline.tzinfo is UTC
    with pytest.raises(Exception, match="time zone"):
        store.begin_run("r", "sync", None, datetime(2026, 11, 20))  # noqa: DTZ001
