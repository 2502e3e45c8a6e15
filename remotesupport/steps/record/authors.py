"""Note who wrote what was sent to the other side, from the messages that this run has read anyway.

A source that no run has read again is named when somebody asks (``crossed --verify``).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from remotesupport.bootstrap import Context
from remotesupport.core.model import Side
from remotesupport.steps.values import Snapshot
from remotesupport.store.crossings import Crossing


def name_authors(ctx: Context, read: Snapshot, tickets: Collection[str]) -> None:
    """``tickets``: external tickets of ``read`` of which something was sent in this run, or was open when it began."""
    if not tickets:
        return
    said = {
        (side, row["ticket"], row["message"]): row
        for side, rows in ((Side.EXTERNAL, read.external.messages), (Side.MAIN, read.main.messages))
        for row in rows
    }
    places = {row["ticket"]: row["department"] for row in read.external.tickets}
    named: list[Crossing] = []
    for one in ctx.store.unnamed_crossings(read.name, tickets):
        source = said.get((one.direction.source, one.ticket, one.message))
        if source is not None:
            place = places.get(one.ext_ticket)
            named.append(replace(one, author=source["author"], said_at=source["at"], department=place))
    ctx.store.name_crossings(named)
