"""The generic diff of two snapshots."""

import pandas as pd
import pytest

from remotesupport.core.tables.snapshot_diff import diff


def frame(*rows: tuple[str | None, ...]) -> pd.DataFrame:
    """Columns k, l, a, b as text."""
    return pd.DataFrame(list(rows), columns=["k", "l", "a", "b"]).astype("str")


OLD = frame(("1", "x", "p", "q"), ("2", "x", "p", None), ("2", "y", None, None), ("3", "x", "p", "q"))
NEW = frame(("3", "x", "P", None), ("2", "y", None, "q"), ("4", "x", "p", "q"), ("2", "x", "p", None))


def test_new_gone_changed() -> None:
    """Every row is new, gone, changed with its columns named, or alike; missing is equal to missing."""
    delta = diff(OLD, NEW, ["k", "l"], ["a", "b"])
    assert delta.new_keys.to_numpy().tolist() == [["4", "x"]]
    assert delta.gone_keys.to_numpy().tolist() == [["1", "x"]]
    assert delta.changed.to_numpy().tolist() == [["3", "x"], ["2", "y"]]
    assert delta.names == [("a", "b"), ("b",)]
    assert delta.new_rows.tolist() == [0, 1]
    assert delta.old_rows.tolist() == [3, 2]
    assert not delta.empty


def test_alike() -> None:
    """A snapshot does not differ from itself in another order."""
    assert diff(OLD, OLD.iloc[::-1], ["k", "l"], ["a", "b"]).empty
    assert diff(OLD.iloc[:0], OLD.iloc[:0], ["k", "l"], ["a", "b"]).empty


def test_against_nothing() -> None:
    """Against an empty snapshot everything is new, and the other way round everything is gone."""
    assert len(diff(OLD.iloc[:0], OLD, ["k", "l"], ["a", "b"]).new_keys) == len(OLD)
    assert len(diff(OLD, OLD.iloc[:0], ["k", "l"], ["a", "b"]).gone_keys) == len(OLD)


def test_double_key() -> None:
    """A key that is not unique is refused by name, on either side."""
    with pytest.raises(ValueError, match="'k': '2'"):
        diff(OLD, NEW, ["k"], ["a"])
    with pytest.raises(ValueError, match="more than once"):
        diff(NEW.iloc[:1], pd.concat([NEW, NEW]), ["k", "l"], ["a"])


def test_other_dtypes() -> None:
    """Flags, numbers and times are compared like text."""
    old = pd.DataFrame({"k": ["1", "2"], "f": [True, False], "n": [1, 2], "t": pd.to_datetime(["2026-01-01", None])})
    new = old.assign(f=[True, True], n=[3, 2])
    assert diff(old, new, ["k"], ["f", "n", "t"]).names == [("n",), ("f",)]
