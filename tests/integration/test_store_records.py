"""Everything else that outlives a run: sightings, parked, plans, reasons, runs, connections, and their retention."""

import json
from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest

from remotesupport.core.connections.connection_state import Failure, State
from remotesupport.core.frames import DEPARTMENTS, build, empty
from remotesupport.core.model import Side
from remotesupport.core.records import Event, LinkRow, Sighting
from remotesupport.store import ConnectionState, PlanState, Store, StoreError
from tests.store_rows import FakeClock, intent, parked, received, taken

pytest_plugins = ("tests.database_fixtures",)

ODD = ("", "1", "01", "it's", '"', "\\", "{a,b}", "NULL", "null", "Ж", "🙏", "a\nb", "%", "?", ":x")
TEXT = "Сервер упал 🚑 𝒳 \u202eоло \\ \" ' % \x7f"


def sighting(clock: FakeClock, ticket: str, row_hash: str = "h") -> Sighting:
    """A row of the main side as it was first seen now."""
    return Sighting("acme", Side.MAIN, "clientticket", ticket, row_hash, clock(), None, None, "open", "2026-11-20")


def reasons(*rows: tuple[str, str, str]) -> list[dict[str, str | None]]:
    """Rows of REASONS of acme from (ticket, reason, detail)."""
    return [{"connection": "acme", "ticket": t, "reason": r, "detail": d, "main_ticket": None} for t, r, d in rows]


def test_sightings_are_kept_exactly(store: Store, clock: FakeClock) -> None:
    """A sighting comes back as it was, later ones overwrite it, and only the rows given are touched."""
    first = [sighting(clock, str(n)) for n in range(600)]
    store.save_sightings("run-1", first)
    moved = replace(first[7], row_hash="new", read_at=clock() + timedelta(seconds=2), department="3")
    store.save_sightings("run-2", [moved])
    found = store.sightings("acme", Side.MAIN, "clientticket", [str(n) for n in range(700)])
    assert found == {s.ticket: s for s in first} | {"7": moved}
    assert store.sightings("acme", Side.EXTERNAL, "clientticket", ["7"]) == {}
    assert store.sightings("acme", Side.MAIN, "clientticket_archive", ["7"]) == {}


@pytest.mark.parametrize("asked", [(), ("1",), ODD, ("2", "it", "none")])
def test_exactly_the_keys_that_are_asked_for_are_found(store: Store, clock: FakeClock, asked: tuple[str, ...]) -> None:
    """Whatever they are made of; none of them finds another."""
    store.save_sightings("run-1", [sighting(clock, ticket) for ticket in ODD])
    assert set(store.sightings("acme", Side.MAIN, "clientticket", asked)) == set(asked) & set(ODD)


def test_ten_thousand_keys_are_one_question(store: Store, clock: FakeClock) -> None:
    """More than a statement may have parameters."""
    many = [str(number) for number in range(10_000)]
    store.save_sightings("run-1", [sighting(clock, ticket) for ticket in many])
    assert len(store.sightings("acme", Side.MAIN, "clientticket", [*many, *many])) == 10_000


def test_pending_sightings_are_those_with_an_empty_hash(store: Store, clock: FakeClock) -> None:
    """Work left open is found again by side, whatever listing showed it, and ends with the next full sighting."""
    store.save_sightings("run-1", [sighting(clock, "1", ""), sighting(clock, "2"), sighting(clock, "3", "")])
    store.save_sightings("run-1", [replace(sighting(clock, "1", ""), listing="clientticket_archive")])
    assert store.pending_sightings("acme", Side.MAIN) == ["1", "3"]
    assert store.pending_sightings("acme", Side.EXTERNAL) == []
    store.save_sightings("run-2", [sighting(clock, "3")])
    assert store.pending_sightings("acme", Side.MAIN) == ["1"]


def test_what_is_asked_of_many_connections_is_what_each_says(store: Store, clock: FakeClock) -> None:
    """One question about several connections has the answers of one question about each."""
    seen = replace(sighting(clock, "4"), side=Side.EXTERNAL, department="7")
    store.save_sightings(
        "run-1", [sighting(clock, "1", ""), replace(sighting(clock, "2", ""), connection="other"), seen]
    )
    store.save_dialect("other", Side.MAIN, "billmanager 6")
    store.record_reasons("run-1", reasons(("9", "not_understood", "why"), ("8", "in_sync", "")))
    names = ["acme", "other", "none"]
    assert store.pending_of(names) == {("acme", Side.MAIN): ["1"], ("other", Side.MAIN): ["2"]}
    assert store.with_unread(names) == {"acme"}
    assert store.dialects_of(names) == {"other": store.dialects("other")}
    assert store.not_understood_of(names) == {"acme": store.not_understood("acme")} == {"acme": {"9": "why"}}
    assert store.pending_of([]) == store.dialects_of([]) == {}


