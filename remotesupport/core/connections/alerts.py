"""Decide what people are called for, once: problems that stand → alerts, grouped by cause, each with its end.

Pure. A problem is told when it has lasted as long as the configuration says, and once; its end when it stayed away for
``CALM``. What begins in quiet hours is kept: where it still stands after them it is told then, and what came and went
meanwhile is told then as past. What must stay out: words for people (``alert_words``), sending, storing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from enum import StrEnum

from remotesupport.core.connections.board import Row
from remotesupport.core.connections.connection_state import READ_WITHIN, Failure, State
from remotesupport.core.connections.seen import Certificate, Seen

CALM = timedelta(seconds=100)
"""A problem that is back before so long has not been away: one that comes and goes each minute is one alert. Of runs of
every minute the third that is well tells the end, however long each took."""

EARLY = timedelta(seconds=30)
"""Runs come once a minute: of two of them the one that is nearer to the limit tells it."""

NOTICED_LATE = timedelta(seconds=150)
"""Between the last good run and the first that has noticed a problem lie a minute and how long both took."""


class Cause(StrEnum):
    """The closed list. Names of events and automations contain these values."""

    MAIN = "main"
    ACCESS = "access"
    STOPPED = "stopped"
    BEHIND = "behind"
    MACHINE_TALK = "machine_talk"
    PARKED = "parked"
    CERTIFICATE = "certificate"
    RUN = "run"  # no run begins; told by who watches from outside


class Phase(StrEnum):
    """The part of a problem's life that an alert tells."""

    RAISED = "raised"
    ENDED = "ended"
    PAST = "past"  # it came and went in quiet hours


@dataclass(frozen=True, slots=True)
class Quiet:
    """Quiet hours by the clock of a place; ``since`` later than ``until``: over midnight."""

    since: time
    until: time

    def holds(self, local: time) -> bool:
        """Tell whether ``local`` lies in them."""
        if self.since <= self.until:
            return self.since <= local < self.until
        return local >= self.since or local < self.until


