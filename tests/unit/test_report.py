"""The monthly report of a small invented month: every figure was counted by hand.

Times are UTC; the billing's days are Moscow's, three hours ahead. Seven tickets arrived in November:

====== ========= =============== =================== =====================================
ticket depart-   arrived         first answer after  then
       ment
====== ========= =============== =================== =====================================
1      tech      2 Nov 09:00     10 min              closed 1 h after its arrival
2      tech      2 Nov 10:00     30 min              closed 2 h after, a client writes again
3      tech      2 Nov 22:00     2 h                 closed 5 h after (3 Nov in Moscow)
4      sales     10 Nov 12:00    none                open
5      sales     10 Nov 13:00    none                has left
6      sales     30 Nov 20:00    1 Dec 08:00: 12 h   open; closed 2 Dec
7      tech      20 Nov 08:00    5 min               by a backfill; open
====== ========= =============== =================== =====================================

Ticket 8 arrived in October and was closed in December, 9 is a pair that was found: its arrival is not known. Ticket 10
arrived on 30 November at 21:00 UTC, which is December in Moscow.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from remotesupport.core.model import Direction, Reason
from remotesupport.core.report.facts import (
    HeldTicket,
    LinkedTicket,
    MonthFacts,
    ParkedThing,
    SentText,
    Turn,
    Turned,
)
from remotesupport.core.report.figures import Figures, Terms, figures
from remotesupport.core.report.limits import Unknown
from remotesupport.core.report.lives import Life, Stood
from remotesupport.core.report.month import Month
from remotesupport.core.report.table import COLUMNS, document, rows
from remotesupport.core.report.times import Wait, times
from remotesupport.steps.report.page import REASONS, UNKNOWNS, busiest

MOSCOW = ZoneInfo("Europe/Moscow")
NOVEMBER = Month(2026, 11)
NOW = datetime(2026, 12, 3, 12, 0, tzinfo=UTC)
IN, OUT = Direction.TO_MAIN, Direction.TO_EXTERNAL


def at(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def text(ticket: str, way: Direction, when: datetime, *, edit: bool = False, said: datetime | None = None) -> SentText:
    """Written a minute before, by the clock of its side, unless told otherwise."""
    return SentText(ticket, way, when, said or when - timedelta(minutes=1), edit)


TICKETS = (
    LinkedTicket("1", "t", open=False, arrived=at(2, 9)),
    LinkedTicket("2", "t", open=True, arrived=at(2, 10)),
    LinkedTicket("3", "t", open=False, arrived=at(2, 22)),
    LinkedTicket("4", "s", open=True, arrived=at(10, 12)),
    LinkedTicket("5", "s", open=False, departed=True, arrived=at(10, 13)),
    LinkedTicket("6", "s", open=False, arrived=at(30, 20)),
    LinkedTicket("7", "t", open=True, arrived=at(20, 8), backfilled=True),
    LinkedTicket("8", "t", open=False, arrived=at(5, 9, month=10)),
    LinkedTicket("9", "t", open=True),
    LinkedTicket("10", "t", open=True, arrived=at(30, 21)),
)
TEXTS = (
    *(text(one.ticket, IN, one.arrived) for one in TICKETS if one.arrived and one.ticket != "8"),
    text("1", OUT, at(2, 9, 10)),
    text("2", OUT, at(2, 10, 30)),
    text("2", IN, at(2, 13)),
    text("3", OUT, at(3, 0)),
    text("6", OUT, at(1, 8, month=12)),
    text("7", OUT, at(20, 8, 5)),
    text("1", IN, at(2, 9, 20), edit=True),
    replace(text("4", IN, at(11, 12)), said_at=None),
)
TURNS = (
    Turned("1", at(2, 10), Turn.CLOSED),
    Turned("2", at(2, 12), Turn.CLOSED),
    Turned("3", at(3, 3), Turn.CLOSED),
    Turned("5", at(12, 9), Turn.DEPARTED),
    Turned("6", at(2, 20, month=12), Turn.CLOSED),
    Turned("8", at(1, 9, month=12), Turn.CLOSED),
)
HELD = (
    HeldTicket("30", "s", Reason.CONFLICT, "two tickets claim one", at(4, 9)),
    HeldTicket("31", "s", Reason.CONFLICT, "two tickets claim one", at(4, 9, month=10)),
    HeldTicket("32", "x", Reason.DEPARTMENT_NOT_REMOTE, "department x", at(5, 9)),
    HeldTicket("33", "s", Reason.CONFLICT, "later", at(2, 9, month=12)),
)
FACTS = MonthFacts(
    tickets=TICKETS,
    texts=TEXTS,
    turns=TURNS,
    held=HELD,
    parked=(
        ParkedThing("4", "post", "refused", at(11, 9)),
        ParkedThing("10", "post", "refused", at(2, 9, month=12)),
    ),
    dropped=(ParkedThing("4", "dropped", "told by phone", at(12, 9)),),
    departments={"t": "Technical support", "s": "Sales"},
    untimed_texts=2,
    known_from=at(1, 0, month=9),
)
TERMS = Terms(MOSCOW, ZoneInfo("UTC"), NOW, timedelta(hours=1), timedelta(hours=4))


@pytest.fixture
def found() -> Figures:
    return figures("acme", NOVEMBER, FACTS, TERMS)


def test_tickets_are_counted_by_department_and_day(found: Figures) -> None:
    """A ticket belongs to the day on which it arrived in the billing's own time zone."""
    days = {one.name: {d: n for d, n in zip(found.days, one.by_day, strict=True) if n} for one in found.departments}
    assert days == {
        "Sales": {date(2026, 11, 10): 2, date(2026, 11, 30): 1},
        "Technical support": {date(2026, 11, 2): 2, date(2026, 11, 3): 1, date(2026, 11, 20): 1},
    }
    assert found.arrived == 7


