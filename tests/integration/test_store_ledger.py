"""The ledger's frames: the schema's columns and dtypes always, and only the rows asked for."""

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta

import pandas as pd
import pytest
from sqlalchemy import text

from remotesupport.core.frames import BLOCKED, CARRIED, DEPARTMENTS, LINKS, Schema, build
from remotesupport.core.model import ChangeKind
from remotesupport.core.records import Carried, IntentState, LinkRow
from remotesupport.store import Store, connections, habits, intents, journal, ledger, pairs, sightings, timeline
from remotesupport.store import parked as parked_changes
from tests.store_rows import TO_EXTERNAL, TO_MAIN, FakeClock, intent, parked, taken

pytest_plugins = ("tests.database_fixtures",)

READER = """
import sqlite3, sys
conn = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
print(conn.execute("PRAGMA journal_mode").fetchone()[0], conn.execute("SELECT count(*) FROM rs_links").fetchone()[0])
"""
FRAMES: list[tuple[Schema, Callable[[Store], pd.DataFrame]]] = [
    (LINKS, lambda store: store.links("acme")),
    (CARRIED, lambda store: store.carried("acme", ["1"])),
    (BLOCKED, lambda store: store.blocked(["acme"])),
    (DEPARTMENTS, lambda store: store.departments("acme")),
]


def filled(store: Store) -> None:
    """One row, or more, of everything that comes back as a frame, missing values included."""
    store.link(
        "acme", LinkRow("acme", "1", "501", "open", "open", None), [Carried("7", "a"), Carried("8", "b", "9")], "r"
    )
    store.link("acme", LinkRow("acme", "2", "502", "open", "closed", "3", True), [], "r")
    store.park(parked())
    row = {"connection": "acme", "side": "main", "department": "3", "name": "Поддержка", "active": True, "remote": None}
    store.save_departments("acme", build(DEPARTMENTS, [row]))


@pytest.mark.parametrize(("schema", "read"), FRAMES, ids=[schema.name for schema, _ in FRAMES])
@pytest.mark.parametrize("full", [False, True])
def test_frames_keep_their_schema(
    store: Store, schema: Schema, read: Callable[[Store], pd.DataFrame], full: bool
) -> None:
    """Empty or not, a frame has the schema's columns in order with their dtypes, and a plain index."""
    if full:
        filled(store)
    frame = read(store)
    assert {c: str(t) for c, t in frame.dtypes.items()} == dict(schema.columns)
    assert list(frame.columns) == list(schema.columns)
    assert frame.index.equals(pd.RangeIndex(len(frame)))
    assert not frame.duplicated(list(schema.key)).any()
    assert (len(frame) > 0) is full
    required = [c for c in schema.columns if c not in schema.nullable]
    assert frame[required].notna().all(axis=None)


def test_links_are_found_from_both_sides(store: Store) -> None:
    """Links come by external or by main ticket, each once, of this connection only; no keys mean no rows."""
    filled(store)
    store.link("other", LinkRow("other", "1", "501", "open", "open", None), [], "r")
    both = store.links("acme", ["1"], ["501", "502", "none"])
    assert sorted(both["ext_ticket"]) == ["1", "2"]
    assert store.links("acme", main_tickets=["501"])["ext_ticket"].tolist() == ["1"]
    assert len(store.links("acme", [])) == 0
    assert len(store.carried("acme", [])) == 0
    assert len(store.links("acme")) == 2


def test_links_of_many_connections_are_one_question(store: Store) -> None:
    """Asked for pairs of connection and ticket, the ledger gives those rows and no other connection's twins."""
    filled(store)
    store.link("other", LinkRow("other", "1", "501", "open", "open", None), [Carried("7", "c")], "r")
    store.link("other", LinkRow("other", "it's", "9", "open", "open", None), [], "r")
    outside, inside = [("acme", "1"), ("other", "it's"), ("none", "1")], [("acme", "502"), ("other", "none")]
    rows = store.link_rows_of(outside, inside)
    alone = [*store.link_rows("acme", ["1"], ["502"]), *store.link_rows("other", ["it's"])]
    assert sorted(rows, key=str) == sorted(alone, key=str)
    assert store.carried_rows_of([("acme", "1"), ("other", "2")]) == store.carried_rows("acme", ["1"])
    assert store.link_rows_of([], []) == store.carried_rows_of([]) == []


def test_any_number_of_keys_can_be_asked_for(store: Store) -> None:
    """More keys than one statement takes are looked up all the same."""
    for n in range(3):
        store.link("acme", LinkRow("acme", str(n * 1000), f"m{n}", "open", "open", None), [], "r")
    assert len(store.links("acme", [str(n) for n in range(2500)])) == 3


def test_the_last_known_message_of_a_target_thread(store: Store) -> None:
    """It is the newest of ours and of those carried away from there; without numbers nothing is guessed."""
    link = LinkRow("acme", "1", "501", "open", "open", None)
    store.link("acme", link, [Carried("7", "a", "99"), Carried("8", "b", "100"), Carried("9", "c")], "r", TO_MAIN)
    assert store.last_target("acme", TO_MAIN, "1") == "100"
    assert store.last_target("acme", TO_EXTERNAL, "1") == "9"
    store.link("acme", link, [Carried("101", "d", "10")], "r", TO_EXTERNAL)
    assert store.last_target("acme", TO_MAIN, "1") == "101"
    assert store.last_target("acme", TO_MAIN, "none") is None
    store.link("acme", link, [Carried("k-1", "e", "z")], "r", TO_MAIN)
    assert store.last_target("acme", TO_MAIN, "1") is None
    assert store.targets("acme", TO_MAIN, "1") == {"99", "100", "z"}


