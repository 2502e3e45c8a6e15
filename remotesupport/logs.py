"""Where log lines go: ``remotesupport.log`` in the state folder and standard error, with secrets removed.

Here: the rotated file, the redacting filter, the levels of noisy libraries. What must stay out: what is logged, and
any knowledge of where secrets come from (the caller hands over the values).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from logging.handlers import RotatingFileHandler
from pathlib import Path

from remotesupport.core.text.expected_errors import Foreseen
from remotesupport.core.text.foreign import Redactor, visible

__all__ = ["RedactingFilter", "RedactingFormatter", "Redactor", "ShortFormatter", "log_file", "set_up", "tear_down"]

FILE_NAME = "remotesupport.log"
MAX_BYTES = 5_000_000
KEPT_FILES = 5
# httpx logs whole addresses at INFO; httpcore logs headers at DEBUG.
QUIET_LOGGERS = ("httpx", "httpcore")
LONGEST_RECORD = 64_000  # characters, with its traceback


# Prefect's own lines about its runs: each says again, in the run's log, what one line of ours says here.
RUN_LOGGERS = ("prefect.task_runs", "prefect.flow_runs")


def is_foreseen(record: logging.LogRecord) -> bool:
    """Tell whether a record's exception is a billing's classed error: its words say all, a traceback nothing more."""
    return record.exc_info is not None and isinstance(record.exc_info[1], Foreseen)


class WithoutRepetitions(logging.Filter):
    """For our file: of Prefect's lines about its runs only the exceptions that nobody foresaw."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let a record through unless another line of the file says the same."""
        return record.name not in RUN_LOGGERS or (bool(record.exc_info) and not is_foreseen(record))


class RedactingFormatter(logging.Formatter):
    """Formats a record whole (message, exception, stack) and only then removes secrets, so that none slips by."""

    def __init__(self, redact: Redactor) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """One record as text, without secrets."""
        return visible(self._redact(super().format(record), LONGEST_RECORD), keep="\n\t")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """The line itself, cut before anything looks through it."""
        record.message = self._redact(record.message)
        return super().formatMessage(record)


class ShortFormatter(RedactingFormatter):
    """A formatter without tracebacks, for the terminal: those are in the file."""

    def format(self, record: logging.LogRecord) -> str:
        """The first line of a record, without secrets."""
        return visible(self._redact(f"{record.levelname.lower()}: {record.getMessage()}"), keep="\n")


class RedactingFilter(logging.Filter):
    """For handlers that are not ours (Prefect's): the record itself loses its secrets, arguments included."""

    def __init__(self, redact: Redactor) -> None:
        super().__init__()
        self._redact = redact

    def filter(self, record: logging.LogRecord) -> bool:
        """Always lets the record through, cleaned."""
        record.msg, record.args = visible(self._redact(record.getMessage()), keep="\n\t"), None
        if is_foreseen(record):
            record.exc_info = record.exc_text = None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = visible(self._redact(record.exc_text, LONGEST_RECORD), keep="\n\t")
        return True


def log_file(home: Path) -> Path:
    """Tell where the log of the state folder ``home`` is."""
    return home / FILE_NAME


def set_up(home: Path, secrets: Iterable[str] = (), *, level: int = logging.INFO, stderr: bool = True) -> Redactor:
    """Send every logger's lines to the state folder and, from WARNING on, to standard error.

    Makes the state folder (readable by its owner only). May be called again: handlers of an earlier call are
    replaced, foreign ones stay. Returns the redactor, so that secrets resolved later can be added.
    """
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    redact = Redactor(secrets)
    root = logging.getLogger()
    _remove_ours(root)
    root.setLevel(level)
    for handler in _handlers(home, level, redact, stderr):
        handler.set_name(FILE_NAME)
        root.addHandler(handler)
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    return redact


def tear_down() -> None:
    """Close what ``set_up`` opened."""
    _remove_ours(logging.getLogger())


def _handlers(home: Path, level: int, redact: Redactor, stderr: bool) -> list[logging.Handler]:
    to_file = RotatingFileHandler(
        log_file(home), maxBytes=MAX_BYTES, backupCount=KEPT_FILES, encoding="utf-8", delay=True
    )
    to_file.setLevel(level)
    to_file.setFormatter(RedactingFormatter(redact))
    to_file.addFilter(WithoutRepetitions())
    if not stderr:
        return [to_file]
    to_stderr = logging.StreamHandler()
    to_stderr.setLevel(max(level, logging.WARNING))
    to_stderr.setFormatter(ShortFormatter(redact))
    return [to_file, to_stderr]


def _remove_ours(root: logging.Logger) -> None:
    for handler in [h for h in root.handlers if h.get_name() == FILE_NAME]:
        root.removeHandler(handler)
        handler.close()