def test_first_answers_are_those_of_a_hand_count(found: Figures) -> None:
    """Of 10 min, 30 min, 2 h and 12 h the median is 75 min, nine of ten were within 12 h, and two within the agreed
    hour; the open ticket is late, the one that has left is not."""
    first = found.first
    assert (first.done, first.open, first.over) == (4, 1, 1)
    assert (first.median, first.p90) == (75 * 60, 12 * 3600)
    assert (first.within, first.late, first.share) == (2, 3, 40.0)
    assert first.steps == (1, 1, 1, 1, 0, 0)


def test_full_answers_are_those_of_a_hand_count(found: Figures) -> None:
    """Of 1 h, 5 h and 48 h until closing the median is 5 h; a ticket that a client has opened again is not closed."""
    full = found.full
    assert (full.done, full.open, full.over) == (3, 2, 1)
    assert (full.median, full.p90) == (5 * 3600, 48 * 3600)
    assert (full.within, full.late, full.share) == (1, 4, 20.0)


def test_times_of_a_department_are_its_own(found: Figures) -> None:
    """Technical support answered three tickets, the third after two hours; what a backfill brought is in no time."""
    sales, tech = found.departments
    assert (tech.first.done, tech.first.median, tech.arrived) == (3, 30 * 60, 4)
    assert (sales.first.done, sales.first.median, sales.arrived) == (1, 12 * 3600, 3)


def test_open_at_the_end_is_as_it_was_then(found: Figures) -> None:
    """What was closed after the month was open at its end; what arrived after it was not there: 2, 4, 6, 7, 8, 9."""
    assert found.open_at_end == 6
    assert {one.name: one.open_at_end for one in found.departments} == {"Sales": 2, "Technical support": 4}


def test_hours_are_of_the_clock_of_their_side(found: Figures) -> None:
    """Messages are shown in the external login's zone, answers in that of main's; an edit is no message."""
    assert {h: n for h, n in enumerate(found.to_main.by_hour) if n} == {
        0: 1, 10: 1, 11: 1, 12: 1, 14: 1, 15: 2, 22: 1,
    }  # fmt: skip
    assert {h: n for h, n in enumerate(found.to_external.by_hour) if n} == {8: 1, 9: 1, 10: 1, 23: 1}
    assert (found.to_main.messages, found.to_main.edits, found.to_external.messages) == (9, 1, 4)


def test_turns_of_the_month_are_counted(found: Figures) -> None:
    """Three closings, one departure, no reopening."""
    assert (found.closed, found.departed, found.reopened, found.backfilled) == (3, 1, 0, 1)


def test_what_was_not_carried_is_named_with_its_reason(found: Figures) -> None:
    """Each reason has its tickets, new and older ones; what began after the month is left out."""
    assert [(h.reason, h.new, h.older, h.tickets) for h in found.held] == [
        ("conflict", 1, 1, ("30", "31")),
        ("department_not_remote", 1, 0, ("32",)),
    ]
    assert [p.ticket for p in found.parked] == ["4"]
    assert [p.cause for p in found.dropped] == ["told by phone"]


def test_what_is_not_known_is_said(found: Figures) -> None:
    """Texts and arrivals without a time, and what a backfill has brought, are counted; nothing else is claimed."""
    assert {limit.what: limit.count for limit in found.limits} == {
        Unknown.ARRIVAL: 1, Unknown.TEXT_TIME: 2, Unknown.WRITTEN_AT: 1, Unknown.BACKFILLED: 1,
    }  # fmt: skip


def test_a_month_that_is_older_than_the_timelines_says_so() -> None:
    """Where the store's oldest run is younger than the month, the report says from when on more is known."""
    since = at(15, 9)
    young = figures("acme", NOVEMBER, replace(FACTS, known_from=since), TERMS)
    assert next((limit.what, limit.since) for limit in young.limits) == (Unknown.TIMELINES, since)


