"""Counts what a report cannot know: it is said beside the figures and never guessed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from remotesupport.core.report.facts import MonthFacts, SentText
from remotesupport.core.report.lives import Life, Stood


class Unknown(StrEnum):
    """The things that a report may not know. Part of the JSON and the CSV: values never change."""

    NOT_OVER = "month_not_over"
    TIMELINES = "timelines_begin_later"
    ARRIVAL = "arrival_unknown"
    TEXT_TIME = "text_time_unknown"
    WRITTEN_AT = "written_at_unknown"
    STATE_AT_END = "state_at_end_unknown"
    CLOSED_UNSEEN = "closing_time_unknown"
    BACKFILLED = "backfilled"


@dataclass(frozen=True, slots=True)
class Limit:
    """One of them. ``count`` of tickets or texts; ``since``: the moment from which more is known."""

    what: Unknown
    count: int | None = None
    since: datetime | None = None


def limits(
    facts: MonthFacts,
    texts: Sequence[SentText],
    known: Collection[Life],
    stood: Mapping[str, Stood],
    *,
    begin: datetime,
    end: datetime,
    now: datetime,
) -> tuple[Limit, ...]:
    """``texts``: those of the month. Only what concerns this report is listed."""
    counts = {
        Unknown.ARRIVAL: sum(life.ticket.arrived is None for life in known),
        Unknown.TEXT_TIME: facts.untimed_texts,
        Unknown.WRITTEN_AT: sum(text.said_at is None and not text.edit for text in texts),
        Unknown.STATE_AT_END: sum(how is Stood.UNKNOWN for how in stood.values()),
        Unknown.CLOSED_UNSEEN: sum(_closed_unseen(life) for life in known if _arrived(life, begin, end)),
        Unknown.BACKFILLED: sum(life.ticket.backfilled for life in known if _arrived(life, begin, end)),
    }
    found = [Limit(Unknown.NOT_OVER, since=end)] if now < end else []
    if facts.known_from is None or facts.known_from > begin:
        found.append(Limit(Unknown.TIMELINES, since=facts.known_from))
    return (*found, *(Limit(what, count) for what, count in counts.items() if count))


def _arrived(life: Life, begin: datetime, end: datetime) -> bool:
    return life.ticket.arrived is not None and begin <= life.ticket.arrived < end


def _closed_unseen(life: Life) -> bool:
    ticket = life.ticket
    return not ticket.open and not ticket.departed and life.closed_at is None
