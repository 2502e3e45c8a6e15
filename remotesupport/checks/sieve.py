"""The sieve: what all checks of a suite demand of single values, asked of each column at once.

An expectation costs Great Expectations milliseconds, however few rows there are, its import seconds, and nearly every
row is good. So each value is written as a text (``=value``; nothing where there is none) and one regular expression is
asked for each column: what its checks demand. Where a value stays in the sieve, Great Expectations makes the checks one
by one, and they alone decide which rows are bad and why.
"""

from __future__ import annotations

import re
from functools import cache

import pandas as pd

from remotesupport.checks.suites import Check, Suite


def sieved(suite: Suite) -> tuple[Check, ...]:
    """The checks that the sieve stands for."""
    return tuple(check for check in suite.checks if check.sieve)


def all_pass(suite: Suite, frame: pd.DataFrame) -> bool:
    """Tell whether every value of ``frame`` passes all the sieved checks."""
    demands = _demands(sieved(suite))
    return all(mesh.match(text) for column, mesh in demands.items() for text in _texts(frame[column]))


def _texts(column: pd.Series) -> list[str]:
    return ["" if pd.isna(v) else f"={v}" for v in {*column.tolist()}]


def _demands(checks: tuple[Check, ...]) -> dict[str, re.Pattern[str]]:
    """Column → the assertions of its checks, all of which must hold."""
    demands: dict[str, str] = {}
    for check in checks:
        column = check.arguments["column"]
        demands[column] = demands.get(column, "") + check.sieve
    return {column: _compiled(demand) for column, demand in demands.items()}


@cache
def _compiled(demand: str) -> re.Pattern[str]:
    return re.compile(demand, re.DOTALL)
