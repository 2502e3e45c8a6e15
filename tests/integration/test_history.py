"""``history`` and ``runs``: what changed since yesterday, as a user asks for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from remotesupport.cli.history import look_back, missed
from remotesupport.core.run import RunKind
from remotesupport.store import Changed, HistoryLine, Store
from tests.cli_here import Ended, cli_here
from tests.http_desk import HttpDesk, RealTime, http_desk
from tests.store_rows import FakeClock, intent, received, taken
from tests.three_billings import ThreeBillings, three_billings

pytest_plugins = ("tests.database_fixtures",)

BOTH = ("acme", "globex")
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ThreeBillings]:
    with three_billings(tmp_path) as found:
        yield found


def command(world: ThreeBillings, *words: str) -> Ended:
    return cli_here(*words, cwd=world.home, environ=world.environ)


def document(world: ThreeBillings, *words: str) -> dict[str, Any]:
    ended = command(world, *words, "--json")
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def changes(world: ThreeBillings, what: str, *words: str) -> list[tuple[Any, ...]]:
    """(billing, subject, before, after) of the lines of one kind."""
    lines = document(world, "history", *words)["changes"]
    return [(c["billing"], c["subject"], c["before"], c["after"]) for c in lines if c["what"] == what]


def desk_of(world: ThreeBillings) -> Any:
    """The product on the store that the commands open."""
    return http_desk(world, BOTH, url=f"sqlite:///{world.home / 'remotesupport.sqlite3'}", clock=RealTime())


async def a_ticket_and_an_outage(world: ThreeBillings, desk: HttpDesk) -> None:
    """A ticket crosses from acme, then globex is down for a run, then it is back."""
    await desk.run(later=0)
    world.acme.act(as_="ivan", do="open", subject="s", department="Technical support", text="E")
    await desk.run(later=0)
    world.globex.stop()
    await desk.run(later=0)
    world.globex.start()
    await desk.run(later=0)


async def test_the_states_of_a_connection_are_told_in_order(world: ThreeBillings) -> None:
    """A billing that was down and came back is two lines with their causes; one that stayed well has none of them."""
    async with desk_of(world) as desk:
        await a_ticket_and_an_outage(world, desk)
    assert changes(world, "state", "--billing", "globex") == [
        ("globex", "state", None, "ok"),
        ("globex", "state", "ok", "unreachable"),
        ("globex", "state", "unreachable", "ok"),
    ]
    assert changes(world, "state", "--billing", "acme") == [("acme", "state", None, "ok")]
    why = [c["why"] for c in document(world, "history")["changes"] if c["after"] == "unreachable"]
    assert "no connection" in why[0]


async def test_what_was_carried_is_counted_by_the_hour(world: ThreeBillings) -> None:
    """An hour in which something was written has its numbers by billing; --since leaves out what was before."""
    async with desk_of(world) as desk:
        await a_ticket_and_an_outage(world, desk)
    counts = document(world, "history", "--since", "2h")["counts"]
    assert [(c["billing"], c["created"], c["posted"]) for c in counts] == [("acme", 1, 0)]
    assert document(world, "history", "--billing", "globex")["counts"] == []


async def test_a_changed_configuration_is_named_key_by_key(world: ThreeBillings) -> None:
    """Each key of the file that has another value is a line with both; the first configuration is none."""
    async with desk_of(world) as desk:
        await desk.run(later=0)
    assert changes(world, "configuration") == []
    file = world.home / "remotesupport.toml"
    text = file.read_text().replace('timezone = "Europe/Moscow"', 'timezone = "Europe/Samara"\nshow_author = true', 1)
    file.write_text(text + "\n[guard]\ncreates = 7\n")
    async with desk_of(world) as desk:
        await desk.run(later=0)
    assert changes(world, "configuration") == [
        ("acme", "external/acme/show_author", "False", "True"),
        ("acme", "external/acme/timezone", "Europe/Moscow", "Europe/Samara"),
        (None, "guard/creates", "50", "7"),
    ]
    assert changes(world, "configuration", "--billing", "globex") == [(None, "guard/creates", "50", "7")]
    assert "secrets/" not in json.dumps(document(world, "history"))


async def test_departments_pauses_and_forgotten_habits_are_told(world: ThreeBillings) -> None:
    """A department that is new over there, a pause and a habit that a person had forgotten are lines, too."""
    async with desk_of(world) as desk:
        await desk.run(later=0)
        world.acme.act(as_="admin", do="department", department="Sales", name="Presales")
        await desk.run(later=0)
    assert command(world, "pause", "acme").returncode == 0
    learned = changes(world, "habit")
    assert learned
    habit = learned[0][1].split()[-1]
    assert command(world, "habits", "forget", habit, "--billing", "acme").returncode == 0
    assert any(c[0] == "acme" and c[2:] == ("Sales", "Presales") for c in changes(world, "department")), changes(
        world, "department"
    )
    assert ("acme", "state", None, "paused") in changes(world, "state")
    assert [c for c in changes(world, "habit") if c[3] is None and c[1].endswith(habit)]


async def test_the_last_runs_are_listed_with_what_became_of_them(world: ThreeBillings) -> None:
    """The newest run comes first, each with one word for its result, what it wrote and what it said."""
    async with desk_of(world) as desk:
        await a_ticket_and_an_outage(world, desk)
    found = document(world, "runs")["runs"]
    assert [(r["kind"], r["result"], r["written"]) for r in found] == [
        ("sync", "ok", 0), ("sync", "failed", 0), ("sync", "ok", 1), ("sync", "ok", 0)
    ]  # fmt: skip
    assert found[1]["billings"] == {"acme": "ok", "globex": "failed"}
    assert "globex: " in found[1]["said"]
    assert len(document(world, "runs", "--last", "2")["runs"]) == 2


async def test_a_run_of_others_is_not_listed_for_a_billing(world: ThreeBillings) -> None:
    """With --billing only those runs are shown in which it took part."""
    async with desk_of(world) as desk:
        await desk.run(later=0, billings=("acme",))
        await desk.run(RunKind.AUDIT, later=0)
    assert [r["kind"] for r in document(world, "runs", "--billing", "globex")["runs"]] == ["audit"]
    assert [r["kind"] for r in document(world, "runs", "--billing", "acme")["runs"]] == ["audit", "sync"]


def test_nothing_was_kept_yet(world: ThreeBillings) -> None:
    """Where no store is there yet both say so in words, with status 0, and make none."""
    for name in ("history", "runs"):
        ended = command(world, name)
        assert ended.returncode == 0
        assert ended.stdout
    assert not (world.home / "remotesupport.sqlite3").exists()


def test_a_moment_that_nobody_understands_is_wrong_usage(world: ThreeBillings) -> None:
    """What --since takes is said where it was written otherwise."""
    ended = command(world, "history", "--since", "last tuesday")
    assert ended.returncode == 2
    assert "yesterday, 90min, 2h" in ended.stderr


def test_minutes_without_a_run_are_counted() -> None:
    """A time in which no sync began is told with its number of runs; so is one that goes on; a usual minute is not."""
    start = datetime(2026, 11, 23, 9, tzinfo=UTC)
    begun = [start + timedelta(minutes=m) for m in (0, 1, 2, 12, 13)]
    now = start + timedelta(minutes=20)
    found = [(m.since, m.until, m.minutes) for m in missed(begun, start, now)]
    assert found == [(begun[2], begun[3], 9), (begun[4], None, 6)]
    assert list(missed(begun[:3], start, begun[2] + timedelta(seconds=90))) == []
    assert list(missed([], start, now)) == []


def test_an_outage_that_began_before_the_window_is_told(store: Store, clock: FakeClock) -> None:
    """The last run before the window counts: what began then, and what goes on since then, are outages in it."""
    started = clock()
    store.begin_run("before", RunKind.SYNC, None, started)
    clock.advance(36 * 3600)
    window, now = clock() - timedelta(hours=24), clock()
    assert [(m.since, m.until) for m in look_back(store, window, now).missed] == [(started, None)]
    store.begin_run("after", RunKind.SYNC, None, now)
    clock.advance(60)
    assert [(m.since, m.until) for m in look_back(store, window, clock()).missed] == [(started, now)]


def test_the_store_counts_by_the_hour_and_forgets_what_is_old(store: Store, clock: FakeClock) -> None:
    """On either database writes are counted in their hour, and retention takes lines of the history, too."""
    lease = taken(store, seconds=7200)
    for number in range(3):
        received(store, store.intend(lease, intent(str(number), now=clock())), f"t{number}")
        clock.advance(1800)
    counts = store.hourly_counts(LONG_AGO)
    assert [(c["hour"].hour, c["connection"], c["posted"]) for c in counts] == [(7, "acme", 2), (8, "acme", 1)]
    store.add_history([HistoryLine("acme", Changed.STATE, "state", "", "ok")])
    assert [line.after for line in store.history(LONG_AGO)] == ["ok"]
    store.prune(clock() + timedelta(days=1))
    assert store.history(LONG_AGO) == []
