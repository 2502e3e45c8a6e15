"""Decides what a run must read of each side of one connection: which tickets, and whose threads.

A ticket in another department is never opened; what was seen of it there is read once its department corresponds.
A closed ticket that was never linked is opened only by a backfill, or when the main billing already carries it.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from zoneinfo import ZoneInfo

from remotesupport.bootstrap import Connection
from remotesupport.core.model import Side, TicketRow, TicketState
from remotesupport.core.run import RunKind, RunRequest
from remotesupport.core.text.compose import origin_of
from remotesupport.steps.framing import Rows, enabled
from remotesupport.steps.read.beginning import Beginning
from remotesupport.steps.read.budget import Most
from remotesupport.steps.read.side_reader import FEW, MANY, Scope, fully_read_listings, is_fully_read
from remotesupport.steps.values import SideRead
from remotesupport.store import Store

CATCH_UP = 200  # tickets that one run looks at because their department has come to correspond; the next goes on


class Scopes:
    """The two scopes of one connection in one run. ``begun``: what the store knew when reading began.

    ``most``: what reading a side may cost.
    """

    def __init__(
        self, store: Store, connection: Connection, request: RunRequest, pairs: Rows, begun: Beginning, most: Most
    ) -> None:
        self.most = most
        self.store, self.connection, self.request, self.due = store, connection, request, begun.due
        self.pending = begun.pending
        self.corresponding = enabled(pairs)
        self.looks = connection.looks if request.skims and not begun.moved else {}
        self.main_rests = begun.main_rests
        self.name = connection.name
        rung = [ticket for name, ticket in request.hints if name == self.name]
        self.rung = tuple(store.linked(self.name, rung)) if rung else ()  # the others the listing shows, if anybody
        audit = request.kind is RunKind.AUDIT
        self.links = store.link_rows(self.name, None if audit else list(request.tickets))
        self.unread = store.unread_sightings(self.name, self.corresponding, most=CATCH_UP) if begun.unread else []

    def main(self) -> Scope:
        """The customer's view: linked tickets, and tickets that carry an origin of this connection."""
        known = set(self.request.tickets) <= {row["ext_ticket"] for row in self.links}
        enough = (
            bool(self.request.tickets)
            and known
            and is_fully_read(self.connection.main, fully_read_listings(self.store, self.connection.main))
        )
        return Scope(
            wants=self._main_wants,
            force=lambda rows, recent: self._compared(rows, recent, "main_ticket"),
            complete=self.request.kind is RunKind.AUDIT,
            only=tuple(row["main_ticket"] for row in self.links) if enough else None,
            linked=self._all_linked("main_ticket"),
            due=self._main_tickets([*self.due, *self.rung, *(s.ticket for s in self.unread)]),
            at_once=FEW if self.request.reads_long else MANY,
            most=self.most,
            looks=self.looks.get(Side.MAIN),
            pending=tuple(self.pending[Side.MAIN]),
            rests=self.main_rests,
        )

    def external(self, main: SideRead) -> Scope:
        """The staff view: corresponding departments. ``main`` has been read, so claimed origins are known."""
        origins = frozenset(row["origin"] for row in main.tickets if row["origin"] is not None)
        return Scope(
            wants=lambda rows: self._external_wants(rows, origins),
            force=self._forced,
            complete=self.request.kind is RunKind.AUDIT,
            only=self.request.tickets or None,
            since=self._text(self.request.since),
            until=self._text(self.request.until),
            linked=(*self._all_linked("ext_ticket"), *self._unclear()),
            due=self.rung,
            unread=tuple(self.unread),
            known=lambda tickets: {*self.store.linked(self.name, tickets), *origins.intersection(tickets)},
            at_once=FEW if self.request.reads_long else MANY,
            most=self.most,
            looks=self.looks.get(Side.EXTERNAL),
            pending=tuple(self.pending[Side.EXTERNAL]),
        )

    def _main_tickets(self, tickets: list[str]) -> tuple[str, ...]:
        return tuple(self.store.linked(self.name, tickets).values()) if tickets else ()

    def _all_linked(self, column: str) -> tuple[str, ...]:
        if self.request.kind is not RunKind.AUDIT:
            return ()
        return tuple(row[column] for row in self.links if not row["departed"])

    def _unclear(self) -> tuple[str, ...]:
        """External tickets that were not understood: an audit looks whether they are still there."""
        return tuple(self.store.not_understood(self.name)) if self.request.kind is RunKind.AUDIT else ()

    def _main_wants(self, rows: list[TicketRow]) -> set[str]:
        if not rows:
            return set()
        linked = set(self.store.linked(self.name, main_tickets=[r.ticket for r in rows]).values())
        return linked | {r.ticket for r in rows if origin_of(r.subject, self.name) is not None}

    def _external_wants(self, rows: list[TicketRow], origins: frozenset[str]) -> set[str]:
        inside = [r for r in rows if r.department is None or r.department in self.corresponding]
        linked = self.store.linked(self.name, [r.ticket for r in inside]) if inside else {}
        backfill = self.request.kind is RunKind.BACKFILL or bool(self.request.tickets)
        return {
            r.ticket
            for r in inside
            if r.ticket in linked
            or (r.department is not None and (r.state is TicketState.OPEN or r.ticket in origins or backfill))
        }

    def _forced(self, rows: list[TicketRow], recent: Collection[str]) -> set[str]:
        if self.request.kind is RunKind.AUDIT:
            return self._compared(rows, recent, "ext_ticket")
        if self.request.kind is not RunKind.BACKFILL:
            return set()
        return {r.ticket for r in rows if r.department in self.corresponding}

    def _compared(self, rows: list[TicketRow], recent: Collection[str], column: str) -> set[str]:
        """Choose what an audit reads although its rows look the same: linked tickets that are open, or were until
        lately."""
        if self.request.kind is not RunKind.AUDIT:
            return set()
        linked = {row[column] for row in self.links}
        return {r.ticket for r in rows if r.ticket in linked and (r.state is TicketState.OPEN or r.ticket in recent)}

    def _text(self, moment: datetime | None) -> str:
        """A moment as the external host writes it, to be compared with that host's own texts only."""
        if moment is None:
            return ""
        zone = ZoneInfo(self.connection.settings.timezone)
        return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
