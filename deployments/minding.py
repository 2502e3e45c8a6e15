"""Mind the schedule of a running ``up``: look at it, say what is wrong, start the server again once, or end.

Must stay out: the decision (``watchdog``), the requests (``prefect_api``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from deployments.server_errors import ServerErrors
from deployments.supervise import Kept
from deployments.watchdog import PATIENCE_S, Cause, Schedule, Verdict, Watch, cause_of, judge

LOOK_EVERY_S = 10.0

_WHAT = {
    Cause.NO_ANSWER: "the Prefect server does not answer",
    Cause.NOT_REGISTERED: "the deployment sync/every-minute is not registered with the Prefect server",
    Cause.NOTHING_SCHEDULED: "the Prefect server schedules no run",
    Cause.NOT_STARTED: "runs are due, and no worker starts them",
}
_CURE = {
    Cause.NO_ANSWER: "see its log; is the machine out of memory or disk?",
    Cause.NOT_REGISTERED: "see the worker's lines above; `python -m deployments.serve` registers it",
    Cause.NOTHING_SCHEDULED: "its scheduler fails: install the tested versions of requirements/runtime.txt again",
    Cause.NOT_STARTED: "is the worker running, and does its work pool exist? `remotesupport worker` starts one more",
}


class NothingRuns(RuntimeError):
    """No scheduled run begins, whatever was tried. The message says why and what to do."""


class Minder:
    """Watches one schedule for ``up``.

    ``look`` reads the schedule, None where the server does not answer. ``errors``: of our own server's log, None where
    the server is somebody else's. ``children``: what is started again once, in this order. ``say``: a calm line;
    ``shout``: a loud one, for the terminal and the log.
    """

    def __init__(
        self,
        look: Callable[[], Schedule | None],
        errors: ServerErrors | None,
        children: Sequence[Kept],
        *,
        say: Callable[[str], None],
        shout: Callable[[str], None],
        patience: float = PATIENCE_S,
        every: float = LOOK_EVERY_S,
    ) -> None:
        self._look, self._errors, self._children = look, errors, list(children)
        self._say, self._shout, self._patience, self._every = say, shout, patience, every
        self._watch, self._next = Watch(time.monotonic()), 0.0

    def begin(self) -> None:
        """Count from now on: everything is up."""
        self._watch = Watch(time.monotonic())

    def tend(self, now: float) -> None:
        """Look when it is time to (``now``: seconds, monotonic). Raises NothingRuns when a restart did not help."""
        if now < self._next:
            return
        self._next = now + self._every
        self._new_errors()
        seen = self._look()
        self._watch, verdict = judge(self._watch, seen, now, patience=self._patience, can_restart=bool(self._children))
        if verdict is Verdict.PAUSED:
            self._say("The schedule is paused in Prefect: nothing runs until somebody resumes it there.")
        elif verdict is Verdict.RESTART:
            self._shout(f"{self._diagnosis(seen)}. The Prefect server is started again.")
            self._restart(now)
        elif verdict is Verdict.GIVE_UP:
            tried = " It was started again already, which did not help." if self._children else ""
            raise NothingRuns(f"{self._diagnosis(seen)}.{tried}")

    def summary(self) -> str:
        """Say how many errors the server's own services had, "" where there were none or the server is not ours."""
        if self._errors is None or not self._errors.total:
            return ""
        kinds = len(self._errors.counts)
        return (
            f"The Prefect server's own services had {self._errors.total} error(s) of {kinds} kind(s), "
            f"the last: {self._errors.last} ({self._errors.log})"
        )

    def _diagnosis(self, seen: Schedule | None) -> str:
        cause = cause_of(seen)
        errors = self._errors
        last = f" Last error of the server: {errors.last} ({errors.log})." if errors and errors.last else ""
        return (
            f"No scheduled run has begun for {self._patience:.0f} s: {_WHAT[cause]}.{last} What to do: {_CURE[cause]}"
        )

    def _new_errors(self) -> None:
        for line in self._errors.look() if self._errors else ():
            self._say(f"The Prefect server's own services have a new error: {line}")

    def _restart(self, now: float) -> None:
        for child in self._children:
            child.restart()
        self._watch = self._watch.restart_done(now)
