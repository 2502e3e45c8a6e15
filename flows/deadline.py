"""A flow may ask for more time than its deployment gives it: a first read of a billing takes as long as it takes.

The runner of the flow (the warm worker) listens; elsewhere asking changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_listener: ContextVar[Callable[[float], None] | None] = ContextVar("deadline_listener", default=None)


@contextmanager
def listening(listener: Callable[[float], None]) -> Iterator[None]:
    """Inside, ``listener`` hears what the flow asks for, in seconds from then."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def ask_for(seconds: float) -> None:
    """Ask for ``seconds`` from now."""
    if listener := _listener.get():
        listener(seconds)
