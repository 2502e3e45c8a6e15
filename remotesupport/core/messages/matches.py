"""The matches found in one direction. A value with the few ways to fill it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import pandas as pd

from remotesupport.core.model import Direction
from remotesupport.core.text.altered import Altered, altered

# pair, direction, source message, hash of the text as told, target message (None: given up), ordinal of the source
Row: TypeAlias = tuple[int, str, str, str, str | None, int]
# pair, direction, source message, target message, how its text is shown there
Difference: TypeAlias = tuple[int, str, str, str, Altered]
COLUMNS = ("pair", "direction", "message", "body_hash", "target", "ordinal")


@dataclass(slots=True)
class Matches:
    """``rows``: what becomes carried. ``sources``/``targets``: (pair, message) found on either end.

    ``settled``: carried messages whose edit was told already; ``edited``: rows whose last text still has to be told.
    ``differences``: of rows whose text a server shows otherwise than it was sent.
    """

    direction: Direction
    rows: list[Row] = field(default_factory=list)
    sources: set[tuple[int, str]] = field(default_factory=set)
    targets: set[tuple[int, str]] = field(default_factory=set)
    settled: set[tuple[int, str]] = field(default_factory=set)
    edited: list[pd.DataFrame] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)

    def add(self, row: Row) -> None:
        """One more carried message."""
        self.rows.append(row)
        if row[4] is not None:
            self.targets.add((row[0], row[4]))

    def says(self, pair: int, source: str, target: str, sent: str, shown: str) -> bool:
        """Tell whether ``shown`` is ``sent`` as a server may show it; how it differs then is kept."""
        difference = altered(sent, shown)
        if difference is not None and not difference.like:
            return False
        if difference is not None:
            self.differences.append((pair, str(self.direction), source, target, difference))
        return True

    def give_up(self, sources: pd.DataFrame, *, unless: set[tuple[int, str]]) -> None:
        """Each of ``sources`` is carried without a target, but for what was found on either end or is in ``unless``."""
        columns = ("pair", "message", "body_hash", "ordinal")
        for pair, message, digest, ordinal in zip(*(sources[c].astype(object) for c in columns), strict=True):
            if (pair, message) not in self.sources and (pair, message) not in unless:
                self.add((pair, str(self.direction), message, digest, None, ordinal))
                self.sources.add((pair, message))

    def tell(self, row: pd.DataFrame, times: int) -> None:
        """The source message of ``row`` (one line) has changed since it was last told, ``times`` follow-ups ago."""
        self.edited.append(row.assign(direction=str(self.direction), edits=times))


def matches_frame(rows: Sequence[Row]) -> pd.DataFrame:
    """Build COLUMNS as a frame with their dtypes."""
    types = {"pair": "int64", "ordinal": "int64"}
    return pd.DataFrame({c: pd.Series([r[n] for r in rows], dtype=types.get(c, "str")) for n, c in enumerate(COLUMNS)})