def test_what_was_only_seen_is_found_by_its_department(store: Store, clock: FakeClock) -> None:
    """The oldest first, not what was read, is pending, or is of main; read it is gone, and marked unread it is back."""
    seen = {t: replace(sighting(clock, t), side=Side.EXTERNAL, department="3") for t in "12345"}
    seen["1"] = replace(seen["1"], row_since=clock() + timedelta(seconds=1))
    seen["3"] = replace(seen["3"], read_at=clock())
    seen["4"] = replace(seen["4"], row_hash="")
    seen["5"] = replace(seen["5"], department="4", read_at=clock())
    store.save_sightings("run-1", [*seen.values(), replace(seen["2"], side=Side.MAIN, ticket="6")])
    assert store.unread_sightings("acme", {"3", "4"}, most=9) == [seen["2"], seen["1"]]
    assert store.unread_sightings("acme", {"3"}, most=1) == [seen["2"]]
    store.save_sightings("run-2", [replace(seen["2"], read_at=clock())])
    store.mark_unread("acme", ["3", "5"], outside={"3"})
    assert [s.ticket for s in store.unread_sightings("acme", {"3", "4"}, most=9)] == ["5", "1"]


def test_parking_again_counts_attempts(store: Store, clock: FakeClock) -> None:
    """A change is parked once per key: its age stays, its attempts grow, its cause and next try are the newest."""
    first = store.park(parked())
    again = store.park(parked(cause="refused: locked", since=clock(), next_try=clock(), run="run-2"))
    assert (again.id, again.since, again.attempts) == (first.id, first.since, 2)
    assert store.parked(["acme"]) == [again]
    store.park(parked(cause="refused: locked"))
    assert [e.detail for e in store.timeline("acme", "1")] == ["post: refused: empty text", "post: refused: locked"]


def test_unparking_tells_what_it_was(store: Store) -> None:
    """A change that a person lets go is gone, is told once, and leaves a line in the timeline."""
    waiting = store.park(parked(direction=None))
    assert waiting.id is not None
    assert store.unpark(waiting.id, "run-2") == waiting
    assert store.unpark(waiting.id) is None
    assert store.parked() == []
    assert [e.event for e in store.timeline("acme", "1")] == ["parked", "unparked"]


@pytest.mark.parametrize("text", [TEXT, "\ud83d alone", "nul \x00"])
def test_a_plan_survives_the_round_trip(store: Store, text: str) -> None:
    """What a plan would write comes back to the character, 4-byte ones and broken ones included."""
    value = {"id": "p-0123456789ab", "rows": [{"body": text * 1000}]}
    for form in (json.dumps(value, ensure_ascii=False), json.dumps(value)):
        assert store.save_plan("run-1", "acme", form, PlanState.STOPPED, "51 creates, the limit is 50") == value["id"]
        saved = store.plan("p-0123456789ab")
        assert saved is not None
        assert saved.plan_json is not None
        assert json.loads(saved.plan_json) == value
        assert (saved.state, saved.verdict) == ("stopped", "51 creates, the limit is 50")


def test_a_valid_plan_is_kept_byte_for_byte(store: Store) -> None:
    """The text handed over is the text handed back, spaces and all."""
    text = '{ "id": "p-1",   "body": "Ошибка 🚑" }'
    store.save_plan("run-1", "acme", text, "planned", "")
    saved = store.plan("p-1")
    assert saved is not None
    assert saved.plan_json == text


def test_texts_are_kept_only_while_a_plan_is_open(store: Store) -> None:
    """Applied, stale and expired plans lose their rows; planned, stopped and applying ones keep them."""
    for n, state in enumerate(PlanState):
        store.save_plan("run-1", "acme", {"id": f"p-{n}"}, PlanState.STOPPED, "")
        store.set_plan_state(f"p-{n}", state, "why")
    kept = {p.state: p.plan_json for p in (store.plan(f"p-{n}") for n in range(6)) if p}
    assert {state for state, body in kept.items() if body} == {"planned", "stopped", "applying"}
    store.save_plan("run-2", "acme", {"id": "p-9"}, "applied", "")
    applied = store.plan("p-9")
    assert applied is not None
    assert applied.plan_json is None


