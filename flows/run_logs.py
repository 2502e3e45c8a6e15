"""Where the lines of a run go: the state folder's log and the Prefect run, without secrets in either."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator
from pathlib import Path

from prefect.logging.handlers import APILogHandler

from remotesupport import logs


@functools.lru_cache(maxsize=1)
def guard_logs(home: Path, secrets: tuple[str, ...]) -> logs.Redactor:
    """Once per process and set of secrets: open the log in ``home``, clean what Prefect sends to its server.

    Returns the redactor, for secrets that are read later."""
    redact = logs.set_up(home, secrets, stderr=False)
    for handler in _to_prefect():
        for old in [f for f in handler.filters if isinstance(f, logs.RedactingFilter)]:
            handler.removeFilter(old)
        handler.addFilter(logs.RedactingFilter(redact))
    return redact


def _to_prefect() -> Iterator[logging.Handler]:
    for logger in list(logging.Logger.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):
            yield from (h for h in logger.handlers if isinstance(h, APILogHandler))
