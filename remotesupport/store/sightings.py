"""What each listing last showed of a ticket, so that a quiet minute can stop reading. No links, no messages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import RowMapping, bindparam, literal_column, select, update

from remotesupport.core.model import Side, Sighting
from remotesupport.store.database import Part
from remotesupport.store.keys import among
from remotesupport.store.tables import sightings

_FIELDS = tuple(f.name for f in fields(Sighting))
_t = sightings.c
_side = (_t.connection == bindparam("connection"), _t.side == bindparam("side"))
_SEEN = select(sightings).where(*_side, _t.listing == bindparam("listing"), among(_t.ticket, "tickets"))
_empty = _t.row_hash == literal_column("''")  # as the partial index has it
_PENDING = select(_t.ticket).where(*_side, _empty).distinct().order_by(_t.ticket)
_unread = (_t.read_at.is_(None), ~_empty)
_UNREAD = (
    select(sightings)
    .where(*_side, *_unread, among(_t.department, "departments"))
    .order_by(_t.row_since, _t.ticket, _t.listing)
    .limit(bindparam("most"))
)
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
        with self._db.read() as conn:
            return list(conn.execute(_PENDING, {"connection": connection, "side": str(side)}).scalars())

    def unread_sightings(self, connection: str, departments: Iterable[str], *, most: int) -> list[Sighting]:
        """External tickets in ``departments`` that were seen and not read since they changed: the ``most`` oldest."""
        given = {"connection": connection, "side": str(Side.EXTERNAL), "departments": departments}
        with self._db.read() as conn:
            return [_sighting(row) for row in conn.execute(_UNREAD, {**given, "most": most}).mappings()]

    def mark_unread(self, connection: str, tickets: Iterable[str], *, outside: Iterable[str]) -> None:
        """Those external tickets that were last seen in no department of ``outside`` count as not read from now on."""
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