def test_an_unknown_plan_is_an_error(store: Store) -> None:
    """There is no plan by a wrong id, and nobody can move it on; a plan without an id is no plan."""
    assert store.plan("p-none") is None
    with pytest.raises(StoreError, match="no plan p-none"):
        store.set_plan_state("p-none", "applied")
    with pytest.raises(ValueError, match="id"):
        store.save_plan("run-1", "acme", "[]", "stopped", "")


def test_a_ticket_has_one_current_reason(store: Store) -> None:
    """The last reason counts; only rows that differ are written; a changed reason enters the timeline."""
    assert store.record_reasons("run-1", reasons(("1", "pending", ""), ("2", "in_sync", ""))) == 2
    assert store.record_reasons("run-2", reasons(("1", "in_sync", ""), ("2", "in_sync", ""))) == 1
    assert store.record_reasons("run-3", reasons(("1", "in_sync", ""), ("2", "in_sync", ""))) == 0
    assert store.record_reasons("run-3", []) == 0
    assert store.reason_of("acme", "1") == ("in_sync", "", None)
    assert store.reason_of("acme", "3") is None
    assert [(e.event, e.run) for e in store.timeline("acme", "1")] == [("in_sync", "run-2")]


def test_a_timeline_is_in_order(store: Store, clock: FakeClock) -> None:
    """Events come oldest first, those of one moment as they were added, of that ticket only."""
    late = Event(clock() + timedelta(seconds=1), "acme", "1", "late", "run-1", "x")
    now = [Event(clock(), "acme", "1", name, "run-1") for name in ("b", "a")]
    store.add_events([late, *now, replace(late, ext_ticket="2"), replace(late, connection="other")])
    store.add_events([])
    assert store.timeline("acme", "1") == [*now, late]


def test_causes_are_cut_and_cleaned(store: Store, clock: FakeClock) -> None:
    """No database error and no ticket text comes in by way of a cause: it is short and free of broken characters."""
    store.add_events([Event(clock(), "acme", "1", "odd", "run-1", "a\x00b\ud83dc" + "x" * 10_000)])
    (event,) = store.timeline("acme", "1")
    assert event.detail.startswith("a\ufffdb?cxx")
    assert len(event.detail) == 500


def test_quarantined_rows_are_kept_by_run(store: Store, clock: FakeClock) -> None:
    """Rows that validation refused are listed newest first, those without a ticket's id too."""
    row = {"connection": "acme", "side": "main", "ticket": "7", "check": "readable", "reason": "control character"}
    store.record_quarantine("run-1", [row, {**row, "ticket": float("nan")}])
    store.record_quarantine("run-2", [{**row, "ticket": None}])
    store.record_quarantine("run-2", [])
    assert store.quarantine("run-1")[-1] == {**row, "run": "run-1", "at": clock()}
    assert [r["ticket"] for r in store.quarantine()] == [None, None, "7"]


def test_runs_are_listed_newest_first(store: Store, clock: FakeClock) -> None:
    """A run is there from its beginning; its end adds state and summary."""
    store.begin_run("a", "sync", None, clock())
    store.begin_run("b", "audit", "flow-run", clock() + timedelta(seconds=1))
    store.finish_run("a", "2 of 2 billings in order", {"written": 3})
    newest, oldest = store.last_runs(5)
    assert (newest.run, newest.state, newest.finished, newest.summary) == ("b", None, None, {})
    assert (oldest.finished, oldest.state, oldest.summary) == (clock(), "2 of 2 billings in order", {"written": 3})
    assert [r.run for r in store.last_runs(1)] == ["b"]
    assert [getattr(store.newest_run(*kinds), "run", None) for kinds in (("sync",), ("sync", "audit"), ("plan",))] == [
        "a", "b", None,
    ]  # fmt: skip


def test_a_connection_is_remembered_field_by_field(store: Store, clock: FakeClock) -> None:
    """Setting some fields keeps the others, None empties a text, a wrong name is refused, parked ones are counted."""
    store.set_connection("acme", last_good=clock(), access="login refused", access_at=clock(), stopped_plan="p-1")
    store.set_connection("acme", access=None, access_at=None, paused=True)
    store.set_connection("beta")
    store.park(parked())
    assert store.connection_states() == [
        ConnectionState("acme", last_good=clock(), stopped_plan="p-1", paused=True, parked=1, parked_for_person=1),
        ConnectionState("beta"),
    ]
    with pytest.raises(TypeError, match="linked"):
        store.set_connection("acme", linked=5)
    words = {"failure": Failure.UNREACHABLE, "failed_side": Side.MAIN, "state": State.UNREACHABLE}
    for given in (words, {"failure": Failure.NONE, "failed_side": None, "state": None}):
        store.set_connection("beta", **given)
        found = store.connection_states()[1]
        assert {name: getattr(found, name) for name in words} == given


