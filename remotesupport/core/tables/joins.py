"""Looking rows up by a composite text key: many-to-one joins and memberships.

The same as ``merge(validate="m:1", indicator=True)``, on factorised codes: several times faster at 100,000 rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd


def codes(left: pd.DataFrame, right: pd.DataFrame, on: Sequence[str], to: Sequence[str]) -> npt.NDArray[np.intp]:
    """One number per distinct key, for the rows of ``left`` followed by those of ``right``."""
    joined: npt.NDArray[np.intp] | None = None
    for a, b in zip(on, to, strict=True):
        found, values = pd.factorize(np.concatenate([left[a].to_numpy(), right[b].to_numpy()]), use_na_sentinel=False)
        joined = found if joined is None else pd.factorize(joined * len(values) + found)[0]
    assert joined is not None
    return joined.astype(np.intp)


def positions(
    left: pd.DataFrame, right: pd.DataFrame, on: Sequence[str], to: Sequence[str] | None = None
) -> npt.NDArray[np.intp]:
    """Tell where each row of ``left`` is in ``right``, -1 where it is not. ValueError: a key is in ``right`` twice."""
    if not len(right) or not len(left):
        return np.full(len(left), -1, dtype=np.intp)
    both = codes(left, right, on, to or on)
    mine, theirs = both[: len(left)], both[len(left) :]
    place = np.full(int(both.max()) + 1, -1, dtype=np.intp)
    place[theirs] = np.arange(len(right))
    double = np.flatnonzero(place[theirs] != np.arange(len(right)))
    if len(double):
        key = right[list(to or on)].iloc[double[0]].to_dict()
        raise ValueError(f"not unique: {key} is there more than once")
    return place[mine]


def is_in(
    left: pd.DataFrame, right: pd.DataFrame, on: Sequence[str], to: Sequence[str] | None = None
) -> npt.NDArray[np.bool_]:
    """Tell which rows of ``left`` have their key in ``right`` (there as often as it likes)."""
    if not len(right) or not len(left):
        return np.zeros(len(left), bool)
    both = codes(left, right, on, to or on)
    there = np.zeros(int(both.max()) + 1, bool)
    there[both[len(left) :]] = True
    return there[both[: len(left)]]


def look_up(
    left: pd.DataFrame,
    right: pd.DataFrame,
    on: Sequence[str],
    columns: Mapping[str, str],
    to: Sequence[str] | None = None,
) -> pd.DataFrame:
    """``left`` with ``columns`` (new name → column of ``right``) added; missing where there is no such row.

    Bool columns are False where there is none. ``left`` keeps its rows, order and index. Raises ValueError for a
    double key in ``right``.
    """
    at = positions(left, right, on, to)
    return left.assign(**{new: taken(right[old], at, left.index) for new, old in columns.items()})


def taken(values: pd.Series, at: npt.NDArray[np.intp], index: pd.Index) -> pd.Series:
    """``values`` at the positions ``at`` under a new index; missing (bool: False) at -1."""
    if values.dtype == bool:
        # one more at the end: what -1 finds
        flags = np.append(values.to_numpy(), False)
        return pd.Series(flags[at], index=index)
    return pd.Series(values.array.take(at, allow_fill=True), index=index)
