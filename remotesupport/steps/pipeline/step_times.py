"""Times of a run's steps: the steps, each with a clock around it."""

from __future__ import annotations

import functools
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from typing import Any, ParamSpec, TypeVar

from remotesupport.bootstrap import Context
from remotesupport.core.run import RunRequest
from remotesupport.steps.values import Read, Steps

P = ParamSpec("P")
T = TypeVar("T")

_FIRST = "extract"


def timed(steps: Steps, seconds: dict[str, float], clock: Callable[[], float] = time.monotonic) -> Steps:
    """Return the same steps; what each takes is added to ``seconds`` under its name. Of steps that go on beside each
    other each counts for itself."""
    around = {f.name: _timed(getattr(steps, f.name), f.name, seconds, clock) for f in fields(steps) if f.name != _FIRST}
    return replace(steps, extract=_timed_reads(steps, seconds, clock), **around)


def _timed(
    step: Callable[P, Awaitable[T]], name: str, seconds: dict[str, float], clock: Callable[[], float]
) -> Callable[P, Awaitable[T]]:
    @functools.wraps(step)
    async def run(*args: P.args, **kwargs: P.kwargs) -> T:
        with _measured(name, seconds, clock):
            return await step(*args, **kwargs)

    return run


def _timed_reads(steps: Steps, seconds: dict[str, float], clock: Callable[[], float]) -> Any:
    """Reading counts while it is waited for, not while others work on what it gave."""

    async def extract(
        ctx: Context, names: tuple[str, ...], request: RunRequest
    ) -> AsyncGenerator[tuple[str, Read], None]:
        reads = steps.extract(ctx, names, request)
        try:
            while True:
                with _measured(_FIRST, seconds, clock):
                    one = await anext(reads, None)
                if one is None:
                    return
                yield one
        finally:
            await reads.aclose()

    return extract


@contextmanager
def _measured(name: str, seconds: dict[str, float], clock: Callable[[], float]) -> Iterator[None]:
    began = clock()
    try:
        yield
    finally:
        seconds[name] = seconds.get(name, 0.0) + clock() - began