def test_states_change_only_where_they_differ(store: Store) -> None:
    """Agreed states are updated field by field, and the timeline tells what differed; nothing for no difference."""
    filled(store)
    before = len(store.timeline("acme", "1"))
    store.set_states("acme", "1", ext_state="open")
    store.set_states("acme", "unknown", ext_state="closed")
    assert len(store.timeline("acme", "1")) == before
    store.set_states("acme", "1", ext_state="closed", department="4", departed=True)
    row = store.links("acme", ["1"]).to_dict("records")[0]
    assert (row["ext_state"], row["main_state"], row["department"], row["departed"]) == ("closed", "open", "4", True)
    last = store.timeline("acme", "1")[-1].detail
    assert last == "ext_state: open → closed, department: None → 4, departed: False → True"


def test_blocked_are_the_unknown_and_the_parked(store: Store, clock: FakeClock) -> None:
    """Unknown outcomes and parked changes block their direction, conflicts both, closes themselves; a due one none."""
    lease = taken(store, seconds=600)
    store.mark(store.intend(lease, intent(now=clock())), IntentState.UNKNOWN, "timeout")
    store.park(parked("k1"))
    store.park(parked("k2", ext_ticket="2", direction=TO_EXTERNAL, next_try=clock() + timedelta(seconds=60)))
    store.park(parked("k3", ext_ticket="3", direction=None, kind=ChangeKind.CONFLICT, cause="main ticket gone"))
    store.park(parked("k4", ext_ticket="4", direction=None, cause="attachment too large"))
    later = clock() + timedelta(seconds=60)
    for key, kind in (("k5", ChangeKind.CLOSE), ("k6", ChangeKind.POST)):
        store.park(parked(key, ext_ticket="5", direction=TO_EXTERNAL, kind=kind, next_try=later))
    frame = store.blocked(["acme"])
    assert sorted(frame.loc[frame["ext_ticket"].eq("5"), "kind"]) == ["", "close"]
    rows = sorted((r.ext_ticket, r.direction, r.cause) for r in frame.itertuples() if r.ext_ticket != "5")
    assert rows == [
        ("1", "to_main", "a post was sent and is not seen there yet"),
        ("2", "to_external", "parked: refused: empty text"),
        ("3", "to_external", "parked: main ticket gone"),
        ("3", "to_main", "parked: main ticket gone"),
    ]
    clock.advance(60)
    assert "2" not in set(store.blocked(["acme"])["ext_ticket"])
    assert len(store.blocked(["other"])) == 0


def test_another_process_can_read_the_file(sqlite_url: str) -> None:
    """While the store is open, any other program can read the file, even with a write going on."""
    with Store.open(sqlite_url) as store:
        filled(store)
        with store._db.write() as conn:
            conn.execute(text("DELETE FROM rs_links"))
            path = sqlite_url.removeprefix("sqlite:///")
            seen = subprocess.run([sys.executable, "-c", READER, path], capture_output=True, text=True, check=True)
    assert seen.stdout.split() == ["wal", "2"]


def test_quiet_look_ups_use_the_indexes(sqlite_url: str) -> None:
    """What every minute asks is answered from an index by its whole key: the cost does not grow with the ledger."""
    either = text("SELECT * FROM rs_links WHERE connection = :c AND (ext_ticket = :e OR main_ticket = :m)")
    events = text("SELECT * FROM rs_events WHERE connection = :c AND ext_ticket = :e")
    asked = (
        (intents._OPEN, "rs_intents_open (connection=?)"),
        (journal._POSTED, "rs_intents_changed (connection=? AND changed_at>?)"),
        (journal._WRITTEN, "rs_intents_changed (connection=? AND changed_at>?)"),
        (sightings._SEEN, "(connection=? AND side=? AND listing=? AND ticket=?)"),
        (sightings._UNREAD, "rs_sightings_unread (connection=? AND side=? AND department=?)"),
        (ledger._LINKS_OF, "(connection=? AND ext_ticket=?)"),
        (ledger._LINKS_OF_MAIN, "(connection=? AND main_ticket=?)"),
        (ledger._CARRIED_OF, "(connection=? AND ext_ticket=?)"),
        (ledger._LINKS_OF_ALL, "(connection=? AND ext_ticket=?)"),
        (ledger._LINKS_OF_ALL_MAIN, "(connection=? AND main_ticket=?)"),
        (ledger._CARRIED_OF_ALL, "(connection=? AND ext_ticket=?)"),
        (sightings._PENDING, "rs_sightings_pending (connection=?)"),
        (sightings._WITH_UNREAD, "rs_sightings_unread (connection=? AND side=?)"),
        (habits._NOT_UNDERSTOOD, "rs_reasons_not_understood (connection=?)"),
        (pairs._CARRIED, "(connection=? AND ext_ticket=? AND direction=? AND source_message=?)"),
        (timeline._REASONS, "(connection=? AND ticket=?)"),
        (parked_changes._OF, "(connection=?)"),
        (connections._PROGRESS_OF, "(key=?)"),
        (either, "MULTI-INDEX OR"),
        (events, "rs_events_ticket (connection=? AND ext_ticket=?)"),
    )
    with Store.open(sqlite_url) as store, store._db.read() as conn:
        for statement, index in asked:
            compiled = statement.compile(conn.engine)
            plan = conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", ("[]",) * len(compiled.positiontup)).all()
            assert any(index in row[3] for row in plan), f"{compiled}: {plan}"
