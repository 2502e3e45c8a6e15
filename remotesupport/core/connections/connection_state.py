"""The state that a connection is in, decided from what the store remembers of it and from when runs began.

Pure: the time is passed in. ``State``, ``Failure`` and ``Side`` steer; the words beside them are for people only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from remotesupport.core.connections.backoff import rests
from remotesupport.core.model import Side

READ_WITHIN = timedelta(minutes=3)
"""A run begins every minute, and a usual one ends within it, so one whose turn was lost is read within two minutes of
the newest run's beginning. More than three: that is no single lost turn any more."""

RUNS_WITHIN = timedelta(minutes=3)
"""A run begins every minute; one that comes more than 60 s late ends at once. Two lost in a row and some seconds."""


class State(StrEnum):
    """The closed list; a script may rely on these values."""

    OK = "ok"
    BEHIND = "behind"
    UNREACHABLE = "unreachable"
    ACCESS = "access"
    STOPPED = "stopped"
    PAUSED = "paused"
    NEVER_READ = "never_read"
    NOT_RUNNING = "not_running"

    @property
    def words(self) -> str:
        """For people."""
        return self.value.replace("_", " ")


class Failure(StrEnum):
    """The kind of what kept the last run from finishing a connection's work. Stored: values never change."""

    NONE = ""
    UNREACHABLE = "unreachable"  # no answer, or one that says "later"
    UNREADABLE = "unreadable"  # an answer that does not fit the protocol
    ACCESS = "access"  # a login was refused
    SECRET = "secret"  # noqa: S105 - a password that the configuration refers to is not there
    VERSION = "version"  # too old for its role
    FATAL = "fatal"  # it will not get better by itself: address, certificate, other keys, an unforeseen error
    STORE = "store"  # our own store did not answer
    REJECTED = "rejected"  # validation refused all that was read
    GUARD = "guard"
    CONFLICT = "conflict"
    INCOMPLETE = "incomplete"  # read, but not all of it could be carried over
    PARKED = "parked"  # the same, and all that could not is on the list of parked changes


_MEANS = {
    Failure.NONE: State.OK,
    Failure.UNREACHABLE: State.UNREACHABLE,
    Failure.UNREADABLE: State.UNREACHABLE,
    Failure.ACCESS: State.ACCESS,
    Failure.SECRET: State.ACCESS,
    Failure.VERSION: State.STOPPED,
    Failure.FATAL: State.STOPPED,
    Failure.STORE: State.BEHIND,
    Failure.REJECTED: State.STOPPED,
    Failure.GUARD: State.STOPPED,
    Failure.CONFLICT: State.BEHIND,
    Failure.INCOMPLETE: State.BEHIND,
    Failure.PARKED: State.BEHIND,
}
NEEDS_A_PERSON = (State.ACCESS, State.STOPPED)
NO_ANSWER = (Failure.UNREACHABLE, Failure.UNREADABLE)
WAITS = (Failure.INCOMPLETE, Failure.PARKED, Failure.CONFLICT)  # both sides were read and compared; something waits


@dataclass(frozen=True, slots=True)
class ConnectionState:
    """The facts that are remembered of a connection from run to run.

    ``last_good``: the last run that did all there was to do; ``last_read``: the last one that read both sides.
    ``read_outcome`` as in the READS frame, "" before the first run. ``failure``, ``failed_side`` and ``stopped_why``:
    the kind of what went wrong in the last run, on which side (None: not known, or on none) and in words. ``access``:
    the open access problem in words, "" for none, and ``access_at`` when it was seen. ``pending_since``: when a run
    first saw something that is still not carried over; None: nothing is. ``parked``: how many changes wait, and
    ``parked_for_person`` of them are never tried by themselves. ``kept_out``: tickets that validation kept out.
    ``state``, ``state_since``: as the last run left it. ``open_lately``: open external tickets whose row
    changed within a day, as far as the last run saw them; ``open_corresponding`` of them correspond. ``in_vain``: how
    many scheduled looks in a row got no answer; until ``next_look`` the schedule leaves it alone.
    """

    name: str
    last_good: datetime | None = None
    last_run: datetime | None = None
    read_outcome: str = ""
    stopped_plan: str | None = None
    stopped_why: str = ""
    access: str = ""
    access_at: datetime | None = None
    paused: bool = False
    pending_since: datetime | None = None
    parked: int = 0
    parked_for_person: int = 0
    last_read: datetime | None = None
    failure: Failure = Failure.NONE
    failed_side: Side | None = None
    kept_out: int = 0
    state: State | None = None
    state_since: datetime | None = None
    paused_since: datetime | None = None
    open_lately: int | None = None
    open_corresponding: int | None = None
    in_vain: int = 0
    next_look: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """The answer. ``person``: it will not get better until somebody acts."""

    state: State
    since: datetime | None = None
    why: str = ""
    person: bool = False


