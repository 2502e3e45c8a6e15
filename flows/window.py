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
    """What to bring over from the past."""

    model_config = ConfigDict(extra="forbid")

    billings: list[Name] = Field(
        default=[],
        title="Billings",
        description="Names of connections as in remotesupport.toml; none means all of them.",
    )
    since: datetime = Field(title="Since", description="Tickets with activity from this moment on.")
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
        default=False, title="Plan only", description="Make and show the plan; write to no billing."
    )

    @model_validator(mode="after")
    def _in_range(self) -> Self:
        self.since, self.until = _utc(self.since), self.until and _utc(self.until)
        now = datetime.now(UTC)
        if self.since >= now:
            raise ValueError("since: lies in the future; a backfill brings over the past")
        if self.until is not None and self.until <= self.since:
            raise ValueError("until: must be after since")
        if (self.until or now) - self.since > LONGEST:
            raise ValueError(f"since: the window is longer than {LONGEST.days // 366} years; is the year right?")
        return self


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
