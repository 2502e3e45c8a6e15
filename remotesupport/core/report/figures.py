"""The figures of one billing's month, counted from what the store knows. Pure: the moment of the report is given.

First and full answer times belong to the tickets that arrived in the month, each ticket once, with all that has
happened to it until the report is made. The clock of all of them is the store's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from remotesupport.core.model import Direction, Reason
from remotesupport.core.report.facts import HeldTicket, MonthFacts, ParkedThing, SentText, Turn
from remotesupport.core.report.limits import Limit, limits
from remotesupport.core.report.lives import Life, Stood, lives
from remotesupport.core.report.month import Month
from remotesupport.core.report.times import Times, Wait, times

HOURS = 24
NAMED = 5  # tickets that are named for each reason
_NOT_HELD = (Reason.PENDING, Reason.DEPARTED)


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of a report: zones of the two sides' clocks, the agreed times, and when it is made."""

    zone: ZoneInfo
    main_zone: ZoneInfo
    now: datetime
    first_answer: timedelta | None = None
    full_answer: timedelta | None = None


@dataclass(frozen=True, slots=True)
class DepartmentFigures:
    """One department of the external billing. ``by_day``: tickets that arrived on each day of the month."""

    name: str
    by_day: tuple[int, ...]
    first: Times
    full: Times
    open_at_end: int

    @property
    def arrived(self) -> int:
        """Tickets that arrived in the month."""
        return sum(self.by_day)


@dataclass(frozen=True, slots=True)
class HeldFigures:
    """Tickets that are not carried, or not wholly, for one reason. ``new``: so since a day of this month."""

    reason: str
    new: int
    older: int
    tickets: tuple[str, ...]
    details: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OneWay:
    """Texts that were sent one way in the month. ``by_hour``: when they were written, by the clock of that side."""

    messages: int
    edits: int
    by_hour: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """One billing's month."""

    billing: str
    month: Month
    days: tuple[date, ...]
    departments: tuple[DepartmentFigures, ...]
    first: Times
    full: Times
    open_at_end: int
    backfilled: int
    to_main: OneWay
    to_external: OneWay
    closed: int
    reopened: int
    departed: int
    held: tuple[HeldFigures, ...]
    parked: tuple[ParkedThing, ...]
    dropped: tuple[ParkedThing, ...]
    limits: tuple[Limit, ...]

    @property
    def arrived(self) -> int:
        """Tickets that arrived in the month."""
        return sum(one.arrived for one in self.departments)


def figures(billing: str, month: Month, facts: MonthFacts, terms: Terms) -> Figures:
    """Count ``facts``, which begin with the month at the latest."""
    begin, end = month.begin(terms.zone), month.end(terms.zone)
    known = lives(facts)
    arrived = [life for life in known if life.ticket.arrived is not None and begin <= life.ticket.arrived < end]
    texts = [text for text in facts.texts if begin <= text.at < end]
    stood = {life.ticket.ticket: life.stood(min(end, terms.now)) for life in known}
    turned = Counter(turn.turn for turn in facts.turns if begin <= turn.at < end)
    waits = _judged(arrived, terms)
    return Figures(
        billing=billing,
        month=month,
        days=month.days,
        departments=_departments(known, arrived, stood, month, facts, terms),
        first=waits[0],
        full=waits[1],
        open_at_end=sum(how is Stood.OPEN for how in stood.values()),
        backfilled=sum(life.ticket.backfilled for life in arrived),
        to_main=_one_way(texts, Direction.TO_MAIN, terms.zone),
        to_external=_one_way(texts, Direction.TO_EXTERNAL, terms.main_zone),
        closed=turned[Turn.CLOSED],
        reopened=turned[Turn.REOPENED],
        departed=turned[Turn.DEPARTED],
        held=_held(facts.held, begin, end),
        parked=tuple(one for one in facts.parked if one.at < end),
        dropped=tuple(one for one in facts.dropped if begin <= one.at < end),
        limits=limits(facts, texts, known, stood, begin=begin, end=end, now=terms.now),
    )


def _judged(arrived: Iterable[Life], terms: Terms) -> tuple[Times, Times]:
    """First and full answer times. What a backfill has brought over was talked about before: it is left out."""
    listed = [life for life in arrived if not life.ticket.backfilled]
    first = [_wait(life, life.first_answer) for life in listed]
    full = [_wait(life, life.closed_at) for life in listed]
    return times(first, terms.now, terms.first_answer), times(full, terms.now, terms.full_answer)


def _wait(life: Life, until: datetime | None) -> Wait:
    """Return the time from a ticket's arrival, which is known, until ``until``."""
    ticket = life.ticket
    assert ticket.arrived is not None
    return Wait(ticket.arrived, until, over=until is None and (ticket.departed or not ticket.open))


def _departments(
    known: Collection[Life], arrived: Collection[Life], stood: dict[str, Stood], month: Month, facts: MonthFacts,
    terms: Terms,
) -> tuple[DepartmentFigures, ...]:  # fmt: skip
    """Return the departments in which a ticket arrived or was open at the end, by name."""
    left = Counter(life.ticket.department for life in known if stood[life.ticket.ticket] is Stood.OPEN)
    ids = {life.ticket.department for life in arrived} | {*left}
    found = [
        _department(facts.departments.get(one, one), [a for a in arrived if a.ticket.department == one], left[one],
                    month, terms)
        for one in ids
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda one: one.name))


def _department(name: str, arrived: list[Life], left: int, month: Month, terms: Terms) -> DepartmentFigures:
    days = Counter(life.ticket.arrived.astimezone(terms.zone).date() for life in arrived if life.ticket.arrived)
    first, full = _judged(arrived, terms)
    return DepartmentFigures(name, tuple(days[day] for day in month.days), first, full, left)


def _one_way(texts: Iterable[SentText], direction: Direction, zone: ZoneInfo) -> OneWay:
    mine = [text for text in texts if text.direction is direction]
    hours = Counter(text.said_at.astimezone(zone).hour for text in mine if text.said_at is not None and not text.edit)
    edits = sum(text.edit for text in mine)
    return OneWay(len(mine) - edits, edits, tuple(hours[hour] for hour in range(HOURS)))


def _held(held: Sequence[HeldTicket], begin: datetime, end: datetime) -> tuple[HeldFigures, ...]:
    """Count held tickets by reason, most frequent first. One that waits for the next run or has left is not held."""
    mine = [one for one in held if one.since < end and one.reason not in _NOT_HELD]
    counts = Counter(one.reason for one in mine)
    order = sorted(counts, key=lambda reason: (-counts[reason], reason))
    return tuple(_held_for(reason, [one for one in mine if one.reason == reason], begin) for reason in order)


def _held_for(reason: str, held: list[HeldTicket], begin: datetime) -> HeldFigures:
    new = sum(one.since >= begin for one in held)
    details = dict.fromkeys(one.detail for one in held if one.detail)
    return HeldFigures(reason, new, len(held) - new, tuple(one.ticket for one in held[:NAMED]), tuple(details)[:NAMED])
