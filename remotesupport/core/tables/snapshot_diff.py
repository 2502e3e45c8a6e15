"""The difference of two snapshots of any frame: new, gone and changed rows, and which columns changed.

Both frames are aligned by their key once and then compared column by column, which is the fast way in pandas (row
hashes and merges are several times slower). Knows nothing of tickets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from remotesupport.core.tables.joins import codes

Positions = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Delta:
    """``new_keys`` and ``gone_keys``: key columns of rows that only one frame has.

    ``changed``: key columns of rows that both have, but not alike; ``flags``: one bool column per compared column,
    row by row as ``changed``; ``old_rows``/``new_rows``: where those rows are in the two frames.
    """

    new_keys: pd.DataFrame
    gone_keys: pd.DataFrame
    changed: pd.DataFrame
    flags: pd.DataFrame
    old_rows: Positions
    new_rows: Positions

    @property
    def names(self) -> list[tuple[str, ...]]:
        """The changed columns' names, row by row as ``changed``."""
        columns = np.array(self.flags.columns, dtype=object)
        return [tuple(columns[row]) for row in self.flags.to_numpy()]

    @property
    def empty(self) -> bool:
        """Tell whether both snapshots are alike."""
        return not (len(self.new_keys) or len(self.gone_keys) or len(self.changed))


def diff(old: pd.DataFrame, new: pd.DataFrame, key: Sequence[str], columns: Sequence[str]) -> Delta:
    """Compare two frames that have the ``key`` and ``columns``, of the same dtypes. Missing equals missing.

    Raises ValueError when a key is not unique in its frame. Rows come out in the order of ``new`` (gone: of ``old``).
    """
    old_at, new_at, fresh, gone = _align(old, new, list(key))
    flags = {c: _differs(old[c], new[c], old_at, new_at) for c in columns}
    any_flag = np.logical_or.reduce(list(flags.values())) if flags else np.zeros(len(new_at), bool)
    hit = np.flatnonzero(any_flag)
    return Delta(
        new_keys=new[list(key)].iloc[fresh].reset_index(drop=True),
        gone_keys=old[list(key)].iloc[gone].reset_index(drop=True),
        changed=new[list(key)].iloc[new_at[hit]].reset_index(drop=True),
        flags=pd.DataFrame({c: f[hit] for c, f in flags.items()}),
        old_rows=old_at[hit],
        new_rows=new_at[hit],
    )


def _align(old: pd.DataFrame, new: pd.DataFrame, key: list[str]) -> tuple[Positions, Positions, Positions, Positions]:
    """Positions of the rows that both have (in ``old``, in ``new``), of the new ones and of the gone ones."""
    left, right, size = key_codes(old, new, key)
    place = np.full(size, -1, dtype=np.intp)
    place[left] = np.arange(len(left))
    found = place[right]
    new_at = np.flatnonzero(found >= 0)
    old_at = found[new_at]
    kept = np.zeros(len(left), bool)
    kept[old_at] = True
    return old_at, new_at, np.flatnonzero(found < 0), np.flatnonzero(~kept)


def key_codes(old: pd.DataFrame, new: pd.DataFrame, key: list[str]) -> tuple[Positions, Positions, int]:
    """Each row's key as a number that both frames share, and how many there are. ValueError: a key is not unique."""
    both = codes(old, new, key, key)
    size = int(both.max()) + 1 if len(both) else 0
    left, right = both[: len(old)], both[len(old) :]
    for side, frame in ((left, old), (right, new)):
        double = np.flatnonzero(np.bincount(side, minlength=size)[side] > 1)
        if len(double):
            raise ValueError(f"not unique: {frame[key].iloc[double[0]].to_dict()} is there more than once")
    return left, right, size


def _differs(old: pd.Series, new: pd.Series, old_at: Positions, new_at: Positions) -> npt.NDArray[np.bool_]:
    left, right = old.array.take(old_at), new.array.take(new_at)
    differs = np.asarray(pd.Series(left).ne(pd.Series(right)), dtype=bool)
    if not differs.any():
        return differs
    return np.asarray(differs & ~(pd.isna(left) & pd.isna(right)), dtype=bool)