def test_departments_are_replaced_by_side(store: Store) -> None:
    """A side that was read replaces its departments; one that was not keeps them."""

    def row(side: str, department: str, name: str, active: bool = True) -> dict[str, object]:
        return {"connection": "acme", "side": side, "department": department, "name": name, "active": active,
                "remote": None}  # fmt: skip

    store.save_departments("acme", build(DEPARTMENTS, [row("main", "1", "Поддержка"), row("external", "9", "Tech")]))
    store.save_departments("acme", build(DEPARTMENTS, [row("main", "2", "Биллинг", active=False)]))
    store.save_departments("acme", empty(DEPARTMENTS))
    frame = store.departments("acme")
    expected = build(DEPARTMENTS, [row("external", "9", "Tech"), row("main", "2", "Биллинг", active=False)])
    pd.testing.assert_frame_equal(frame, expected)


def test_progress_is_remembered(store: Store) -> None:
    """A long task finds how far it has got, and nothing before it has begun."""
    assert store.progress("backfill/1") is None
    store.save_progress("backfill/1", {"page": 7})
    store.save_progress("backfill/1", {"page": 8})
    assert store.progress("backfill/1") == {"page": 8}


def test_pruning_forgets_the_past_and_nothing_else(store: Store, clock: FakeClock) -> None:
    """Old runs, events, quarantine, closed plans and settled intents go; what is open or current stays."""
    lease = taken(store, seconds=10**7)
    received(store, store.intend(lease, intent(now=clock())), "900")
    waiting = store.intend(lease, intent("78", now=clock()))
    kept_parked = store.park(parked("other"))
    store.record_reasons("run-1", reasons(("1", "in_sync", "")))
    store.record_quarantine("run-1", [{"connection": "a", "side": "main", "ticket": "1", "check": "c", "reason": "r"}])
    store.begin_run("run-1", "sync", None, clock())
    for name, state in (("p-1", "applied"), ("p-2", "stopped")):
        store.save_plan("run-1", "acme", {"id": name}, state, "")
    clock.advance(86_400)
    store.begin_run("run-2", "sync", None, clock())
    store.save_plan("run-2", "acme", {"id": "p-3"}, "stopped", "")
    # One run, two events (posted, parked), one quarantined row, one closed plan, one settled intent, one expired plan.
    assert store.prune(clock()) == 7
    assert [r.run for r in store.last_runs(9)] == ["run-2"]
    assert (store.timeline("acme", "1"), store.quarantine()) == ([], [])
    expired, fresh = store.plan("p-2"), store.plan("p-3")
    assert expired is not None
    assert (expired.state, expired.plan_json) == ("expired", None)
    assert fresh is not None
    assert fresh.state == "stopped"
    assert store.reason_of("acme", "1") == ("in_sync", "", None)
    assert (store.open_intents("acme"), store.parked()) == ([waiting], [kept_parked])
    assert (len(store.links("acme")), len(store.carried("acme")), store.renew_lease(lease, 60).token) == (1, 1, 1)
    assert store.prune(clock()) == 0


def test_what_moved_after_a_mark_is_told_by_connection(store: Store, clock: FakeClock) -> None:
    """Every line of a timeline after a connection's own mark names its ticket; those before it, and of connections that
    were not asked for, do not."""
    assert store.ledger_mark() == 0
    store.add_events([Event(clock(), "acme", "1", "posted", "r"), Event(clock(), "globex", "2", "posted", "r")])
    mark = store.ledger_mark()
    store.add_events([Event(clock(), n, "3", "closed", "r") for n in ("acme", "globex", "third")])
    assert store.moved_after({"acme": mark, "globex": 0}) == {"acme": {"3"}, "globex": {"2", "3"}}
    assert store.moved_after({"acme": store.ledger_mark()}) == store.moved_after({}) == {}


def test_each_change_of_the_ledger_moves_its_ticket(store: Store, clock: FakeClock) -> None:
    """A receipt, an adopted pair and states that were only seen are all told of."""
    marks = [store.ledger_mark()]
    lease = taken(store)
    received(store, store.intend(lease, intent(now=clock())))
    marks.append(store.ledger_mark())
    store.link("acme", LinkRow("acme", "5", "505", "open", "open", None), [], "r")
    marks.append(store.ledger_mark())
    store.set_states("acme", "5", ext_state="closed", run="r")
    assert [store.moved_after({"acme": mark}) for mark in marks] == [
        {"acme": {"1", "5"}}, {"acme": {"5"}}, {"acme": {"5"}},
    ]  # fmt: skip
