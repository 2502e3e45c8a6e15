"""The window of a backfill: the form that the Prefect UI draws, with its ranges checked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

MOST_TICKETS = 1000
LONGEST = timedelta(days=366 * 20)

Name = Annotated[str, Field(pattern="^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$")]
Ticket = Annotated[str, Field(min_length=1, max_length=64)]


class BackfillWindow(BaseModel):
    """The window of the past that is to be brought over, quietly: nothing is written to the external billing and its
    clients. Each conversation becomes one ticket in the main billing with one opening message; what is closed there is
    closed again. What is linked already is left alone, so the same may be started again at any time: after a Cancel, or
    `remotesupport pause NAME`, it goes on where it was. As it stands this only plans: see "Plan only".
    """

    model_config = ConfigDict(extra="forbid")

    billings: list[Name] = Field(
        default=[],
        title="Billings",
        description="Names of connections as in remotesupport.toml; none means all of them.",
    )
    since: datetime | None = Field(
        default=None,
        title="Since",
        description="Tickets with activity from this moment on; may be empty where tickets are named.",
    )
    until: datetime | None = Field(
        default=None, title="Until", description="And before this moment; empty means up to now."
    )
    tickets: list[Ticket] = Field(
        default=[],
        max_length=MOST_TICKETS,
        title="Tickets",
        description="Only these tickets of the external billing, by id; none means every ticket of the window.",
    )
    plan_only: bool = Field(
        default=True,
        title="Plan only",
        description="On: write to no billing, and show what would come, how long it would take, and what the main "
        "billing may mail or charge for. Off: bring it over.",
    )

    @model_validator(mode="after")
    def _in_range(self) -> Self:
        self.since, self.until = _utc(self.since), _utc(self.until)
        problem = _problem(self.since, self.until, bool(self.tickets), datetime.now(UTC))
        if problem:
            raise ValueError(problem)
        return self


def _problem(since: datetime | None, until: datetime | None, tickets: bool, now: datetime) -> str:
    if since is None:
        return "" if tickets else "since: a window or tickets are needed"
    if since >= now:
        return "since: lies in the future; a backfill brings over the past"
    if until is not None and until <= since:
        return "until: must be after since"
    if (until or now) - since > LONGEST:
        return f"since: the window is longer than {LONGEST.days // 366} years; is the year right?"
    return ""


def _utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
