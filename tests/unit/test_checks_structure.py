"""The laws of a frame's shape; Great Expectations is not needed for any of them."""

from __future__ import annotations

import pandas as pd
import pytest

from remotesupport.checks import UnattributableFrame
from remotesupport.checks.structure import shape
from remotesupport.core import frames
from tests import checks_rows as rows


def test_a_good_frame_passes_unchanged():
    """A frame of the schema's columns and dtypes comes out as it went in."""
    good = rows.messages({}, {"message": "78", "ordinal": 1, "at": None, "own": None})
    shaped = shape(good, frames.MESSAGES)
    pd.testing.assert_frame_equal(shaped.frame, good)
    assert (shaped.rejected, shaped.missing) == ({}, {})


def test_extra_columns_are_dropped():
    """A column that no schema knows goes no further."""
    assert list(shape(rows.tickets({}).assign(password="x"), frames.TICKETS).frame) == [*frames.TICKETS.columns]


@pytest.mark.parametrize("column", [c for c in frames.TICKETS.columns if c != "connection"])
def test_a_missing_column_rejects_every_connection_of_the_frame(column):
    """Without a column no row can be judged, nullable or not."""
    frame = rows.tickets({}, {"connection": "beta"}).drop(columns=column)
    shaped = shape(frame, frames.TICKETS)
    assert shaped.rejected == dict.fromkeys(("acme", "beta"), f"column {column} is missing from tickets")
    assert shaped.frame.empty


@pytest.mark.parametrize("column", ["ordinal", "body", "files"])
def test_a_column_that_one_connection_misses_rejects_that_one_alone(column):
    """Two connections' frames stacked: the one without the column is out, the other keeps its dtypes."""
    two = rows.messages({"connection": "beta"}, {"connection": "beta", "message": "78", "ordinal": 1})
    stacked = pd.concat([rows.messages({}), two.drop(columns=column)])
    shaped = shape(stacked, frames.MESSAGES)
    assert shaped.rejected == {"beta": f"column {column} is missing from messages"}
    pd.testing.assert_frame_equal(shaped.frame, rows.messages({}))


@pytest.mark.parametrize(
    ("column", "values", "dtype"),
    [("ordinal", ["0", "1"], "int64"), ("body", [1, 2], "str"), ("at", ["today", "never"], "datetime64[us, UTC]")],
)
def test_a_wrong_dtype_rejects_the_connection(column, values, dtype):
    """A column of another type was misread: nothing of that connection is trusted."""
    frame = rows.messages({}, {"message": "78", "ordinal": 1}).assign(**{column: values})
    assert shape(frame, frames.MESSAGES).rejected["acme"].endswith(f"not {dtype}")


def test_a_number_among_texts_rejects_its_connection_alone():
    """Mixed types of one connection don't touch the other's rows."""
    stacked = pd.concat([rows.tickets({"connection": "beta"}), rows.tickets({}).assign(subject=5)])
    shaped = shape(stacked, frames.TICKETS)
    assert [*shaped.rejected] == ["acme"]
    assert shaped.frame["connection"].tolist() == ["beta"]


def test_a_boolean_that_went_through_a_stack_is_still_a_boolean():
    """Stacking may widen a dtype to object; values of the right kind are taken back."""
    frame = rows.departments({}).assign(active=pd.Series([True], dtype=object))
    assert shape(frame, frames.DEPARTMENTS).frame.dtypes["active"] == "bool"


def test_duplicate_ids_reject_their_connection_alone():
    """The same id twice means that the answer was misread."""
    shaped = shape(rows.tickets({}, {}, {"connection": "beta"}), frames.TICKETS)
    assert [*shaped.rejected] == ["acme"]
    assert "1 ids of tickets" in shaped.rejected["acme"]
    assert shaped.frame["connection"].tolist() == ["beta"]


def test_one_id_on_both_sides_is_no_duplicate():
    """Ids are compared within a side of a connection only."""
    assert not shape(rows.tickets({}, {"side": "main"}), frames.TICKETS).rejected


def test_one_row_with_a_hole_does_not_stop_its_connection():
    """A connection's only fresh message may be the bad one."""
    shaped = shape(rows.messages({"body": None}), frames.MESSAGES)
    assert (shaped.missing, shaped.rejected) == ({0: "body"}, {})


def test_a_missing_value_is_found_with_its_row_and_column():
    """One hole is a bad row, not a bad frame."""
    shaped = shape(rows.messages({}, {"message": "78", "body": None}), frames.MESSAGES)
    assert (shaped.missing, shaped.rejected) == ({1: "body"}, {})


def test_rows_of_nobody_are_our_own_fault():
    """Without the connection's name no connection can be blamed."""
    with pytest.raises(UnattributableFrame, match="tickets"):
        shape(rows.tickets({}).drop(columns="connection"), frames.TICKETS)


def test_an_empty_frame_is_a_good_frame():
    """No rows, nothing wrong."""
    shaped = shape(frames.empty(frames.CHANGES), frames.CHANGES)
    assert (len(shaped.frame), shaped.rejected, shaped.missing) == (0, {}, {})