def test_a_month_that_goes_on_says_so() -> None:
    """Before its end the figures are those so far, and are marked."""
    early = figures("acme", NOVEMBER, MonthFacts(known_from=at(1, 0, month=1)), replace(TERMS, now=at(15, 9)))
    assert [limit.what for limit in early.limits] == [Unknown.NOT_OVER]
    assert (early.arrived, early.departments, early.first.median) == (0, (), None)


def test_a_closing_without_a_write_has_no_time() -> None:
    """A ticket that was closed on both sides by hand counts as closed without a time, and this is said."""
    facts = replace(FACTS, tickets=(LinkedTicket("1", "t", open=False, arrived=at(2, 9)),), turns=(), texts=())
    found = figures("acme", NOVEMBER, facts, TERMS)
    assert (found.full.done, found.full.open, found.full.over) == (0, 0, 1)
    assert Unknown.CLOSED_UNSEEN in {limit.what for limit in found.limits}


@pytest.mark.parametrize(
    ("turns", "texts", "stood"),
    [
        ([(3, Turn.CLOSED)], [], Stood.OPEN),
        ([(3, Turn.REOPENED)], [], Stood.CLOSED),
        ([(3, Turn.ADOPTED)], [], Stood.ABSENT),
        ([(1, Turn.CLOSED), (3, Turn.REOPENED)], [], Stood.CLOSED),
        ([(1, Turn.DEPARTED), (3, Turn.REOPENED)], [], Stood.DEPARTED),
        ([(1, Turn.CLOSED)], [3], Stood.CLOSED),
        ([], [3], Stood.UNKNOWN),
        ([], [], Stood.OPEN),
        ([(1, Turn.CLOSED)], [], Stood.OPEN),
    ],
)
def test_a_state_of_the_past_is_followed_from_what_is_known(
    turns: list[tuple[int, Turn]], texts: list[int], stood: Stood
) -> None:
    """Where nothing has happened since, the ledger says how a ticket stood; else what was before, or came next, does;
    a message alone does not."""
    ticket = LinkedTicket("1", "t", open=True)
    life = Life(
        ticket,
        tuple(text("1", IN, at(day, 9, month=12)) for day in texts),
        tuple(Turned("1", at(day, 9, month=12), turn) for day, turn in turns),
    )
    assert life.stood(at(2, 0, month=12)) is stood


def test_a_share_needs_something_to_judge() -> None:
    """Without an agreed time, or while every wait may still end in time, there is no share."""
    wait = Wait(at(2, 9), None)
    assert times([wait], at(2, 10), timedelta(hours=4)).share is None
    assert times([wait], at(2, 10), None).share is None
    assert times([wait], at(2, 14), timedelta(hours=4)).share == 0.0


@pytest.mark.parametrize("name", ["2026-13", "2026-00", "2026", "november", "26-11", "2026-1", "0001-01"])
def test_a_month_is_a_year_and_a_number(name: str) -> None:
    """Anything else than YYYY-MM is refused."""
    with pytest.raises(ValueError, match="write it as 2026-11"):
        Month.parse(name)


def test_a_month_begins_and_ends_at_midnight_of_its_zone() -> None:
    """November in Moscow is three hours ahead of UTC; the month after December is January."""
    assert (NOVEMBER.begin(MOSCOW), NOVEMBER.end(MOSCOW)) == (at(31, 21, month=10), at(30, 21))
    assert (str(Month(2026, 12).after), str(Month(2026, 1).before)) == ("2027-01", "2025-12")
    assert Month.of(at(30, 21), MOSCOW) == Month.parse("2026-12")


def test_each_reason_and_each_gap_has_words() -> None:
    """A reason that may hold a ticket back, and a thing that may not be known, is a sentence on the page."""
    assert set(REASONS) == {*Reason} - {Reason.PENDING, Reason.DEPARTED}
    assert set(UNKNOWNS) == {*Unknown}


def test_at_most_three_busy_hours_are_named() -> None:
    """The hours with the most messages, in the order of the day; a quiet hour is never busy."""
    assert busiest((0, 5, 0, 7, 1, 6)) == [1, 3, 5]
    assert busiest((0, 0, 2)) == [2]


def test_the_table_has_the_numbers_of_the_figures(found: Figures) -> None:
    """Each row has every column; times are in minutes, and days add up to the total."""
    listed = rows(found)
    assert {tuple(row) for row in listed} == {COLUMNS}
    totals = {row["figure"]: row["value"] for row in listed if not row["department"] and not row["reason"]}
    assert (totals["arrived"], totals["first_answer_median"], totals["full_answer_p90"]) == (7, 75.0, 2880.0)
    assert (totals["first_answer_within_agreed"], totals["open_at_end"]) == (40.0, 6)
    assert sum(row["value"] for row in listed if row["figure"] == "arrived_on_day") == 7


def test_the_document_has_the_shares(found: Figures) -> None:
    """The JSON has what the page shows, shares too."""
    known = document(found)
    assert (known["month"], known["arrived"]) == ("2026-11", 7)
    assert known["share_within_percent"] == {"first": 40.0, "full": 20.0}
