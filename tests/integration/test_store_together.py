"""Several methods of the store as one transaction."""

import threading

import pytest

from remotesupport.store import Store
from tests.store_rows import FakeClock

pytest_plugins = ("tests.database_fixtures",)


def test_what_is_written_together_is_seen_together(store: Store) -> None:
    """Inside, a method sees what the one before it wrote; another thread sees nothing of it before the end."""
    seen: list[dict[str, object] | None] = []
    with store.together():
        store.save_progress("a", {"n": 1})
        with store.together():
            store.save_progress("b", {"n": 2})
        assert store.progress("a") == {"n": 1}
        other = threading.Thread(target=lambda: seen.append(store.progress("a")))
        other.start()
        other.join()
    assert seen == [None]
    assert store.progress_of(["a", "b", "c"]) == {"a": {"n": 1}, "b": {"n": 2}}


def _fail_after_writing(store: Store, clock: FakeClock) -> None:
    with store.together():
        store.begin_run("r", "sync", None, clock())
        store.save_progress("a", {"n": 1 // 0})


def test_an_error_undoes_all_that_is_written_together(store: Store, clock: FakeClock) -> None:
    """Nothing is left of it, and the store works as before."""
    with pytest.raises(ZeroDivisionError):
        _fail_after_writing(store, clock)
    assert store.last_runs(5) == []
    store.save_progress("a", {"n": 1})
    assert store.progress("a") == {"n": 1}
