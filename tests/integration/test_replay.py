"""``replay``: the plan of a past run again, from the command line; and what keeping its inputs may not do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from remotesupport.core.replay.kept import from_document, to_document
from remotesupport.core.run import BillingState
from remotesupport.sealing import opened, sealed
from remotesupport.store import Store
from tests.cli_here import Ended, cli_here
from tests.cycle_fixtures import Desk
from tests.store_rows import FakeClock
from tests.three_billings import ThreeBillings, three_billings

pytest_plugins = ("tests.database_fixtures",)

KEY = "q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k="
KEYED = '\n[keep]\nkey = "env:KEEP_KEY"\n'
TEXT = "my invented password is hunter2"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ThreeBillings]:
    with three_billings(tmp_path) as found:
        found.environ["KEEP_KEY"] = KEY
        yield found


def command(world: ThreeBillings, *words: str) -> Ended:
    return cli_here(*words, cwd=world.home, environ=world.environ)


def configure(world: ThreeBillings, more: str) -> None:
    file = world.home / "remotesupport.toml"
    file.write_text(file.read_text() + more)


def a_run(world: ThreeBillings) -> dict[str, Any]:
    """A client asks, and one run carries it: the JSON of that run."""
    world.acme.act(as_="ivan", do="open", subject="s", department="Technical support", text=TEXT)
    return sync(world)


def sync(world: ThreeBillings) -> dict[str, Any]:
    done: dict[str, Any] = json.loads(command(world, "sync", "--billing", "acme", "--json").stdout)
    return done


def replayed(world: ThreeBillings, run: str) -> tuple[int, dict[str, Any]]:
    """The exit status, and the line of the one billing."""
    ended = command(world, "replay", run, "--json")
    document = json.loads(ended.stdout)
    assert document["exit"] == ended.returncode
    (line,) = document["billings"]
    return ended.returncode, line


def store_of(world: ThreeBillings) -> Store:
    return Store.open(f"sqlite:///{world.home / 'remotesupport.sqlite3'}")


def rewrite(world: ThreeBillings, body: bytes) -> None:
    """Put these bytes in the place of the only kept inputs."""
    with store_of(world) as store, store._db.write() as conn:
        conn.exec_driver_sql("UPDATE rs_inputs SET body = ? WHERE body IS NOT NULL", (body,))


def test_a_run_is_planned_again_by_its_id_and_another_plan_is_told_row_by_row(world: ThreeBillings) -> None:
    """With a key: the same id and status 0; where another version planned something else, status 3 and each difference;
    damaged, status 1; no text is readable in the store."""
    configure(world, KEYED)
    done = a_run(world)
    (line,) = done["billings"]
    status, again = replayed(world, done["run"])
    assert (status, again["result"], again["then"], again["now"]) == (0, "same", line["plan_id"], line["plan_id"])
    assert done["warnings"] == []
    with store_of(world) as store:
        (kept,) = store.kept_inputs(done["run"])
    assert kept.body is not None
    assert TEXT.encode() not in b"".join(f.read_bytes() for f in world.home.glob("remotesupport.sqlite3*"))
    before = from_document(opened(kept.body, KEY))
    for row in before.rows:
        row["body"] = f"as version 0.0 had it: {row['body']}"
    rewrite(world, sealed(to_document(replace(before, plan_id="p-0123456789ab")), KEY))
    status, other = replayed(world, done["run"])
    assert (status, other["result"], other["then"], other["now"]) == (3, "other", "p-0123456789ab", line["plan_id"])
    (told,) = other["difference"]
    assert (told["what"], told["kind"], list(told["columns"])) == ("planned otherwise", "create", ["body"])
    assert TEXT in told["columns"]["body"]["now"]
    shown = command(world, "replay", done["run"])
    assert (shown.returncode, "planned otherwise" in shown.stdout) == (3, True), shown
    rewrite(world, kept.body[:-7])
    assert replayed(world, done["run"])[0] == 1


def test_without_a_key_no_text_is_kept_and_the_answer_says_what_that_means(world: ThreeBillings) -> None:
    """The writes are compared, their texts and the ids are not: status 2, in words, with what to configure."""
    done = a_run(world)
    status, line = replayed(world, done["run"])
    assert (status, line["result"], line["now"], line["difference"]) == (2, "texts not kept", None, [])
    shown = command(world, "replay", done["run"])
    assert "ids cannot be compared" in shown.stdout
    assert "[keep] key" in shown.stdout
    with store_of(world) as store:
        (kept,) = store.kept_inputs(done["run"])
    assert kept.body is not None
    assert TEXT.encode() not in opened(kept.body)


def test_what_is_not_kept_is_said_with_its_reason(world: ThreeBillings) -> None:
    """A quiet run, a run that nobody knows and a switched off keeping are status 2, each in its own words."""
    world.acme.act(as_="ivan", do="open", subject="s", department="Technical support", text=TEXT)
    configure(world, "\n[keep]\ninputs_days = 0\n")
    first = sync(world)["run"]
    sync(world)
    quiet = sync(world)["run"]
    for run, words in ((first, "inputs_days is 0"), (quiet, "planned nothing"), ("nobody", "There is no run nobody")):
        ended = command(world, "replay", run)
        assert (ended.returncode, words in ended.stderr) == (2, True), ended


def test_a_key_that_cannot_be_had_costs_no_run_and_is_said_everywhere(world: ThreeBillings) -> None:
    """Tickets are carried, inputs kept without texts, and the log, the run's record and status say why."""
    configure(world, '\n[keep]\nkey = "env:NOT_THERE"\n')
    done = a_run(world)
    assert done["billings"][0]["written"] == 1
    (warning,) = done["warnings"]
    assert "env:NOT_THERE" in warning
    assert warning in (world.home / "remotesupport.log").read_text()
    assert warning in command(world, "status").stdout
    assert json.loads(command(world, "status", "--json").stdout)["warnings"] == [warning]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path, "acme")
    yield desk
    desk.store.close()


