"""The state in which an external billing leaves a ticket that we answer: by itself, or by a person a moment later.

A look at the ticket comes seconds after the answer, and what is closed then was closed by the server as its way of
reacting, or by somebody of its staff. How often the server left answered tickets open tells them apart; what was taken
for the server's doing before that was known is taken back. Pure. What must stay out: asking the server, storing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from remotesupport.core.model import TicketState

USUAL = 5  # times as often: then the other one is no way of this server
MOST_COUNTED, MOST_DOUBTED = 50, 20


@dataclass(frozen=True, slots=True)
class AnswerReaction:
    """How often an answered ticket was open and closed right after the answer.

    ``doubted``: external tickets whose close was taken for the server's doing while that was not clear.
    """

    opened: int = 0
    closed: int = 0
    doubted: tuple[str, ...] = ()

    @property
    def leaves_open(self) -> bool:
        """Tell whether this server leaves open what is answered."""
        return self.opened > 0 and self.opened >= USUAL * self.closed

    @property
    def closes(self) -> bool:
        """Tell whether this server closes what is answered: a few closes alone may each be a person's."""
        return self.closed >= USUAL * (self.opened + 1)

    def seen(self, ticket: str, now: TicketState) -> tuple[AnswerReaction, TicketState, tuple[str, ...]]:
        """Take in a look at a ticket right after the answer: it had been open before.

        Returns what is known now, the state to which the answer led, and the tickets that persons closed after all.
        """
        if now is TicketState.OPEN:
            more = _bounded(replace(self, opened=self.opened + 1))
            if more.leaves_open:
                return replace(more, doubted=()), now, more.doubted
            return more, now, ()
        more = replace(self, closed=self.closed + 1)
        if more.leaves_open:
            return _bounded(more), TicketState.OPEN, ()
        return _bounded(more).doubting(ticket), now, ()

    def doubting(self, ticket: str) -> AnswerReaction:
        """Add a ticket whose close may be a person's, unless this server is known to close."""
        if self.closes:
            return replace(self, doubted=())
        return replace(self, doubted=(*(t for t in self.doubted if t != ticket), ticket)[-MOST_DOUBTED:])

    def stored(self) -> dict[str, Any]:
        """Return what the store keeps."""
        return {"opened": self.opened, "closed": self.closed, "doubted": list(self.doubted)}


def as_stored(kept: Mapping[str, Any] | None) -> AnswerReaction:
    """Read what ``stored`` gave; ``state`` alone, as it was kept first, stands for a server that is known."""
    kept = kept or {}
    if "state" in kept:
        opened = kept["state"] == TicketState.OPEN
        return AnswerReaction(opened=USUAL * opened, closed=USUAL * (not opened))
    return AnswerReaction(kept.get("opened", 0), kept.get("closed", 0), tuple(kept.get("doubted", ())))


def _bounded(reaction: AnswerReaction) -> AnswerReaction:
    """Let old looks count less, so that a server whose settings were changed is known again."""
    if reaction.opened + reaction.closed <= MOST_COUNTED:
        return reaction
    return replace(reaction, opened=reaction.opened // 2, closed=reaction.closed // 2)
