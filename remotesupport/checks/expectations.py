"""The only module that imports Great Expectations, and only when there are rows to validate.

Rows in, row labels out: nothing of a row's content leaves this module, because Great Expectations' results quote the
text of customers. What must stay out: what is expected (suites.py) and what happens to bad rows (gate.py).
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
import threading
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pandas as pd

from remotesupport.checks.suites import Check, Suite

PACKAGE = "great_expectations"  # four seconds of CPU that a quiet minute does not pay
ROW = "row_label"
# Naming the rows doubles the cost, so it is asked for in a second pass, of the checks that failed the first.
VERDICT = {"result_format": "BOOLEAN_ONLY"}
ROWS = {"result_format": "COMPLETE", "unexpected_index_column_names": [ROW], "return_unexpected_index_query": False}
QUIET_BARS = {"globally": False, "metric_calculations": False}

# Great Expectations keeps its current project in a global and gives wrong results, silently, to threads that share a
# context. Every call makes its own, and one runs at a time: threads make it no faster.
_turn = threading.Lock()


@dataclass(frozen=True, slots=True)
class Findings:
    """``rows``: check name → labels of the rows that failed it. ``broken``: checks that failed and named no row."""

    rows: Mapping[str, tuple[int, ...]]
    broken: tuple[str, ...]


def findings(suite: Suite, frame: pd.DataFrame) -> Findings:
    """Validate ``frame`` (index labels are its row labels) in a context of its own. An empty frame costs nothing."""
    if frame.empty:
        return Findings({}, ())
    with _turn:
        labels = _failed(suite, frame.assign(**{ROW: frame.index}))
    return Findings({k: v for k, v in labels.items() if v}, tuple(k for k, v in labels.items() if not v))


def _failed(suite: Suite, frame: pd.DataFrame) -> dict[str, tuple[int, ...]]:
    """Each check that failed → labels of its rows; none where it cannot say which."""
    gx = _great_expectations()
    batch = _batch(gx, suite.name, frame)
    failed = [_check(r) for r in _results(gx, batch, suite.checks, VERDICT) if not r.success]
    again = tuple(c for c in suite.checks if c.name in failed)
    return {_check(r): _labels(r) for r in _results(gx, batch, again, ROWS)}


def _batch(gx: ModuleType, name: str, frame: pd.DataFrame) -> Any:
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = QUIET_BARS
    asset = context.data_sources.add_pandas(name).add_dataframe_asset(name)
    return asset.add_batch_definition_whole_dataframe(name).get_batch({"dataframe": frame})


def _results(gx: ModuleType, batch: Any, checks: tuple[Check, ...], detail: Mapping[str, Any]) -> Sequence[Any]:
    if not checks:
        return ()
    suite = gx.ExpectationSuite(name="checks", expectations=[_expectation(gx, c) for c in checks])
    results: Sequence[Any] = batch.validate(suite, result_format=detail).results
    return results


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
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            importlib.import_module(PACKAGE)
    return sys.modules[PACKAGE]
