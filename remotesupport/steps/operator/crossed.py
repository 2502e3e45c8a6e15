"""Read the sources of what was sent to the other side again, and show of each that it was a person's public message in
a department that corresponds. Nothing is written to a billing, and nothing to the ledger.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from connectors.errors import Missing, NotUnderstood, TicketDenied
from remotesupport.bootstrap import Connection, Context
from remotesupport.core.model import PEOPLE, MessageRow, Side
from remotesupport.core.text.normalize import body_hash
from remotesupport.steps.framing import enabled
from remotesupport.steps.read.department_mapping import departments_of
from remotesupport.steps.read.extract import introduced
from remotesupport.steps.read.sides import said_by
from remotesupport.store.crossings import Crossing

AT_A_TIME = 5  # conversations of a connection that are read at once
_GONE = (Missing, TicketDenied, NotUnderstood)


@dataclass(frozen=True, slots=True)
class Proof:
    """The source of a crossing as it is now. ``author``, ``said_at``: as it shows them, None where it is not there.

    ``edited``: its text is another one than that which was sent.
    """

    crossing: Crossing
    proven: bool
    why: str
    author: str | None = None
    said_at: datetime | None = None
    edited: bool = False


async def prove(ctx: Context, name: str, crossings: Sequence[Crossing]) -> list[Proof]:
    """Each of them, in the same order. Raises ConnectorError where a side cannot be read."""
    connection = ctx.connections[name]
    await introduced(ctx, connection)
    corresponding = enabled((await departments_of(ctx, connection)).correspondences)
    threads = await _threads(connection, crossings)
    return [_proof(one, corresponding, threads.get(_place(one), "")) for one in crossings]


async def _threads(
    connection: Connection, crossings: Iterable[Crossing]
) -> dict[tuple[Side, str], Mapping[str, MessageRow] | str]:
    """The messages of each source ticket by their ids, or why it cannot be read any more."""
    gate = asyncio.Semaphore(AT_A_TIME)
    places = list(dict.fromkeys(_place(one) for one in crossings if not one.notice))

    async def read(place: tuple[Side, str]) -> Mapping[str, MessageRow] | str:
        side, ticket = place
        billing = connection.external if side is Side.EXTERNAL else connection.main
        async with gate:
            try:
                thread = await said_by(connection, billing, lambda: billing.thread(ticket))
            except _GONE as error:
                return f"its ticket {ticket} cannot be read any more: {error.what}"
        return {message.message: message for message in thread}

    return dict(zip(places, await asyncio.gather(*map(read, places)), strict=True))


def _place(crossing: Crossing) -> tuple[Side, str]:
    return crossing.direction.source, crossing.ticket


def _proof(crossing: Crossing, corresponding: frozenset[str], thread: Mapping[str, MessageRow] | str) -> Proof:
    if crossing.notice:
        return Proof(crossing, True, "a notice of our own, in fixed words: nobody's text")
    if isinstance(thread, str):
        return Proof(crossing, False, thread)
    source = thread.get(crossing.message)
    if source is None:
        return Proof(crossing, False, f"its source, message {crossing.message}, is not there any more")
    wrong = not_public(source) or _elsewhere(crossing, corresponding)
    edited = "@" not in crossing.source and body_hash(source.body) != crossing.body_hash
    why = wrong or f"a public message of {source.kind} {source.author!r}" + (", edited since" if edited else "")
    return Proof(crossing, not wrong, why, source.author, source.at, edited)


def not_public(source: MessageRow) -> str:
    """Say why a message should never have crossed; "" where a person wrote it for the other one to read."""
    if source.kind not in PEOPLE:
        return f"its source is no person's public message: it is a {source.kind}"
    return "its source was written by our own login" if source.own else ""


def _elsewhere(crossing: Crossing, corresponding: frozenset[str]) -> str:
    """Say so where the department is not known: it proves nothing either way."""
    if crossing.department is None:
        return "its department is not recorded"
    if crossing.department in corresponding:
        return ""
    return f"department {crossing.department} does not correspond (now); `remotesupport history` says what changed"
