"""Turns an error into advice and an exit status. No command lives here.

Exit status: 0 done, 1 something failed and will be retried, 2 wrong usage or configuration, 3 a person is needed.
"""

from __future__ import annotations

import logging
import sys

from remotesupport.settings import SettingsError, state_folder

DONE, FAILED, WRONG, PERSON = 0, 1, 2, 3

# Errors whose text is advice already, the narrower ones first. Looked up only where something has imported them:
# an error's class is loaded when it is raised, and a command that failed early must not load pandas to say so.
ADVICE = (
    ("connectors.errors", "AccessDenied", PERSON),
    ("connectors.errors", "Fatal", PERSON),
    ("connectors.errors", "ConnectorError", FAILED),
    ("remotesupport.store.errors", "StoreUnavailable", FAILED),
    ("remotesupport.store.errors", "StoreError", PERSON),
    ("remotesupport.steps.decide.approval", "PlanNotApplicable", WRONG),
)

_log = logging.getLogger(__name__)


class Refusal(Exception):
    """A command cannot do what was asked. The text says what, and the cure; ``status`` is the exit status."""

    def __init__(self, text: str, status: int = WRONG) -> None:
        super().__init__(text)
        self.status = status


def advice(error: Exception) -> tuple[str, int]:
    """Return the words for the person, and the exit status. What nobody foresaw goes to the log with its traceback."""
    if isinstance(error, Refusal):
        return str(error), error.status
    if isinstance(error, SettingsError):
        return str(error), WRONG
    for module, name, status in ADVICE:
        kind = getattr(sys.modules.get(module), name, None)
        if kind is not None and isinstance(error, kind):
            return str(error), status
    _log.error("unexpected error", exc_info=error)
    where = state_folder() / "remotesupport.log"
    return f"Unexpected error: {type(error).__name__}: {error}\nThe details are in {where}", FAILED
