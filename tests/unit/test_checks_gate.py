"""The laws of the gate: which rows pass, which do not, what goes along, who is rejected."""

from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest

from remotesupport.checks import SUITES, Check, gate
from tests import checks_rows as rows
from tests.checks_rows import NOW

PLANTED = {
    "departments": [
        ({"side": "left"}, "side_known"),
        ({"department": "1\n"}, "department_pattern"),
        ({"name": "  "}, "name_not_empty"),
        ({"name": "a\x00b"}, "name_printable"),
        ({"connection": "Acme Ltd"}, "connection_pattern"),
    ],
    "tickets": [
        ({"ticket": ""}, "ticket_length"),
        ({"ticket": "12 3"}, "ticket_pattern"),
        ({"ticket": "1" * 129}, "ticket_length"),
        ({"state": "ajar"}, "state_known"),
        ({"subject": "bell\x07"}, "subject_printable"),
        ({"subject": None}, "value_missing"),
        ({"department": "<b>"}, "department_pattern"),
    ],
    "messages": [
        ({"kind": "rumour"}, "kind_known"),
        ({"ordinal": -1}, "ordinal_range"),
        ({"body": "nul \x00 inside"}, "body_printable"),
        ({"body_hash": "0" * 31}, "body_hash_length"),
        ({"body_hash": "G" * 32}, "body_hash_pattern"),
        ({"own": "perhaps"}, "own_known"),
    ],
    "receipts": [
        ({"found_hash": None}, "found"),
        ({"target_message": None}, "placed"),
        ({"direction": "sideways"}, "direction_known"),
    ],
}


@pytest.mark.parametrize(("suite", "cases"), PLANTED.items(), ids=str)
def test_each_planted_fault_is_quarantined_by_its_check_and_nothing_else_is(suite, cases):
    """Every bad row is named by the check it fails; the good row among them passes."""
    make, name = getattr(rows, suite), {"departments": "department", "receipts": "ext_ticket"}.get(suite, "ticket")
    bad = [{name: f"bad{i}"} | fault for i, (fault, _check) in enumerate(cases)]
    gated = gate(suite, make({}, *bad), now=NOW)
    assert gated.rejected == {}
    assert gated.accepted[name].tolist() == [make({})[name][0]]
    assert len(gated.removed) == len(cases)
    assert set(gated.quarantined["check"]) == {check for _fault, check in cases}
    assert gated.report.failures == {k: int(n) for k, n in pd.Series([c for _f, c in cases]).value_counts().items()}


def test_a_good_frame_passes_whole():
    """Nothing is taken from a frame without faults, and its dtypes are kept."""
    good = rows.messages({}, {"message": "78", "ordinal": 1, "kind": "note", "own": None})
    gated = gate("messages", good, now=NOW)
    pd.testing.assert_frame_equal(gated.accepted, good)
    assert gated.report.clean


def test_a_bad_message_takes_its_thread_along_and_no_other():
    """A conversation with a hole would be wrong, so the whole ticket waits."""
    frame = rows.messages(
        {}, {"message": "78", "ordinal": 1, "kind": "rumour"}, {"ticket": "124"}, {"connection": "beta"}
    )
    gated = gate("messages", frame, now=NOW)
    assert gated.accepted[["connection", "ticket"]].values.tolist() == [["acme", "124"], ["beta", "123"]]
    assert gated.quarantined.values.tolist() == [
        ["acme", "external", "123", "kind_known", "message 78: kind is none of client, note, staff, system, unknown"]
    ]


def test_two_messages_in_one_place_are_a_bad_thread():
    """Ordinals order the writes, so they are unique within a thread."""
    gated = gate("messages", rows.messages({}, {"message": "78"}, {"ticket": "124"}), now=NOW)
    assert gated.quarantined["check"].tolist() == ["ordinal_unique"]
    assert gated.accepted["ticket"].tolist() == ["124"]