def stands_still(began: datetime | None, now: datetime) -> bool:
    """Tell whether no run has begun for too long. ``began``: the newest run; None: none ever did."""
    return began is None or now - began > RUNS_WITHIN


def standing(name: str, known: ConnectionState | None, began: datetime | None, now: datetime) -> Standing:
    """The state of one connection. ``began``: when the newest run of the store began, whichever it was for."""
    if known is not None and known.paused:
        return Standing(State.PAUSED, known.paused_since, f"`remotesupport resume {name}` shows what waits")
    if known is None or (known.last_read is None and known.failure is Failure.NONE):
        why = f"`remotesupport up` reads it every minute, `remotesupport sync --billing {name}` once"
        return Standing(State.NEVER_READ, None, why)
    state = _MEANS[known.failure]
    person = state in NEEDS_A_PERSON or known.failure is Failure.CONFLICT or known.parked_for_person > 0
    if state not in NEEDS_A_PERSON and stands_still(began, now):
        return Standing(State.NOT_RUNNING, began or known.last_run, _last_error(known), person)
    if state is not State.OK:
        why = _joined(known.stopped_why, resting(known, now), _waits_for_person(known))
        return Standing(state, _since(known, state), why, person)
    return _read(known, began or now, person)


def _read(known: ConnectionState, began: datetime, person: bool) -> Standing:
    """The state of one whose last run found nothing wrong."""
    if known.last_read is not None and began - known.last_read > READ_WITHIN:
        why = (
            "runs go on, and it was not read since: a longer run holds it, or its runs end early; see remotesupport.log"
        )
        return Standing(State.BEHIND, known.last_read, _joined(why, _waits_for_person(known)), person)
    if known.pending_since or known.kept_out or known.parked_for_person:
        return Standing(State.BEHIND, _since(known, State.BEHIND), _left(known), person)
    return Standing(State.OK, _since(known, State.OK), none_corresponds(known.open_lately, known.open_corresponding))


def _since(known: ConnectionState, state: State) -> datetime | None:
    if known.state is state and known.state_since is not None:
        return known.state_since
    return (known.pending_since if state is State.BEHIND else None) or known.last_run


def _left(known: ConnectionState) -> str:
    """Words for what is read and not carried over."""
    tried = ""
    if known.pending_since and not known.parked_for_person:
        tried = "what was seen is not all carried over yet; the next runs go on"
        if known.parked:
            tried = f"{_many(known.parked, 'parked change')} will be tried again: `{_parked(known)}`"
    kept_out = f"{_many(known.kept_out, 'ticket')} kept out: `{_parked(known)}` says why" if known.kept_out else ""
    return _joined(_waits_for_person(known), tried, kept_out)


def none_corresponds(lately: int | None, corresponding: int | None) -> str:
    """Words for a connection that may be in order, or have its departments named wrongly; "" where one corresponds."""
    if not lately or corresponding != 0:
        return ""
    return f"0 of {lately} open tickets are in a department that corresponds: `remotesupport departments` shows both"


def resting(known: ConnectionState, now: datetime) -> str:
    """Say that the schedule leaves a billing alone for a while, because it gave no answer; "" for others."""
    if known.next_look is None or not rests(known.in_vain, known.next_look, now):
        return ""
    return (
        f"no answer {known.in_vain} times in a row, next look at {known.next_look:%H:%M:%S}Z; "
        f"`remotesupport sync --billing {known.name}` looks now"
    )


def _waits_for_person(known: ConnectionState) -> str:
    n = known.parked_for_person
    return f"{_many(n, 'parked change')} waiting for a person: `{_parked(known)}`" if n else ""


def _last_error(known: ConnectionState) -> str:
    error = f"the last error before that: {known.stopped_why}" if known.stopped_why else ""
    return _joined(error, _waits_for_person(known))


def _parked(known: ConnectionState) -> str:
    return f"remotesupport parked --billing {known.name}"


def _many(n: int, what: str) -> str:
    return f"{n} {what}" + ("s" if n != 1 else "")


def _joined(*texts: str) -> str:
    return "; ".join(text for text in texts if text)
