"""One billing's month as a page that needs nothing but itself. The template stands beside this file."""

from __future__ import annotations

from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

from remotesupport.core.model import Reason
from remotesupport.core.report.figures import Figures, Terms
from remotesupport.core.report.limits import Unknown
from remotesupport.core.text.durations import span
from remotesupport.core.text.foreign import visible
from remotesupport.steps.report import charts

MOST_ROWS = 50
REASONS: dict[str, str] = {
    Reason.IN_SYNC: "carried, with a remark",
    Reason.DEPARTMENT_NOT_REMOTE: "in a department that is answered at the provider's",
    Reason.DEPARTMENT_UNMAPPED: "in a department without a corresponding one in main",
    Reason.CORRESPONDENCE_OFF: "the department's correspondence is switched off",
    Reason.CONNECTION_PAUSED: "the connection was paused",
    Reason.BILLING_UNREACHABLE: "the billing could not be reached",
    Reason.ACCESS_DENIED: "the login may not see it",
    Reason.VERSION_TOO_OLD: "the billing's version is too old",
    Reason.INVALID_ROW: "the billing shows it in a way that a check refuses",
    Reason.NOT_UNDERSTOOD: "the billing shows it in a way that is not understood",
    Reason.PARKED: "a change of it failed and waits",
    Reason.GUARD_STOPPED: "a limit was exceeded; a person has to agree",
    Reason.CONFLICT: "both sides contradict what was agreed",
    Reason.TOO_OLD_FOR_WINDOW: "closed before the connection was made",
}
UNKNOWNS = {
    Unknown.NOT_OVER: "The month is not over: these are the figures so far.",
    Unknown.TIMELINES: "What was closed, reopened, given up or has left is known from {since} on only: this product "
    "was not running before, or no longer keeps it.",
    Unknown.ARRIVAL: "{count} ticket(s) are in no figure of arrivals and answer times: the ledger does not know when "
    "they arrived, because they were found as pairs or were sent before times were kept.",
    Unknown.TEXT_TIME: "{count} text(s) of this billing, of any month, have no time and are not counted: they were "
    "found on the other side, given up, or sent before times were kept.",
    Unknown.WRITTEN_AT: "Of {count} message(s) the time at which they were written is not known: they are missing in "
    "the hours.",
    Unknown.STATE_AT_END: "Of {count} ticket(s) nobody can say whether they were open at the end of the month: they "
    "are not counted as open.",
    Unknown.CLOSED_UNSEEN: "{count} ticket(s) of the month are closed, but nothing was written for that, so that their "
    "closing has no time.",
    Unknown.BACKFILLED: "{count} ticket(s) were brought over by a backfill, with what had been said before: they are "
    "counted as arrived, and left out of the answer times.",
}  # fmt: skip
ALWAYS = (
    "Answer times are of one clock, that of this product: from the moment at which a ticket was written into main to "
    "the moment at which the answer was written for the client, or the ticket was closed. Clocks of two billings are "
    "never compared. What a ticket waited before it arrived is not in them.",
    "All hours count, nights and holidays too. A ticket that was open before the connection was made counts from its "
    "arrival.",
    "Messages towards main are those of clients and of the provider's own staff together.",
    "What was not carried, and what waits, is shown as it is when this report is made.",
)  # fmt: skip


def render(found: Figures, terms: Terms) -> str:
    """The page as HTML."""
    held = [(REASONS.get(one.reason, one.reason), one) for one in found.held]
    return str(
        _template().render(
            found=found,
            made=_moment(terms, terms.now),
            zone=terms.zone.key,
            main_zone=terms.main_zone.key,
            moment=partial(_moment, terms),
            days=charts.by_day(found) if found.departments else "",
            hours=charts.by_hour(found) if any((*found.to_main.by_hour, *found.to_external.by_hour)) else "",
            waits=charts.waits(found) if any((*found.first.steps, *found.full.steps)) else "",
            held=held,
            most=MOST_ROWS,
            notes=[*ALWAYS, *(_words(one.what, one.count, one.since, terms) for one in found.limits)],
            busiest=busiest(found.to_main.by_hour),
        )
    )


def busiest(hours: tuple[int, ...]) -> list[int]:
    """The three hours with the most messages, in the order of the day; fewer where fewer have any."""
    most = sorted((hour for hour, number in enumerate(hours) if number), key=lambda hour: (-hours[hour], hour))
    return sorted(most[:3])


def _words(what: Unknown, count: int | None, since: datetime | None, terms: Terms) -> str:
    return UNKNOWNS[what].format(count=count, since=_moment(terms, since) if since else "now")


def _moment(terms: Terms, at: datetime) -> str:
    return f"{at.astimezone(terms.zone):%Y-%m-%d %H:%M}"


@cache
def _template() -> Any:
    import jinja2

    text = Path(__file__).with_name("page.html.jinja").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.filters |= {"span": span, "shown": visible}
    return environment.from_string(text)
