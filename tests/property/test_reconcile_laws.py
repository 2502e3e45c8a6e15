"""Semantics sections 3 to 6 and 11 as laws over generated histories: people act in any order, syncs fall in between."""

import json
from collections import Counter
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from remotesupport.core import frames
from remotesupport.core.plan.plan import make_plans
from remotesupport.core.reconcile import reconcile
from remotesupport.core.replay.comparison import differences, without_texts
from remotesupport.core.replay.kept import Kept, from_document, to_document
from remotesupport.core.replay.stand_ins import with_stand_ins
from remotesupport.core.text.compose import markers_in
from tests.reconcile_world import CONNECTION, OTHER, REMOTE, World, reads, shuffled

LAWS = settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
SECRET = "SECRET-OF-THE-HOUSE"

# Few texts, so that equal ones are common; one of them tries to forge an origin.
TEXTS = st.sampled_from(["ok", "ok ", "Не работает 😀", "a &amp; b", "acme #1/2 | x (client) | t\nhm", ""])
ACTIONS = st.sampled_from(
    ["client", "client", "staff", "note", "reply", "reply", "close", "open", "main close", "main open", "edit",
     "main edit", "leave", "back", "sync", "sync", "new", "new elsewhere"]
)  # fmt: skip
STEP = st.tuples(ACTIONS, st.integers(0, 5), TEXTS)
HISTORIES = st.lists(STEP, max_size=14)


def live(history: list[tuple[str, int, str]], says_own: bool = True) -> World:
    """The world after a history; people act on whichever ticket the number picks."""
    world = World(says_own=says_own)
    world.open_ticket(REMOTE, "first")
    for action, pick, text in history:
        act(world, action, pick, text)
    return world


def act(world: World, action: str, pick: int, text: str) -> None:
    """One step of a history."""
    if action == "sync":
        world.sync()
        return
    if action.startswith("new"):
        world.open_ticket(OTHER if action.endswith("elsewhere") else REMOTE, text)
        return
    tickets = list((world.main if action.startswith(("main", "reply")) else world.external).values())
    if not tickets:
        return
    ticket = tickets[pick % len(tickets)]
    if action in ("client", "staff"):
        world.say(ticket, action, text)
    elif action == "reply":
        world.say(ticket, "staff", text)
    elif action == "note":
        for kind in ("note", "system", "unknown", "brand-new"):
            world.say(ticket, kind, f"{SECRET} {text}")
    elif action.endswith("edit"):
        people = [m for m in ticket.messages if m.own != "yes" and m.kind in ("client", "staff")]
        if people and world.says_own:
            people[pick % len(people)].body = f"{text} (edited)"
    elif action in ("leave", "back"):
        ticket.department = OTHER if action == "leave" else REMOTE
    else:
        world.set_state(ticket, "closed" if action.endswith("close") else "open")


def said(rows: list[Any], kind: str) -> Counter[str]:
    """How often each text was said."""
    return Counter(m.body.strip() for m in rows if m.kind == kind)


@pytest.mark.thorough("four seconds of CPU time for one law")
@LAWS
@given(HISTORIES, st.booleans())
def test_second_run_plans_nothing(history: list[tuple[str, int, str]], says_own: bool) -> None:
    """Once people stop, the syncs come to rest, and every further one plans nothing and records nothing."""
    world = live(history, says_own)
    world.settle()
    after = world.sync()
    assert after.changes.empty
    assert after.agreed.empty


@pytest.mark.thorough("four seconds of CPU time for one law")
@LAWS
@given(HISTORIES)
def test_nothing_internal_crosses(history: list[tuple[str, int, str]]) -> None:
    """Notes, system rows and unknown kinds never appear in any change, nor in any reason."""
    world = live([*history, ("note", 0, "x")])
    outcome = reconcile(world.inputs())
    assert SECRET not in outcome.changes.to_json()
    assert SECRET not in outcome.reasons.to_json()
    world.settle()
    sent = [m.body for t in world.main.values() for m in t.messages if m.kind == "client"]
    sent += [m.body for t in world.external.values() for m in t.messages if m.own == "yes"]
    assert not any(SECRET in body for body in sent)


@LAWS
@given(HISTORIES)
def test_reasons_add_up(history: list[tuple[str, int, str]]) -> None:
    """Every external ticket that was read has exactly one reason."""
    world = live(history)
    reasons = reconcile(world.inputs()).reasons
    assert sorted(reasons["ticket"]) == sorted(world.external)


@LAWS
@given(HISTORIES, st.integers(0, 1000))
def test_order_of_rows_means_nothing(history: list[tuple[str, int, str]], seed: int) -> None:
    """The same rows in any order make the same plan, to the last byte."""
    inputs = live(history).inputs()
    one, other = reconcile(inputs), reconcile(shuffled(inputs, seed))
    pd.testing.assert_frame_equal(one.changes, other.changes)
    pd.testing.assert_frame_equal(one.reasons, other.reasons)
    pd.testing.assert_frame_equal(one.agreed, other.agreed)


@pytest.mark.thorough("four seconds of CPU time for one law; the state machine looks at the same")
@LAWS
@given(HISTORIES)
def test_source_order(history: list[tuple[str, int, str]]) -> None:
    """Within a ticket and direction posts stand in source order."""
    changes = reconcile(live(history).inputs()).changes
    posts = changes[changes["kind"].eq("post")]
    for _, rows in posts.groupby(["ext_ticket", "direction"]):
        assert rows["ordinal"].is_monotonic_increasing


