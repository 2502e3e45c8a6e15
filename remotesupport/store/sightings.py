"""What each listing last showed of a ticket, so that a quiet minute can stop reading. No links, no messages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import RowMapping, literal_column, select, update

from remotesupport.core.model import Side, Sighting
from remotesupport.store.database import Part, chunks
from remotesupport.store.tables import sightings

_FIELDS = tuple(f.name for f in fields(Sighting))


class Sightings(Part):
    """Looked up by the tickets of a page, never read as a whole."""

    def sightings(self, connection: str, side: Side, listing: str, tickets: Iterable[str]) -> dict[str, Sighting]:
        """Ticket → Sighting for those of ``tickets`` that were seen in this listing before."""
        t = sightings.c
        here = (t.connection == connection, t.side == str(side), t.listing == listing)
        found: dict[str, Sighting] = {}
        with self._db.read() as conn:
            for some in chunks(tickets):
                rows = conn.execute(select(sightings).where(*here, t.ticket.in_(some))).mappings()
                found.update((row["ticket"], _sighting(row)) for row in rows)
        return found

    def pending_sightings(self, connection: str, side: Side) -> list[str]:
        """Tickets whose last sighting left work open: it was saved with an empty hash. By name, none twice."""
        t = sightings.c
        empty = t.row_hash == literal_column("''")  # as the partial index has it
        query = select(t.ticket).where(t.connection == connection, t.side == str(side), empty).distinct()
        with self._db.read() as conn:
            return list(conn.execute(query.order_by(t.ticket)).scalars())

    def unread_sightings(self, connection: str, departments: Iterable[str], *, most: int) -> list[Sighting]:
        """External tickets in ``departments`` that were seen and not read since they changed: the ``most`` oldest."""
        t = sightings.c
        unread = (t.connection == connection, t.side == str(Side.EXTERNAL), t.read_at.is_(None), t.row_hash != "")
        query = select(sightings).where(*unread, t.department.in_(sorted(departments)))
        with self._db.read() as conn:
            rows = conn.execute(query.order_by(t.row_since, t.ticket, t.listing).limit(most)).mappings()
            return [_sighting(row) for row in rows]

    def mark_unread(self, connection: str, tickets: Iterable[str], *, outside: Iterable[str]) -> None:
        """Those external tickets that were last seen in no department of ``outside`` count as not read from now on."""
        t = sightings.c
        elsewhere = (t.side == str(Side.EXTERNAL), t.row_hash != "", t.department.not_in(sorted(outside)))
        with self._db.write() as conn:
            for some in chunks(tickets):
                here = (t.connection == connection, t.ticket.in_(some), *elsewhere)
                conn.execute(update(sightings).where(*here).values(read_at=None))

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
