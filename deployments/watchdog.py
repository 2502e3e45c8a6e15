"""Decide whether the Prefect server brings its scheduled runs: pure, no clock, no requests.

``up`` feeds it with what the Prefect API shows; what follows from a verdict (a line, a restart, the end) is done in
``deployments.minding``. Must stay out: HTTP, processes, Prefect.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto

PATIENCE_S = 120.0
"""Two minutes of a schedule of every minute: one late run is no fault, two missing ones are."""

LONGEST_RUN_S = 4000.0
"""A run may go on for an hour (the first read of a billing); one that goes on longer than this is no sign of life."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The every-minute deployment as the Prefect API shows it at one moment.

    ``registered``: the deployment is there. ``paused``: a person has paused it, its schedule or the work pool.
    ``newest``: the id of the scheduled run that started last, "" where none has. ``running_s``: seconds since the
    oldest unfinished run started, None where none goes on. ``ahead``: runs that are scheduled and not due yet.
    ``overdue``: runs that are due and not started.
    """

    registered: bool
    paused: bool = False
    newest: str = ""
    running_s: float | None = None
    ahead: int = 0
    overdue: int = 0


class Verdict(Enum):
    """The thing to do about the schedule."""

    FINE = auto()
    PAUSED = auto()  # newly seen: said once
    RESTART = auto()  # nothing runs: the server is started again, once
    GIVE_UP = auto()  # nor did that help


class Cause(Enum):
    """The step at which a scheduled run is missing."""

    NO_ANSWER = auto()
    NOT_REGISTERED = auto()
    NOTHING_SCHEDULED = auto()
    NOT_STARTED = auto()


@dataclass(frozen=True, slots=True)
class Watch:
    """The knowledge kept from look to look. ``alive_at``: seconds (monotonic) when the schedule was last seen alive."""

    alive_at: float
    newest: str = ""
    paused: bool = False
    restarted: bool = False

    def restart_done(self, now: float) -> Watch:
        """Remember the restart: the same patience again, then no other restart."""
        return replace(self, alive_at=now, restarted=True)


def judge(
    watch: Watch, seen: Schedule | None, now: float, *, patience: float = PATIENCE_S, can_restart: bool = True
) -> tuple[Watch, Verdict]:
    """Judge one look at the schedule (None: the API did not answer) at ``now`` seconds (monotonic).

    Alive is: a scheduled run that was not there before, a run that goes on, or a person's pause.
    """
    if seen is not None and seen.paused:
        return replace(watch, alive_at=now, paused=True), Verdict.FINE if watch.paused else Verdict.PAUSED
    if seen is not None and _alive(watch, seen):
        new_run = bool(seen.newest) and seen.newest != watch.newest
        restarted = watch.restarted and not new_run
        return Watch(now, seen.newest, restarted=restarted), Verdict.FINE
    watch = replace(watch, paused=False)
    if now - watch.alive_at < patience:
        return watch, Verdict.FINE
    return watch, Verdict.GIVE_UP if watch.restarted or not can_restart else Verdict.RESTART


def cause_of(seen: Schedule | None) -> Cause:
    """Name the step at which the missing run got stuck, as far as the last look tells."""
    if seen is None:
        return Cause.NO_ANSWER
    if not seen.registered:
        return Cause.NOT_REGISTERED
    return Cause.NOT_STARTED if seen.overdue else Cause.NOTHING_SCHEDULED


def _alive(watch: Watch, seen: Schedule) -> bool:
    goes_on = seen.running_s is not None and seen.running_s < LONGEST_RUN_S
    return goes_on or (bool(seen.newest) and seen.newest != watch.newest)