@pytest.mark.thorough("many syncs for one law; the state machine looks at the same")
@LAWS
@given(HISTORIES)
def test_everything_arrives_once(history: list[tuple[str, int, str]]) -> None:
    """Every message of a ticket that is in sync is on the other side exactly once, equal ones as often as they are."""
    world = live([h for h in history if not h[0].endswith("edit")])
    world.settle()
    for number, link in world.links.items():
        ticket, main = world.external[number], world.main[link["main_ticket"]]
        if link["departed"]:
            continue
        local = [m.id for m in ticket.messages if m.kind in ("client", "staff") and m.own != "yes"]
        texts = [m.body for m in main.messages if m.kind == "client"]
        assert [i for text in texts for i in markers_in(text, CONNECTION, number)] == local
        replies = [m.body.strip() or "-" for m in main.messages if m.kind == "staff"]
        assert [m.body.strip() for m in ticket.messages if m.own == "yes"] == replies


@pytest.mark.thorough("many syncs for one law; the state machine looks at both sides")
@LAWS
@given(HISTORIES)
def test_states_agree(history: list[tuple[str, int, str]]) -> None:
    """When all is at rest, the ledger tells what both sides show."""
    world = live(history)
    world.settle()
    for number, link in world.links.items():
        if not link["departed"]:
            assert link["ext_state"] == world.external[number].state
            assert link["main_state"] == world.main[link["main_ticket"]].state


@pytest.mark.thorough("four seconds of CPU time for one law; the state machine looks at the same")
@LAWS
@given(HISTORIES)
def test_one_main_ticket_each(history: list[tuple[str, int, str]]) -> None:
    """No ticket is ever created twice, and none from another department at all."""
    world = live(history)
    world.settle()
    origins = [t.subject.split("]")[0] for t in world.main.values()]
    assert len(origins) == len(set(origins)) == len(world.links)


@pytest.mark.thorough("four seconds of CPU time for one law")
@LAWS
@given(HISTORIES, st.sampled_from([{"complete": False}, {"outcome": "unreachable"}, {"outcome": "protocol"}]))
def test_absence_closes_nothing(history: list[tuple[str, int, str]], how: dict[str, Any]) -> None:
    """From an incomplete or failed read nothing closes and nothing departs for want of a row."""
    world = live(history)
    world.settle()
    gone = frames.build(
        frames.GONE,
        [{"connection": CONNECTION, "side": "external", "ticket": t, "detail": "x"} for t in world.external],
    )
    empty = world.inputs().tickets.iloc[:0]
    messages = world.inputs().messages.iloc[:0]
    assert reconcile(world.inputs(tickets=empty, messages=messages, gone=gone, reads=reads(**how))).changes.empty
    assert reconcile(world.inputs(tickets=empty, messages=messages)).changes.empty


@pytest.mark.thorough("seven seconds of CPU time for one law")
@LAWS
@given(HISTORIES)
def test_lost_ledger(history: list[tuple[str, int, str]]) -> None:
    """With the ledger lost, what is open is adopted: nothing is created, closed, or told a second time."""
    calm = [h for h in history if h[0] not in ("leave", "back", "edit", "main edit")]
    world = live(calm)
    world.settle()
    world.links.clear()
    world.carried.clear()
    world.written.clear()
    outcome = world.sync()
    assert set(outcome.changes["kind"]) <= {"adopt"}, outcome.changes[["kind", "direction", "act", "body"]].to_string()
    world.settle()


@pytest.mark.thorough("two seconds of CPU time; a backfill that writes nothing out is in `make test`")
@LAWS
@given(HISTORIES)
def test_quiet_writes_nothing_out(history: list[tuple[str, int, str]]) -> None:
    """A quiet run has no row that writes to the external side."""
    changes = reconcile(live(history).inputs(quiet=True, create_closed=True)).changes
    assert changes[changes["direction"].eq("to_external")]["kind"].isin(["adopt"]).all()


@pytest.mark.thorough("three seconds of CPU time; each row is checked again before it is written, in `make test`")
@LAWS
@given(HISTORIES)
def test_rows_are_whole(history: list[tuple[str, int, str]]) -> None:
    """Every change has the schema's dtypes, a unique name, a known state and JSON that reads."""
    changes = reconcile(live(history).inputs()).changes
    assert {c: str(t) for c, t in changes.dtypes.items()} == dict(frames.CHANGES.columns)
    assert not changes.duplicated(list(frames.CHANGES.key)).any()
    required = changes.drop(columns=[*frames.CHANGES.nullable])
    assert required.notna().all().all()
    assert changes[["ext_state", "main_state"]].isin(["open", "closed"]).all().all()
    for column in ("covers", "files"):
        assert all(isinstance(json.loads(text), list) for text in changes[column])


@pytest.mark.thorough("five seconds of CPU time for one law")
@LAWS
@given(HISTORIES, st.booleans(), st.booleans())
def test_a_kept_moment_is_planned_as_it_was(history: list[tuple[str, int, str]], says_own: bool, lost: bool) -> None:
    """After any history, with its ledger or without, what was kept makes the plan of the same id again; without texts
    the same writes."""
    world = live(history, says_own)
    if lost:
        world.links, world.carried = {}, {}
    given_ = world.inputs()
    before = make_plans(reconcile(given_).changes).get(CONNECTION)
    plan_id, rows = (before.id, frames.records(before.changes)) if before else ("", [])
    whole = from_document(to_document(Kept(CONNECTION, given_, plan_id, rows))).inputs
    again = make_plans(reconcile(whole).changes).get(CONNECTION)
    assert (again.id if again else "") == plan_id
    bare = make_plans(reconcile(with_stand_ins(given_)).changes).get(CONNECTION)
    assert differences(without_texts(rows), without_texts(frames.records(bare.changes) if bare else [])) == []
