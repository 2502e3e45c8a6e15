"""The laws of a plan before loading: what is never written, whatever made the plan."""

from __future__ import annotations

import json

import pytest

from remotesupport.checks import gate
from remotesupport.core import frames
from tests import checks_rows as rows
from tests.checks_rows import NOW

READ = rows.messages(
    {},
    {"message": "78", "ordinal": 1, "kind": "note"},
    {"message": "79", "ordinal": 2, "kind": "unknown"},
    {"side": "main", "ticket": "9", "message": "77", "kind": "staff"},
    {"side": "main", "ticket": "9", "message": "78", "ordinal": 1, "kind": "system"},
)


def covers(*ids: str) -> str:
    """The JSON of a change that carries the messages ``ids``."""
    return json.dumps([[i, "0" * 32, None] for i in ids])


def verdict(*changes: dict) -> list[str]:
    """The checks that these changes fail."""
    gated = gate("changes", rows.changes(*changes), messages=READ, now=NOW)
    assert gated.rejected == {}
    return gated.quarantined["check"].tolist()


def test_a_sound_plan_passes():
    """Posts, creates and states of known kinds, directions and texts go on to the load."""
    good = rows.changes(
        {},
        {
            "kind": "create",
            "ext_ticket": "124",
            "act": "create",
            "main_ticket": None,
            "subject": "[acme #124] x",
            "covers": "[]",
        },
        {"kind": "close", "act": "close:2", "rank": 3, "body": "", "covers": "[]"},
        {"direction": "to_external", "act": "77", "covers": covers("77")},
    )
    gated = gate("changes", good, messages=READ, now=NOW)
    assert len(gated.accepted) == 4
    assert gated.report.clean


OTHER_FAULTS = pytest.mark.thorough("the same law for other faults, half a second of CPU time each")


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        ({"kind": "delete"}, "kind_known"),
        pytest.param({"direction": "to_the_moon"}, "direction_known", marks=OTHER_FAULTS),
        ({"kind": "create", "direction": "to_external", "subject": "x"}, "route_known"),
        pytest.param({"kind": "departure", "direction": "to_external"}, "route_known", marks=OTHER_FAULTS),
        ({"rank": 99}, "rank_known"),
        pytest.param({"rank": -1}, "rank_known", marks=OTHER_FAULTS),
        pytest.param({"act": "with blank"}, "act_pattern", marks=OTHER_FAULTS),
        ({"body": " \n"}, "body_not_empty"),
        pytest.param({"kind": "create", "subject": " "}, "subject_not_empty", marks=OTHER_FAULTS),
        ({"body_hash": "a" * 32}, "body_hash_agrees"),
        pytest.param({"body": "y" * 1_000_001}, "body_length", marks=OTHER_FAULTS),
    ],
)
def test_each_fault_stops_the_change(fault, check):
    """A row outside the closed sets, without text or with another text's hash is never written."""
    assert check in verdict(fault)


@pytest.mark.parametrize(
    "fault",
    [
        {"covers": covers("78")},
        pytest.param({"covers": covers("77", "78")}, marks=OTHER_FAULTS),
        pytest.param({"covers": covers("79")}, marks=OTHER_FAULTS),
        {"covers": covers("80")},
        {"covers": "not json"},
        pytest.param({"covers": '["77"]'}, marks=OTHER_FAULTS),
        pytest.param({"direction": "to_external", "covers": covers("78")}, marks=OTHER_FAULTS),
        {"ext_ticket": "999"},
        pytest.param({"connection": "beta"}, marks=OTHER_FAULTS),
    ],
    ids=["note", "note among others", "unknown", "unread", "garbage", "no triple", "system", "ticket", "billing"],
)
def test_only_what_people_wrote_and_this_run_read_is_carried(fault):
    """A note, a system line, an unknown kind or an unread message never crosses, whatever covers it."""
    assert verdict(fault) == ["covers_only_people"]


def test_an_edit_covers_the_message_that_it_edits():
    """The follow-up to a customer's edit crosses, the one to an edited note does not."""
    assert verdict({"act": "77/edit/0a1b2c3d", "covers": covers("77/edit/0a1b2c3d")}) == []
    assert verdict({"act": "78/edit/0a1b2c3d", "covers": covers("78/edit/0a1b2c3d")}) == ["covers_only_people"]


def test_a_bad_change_holds_back_its_ticket_and_no_other():
    """Order within a ticket is kept: nothing of it is written without the bad row."""
    plan = rows.changes(
        {"body": ""}, {"act": "close:1", "kind": "close", "covers": "[]"}, {"ext_ticket": "124", "covers": "[]"}
    )
    gated = gate("changes", plan, messages=READ, now=NOW)
    assert gated.accepted["ext_ticket"].tolist() == ["124"]
    assert gated.quarantined[["connection", "side", "ticket"]].values.tolist() == [["acme", "external", "123"]]


def test_one_act_twice_rejects_the_plan_of_that_connection():
    """Two rows with one key would be one write: the plan is wrong as a whole."""
    gated = gate("changes", rows.changes({}, {}, {"connection": "beta", "covers": "[]"}), messages=READ, now=NOW)
    assert [*gated.rejected] == ["acme"]
    assert gated.accepted["connection"].tolist() == ["beta"]


def test_a_plan_is_never_validated_without_the_messages_it_carries():
    """Who forgets the messages gets an error and no verdict."""
    with pytest.raises(ValueError, match="messages="):
        gate("changes", frames.empty(frames.CHANGES), now=NOW)
