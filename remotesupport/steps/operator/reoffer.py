"""The nightly second chance: what failed and waits for its next try is due at once. Writes to no billing."""

from __future__ import annotations

from dataclasses import dataclass

from remotesupport.bootstrap import Context
from remotesupport.core.text.durations import span


@dataclass(frozen=True, slots=True)
class Reoffered:
    """Counts of parked changes: how many the next runs try again, how many wait for a person, and the oldest one's age
    in s."""

    offered: int
    for_a_person: int
    oldest_s: float | None

    def __str__(self) -> str:
        if self.oldest_s is None:
            return "nothing is parked"
        return (
            f"{self.offered} parked changes are offered again, {self.for_a_person} wait for a person, "
            f"the oldest for {span(self.oldest_s)}"
        )


def reoffer(ctx: Context) -> Reoffered:
    """Make every parked change due that has a next try.

    The rest is never tried by itself: a conflict is only compared again, an unproven write only looked for again, and
    the message of a file that could not be fetched is on the other side already.
    """
    ctx.store.reoffer()
    parked = ctx.store.parked()
    offered = sum(change.next_try is not None for change in parked)
    oldest = (ctx.clock() - parked[0].since).total_seconds() if parked else None
    return Reoffered(offered, len(parked) - offered, oldest)
