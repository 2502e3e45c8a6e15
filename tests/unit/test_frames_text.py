"""How frames keep text: Python's for few rows, pyarrow's for many; nobody else can tell which it is."""

from __future__ import annotations

import pandas as pd
import pytest

from remotesupport.core import frames
from remotesupport.core.reconcile import Inputs, reconcile
from tests.reconcile_world import World

ARROW = pd.StringDtype("pyarrow", na_value=float("nan"))


def gone(count: int) -> pd.DataFrame:
    """So many rows of GONE."""
    row = {"connection": "acme", "side": "main", "detail": None}
    return frames.build(frames.GONE, [row | {"ticket": str(n)} for n in range(count)])


def in_arrow(frame: pd.DataFrame) -> pd.DataFrame:
    """The same frame as if it had many rows."""
    return frame.astype({c: ARROW for c, t in frame.dtypes.items() if t == frames.STR})


@pytest.mark.parametrize(("rows", "storage"), [(1, "python"), (frames.MANY, "pyarrow")])
def test_many_rows_are_kept_in_pyarrow(rows: int, storage: str) -> None:
    """Only a frame of many rows pays for pyarrow; its dtype is ``str`` in either case."""
    ticket = gone(rows)["ticket"]
    assert ticket.dtype == frames.STR
    assert ticket.dtype.storage == storage


def test_few_and_many_rows_mix() -> None:
    """Frames of both sorts are stacked, joined and compared as frames of one sort are."""
    few, many = gone(2), gone(frames.MANY)
    both = frames.concat(frames.GONE, [few, many])
    assert (both.dtypes == few.dtypes.astype(str)).all()
    assert len(both) == 2 + frames.MANY
    assert few.merge(many, on=["connection", "side", "ticket"])["ticket"].tolist() == ["0", "1"]
    assert few["detail"].isna().all()


@pytest.mark.parametrize("names", [("tickets", "messages"), ("links", "carried"), tuple(Inputs.__dataclass_fields__)])
def test_the_diff_does_not_depend_on_it(names: tuple[str, ...]) -> None:
    """Whichever of its inputs are kept in pyarrow, the reconcile plans the same."""
    world = World()
    world.open_ticket("7", "hello")
    world.sync()
    world.open_ticket("7", "another")
    world.say(world.external["1"], "client", "more")
    plain = world.inputs()
    given = {n: in_arrow(v) for n in names if isinstance(v := getattr(plain, n), pd.DataFrame)}
    found, wanted = reconcile(world.inputs(**given)), reconcile(plain)
    assert len(wanted.changes) == 2
    for name in ("changes", "agreed"):
        left, right = getattr(found, name), getattr(wanted, name)
        assert frames.records(left) == frames.records(right)
        assert (left.dtypes.astype(str) == right.dtypes.astype(str)).all()
