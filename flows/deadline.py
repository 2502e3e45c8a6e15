"""A flow knows when its runner will end it, and may ask for more time: a first read takes as long as it takes.

The runner of the flow (the warm worker) listens; elsewhere nobody ends a flow, and asking changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple


class _Runner(NamedTuple):
    extend: Callable[[float], None]
    when: Callable[[], float | None]


_runner: ContextVar[_Runner | None] = ContextVar("deadline_runner", default=None)


@contextmanager
def listening(extend: Callable[[float], None], when: Callable[[], float | None]) -> Iterator[None]:
    """Inside, ``extend`` hears what the flow asks for, in seconds from then; ``when``: its end, by the loop's clock."""
    token = _runner.set(_Runner(extend, when))
    try:
        yield
    finally:
        _runner.reset(token)


def ends_at() -> float | None:
    """When this flow will be ended, by the event loop's clock; None where nobody ends it."""
    runner = _runner.get()
    return runner.when() if runner else None


def ask_for(seconds: float) -> None:
    """Ask for ``seconds`` from now."""
    if runner := _runner.get():
        runner.extend(seconds)
