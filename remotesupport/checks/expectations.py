"""The only module that imports Great Expectations, and only when a row may be bad.

Rows in, row labels out: nothing of a row's content leaves this module, because Great Expectations' results quote the
text of customers. What must stay out: what is expected (suites.py) and what happens to bad rows (gate.py).
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import logging
import os
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

import pandas as pd

from remotesupport.checks.sieve import all_pass, sieved
from remotesupport.checks.suites import Check, Suite

PACKAGE = "great_expectations"  # two seconds of CPU that are paid only where a row is odd
UNUSED = "scipy.stats"  # a second of that import, for expectations about distributions, of which we have none
ROW = "row_label"
# Naming the rows doubles the cost, so it is asked for in a second pass, of the checks that failed the first.
VERDICT = {"result_format": "BOOLEAN_ONLY"}
ROWS = {"result_format": "COMPLETE", "unexpected_index_column_names": [ROW], "return_unexpected_index_query": False}
QUIET_BARS = {"globally": False, "metric_calculations": False}

# Great Expectations keeps its current project in a global and gives wrong results, silently, to threads that share a
# context. Ours is shared, because making one costs more than two expectations, so one thread has its turn at a time.
_turn = threading.Lock()


@dataclass(frozen=True, slots=True)
class Findings:
    """``rows``: check name → labels of the rows that failed it. ``broken``: checks that failed and named no row."""

    rows: Mapping[str, tuple[int, ...]]
    broken: tuple[str, ...]


def findings(suite: Suite, frame: pd.DataFrame) -> Findings:
    """Validate ``frame`` (index labels are its row labels). An empty frame costs nothing."""
    if frame.empty:
        return Findings({}, ())
    with _turn:
        labels = _failed(suite, frame.assign(**{ROW: frame.index}))
    return Findings({k: v for k, v in labels.items() if v}, tuple(k for k, v in labels.items() if not v))


def _failed(suite: Suite, frame: pd.DataFrame) -> dict[str, tuple[int, ...]]:
    """Each check that failed → labels of its rows; none where it cannot say which."""
    return {_check(r): _labels(r) for r in _results(frame, _doubtful(suite, frame), ROWS) if not r.success}


def _doubtful(suite: Suite, frame: pd.DataFrame) -> tuple[Check, ...]:
    """The checks that may have failed: all that the sieve stands for, when anything stays in it."""
    behind = sieved(suite)
    if all_pass(suite, frame):
        behind = ()
    alone = tuple(c for c in suite.checks if not c.sieve)
    failed = {_check(r) for r in _results(frame[_read(frame, alone)], alone, VERDICT) if not r.success}
    return behind + tuple(c for c in alone if c.name in failed)


def _read(frame: pd.DataFrame, checks: tuple[Check, ...]) -> list[str]:
    """The columns of ``frame`` that ``checks`` name: Great Expectations takes a hash of all that it gets."""
    named = {
        name
        for c in checks
        for value in c.arguments.values()
        for name in (value if isinstance(value, list) else [value])
    }
    return [column for column in frame.columns if column in named]


def _results(frame: pd.DataFrame, checks: tuple[Check, ...], detail: Mapping[str, Any]) -> Sequence[Any]:
    if not checks:
        return ()
    gx = _great_expectations()
    suite = gx.ExpectationSuite(name="checks", expectations=[_expectation(gx, c) for c in checks])
    batch = _definition().get_batch({"dataframe": frame})
    results: Sequence[Any] = batch.validate(suite, result_format=detail).results
    return results


@cache
def _definition() -> Any:
    context = _great_expectations().get_context(mode="ephemeral")
    context.variables.progress_bars = QUIET_BARS
    return (
        context.data_sources.add_pandas("rows").add_dataframe_asset("rows").add_batch_definition_whole_dataframe("rows")
    )


def _check(result: Any) -> str:
    return str(result.expectation_config.meta["check"])


def _expectation(gx: ModuleType, check: Check) -> Any:
    return getattr(gx.expectations, check.expectation)(**check.arguments, meta={"check": check.name})


def _labels(result: Any) -> tuple[int, ...]:
    return tuple(int(row[ROW]) for row in result.result.get("unexpected_index_list") or ())


def _great_expectations() -> ModuleType:
    """Import it without telemetry, log lines (they quote values) and its warnings about old standard modules."""
    if PACKAGE not in sys.modules:
        os.environ["GX_ANALYTICS_ENABLED"] = "false"
        logger = logging.getLogger(PACKAGE)
        logger.propagate = False
        logger.addHandler(logging.NullHandler())
        with warnings.catch_warnings(), _no_collector():
            warnings.simplefilter("ignore")
            _put_off(UNUSED)
            importlib.import_module(PACKAGE)
    return sys.modules[PACKAGE]


@contextmanager
def _no_collector() -> Iterator[None]:
    """An import makes hundreds of thousands of objects that stay; looking among them for garbage is in vain."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _put_off(name: str) -> None:
    """Let a module that others import be loaded when something in it is first used."""
    spec = None if name in sys.modules else importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        return
    spec.loader = loader = importlib.util.LazyLoader(spec.loader)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    parent, _, child = name.rpartition(".")
    setattr(sys.modules[parent], child, module)