async def test_a_store_that_takes_no_inputs_fails_no_run(desk: Desk) -> None:
    """Where nothing can be kept the run is in order all the same, with a warning; the next good one takes it back."""
    with desk.store._db.write() as conn:
        conn.exec_driver_sql("ALTER TABLE rs_inputs RENAME TO elsewhere")
    desk.externals["acme"].client_opens("ivan", "Technical support", "s", "t")
    done = await desk.run()
    assert (done.billings[0].state, done.billings[0].written, len(done.warnings)) == (BillingState.OK, 1, 1)
    assert desk.store.input_warnings() == done.warnings
    with desk.store._db.write() as conn:
        conn.exec_driver_sql("ALTER TABLE elsewhere RENAME TO rs_inputs")
    desk.externals["acme"].client_opens("ivan", "Technical support", "s", "t")
    assert (await desk.run()).warnings == []
    assert desk.store.input_warnings() == []


@pytest.mark.thorough("a second of CPU time; a run that is planned again is in `make test`")
async def test_a_plan_that_waits_is_kept_once(desk: Desk) -> None:
    """A plan that the guard stops each minute is kept once; the runs after the first refer to it."""
    for n in range(51):
        desk.externals["acme"].client_opens("ivan", "Technical support", f"s{n}", "t")
    runs = [(await desk.run()).run for _ in range(3)]
    kept = [one for run in runs for one in desk.store.kept_inputs(run)]
    assert [one.same_as for one in kept] == [None, runs[0], runs[0]]
    assert len({one.body for one in kept}) == 1


def test_inputs_are_forgotten_when_their_days_are_over_and_nobody_refers_to_them(
    store: Store, clock: FakeClock
) -> None:
    """What is older goes, but what a younger run of its kind refers to stays as long as that; after a day it is kept
    anew."""
    begin = clock()
    for run, kind in (("r1", "sync"), ("r2", "sync"), ("r3", "sync"), ("r4", "sync"), ("r5", "sync"), ("r6", "plan")):
        store.begin_run(run, kind, None, begin)
    store.keep_inputs("r1", "acme", "p-1", "1", b"x", sealed=False)
    store.keep_inputs("r2", "acme", "p-2", "1", b"y", sealed=False)
    clock.advance(3600)
    assert store.refer_inputs("r3", "acme", "p-1", "1", sealed=False)
    assert not store.refer_inputs("r4", "acme", "p-1", "2", sealed=False)
    assert not store.refer_inputs("r4", "globex", "p-1", "1", sealed=False)
    assert not store.refer_inputs("r4", "acme", "p-1", "1", sealed=True)
    assert not store.refer_inputs("r6", "acme", "p-1", "1", sealed=False)
    cut = begin.replace(minute=begin.minute + 30)
    assert store.forget_inputs(cut) == 1
    assert [(one.same_as, one.body) for one in store.kept_inputs("r3")] == [("r1", b"x")]
    clock.advance(25 * 3600)
    assert not store.refer_inputs("r5", "acme", "p-1", "1", sealed=False)
    assert store.forget_inputs(clock()) == 2
    assert store.kept_inputs("r1") == store.kept_inputs("r3") == []
