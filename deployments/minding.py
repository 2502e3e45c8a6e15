"""Mind the schedule of a running ``up``: look at it, say what is wrong, start the server again once, or end.

Must stay out: the decision (``watchdog``), the requests (``prefect_api``).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence

from deployments.alerts.missed import MissedRuns
from deployments.prefect_api import DEPLOYMENT
from deployments.server_errors import ServerErrors
from deployments.supervise import Kept
from deployments.watchdog import PATIENCE_S, Cause, Schedule, Verdict, Watch, cause_of, judge

LOOK_EVERY_S = 10.0

_WHAT = {
    Cause.NO_ANSWER: "the Prefect server does not answer",
    Cause.NOT_REGISTERED: "the deployment is not registered with the Prefect server",
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
    """Watches the schedules of all shards for ``up``: of the sync deployments ``names``.

    ``look`` reads the schedules by name, None where the server does not answer. ``errors``: of our own server's log,
    None where the server is somebody else's. ``children``: what is started again once, in this order. ``say``: a calm
    line; ``shout``: a loud one, for the terminal and the log. ``missed`` tells people outside that no run begins.
    """

    def __init__(
        self,
        look: Callable[[], Mapping[str, Schedule] | None],
        errors: ServerErrors | None,
        children: Sequence[Kept],
        *,
        say: Callable[[str], None],
        shout: Callable[[str], None],
        patience: float = PATIENCE_S,
        every: float = LOOK_EVERY_S,
        names: Sequence[str] = (DEPLOYMENT,),
        missed: MissedRuns | None = None,
    ) -> None:
        self._look, self._errors, self._children = look, errors, list(children)
        self._say, self._shout, self._patience, self._every = say, shout, patience, every
        self._missed, self._next = missed, 0.0
        self._said_at: dict[str, float] = {}
        self._watches = dict.fromkeys(names, Watch(time.monotonic()))

    def begin(self) -> None:
        """Count from now on: everything is up."""
        self._watches = dict.fromkeys(self._watches, Watch(time.monotonic()))

    def tend(self, now: float) -> None:
        """Look when it is time to (``now``: seconds, monotonic). Raises NothingRuns when a restart did not help.

        As long as other shards run, one that does not is said again and again instead.
        """
        if now < self._next:
            return
        self._next = now + self._every
        self._new_errors()
        seen = self._look()
        before = dict(self._watches)
        verdicts = {name: self._judge(name, seen, now) for name in self._watches}
        self._note(before, seen, now)
        paused, restart, over = (
            [name for name, verdict in verdicts.items() if verdict is kind]
            for kind in (Verdict.PAUSED, Verdict.RESTART, Verdict.GIVE_UP)
        )
        if paused:
            self._say(f"{self._those(paused)} in Prefect: nothing runs until somebody resumes it there.")
        if over:
            self._still(over, seen, now)
        elif restart:
            self._shout(f"{self._diagnosis(restart, seen)}. The Prefect server is started again.")
            self._restart(now)

    def _judge(self, name: str, seen: Mapping[str, Schedule] | None, now: float) -> Verdict:
        found = None if seen is None else seen.get(name, Schedule(registered=False))
        can_restart = bool(self._children)
        self._watches[name], verdict = judge(
            self._watches[name], found, now, patience=self._patience, can_restart=can_restart
        )
        return verdict

    def _still(self, names: list[str], seen: Mapping[str, Schedule] | None, now: float) -> None:
        tried = " It was started again already, which did not help." if self._children else ""
        words = f"{self._diagnosis(names, seen)}.{tried}"
        if len(names) == len(self._watches):
            if self._missed is not None:
                self._missed.ending(now, words)
            raise NothingRuns(words)
        if any(now - self._said_at.get(name, -math.inf) >= self._patience for name in names):
            self._said_at |= dict.fromkeys(names, now)
            self._shout(f"{words} The other shards go on.")

    def _those(self, paused: list[str]) -> str:
        if len(self._watches) == 1:
            return "The schedule is paused"
        return f"{len(paused)} of {len(self._watches)} schedules ({', '.join(paused)}) are paused"

    def summary(self) -> str:
        """Say how many errors the server's own services had, "" where there were none or the server is not ours."""
        if self._errors is None or not self._errors.total:
            return ""
        kinds = len(self._errors.counts)
        return (
            f"The Prefect server's own services had {self._errors.total} error(s) of {kinds} kind(s), "
            f"the last: {self._errors.last} ({self._errors.log})"
        )

    def _diagnosis(self, names: list[str], seen: Mapping[str, Schedule] | None) -> str:
        cause = cause_of(None if seen is None else seen.get(names[0], Schedule(registered=False)))
        errors = self._errors
        last = f" Last error of the server: {errors.last} ({errors.log})." if errors and errors.last else ""
        run = f"No scheduled run{self._of(names)} has begun for {self._patience:.0f} s"
        return f"{run}: {_WHAT[cause]}.{last} What to do: {_CURE[cause]}"

    def _of(self, names: list[str]) -> str:
        return f" of {', '.join(names)}" if len(self._watches) > 1 else ""

    def _note(self, before: Mapping[str, Watch], seen: Mapping[str, Schedule] | None, now: float) -> None:
        """Pass on whether any runs begin. The first look of a new ``up`` shows runs of an earlier one: no sign of
        life."""
        if self._missed is not None:
            watches = self._watches.items()
            alive = any(w.alive_at == now and (bool(before[name].newest) or w.paused) for name, w in watches)
            self._missed.note(alive, now, lambda: self._diagnosis(list(self._watches), seen))

    def _new_errors(self) -> None:
        for line in self._errors.look() if self._errors else ():
            self._say(f"The Prefect server's own services have a new error: {line}")

    def _restart(self, now: float) -> None:
        for child in self._children:
            child.restart()
        self._watches = {name: watch.restart_done(now) for name, watch in self._watches.items()}