def test_an_odd_time_is_noted_and_passes():
    """Hosts' clocks are not compared: a missing or far-off time never keeps a message from crossing."""
    frame = rows.messages({"at": None}, {"message": "78", "ordinal": 1, "at": NOW + timedelta(days=30)})
    gated = gate("messages", frame, now=NOW)
    assert len(gated.accepted) == 2
    assert gated.report.warnings == {"at_readable": 1, "at_plausible": 1}


def test_no_text_of_a_customer_is_kept():
    """Quarantine and report name ids and our own words only."""
    gated = gate("messages", rows.messages({"body": "my secret is 42\x00", "author": "Zaphod\x01"}), now=NOW)
    kept = gated.quarantined.to_csv() + json.dumps(gated.stats)
    assert "secret" not in kept
    assert "Zaphod" not in kept
    assert len(gated.quarantined) == 2


def test_duplicates_in_one_connection_leave_the_other_alone():
    """A bad frame stops its connection; the other's rows are validated as if alone."""
    gated = gate("tickets", rows.tickets({}, {}, {"connection": "beta"}, {"connection": "beta", "ticket": ""}), now=NOW)
    assert [*gated.rejected] == ["acme"]
    assert gated.accepted["connection"].tolist() == ["beta"]
    assert gated.quarantined["connection"].tolist() == ["beta"]


def test_a_failure_that_names_no_row_rejects_the_frame():
    """A check that cannot be computed must not let rows through."""
    blind = Check("blind", "ExpectColumnValuesToNotBeNull", {"column": "no_such_column"}, "cannot be seen")
    broken = replace(SUITES["tickets"], checks=(*SUITES["tickets"].checks, blind))
    gated = gate("tickets", rows.tickets({}, {"connection": "beta"}), now=NOW, suites={"tickets": broken})
    assert gated.accepted.empty
    assert gated.rejected == dict.fromkeys(("acme", "beta"), "tickets could not be checked: blind")


def test_a_failure_that_names_no_row_is_attributed_to_its_connection():
    """Validated by itself, a connection without the fault passes."""
    few = Check("few", "ExpectTableRowCountToBeBetween", {"max_value": 1}, "more rows than there can be")
    narrow = replace(SUITES["tickets"], checks=(*SUITES["tickets"].checks, few))
    frame = rows.tickets({}, {"ticket": "124"}, {"connection": "beta"}, {"connection": "gamma", "state": "ajar"})
    gated = gate("tickets", frame, now=NOW, suites={"tickets": narrow})
    assert gated.rejected == {"acme": "tickets could not be checked: few"}
    assert gated.accepted["connection"].tolist() == ["beta"]
    assert gated.quarantined[["connection", "check"]].values.tolist() == [["gamma", "state_known"]]


def test_only_marked_rows_are_looked_into():
    """Rows outside the mask pass on their shape alone."""
    frame = rows.tickets({"state": "ajar"}, {"ticket": "124", "state": "ajar"})
    gated = gate("tickets", frame, only=pd.Series([False, True]), now=NOW)
    assert gated.accepted["ticket"].tolist() == ["123"]


def test_eight_threads_each_get_their_own_answer():
    """Validations side by side never see each other's rows."""

    def bad_rows(planted: int) -> int:
        bad = [{"ticket": f"{i}", "state": "ajar" if i < planted else "open"} for i in range(20)]
        return len(gate("tickets", rows.tickets(*bad), now=NOW).quarantined)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(bad_rows, range(16))) == list(range(16))


def test_validation_writes_no_log_line(caplog):
    """A library's log line could quote what customers wrote."""
    with caplog.at_level(logging.DEBUG):
        gate("messages", rows.messages({"body": "private\x00"}), now=NOW)
    assert "private" not in caplog.text


def test_a_long_text_and_one_that_a_server_changed_pass() -> None:
    """A long body is cut when it is written; what was read back in other words is listed in the report, and passes."""
    long = gate("messages", rows.messages({"body": "x" * 1_300_000}), now=NOW)
    other = gate("receipts", rows.receipts({"found_hash": "b" * 32}), now=NOW)
    for gated in (long, other):
        assert gated.quarantined.empty
        assert len(gated.accepted) == 1
