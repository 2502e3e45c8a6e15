"""Each connection is in one shard, evenly, and few move when their number changes."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remotesupport.core.connections.shards import MOST, WHOLE, Shard, newest, number_of, shards, still
from remotesupport.core.run import RunKind, RunRequest

NAMES = [f"billing-{n}" for n in range(2000)]
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
counts = st.integers(1, MOST)


@given(st.text(), counts)
def test_every_name_is_in_exactly_one_shard(name: str, count: int) -> None:
    """Whatever the name and however many shards there are."""
    assert [shard for shard in shards(count) if shard.has(name)] == [Shard(number_of(name, count), count)]


@settings(max_examples=20)
@given(counts.filter(lambda n: n < MOST))
def test_one_shard_more_takes_its_part_and_moves_nothing_else(count: int) -> None:
    """About one of N + 1 names moves, each of them to the new shard."""
    moved = [name for name in NAMES if number_of(name, count) != number_of(name, count + 1)]
    assert {number_of(name, count + 1) for name in moved} == {count + 1}
    fair = len(NAMES) / (count + 1)
    assert abs(len(moved) - fair) < 5 * fair**0.5  # five standard deviations of an even draw


@pytest.mark.parametrize("count", [2, 8, 20])
def test_shards_are_of_about_one_size(count: int) -> None:
    """No shard has more than five standard deviations more or fewer than its part."""
    fair = len(NAMES) / count
    sizes = Counter(number_of(name, count) for name in NAMES)
    assert all(abs(sizes[shard.number] - fair) < 5 * fair**0.5 for shard in shards(count))


def test_the_place_of_a_name_never_changes() -> None:
    """Another release finds each name where this one does: workers of two releases agree."""
    assert [number_of(name, 8) for name in ("acme", "globex", "initech", "umbrella")] == PLACES


PLACES = [5, 5, 1, 8]


@pytest.mark.parametrize("text", ["", "3", "0/8", "9/8", "3/0", "a/b", "-1/8", "3/8/9", "1/61", "3 / 8"])
def test_what_is_no_shard_is_refused_with_its_form(text: str) -> None:
    """A shard is written as 3/8, from 1 to 60; nothing else is one."""
    with pytest.raises(ValueError, match="write it as 3/8"):
        Shard.parse(text)


def test_a_shard_is_read_as_it_is_written() -> None:
    """Text and value lead to each other."""
    assert [Shard.parse(str(shard)) for shard in shards(MOST)] == list(shards(MOST))


def test_a_run_is_about_the_named_ones_or_its_shard() -> None:
    """Names that a person gives count whatever their shard; without a shard a run is about all."""
    shard = Shard(2, 3)
    assert RunRequest(RunKind.SYNC, ("x",), shard=shard).about(NAMES) == ("x",)
    assert RunRequest(RunKind.SYNC, shard=shard).about(NAMES) == tuple(n for n in NAMES if shard.has(n))
    assert RunRequest(RunKind.SYNC).about(NAMES) == tuple(NAMES)


def test_a_run_of_another_number_of_shards_counts_for_its_own_names() -> None:
    """After a change of their number each connection's newest run is the newest of any shard that it was in."""
    began = {Shard(number_of("acme", 3), 3): NOW, WHOLE: NOW - timedelta(hours=1)}
    other = next(name for name in NAMES if number_of(name, 3) != number_of("acme", 3))
    assert newest("acme", began) == NOW
    assert newest(other, began) == NOW - timedelta(hours=1)
    assert newest("acme", {}) is None


def test_a_shard_without_a_run_stands_still() -> None:
    """Those are named of which none ever began, or none for too long."""
    began = {Shard(1, 3): NOW, Shard(2, 3): NOW - timedelta(hours=1), WHOLE: NOW}
    assert still(3, began, NOW - timedelta(minutes=3)) == (Shard(2, 3), Shard(3, 3))
