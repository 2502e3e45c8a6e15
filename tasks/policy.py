"""Policy of tasks: retries, time limits, the names of their runs. The only place with Prefect's retry settings.

Only what may pass by itself is retried (``Retriable``), and only while the run's minute lasts. Tasks that write are
never retried by Prefect: whether a write happened is a question for the ledger and a read-back.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar, cast

from prefect.cache_policies import NO_CACHE
from prefect.tasks import exponential_backoff
from prefect.utilities.annotations import quote

from connectors.errors import OutOfTime, Retriable
from remotesupport.bootstrap import Context

Argument = TypeVar("Argument")

RETRIES = 2
FIRST_DELAY_S = 2
JITTER = 0.3
LEAST_S = 5.0
"""A retry that would have less than this left is not made."""

SYNC_BUDGET_S = 45.0
"""The part of a minute's run that reading may take, all retries included; the rest is for writing."""

_ends: ContextVar[float | None] = ContextVar("reading_ends", default=None)


@contextmanager
def reading_within(seconds: float | None) -> Iterator[None]:
    """All reading inside, retries included, ends after ``seconds`` (None: no limit)."""
    token = _ends.set(None if seconds is None else time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends.reset(token)


def time_left() -> float | None:
    """Seconds left for reading; None without a limit."""
    ends = _ends.get()
    return None if ends is None else ends - time.monotonic()


def may_pass(_task: Any, _task_run: Any, state: Any) -> bool:
    """Prefect's ``retry_condition_fn``: by error class, and only while there is time."""
    error = state.data.result if hasattr(state.data, "result") else state.data
    left = time_left()
    again = isinstance(error, Retriable) and not isinstance(error, OutOfTime)
    return again and (left is None or left > LEAST_S + FIRST_DELAY_S)


def as_is(value: Argument) -> Argument:
    """Wrap an argument of a task: the task gets it as it is, and Prefect does not search it for results of others."""
    return cast("Argument", quote(value))


_NAMED = 3  # billings that a task run's name tells; more are counted


def whom(ctx: Context, names: Collection[str]) -> str:
    """The billings of one pass, for a task run's name: "all billings", "acme, globex", "17 billings"."""
    if len(names) > 1 and len(names) == len(ctx.connections):
        return "all billings"
    return ", ".join(names) if len(names) <= _NAMED else f"{len(names)} billings"


# No task of these runs has a tag: for every tag Prefect asks its server for a slot before the task, which takes a warm
# worker up to two seconds each time. A task's name says which step and which billing it is.
COMMON: dict[str, Any] = {"cache_policy": NO_CACHE, "persist_result": False, "log_prints": False}
ONCE: dict[str, Any] = COMMON | {"retries": 0}
READS: dict[str, Any] = COMMON | {
    "retries": RETRIES,
    "retry_delay_seconds": exponential_backoff(FIRST_DELAY_S),
    "retry_jitter_factor": JITTER,
    "retry_condition_fn": may_pass,
}
