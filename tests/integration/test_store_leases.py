"""The right to write: one holder at a time, told apart by tokens that only grow."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from remotesupport.store import LeaseLost, Store
from tests.database_fixtures import POSTGRES_FIRST
from tests.store_rows import FakeClock, intent, taken

pytest_plugins = ("tests.database_fixtures",)

RACER = """
import sys
from remotesupport.store import Store
store = Store.open(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
print(store.acquire_lease("acme", sys.argv[2], 60) is not None, flush=True)
"""


@pytest.mark.parametrize("store_url", POSTGRES_FIRST, indirect=True)
def test_one_of_two_processes_gets_the_lease(store_url: str, tmp_path: Path) -> None:
    """Of two processes that ask at the same moment exactly one may write."""
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, store_url, name], cwd=tmp_path, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        for name in ("one", "two")
    ]  # fmt: skip
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    answers = sorted(racer.communicate(timeout=60)[0].strip() for racer in racers)
    assert answers == ["False", "True"]


def test_one_of_many_threads_gets_the_lease(real_time_store: Store) -> None:
    """Of eight threads that ask at once exactly one may write, in every round."""
    with ThreadPoolExecutor(8) as pool:
        for round_ in range(5):
            name = f"c{round_}"
            got = list(pool.map(lambda n, name=name: real_time_store.acquire_lease(name, str(n), 60), range(8)))
            assert sum(lease is not None for lease in got) == 1


def test_a_taken_lease_is_not_given_again(store: Store) -> None:
    """While it lasts nobody else gets it, not even under the same name."""
    taken(store)
    assert store.acquire_lease("acme", "test", 60) is None
    assert store.acquire_lease("other", "test", 60) is not None


def test_tokens_only_grow(store: Store, clock: FakeClock) -> None:
    """A token is never given twice, whether the lease was given back or ran out."""
    tokens = []
    for _ in range(3):
        lease = taken(store)
        tokens.append(lease.token)
        store.release_lease(lease)
        tokens.append(taken(store, seconds=5).token)
        clock.advance(6)
    assert tokens == sorted(set(tokens))


def test_an_expired_lease_passes_on(store: Store, clock: FakeClock) -> None:
    """After its time the next one gets it, and the first can neither renew nor give it back."""
    first = taken(store, seconds=10)
    clock.advance(10)
    second = taken(store)
    with pytest.raises(LeaseLost, match="another run has taken it"):
        store.renew_lease(first, 10)
    assert store.release_lease(first) is False
    assert store.lease_holder("acme") == second


def test_renewing_keeps_the_token(store: Store, clock: FakeClock) -> None:
    """A lease in time is prolonged from now, under the same token."""
    lease = taken(store, seconds=10)
    clock.advance(9)
    renewed = store.renew_lease(lease, 30)
    assert (renewed.token, (renewed.expires_at - clock()).total_seconds()) == (lease.token, 30)


def test_a_lost_lease_refuses_to_intend(store: Store, clock: FakeClock) -> None:
    """Who was paused until his lease passed on can commit no intent any more."""
    first = taken(store, seconds=30)
    clock.advance(31)
    taken(store)
    with pytest.raises(LeaseLost, match=r"acme.*token 1.*another run"):
        store.intend(first, intent(now=clock()))
    assert store.open_intents("acme") == []


def test_time_left_must_exceed_the_deadline(store: Store, clock: FakeClock) -> None:
    """A request that could outlive the lease is not intended; one that cannot is."""
    lease = taken(store, seconds=20)
    with pytest.raises(LeaseLost, match=r"20\.0 s are left, 20\.0 s are needed"):
        store.intend(lease, intent(now=clock(), seconds=20))
    assert store.intend(lease, intent(now=clock(), seconds=19.9)).id is not None


def test_an_expired_lease_refuses_even_a_past_deadline(store: Store, clock: FakeClock) -> None:
    """An expired lease that nobody has taken yet gives no right either."""
    lease = taken(store, seconds=5)
    clock.advance(5)
    with pytest.raises(LeaseLost):
        store.intend(lease, intent(now=clock(), seconds=-30))


def test_a_lease_serves_its_own_connection_only(store: Store, clock: FakeClock) -> None:
    """A lease of one connection cannot be used for another."""
    with pytest.raises(ValueError, match="cannot be used for other"):
        store.intend(taken(store), intent(now=clock(), connection="other"))
