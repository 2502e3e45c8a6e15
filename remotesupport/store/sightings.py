"""The last sight that each listing gave of a ticket, so that a quiet minute can stop reading. No links, no messages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import RowMapping, bindparam, literal_column, select, update

from remotesupport.core.model import Side
from remotesupport.core.records import Sighting
from remotesupport.store.database import Part
from remotesupport.store.keys import among
from remotesupport.store.tables import sightings

_FIELDS = tuple(f.name for f in fields(Sighting))
_t = sightings.c
_side = (_t.connection == bindparam("connection"), _t.side == bindparam("side"))
_SEEN = select(sightings).where(*_side, _t.listing == bindparam("listing"), among(_t.ticket, "tickets"))
_empty = _t.row_hash == literal_column("''")  # as the partial index has it
_PENDING = (
    select(_t.connection, _t.side, _t.ticket)
    .where(among(_t.connection, "names"), _empty)
    .distinct()
    .order_by(_t.connection, _t.side, _t.ticket)
)
_unread = (_t.read_at.is_(None), ~_empty)
_UNREAD = (
    select(sightings)
    .where(*_side, *_unread, among(_t.department, "departments"))
    .order_by(_t.row_since, _t.ticket, _t.listing)
    .limit(bindparam("most"))
)
_WITH_UNREAD = select(_t.connection).where(among(_t.connection, "names"), _side[1], *_unread).distinct()
_MARK_UNREAD = (
    update(sightings)
    .where(_t.connection == bindparam("of"), _t.side == bindparam("at"), among(_t.ticket, "tickets"))
    .where(~_empty, ~among(_t.department, "outside"))
    .values(read_at=None)
)


class Sightings(Part):
    """Looked up by the tickets of a page, never read as a whole."""

    def sightings(self, connection: str, side: Side, listing: str, tickets: Iterable[str]) -> dict[str, Sighting]:
        """Ticket → Sighting for those of ``tickets`` that were seen in this listing before."""
        here = {"connection": connection, "side": str(side), "listing": listing}
        with self._db.read() as conn:
            rows = conn.execute(_SEEN, {**here, "tickets": tickets}).mappings()
            return {row["ticket"]: _sighting(row) for row in rows}

    def pending_sightings(self, connection: str, side: Side) -> list[str]:
        """Tickets whose last sighting left work open: it was saved with an empty hash. By name, none twice."""
        return self.pending_of([connection]).get((connection, side), [])

    def pending_of(self, names: Iterable[str]) -> dict[tuple[str, Side], list[str]]:
        """Return the same for all sides of these connections that have any."""
        found: dict[tuple[str, Side], list[str]] = {}
        with self._db.read() as conn:
            for name, side, ticket in conn.execute(_PENDING, {"names": names}):
                found.setdefault((name, Side(side)), []).append(ticket)
        return found

    def with_unread(self, names: Iterable[str]) -> set[str]:
        """Name the connections that have external tickets which were seen and not read since they changed."""
        given = {"names": names, "side": str(Side.EXTERNAL)}
        with self._db.read() as conn:
            return set(conn.execute(_WITH_UNREAD, given).scalars())

    def unread_sightings(self, connection: str, departments: Iterable[str], *, most: int) -> list[Sighting]:
        """External tickets in ``departments`` that were seen and not read since they changed: the ``most`` oldest."""
        given = {"connection": connection, "side": str(Side.EXTERNAL), "departments": departments}
        with self._db.read() as conn:
            return [_sighting(row) for row in conn.execute(_UNREAD, {**given, "most": most}).mappings()]

    def mark_unread(self, connection: str, tickets: Iterable[str], *, outside: Iterable[str]) -> None:
        """Mark external tickets that were last seen in no department of ``outside`` as not read."""
        given = {"of": connection, "at": str(Side.EXTERNAL), "tickets": tickets, "outside": outside}
        with self._db.write() as conn:
            conn.execute(_MARK_UNREAD, given)

    def save_sightings(self, run: str, seen: Sequence[Sighting]) -> None:
        """Insert or overwrite exactly the rows given, all or none."""
        latest = {(s.connection, s.side, s.listing, s.ticket): _row(s, run) for s in seen}
        if latest:
            with self._db.write() as conn:
                self._db.upsert(conn, sightings, list(latest.values()))


def _row(seen: Sighting, run: str) -> dict[str, Any]:
    row = {name: getattr(seen, name) for name in _FIELDS}
    return {**row, "side": str(seen.side), "state": None if seen.state is None else str(seen.state), "run": run}


def _sighting(row: RowMapping) -> Sighting:
    return Sighting(**{**{name: row[name] for name in _FIELDS}, "side": Side(row["side"])})
