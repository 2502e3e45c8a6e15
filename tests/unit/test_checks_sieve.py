"""The law of the sieve: it stops exactly the rows that its checks, made one by one, find bad."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd
import pytest

from remotesupport.checks import SUITES, Suite
from remotesupport.checks.expectations import findings
from remotesupport.checks.facts import with_facts
from remotesupport.checks.sieve import all_pass, sieved
from remotesupport.checks.suites import SUBJECT_CHARS
from tests import checks_rows as rows
from tests.checks_rows import NOW

TEXTS = (
    None, "", " ", "\t\n", "\x0b", "\u00a0", "\u2028", "\x00", "a\x00b", "a\x1f", "a\x1b[0m", "a\x7f", "a\n", "\na",
    "a b", "1", "7.5", "٣", "-1", "no", "yes", "YES", "yes\n", "open", "open|closed", "client", "external", "to_main",
    "to_main\n", "post to_main", "create to_external", "people", "people ", "=", "=open", "side=external", "acme",
    "Acme", "Техподдержка", "\U0001f622", "<b>", "a.b", "axb", "0" * 31, "0" * 32, "0" * 33, "g" * 32,
    "0" * 32 + "\n", "nan", "None",
)  # fmt: skip
NUMBERS = (-(10**12), -1, 0, 1, 5, 99, 10**12)
HOURS = (0.0, 1.0, 10.0, 47.0, 48.0, 49.0, 100.0, 480.0, 1e9, 1e17, float("inf"), float("nan"))


def lengths(suite: Suite, column: str) -> Iterator[str]:
    """Texts at both limits of the column's length and one beyond each; those of bodies are in test_checks_gate."""
    for check in sieved(suite):
        if check.arguments["column"] == column and "Lengths" in check.expectation:
            low, high = check.arguments["min_value"], check.arguments["max_value"]
            yield from ("0" * n for n in {max(low - 1, 0), low, high, high + 1} if n <= SUBJECT_CHARS + 1)


def odd_rows(suite: Suite) -> pd.DataFrame:
    """One good row for every column and odd value, with that value in that column."""
    good = with_facts(suite.name, getattr(rows, suite.name)({}), rows.messages({}), NOW)
    parts = [good]
    for column in {str(check.arguments["column"]) for check in sieved(suite)}:
        dtype = good[column].dtype
        texts = (*TEXTS, *lengths(suite, column))
        values = {"M": (None,), "i": NUMBERS, "f": HOURS}.get(dtype.kind, texts)
        parts += [good.assign(**{column: pd.Series([v], dtype=dtype)}) for v in values]
    return pd.concat(parts, ignore_index=True)


def stopped(suite: Suite, frame: pd.DataFrame) -> set[int]:
    """The labels of the rows with a value that stays in the sieve."""
    return {label for label in frame.index if not all_pass(suite, frame.loc[[label]])}


@pytest.mark.parametrize("name", SUITES)
def test_the_sieve_stops_what_its_checks_find_and_nothing_else(name):
    """A sieve with a hole would let bad rows into a billing; a sieve too fine would only cost time."""
    suite, frame = SUITES[name], odd_rows(SUITES[name])
    one_by_one = replace(suite, checks=tuple(replace(check, sieve="") for check in sieved(suite)))
    found = findings(one_by_one, frame)
    assert not found.broken
    bad = {label for labels in found.rows.values() for label in labels}
    assert 0 not in bad
    assert bad == stopped(suite, frame)
    assert found.rows.keys() | {"body_length"} == {check.name for check in sieved(suite)} | {"body_length"}
