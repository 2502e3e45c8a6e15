"""How an error becomes advice and an exit status. No command lives here.

Exit status: 0 done, 1 something failed and will be retried, 2 wrong usage or configuration, 3 a person is needed.
"""

from __future__ import annotations

import logging

from remotesupport.settings import SettingsError, state_folder

DONE, FAILED, WRONG, PERSON = 0, 1, 2, 3

_log = logging.getLogger(__name__)


class Refusal(Exception):
    """A command cannot do what was asked. The text says what, and the cure; ``status`` is the exit status."""

    def __init__(self, text: str, status: int = WRONG) -> None:
        super().__init__(text)
        self.status = status


def advice(error: Exception) -> tuple[str, int]:
    """What to tell the person, and the exit status. What nobody foresaw goes to the log with its traceback."""
    if isinstance(error, Refusal):
        return str(error), error.status
    if isinstance(error, SettingsError):
        return str(error), WRONG
    known = _of_a_billing(error) or _of_the_store(error) or _of_a_plan(error)
    if known is not None:
        return known
    _log.error("unexpected error", exc_info=error)
    where = state_folder() / "remotesupport.log"
    return f"Unexpected error: {type(error).__name__}: {error}\nThe details are in {where}", FAILED


def _of_a_billing(error: Exception) -> tuple[str, int] | None:
    from connectors.errors import AccessDenied, ConnectorError, Fatal

    if not isinstance(error, ConnectorError):
        return None
    return str(error), PERSON if isinstance(error, AccessDenied | Fatal) else FAILED


def _of_the_store(error: Exception) -> tuple[str, int] | None:
    from remotesupport.store.errors import StoreError, StoreUnavailable

    if not isinstance(error, StoreError):
        return None
    return str(error), FAILED if isinstance(error, StoreUnavailable) else PERSON


def _of_a_plan(error: Exception) -> tuple[str, int] | None:
    from remotesupport.steps.applying import PlanNotApplicable

    return (str(error), WRONG) if isinstance(error, PlanNotApplicable) else None
