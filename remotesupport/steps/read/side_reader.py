"""Read one side of one connection so that a quiet minute costs what changed, not what exists.

Listings come newest first. A page on which every row looks as the ledger last agreed ends the listing, once the
listing has been read to its end one time. A thread is read when its row looks different, or when it was last read
less than ``SETTLE`` after the row first looked so: a second message within the same second is never missed.
Of a ticket in a department that does not correspond nothing is read; it stays unread until its department does.
Sightings are only *returned*: they become true when everything that follows from them is done, so a failed run reads
the same again. Nothing in here compares clocks of two hosts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from connectors.contract import Billing
from connectors.errors import AccessDenied, ConnectorError, Fatal, Missing, NotUnderstood, TicketDenied
from remotesupport.core.connections.looks import ListLook, last_if_at_rest
from remotesupport.core.model import MessageRow, Page, Side, TicketRow, TicketState
from remotesupport.core.records import Sighting
from remotesupport.steps.framing import Rows, message_rows, ticket_rows
from remotesupport.steps.read.budget import USUAL, Budget, Most
from remotesupport.steps.values import SideRead
from remotesupport.store import Store

SETTLE = timedelta(seconds=2)
RECENT = timedelta(days=1)  # audits compare the thread of a closed ticket whose row last changed since then
MOST_ASKED = 200  # tickets that one run looks at because no list shows them, or not their department
MANY = 1000  # tickets asked for at once: the connectors' own limits count
FEW = 5  # the same of an audit, half of those limits: a minute's sync with the same login comes in between
Wanted: TypeAlias = Callable[[list[TicketRow]], set[str]]
Known: TypeAlias = Callable[[Collection[str]], Collection[str]]
Forced: TypeAlias = Callable[[list[TicketRow], Collection[str]], set[str]]


@dataclass(frozen=True, slots=True)
class Scope:
    """An order for reading one side. ``complete``: every listing to its end. ``only``: these tickets, by direct looks,
    no listing.

    ``wants`` names, of the rows that look different, the tickets whose threads are needed; ``force``, of the rows that
    look the same (also given the tickets whose row has changed since ``RECENT``), those to be read all the same.
    ``since`` and ``until`` (a backfill's, as the host itself writes times) leave out every row whose own activity text
    is not between them. ``linked``: tickets to look for when they vanished. ``due``: tickets to look at and to read
    however their rows look; ``unread``: more of them, as seen. ``at_once``: tickets that are asked for at a time.
    ``known``: those of some external tickets that are linked, or whose origin a main ticket carries. ``most``: what
    reading may cost. ``looks``: the last look at each listing, where one that can show nothing new may be left out.
    ``pending``: tickets that an earlier run left open. ``rests``: none of the listings can show anything new.
    """

    wants: Wanted
    force: Forced
    complete: bool = False
    only: tuple[str, ...] | None = None
    since: str = ""
    until: str = ""
    linked: tuple[str, ...] = ()
    due: tuple[str, ...] = ()
    unread: tuple[Sighting, ...] = ()
    at_once: int = MANY
    known: Known = frozenset
    most: Most = USUAL
    looks: Mapping[str, ListLook] | None = None
    pending: tuple[str, ...] = ()
    rests: bool = False

    @property
    def windowed(self) -> bool:
        """Tell whether only a part of the listing counts."""
        return bool(self.since or self.until)

    def within(self, row: TicketRow) -> bool:
        """Tell whether the row belongs to the window."""
        if not self.windowed:
            return True
        return not row.partial and self.since <= row.activity and (not self.until or row.activity <= self.until)


@dataclass(slots=True)
class _Gathering:
    """The rows that have been read of one side so far."""

    rows: dict[str, TicketRow] = field(default_factory=dict)
    moved: dict[str, None] = field(default_factory=dict)
    sightings: list[Sighting] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    unclear: set[str] = field(default_factory=set)
    queued: dict[str, str] = field(default_factory=dict)
    unasked: set[str] = field(default_factory=set)
    denied: set[str] = field(default_factory=set)
    gone: list[str] = field(default_factory=list)
    listed: int = 0
    complete: bool = True
    looks: dict[str, ListLook] = field(default_factory=dict)
    restless: int = 0  # rows of lists that were not as the ledger agreed, or whose threads are read once more
    hidden: int = 0  # rows of lists that did not say their department

    def not_read(self, ticket: str, error: ConnectorError) -> None:
        """Keep why; raises what concerns more than this ticket."""
        if isinstance(error, AccessDenied | Fatal):
            raise error
        if isinstance(error, Missing):
            self.gone.append(ticket)
            return
        self.unreadable[ticket] = str(error)
        if isinstance(error, TicketDenied):
            self.denied.add(ticket)
        if isinstance(error, NotUnderstood):
            self.unclear.add(ticket)


FullyRead: TypeAlias = frozenset[tuple[str, str, str]]
NEVER: FullyRead = frozenset()
_NAMELESS = "?"


async def read_side(
    store: Store, billing: Billing, departments: Rows, scope: Scope, now: datetime, known: FullyRead = NEVER
) -> SideRead:
    """Read the listings and the threads that moved. Raises ConnectorError when the side cannot be read.

    ``known``: the listings that were read to their end once; the others are read to their end now.
    """
    got, whole, budget = _Gathering(), billing.capabilities.exhaustive, Budget(scope.most, billing)
    if scope.only is not None:
        await _look(billing, scope.only, got, scope.at_once, budget)
        got.moved.update(dict.fromkeys(got.rows))
    else:
        for listing in billing.capabilities.listings:
            fully_listed = scope.complete or (billing.name, str(billing.side), listing) not in known
            if not fully_listed and (last := _at_rest(billing, listing, scope, got)) is not None:
                got.complete, got.listed = False, got.listed + last.listed
                continue
            reading = _read_listing(store, billing, listing, scope, got, now, budget, fully_listed=fully_listed)
            await budget.spend(reading)
        await _look_at_loose_ends(billing, scope, got, budget)
        listed = {(seen.listing, seen.ticket) for seen in got.sightings}
        got.sightings += [seen for seen in scope.unread if (seen.listing, seen.ticket) not in listed]
    threads = await _threads(billing, _needed(scope, got, now), got, scope.at_once, budget)
    return SideRead(
        tickets=ticket_rows(billing.name, billing.side, got.rows.values(), threads),
        messages=message_rows(billing.name, billing.side, threads),
        departments=departments,
        complete=whole and got.complete and got.unreadable.keys() <= got.denied and not scope.windowed,
        fully_listed=got.complete and scope.only is None and not scope.windowed,
        listed=got.listed if whole and scope.only is None and not scope.windowed else None,
        sightings=() if scope.windowed else tuple(_with_department(s, got.rows) for s in got.sightings),
        unreadable=got.unreadable,
        not_understood=frozenset(got.unclear & got.unreadable.keys()),
        unasked=frozenset(got.unasked),
        open_lately=_open_lately(got, now),
        denied=frozenset(got.denied),
        gone=tuple(got.gone),
        read_at=now,
        fully_read_once=is_fully_read(billing, known),
        looks=got.looks,
    )


def _at_rest(billing: Billing, listing: str, scope: Scope, got: _Gathering) -> ListLook | None:
    """Return the last look at a listing that cannot show anything new.

    What only a queue's row says, the department of a ticket that an employee holds, is asked for each time.
    """
    if scope.looks is None or (billing.side is Side.EXTERNAL and got.hidden):
        return None
    if scope.rests:
        return scope.looks.get(listing)
    leading = billing.capabilities.follows.get(listing)
    return last_if_at_rest(scope.looks, leading, got.looks.get(leading or ""), listing)


async def _read_listing(
    store: Store,
    billing: Billing,
    listing: str,
    scope: Scope,
    got: _Gathering,
    now: datetime,
    budget: Budget,
    *,
    fully_listed: bool,
) -> None:
    async for whole in billing.pages(listing):
        budget.add_page(listing, len(whole.rows) + len(whole.rejected))
        below = bool(scope.since and whole.rows and whole.rows[-1].activity < scope.since)
        page = replace(whole, rows=tuple(r for r in whole.rows if scope.within(r)))
        before, restless = got.listed, got.restless
        agreed = _take(store, billing, page, got, now)
        whole_list = page.number == 1 and page.total == len(page.rows)
        got.looks[listing] = ListLook(
            at=now,
            shown=frozenset(row.ticket for row in page.rows) if whole_list else None,
            listed=got.listed - before,
            calm=agreed and got.restless == restless and page.number == 1,
        )
        if below or (agreed and not fully_listed and not scope.windowed):
            got.complete = False
            return
        if not (whole.number == 1 and whole.total == len(whole.rows) + len(whole.rejected)):
            await budget.give_way()


def is_nameless(ticket: str) -> bool:
    """Tell whether it stands for a row of a list that cannot be read, and not even its id."""
    return ticket.startswith(_NAMELESS)


def place_of(nameless: str) -> tuple[str, str]:
    """The listing and the page of such a row."""
    listing, _, page = nameless.removeprefix(_NAMELESS).rpartition("/")
    return listing, page


def fully_read_listings(store: Store, *billings: Billing) -> FullyRead:
    """(connection, side, listing) of those listings of ``billings`` that were read to their end once."""
    keys = {_primed(*listing): listing for billing in billings for listing in _listings(billing)}
    return frozenset(keys[key] for key in store.progress_of(keys))


def is_fully_read(billing: Billing, known: FullyRead) -> bool:
    """Tell whether every listing was read to its end once."""
    return known.issuperset(_listings(billing))


def mark_fully_read(store: Store, billing: Billing) -> None:
    """Remember that every listing was read to its end once and that what followed from it is done."""
    for listing in set(_listings(billing)) - fully_read_listings(store, billing):
        store.save_progress(_primed(*listing), {"done": True})


def _listings(billing: Billing) -> list[tuple[str, str, str]]:
    return [(billing.name, str(billing.side), listing) for listing in billing.capabilities.listings]


def _primed(name: str, side: str, listing: str) -> str:
    return f"fully_read_once/{name}/{side}/{listing}"


def _take(store: Store, billing: Billing, page: Page, got: _Gathering, now: datetime) -> bool:
    """Add a page. True when every row of it is as the ledger last agreed."""
    known = store.sightings(billing.name, billing.side, page.listing, [r.ticket for r in page.rows])
    agreed = not page.rejected
    for bad in page.rejected:
        ticket = bad.ticket or f"{_NAMELESS}{page.listing}/{page.number}"
        got.unreadable[ticket] = bad.reason
        got.unclear.update([ticket] if bad.habit else [])
    for row in page.rows:
        sighting = _sight(billing, page.listing, row, known.get(row.ticket), now)
        shown = row if row.department else replace(row, department=sighting.department)
        got.listed += not row.partial
        got.sightings.append(sighting)
        same = row.ticket in known and known[row.ticket].row_hash == row.row_hash
        agreed = agreed and same
        if not same or (sighting.read_at is not None and not _settled(sighting)):
            got.moved[row.ticket] = None
            got.restless += 1
        if not row.partial:
            got.hidden += row.department is None
            got.rows.setdefault(row.ticket, shown)
        elif shown.department:
            got.queued[row.ticket] = shown.department
    return agreed


def _sight(billing: Billing, listing: str, row: TicketRow, before: Sighting | None, now: datetime) -> Sighting:
    if before is not None and before.row_hash == row.row_hash:
        return before
    return Sighting(
        billing.name, billing.side, listing, row.ticket, row.row_hash, now,
        department=row.department, state=str(row.state), activity=row.activity,
    )  # fmt: skip


def _with_department(seen: Sighting, rows: Mapping[str, TicketRow]) -> Sighting:
    row = rows.get(seen.ticket)
    return seen if seen.department or row is None else replace(seen, department=row.department)


def _settled(sighting: Sighting) -> bool:
    return sighting.read_at is not None and sighting.read_at >= sighting.row_since + SETTLE


async def _look_at_loose_ends(billing: Billing, scope: Scope, got: _Gathering, budget: Budget) -> None:
    """Direct looks: rows that only a queue showed, or that hide their department (an employee holds the ticket), work
    left open by an earlier run, linked tickets that vanished."""
    _fill_from_queue(got)
    loose = [t for t in got.moved if t not in got.rows]
    if billing.side is Side.EXTERNAL:
        loose += _to_ask(scope, got)
    loose += [t for t in scope.pending if t not in got.rows and t not in loose]
    due = dict.fromkeys((*scope.due, *(s.ticket for s in scope.unread)))
    loose += [t for t in due if t not in got.rows and t not in loose]
    if got.complete and scope.complete:
        unlisted = [t for t in scope.linked if t not in got.rows and t not in loose]
        loose += unlisted if billing.capabilities.exhaustive else _newest(unlisted)[:MOST_ASKED]
    await _look(billing, loose, got, scope.at_once, budget)
    got.moved.update(dict.fromkeys(t for t in (*loose, *due) if t in got.rows))


def _newest(tickets: Collection[str]) -> list[str]:
    """The highest ids first: where a list shows a part only, an audit looks at so many that it does not show."""
    return sorted(tickets, key=lambda ticket: (len(ticket), ticket), reverse=True)


def _fill_from_queue(got: _Gathering) -> None:
    """The department that a queue's row names, where the list names an employee."""
    for ticket, department in got.queued.items():
        row = got.rows.get(ticket)
        if row is not None and row.department is None:
            got.rows[ticket] = replace(row, department=department)


def _to_ask(scope: Scope, got: _Gathering) -> list[str]:
    """Tickets whose department only a direct look may tell: of those whose rows moved, in an audit all that are open.

    A closed ticket not known in main does not cross whatever its department is. At most ``MOST_ASKED`` in a run;
    the others have their turn in the next ones.
    """
    hidden = [t for t, row in got.rows.items() if row.department is None and (t in got.moved or scope.complete)]
    known = scope.known(hidden)
    asked = [t for t in hidden if t in known or t in scope.linked or got.rows[t].state is TicketState.OPEN]
    got.unasked.update(asked[MOST_ASKED:])
    return asked[:MOST_ASKED]


def _open_lately(got: _Gathering, now: datetime) -> tuple[str | None, ...]:
    """The departments of the open tickets whose rows changed within a day."""
    recent = {seen.ticket for seen in got.sightings if seen.row_since > now - RECENT}
    return tuple(r.department for t, r in got.rows.items() if t in recent and r.state is TicketState.OPEN)


async def _look(billing: Billing, tickets: Collection[str], got: _Gathering, at_once: int, budget: Budget) -> None:
    gate = asyncio.Semaphore(at_once)

    async def one(ticket: str) -> None:
        try:
            async with gate:
                budget.check_thread(ticket)
                got.rows[ticket] = await budget.spend(billing.ticket(ticket))
        except ConnectorError as error:
            got.not_read(ticket, error)

    await asyncio.gather(*(one(t) for t in tickets))


def _needed(scope: Scope, got: _Gathering, now: datetime) -> list[str]:
    recent = {seen.ticket for seen in got.sightings if seen.row_since > now - RECENT}
    wanted = scope.wants([got.rows[t] for t in got.moved if t in got.rows])
    forced = scope.force([row for t, row in got.rows.items() if t not in got.moved], recent)
    return [t for t in got.rows if t in wanted or t in forced]


async def _threads(
    billing: Billing, tickets: Collection[str], got: _Gathering, at_once: int, budget: Budget
) -> dict[str, tuple[MessageRow, ...]]:
    threads: dict[str, tuple[MessageRow, ...]] = {}
    gate = asyncio.Semaphore(at_once)

    async def one(ticket: str) -> None:
        try:
            async with gate:
                budget.check_thread(ticket)
                threads[ticket] = await budget.spend(billing.thread(ticket))
        except ConnectorError as error:
            got.not_read(ticket, error)

    await asyncio.gather(*(one(t) for t in tickets))
    again = [t for t in tickets if t in got.unreadable and t not in got.denied]
    for ticket in again:
        got.unreadable.pop(ticket)
    await asyncio.gather(*(one(t) for t in again))
    return threads


def settled_sightings(
    side: SideRead, done: Callable[[Side, str], bool], unread: Callable[[Sighting], bool]
) -> list[Sighting]:
    """The sightings that may become true: read where done; pending (an empty hash) where work is left.

    ``unread``: what was only seen, since it is in a department that does not correspond; it is read when that does.
    """
    result = []
    for seen in side.sightings:
        if not done(seen.side, seen.ticket):
            result.append(replace(seen, row_hash="", read_at=None))
        elif not _settled(seen):
            result.append(replace(seen, read_at=None if unread(seen) else side.read_at))
    return result
