"""The laws of the three frames of an extraction, gated together."""

from __future__ import annotations

import pandas as pd

from remotesupport.checks import gate_snapshot
from tests import checks_rows as rows
from tests.checks_rows import NOW


def test_a_bad_message_takes_its_ticket_along():
    """A ticket without its whole thread is not reconciled."""
    gated = gate_snapshot(
        rows.departments({}),
        rows.tickets({}, {"ticket": "124"}),
        rows.messages({"kind": "rumour"}, {"ticket": "124"}),
        now=NOW,
    )
    assert gated.tickets["ticket"].tolist() == ["124"]
    assert gated.messages["ticket"].tolist() == ["124"]
    assert gated.quarantined[["ticket", "check"]].values.tolist() == [["123", "kind_known"]]
    assert [(r.suite, r.accepted, r.rows) for r in gated.reports] == [
        ("departments", 1, 1),
        ("tickets", 1, 2),
        ("messages", 1, 2),
    ]


def test_a_bad_ticket_takes_its_messages_along():
    """Messages of a ticket in quarantine go nowhere; the same number on the other side stays."""
    gated = gate_snapshot(
        rows.departments({}),
        rows.tickets({"state": "ajar"}, {"side": "main", "department": None}),
        rows.messages({}, {"side": "main"}),
        now=NOW,
    )
    assert gated.tickets["side"].tolist() == ["main"]
    assert gated.messages["side"].tolist() == ["main"]


def test_a_bad_department_takes_its_tickets_along():
    """Else its tickets would look as if they had left every remote department."""
    gated = gate_snapshot(
        rows.departments({"name": " "}, {"department": "4"}),
        rows.tickets({}, {"ticket": "124", "department": "4"}, {"ticket": "125", "department": None}),
        rows.messages({}, {"ticket": "124"}),
        now=NOW,
    )
    assert gated.departments["department"].tolist() == ["4"]
    assert gated.tickets["ticket"].tolist() == ["124", "125"]
    assert gated.messages["ticket"].tolist() == ["124"]
    assert gated.quarantined[["ticket", "check"]].values.tolist() == [["", "name_not_empty"], ["123", "goes_along"]]


def test_a_bad_frame_stops_its_connection_in_all_three_and_no_other():
    """A connection is read whole or not at all."""
    names = [{"connection": "acme"}, {"connection": "beta"}]
    two = rows.messages({}, {"message": "78", "ordinal": 1})
    messages = pd.concat([two.drop(columns="kind"), rows.messages(names[1])])
    gated = gate_snapshot(rows.departments(*names), rows.tickets(*names), messages, now=NOW)
    assert gated.rejected == {"acme": "column kind is missing from messages"}
    for frame in (gated.departments, gated.tickets, gated.messages):
        assert frame["connection"].tolist() == ["beta"]


def test_rows_that_are_not_fresh_are_not_looked_into():
    """The minute pays for what changed: unread tickets and known departments pass on their shape."""
    known = rows.departments({"name": " "})
    gated = gate_snapshot(known, rows.tickets({"state": "ajar", "fresh": False}), rows.messages(), known=known, now=NOW)
    assert (len(gated.departments), len(gated.tickets), len(gated.quarantined)) == (1, 1, 0)


def test_a_renamed_department_is_fresh():
    """A department that differs from what was known is validated."""
    gated = gate_snapshot(
        rows.departments({"name": " "}), rows.tickets(), rows.messages(), known=rows.departments({}), now=NOW
    )
    assert gated.quarantined["check"].tolist() == ["name_not_empty"]