@dataclass(frozen=True, slots=True)
class Limits:
    """The time that each kind of problem has to last before it is told."""

    behind: timedelta = timedelta(minutes=5)
    parked: timedelta = timedelta(hours=1)
    certificate_days: int = 21


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of one billing; ``billing`` "": of the main one. ``detail``: what is known of it, for people."""

    cause: Cause
    billing: str
    since: datetime
    detail: str = ""

    @property
    def key(self) -> tuple[Cause, str]:
        """One problem from run to run."""
        return self.cause, self.billing


@dataclass(frozen=True, slots=True)
class Open:
    """A problem that is remembered. ``told``: its alert is out. ``gone``: since when it is not seen any more."""

    problem: Problem
    told: bool = False
    gone: datetime | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """One message: all problems of one cause that begin, end or are past."""

    cause: Cause
    phase: Phase
    problems: tuple[Open, ...]


def problems(seen: Seen, limits: Limits, known: Iterable[Open] = ()) -> list[Problem]:
    """List what is worth an alert now. One that is ``known`` lasts for as long as its billing is not in order."""
    was = {one.problem.key for one in known}
    found = [*_main(seen, limits, was), *_certificates(seen, limits)]
    for row in seen.board.rows:
        if row.state is not State.PAUSED:
            found += _of_row(seen, row, limits, was)
    return found


def _main(seen: Seen, limits: Limits, was: set[tuple[Cause, str]]) -> Iterator[Problem]:
    main = seen.board.main
    if main is None:
        return
    waiting = [row for row in seen.board.rows if seen.waits_for_main(row)]
    behind = min((row.behind_s for row in waiting if row.behind_s is not None), default=None)
    since = main.since or seen.at
    if (Cause.MAIN, "") in was or _lasts(behind, since, seen.at, limits.behind):
        good = [row.last_good for row in waiting if row.last_good]
        yield Problem(Cause.MAIN, "", max(good, default=since), main.why)


def _of_row(seen: Seen, row: Row, limits: Limits, was: set[tuple[Cause, str]]) -> Iterator[Problem]:
    name, since = row.name, row.since or seen.at
    if seen.waits_for_main(row):
        if (Cause.BEHIND, name) in was:  # told before main failed, and not over yet
            yield Problem(Cause.BEHIND, name, row.last_good or since, row.why)
    elif row.state is State.ACCESS:
        yield Problem(Cause.ACCESS, name, since, row.why)
    elif row.state is State.STOPPED:
        yield Problem(Cause.STOPPED, name, since, row.why)
    elif _is_behind(row, seen.at) and (
        (Cause.BEHIND, name) in was or _lasts(row.behind_s, since, seen.at, limits.behind)
    ):
        yield Problem(Cause.BEHIND, name, row.last_good or since, f"{row.state.words}: {row.why}")
    yield from _waiting(seen, name, limits)


def _waiting(seen: Seen, name: str, limits: Limits) -> Iterator[Problem]:
    talks = [p for p in seen.parked if p.connection == name and p.id in seen.talks]
    others = [p for p in seen.parked if p.connection == name and p.id not in seen.talks]
    if talks:
        yield Problem(Cause.MACHINE_TALK, name, talks[0].since, f"ticket {talks[0].ext_ticket}: {talks[0].cause}")
    if others and seen.at - min(p.since for p in others) >= limits.parked:
        oldest = min(others, key=lambda p: p.since)
        words = f"{len(others)} waiting, the oldest of ticket {oldest.ext_ticket}: {oldest.cause}"
        yield Problem(Cause.PARKED, name, oldest.since, words)


def _is_behind(row: Row, now: datetime) -> bool:
    """For more than its parked changes, which have an alert of their own: a billing that is read may wait for them."""
    is_read = row.last_read is not None and now - row.last_read <= READ_WITHIN
    only_parked = bool(row.parked) and is_read and row.failure in (Failure.NONE, Failure.PARKED)
    return row.state is State.UNREACHABLE or (row.state is State.BEHIND and not only_parked)


def _lasts(behind_s: int | None, since: datetime, now: datetime, limit: timedelta) -> bool:
    """Tell whether a connection has been behind for ``limit``, as nearly as runs of every minute can tell.

    What lies before it was noticed counts, as long as that is no more than a run or two: after a night without any run
    the first that fails is no alert.
    """
    seen_for = now - since
    behind = timedelta(seconds=behind_s) if behind_s is not None else seen_for
    return behind >= limit - EARLY and seen_for >= limit - NOTICED_LATE


def _certificates(seen: Seen, limits: Limits) -> Iterator[Problem]:
    ending = sorted(seen.certificates, key=lambda one: one.expires)
    for one in ending:
        row = seen.rows.get(one.billing)
        paused = row is not None and row.state is State.PAUSED
        if (one.expires - seen.at).days < limits.certificate_days and not paused:
            yield Problem(Cause.CERTIFICATE, one.billing, seen.at, when_it_ends(one, seen.at))


def when_it_ends(one: Certificate, now: datetime) -> str:
    """Say when a certificate ends, or ended."""
    days = (one.expires - now).days
    when = f"{one.expires:%Y-%m-%d}"
    return f"it ends on {when}, in {days} days" if days >= 0 else f"it ended on {when}"


def decide(
    known: Iterable[Open], found: Iterable[Problem], now: datetime, quiet: bool
) -> tuple[list[Alert], list[Open]]:
    """Return what to tell now and what to remember. ``found``: every problem that stands; ``quiet``: tell nothing."""
    before = {one.problem.key: one for one in known}
    standing = {problem.key: _again(before.get(problem.key), problem) for problem in found}
    gone = [replace(one, gone=one.gone or now) for key, one in before.items() if key not in standing]
    if quiet:
        return [], [*standing.values(), *gone]
    raised = [one for one in standing.values() if not one.told]
    ended = [one for one in gone if one.told and now - (one.gone or now) >= CALM]
    past = [one for one in gone if not one.told]
    alerts = [*_grouped(Phase.RAISED, raised), *_grouped(Phase.ENDED, ended), *_grouped(Phase.PAST, past)]
    left = [one for one in gone if one not in ended and one not in past]
    return alerts, [*(replace(one, told=True) for one in standing.values()), *left]


def _again(before: Open | None, problem: Problem) -> Open:
    """Its first beginning is kept, what is known of it is as it is now."""
    if before is None:
        return Open(problem)
    return Open(replace(problem, since=before.problem.since), before.told)


def _grouped(phase: Phase, some: Iterable[Open]) -> list[Alert]:
    by_cause: dict[Cause, list[Open]] = {}
    for one in some:
        by_cause.setdefault(one.problem.cause, []).append(one)
    return [Alert(cause, phase, tuple(by_cause[cause])) for cause in Cause if cause in by_cause]
