"""The sieve: one expectation in place of all those of a suite that look at one value at a time.

An expectation costs Great Expectations milliseconds, however few rows there are, and nearly every row is good. So the
values of a frame are written one below the other as cells, ``column=value`` (``column`` alone where there is none), and
one regular expression is asked of them all: for each column, what its checks demand. Where a cell stays in the sieve
the checks are made one by one, and they alone decide which rows are bad and why.
"""

from __future__ import annotations

import pandas as pd

from remotesupport.checks.suites import Check, Suite
from remotesupport.core import frames

CELL = "cell"


def sieved(suite: Suite) -> tuple[Check, ...]:
    """The checks that the sieve stands for."""
    return tuple(check for check in suite.checks if check.sieve)


def cells(suite: Suite, frame: pd.DataFrame) -> pd.DataFrame:
    """The different cells of ``frame`` that the sieve looks at: one column, CELL (str)."""
    texts = {text: None for column in _demands(sieved(suite)) for text in _texts(frame[column])}
    return pd.DataFrame({CELL: pd.Series([*texts], dtype=frames.STR)})


def _texts(column: pd.Series) -> list[str]:
    return [str(column.name) if pd.isna(v) else f"{column.name}={v}" for v in {*column.tolist()}]


def mesh(suite: Suite) -> Check:
    """The expectation that every cell passes if and only if its value passes all the sieved checks."""
    demands = (rf"{column}(?=\Z|=){demand}" for column, demand in _demands(sieved(suite)).items())
    pattern = rf"(?s)\A(?:{'|'.join(demands)})"
    return Check("sieve", "ExpectColumnValuesToMatchRegex", {"column": CELL, "regex": pattern}, "a value is odd")


def _demands(checks: tuple[Check, ...]) -> dict[str, str]:
    """Column → the assertions of its checks, all of which must hold behind the column's name."""
    demands: dict[str, str] = {}
    for check in checks:
        column = check.arguments["column"]
        demands[column] = demands.get(column, "") + check.sieve
    return demands
