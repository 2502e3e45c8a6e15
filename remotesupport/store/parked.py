"""Keep the changes that failed and wait, and tell what must wait for them. Nothing parked expires silently."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from functools import cache
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Executable, RowMapping, bindparam, delete, false, select, update

from remotesupport.core.frames import BLOCKED, build
from remotesupport.core.model import ChangeKind, Direction
from remotesupport.core.records import Beside, ParkedChange
from remotesupport.store.database import Insert, Part
from remotesupport.store.errors import NotRetriable
from remotesupport.store.keys import among
from remotesupport.store.notes import note
from remotesupport.store.states import is_silent
from remotesupport.store.tables import intents, parked

_FIELDS = tuple(f.name for f in fields(ParkedChange))
_ALL = select(parked).order_by(parked.c.since, parked.c.id)
_OF = _ALL.where(among(parked.c.connection, "names"))
_BY_KEY = select(parked).where(parked.c.connection == bindparam("connection"), parked.c.key == bindparam("key"))
_i = intents.c
_UNKNOWN = select(_i.connection, _i.ext_ticket, _i.direction, _i.kind).where(
    _i.settled == false(), among(_i.connection, "names")
)


@cache
def _put(insert: Insert) -> Executable:
    new = insert(parked)
    again: dict[str, Any] = {k: new.excluded[k] for k in ("cause", "next_try", "run", "kind", "direction")}
    put = new.on_conflict_do_update(
        index_elements=["connection", "key"], set_={**again, "attempts": parked.c.attempts + 1}
    )
    return put.returning(parked.c.id, parked.c.since, parked.c.attempts, parked.c.cause)


class Parked(Part):
    """One row per connection and key; parking it again counts as one more attempt."""

    def park(self, change: ParkedChange) -> ParkedChange:
        """Insert it, or update cause, attempts, next try and run of the one with its key (``since`` stays).

        Returns it as stored, with id. The timeline gets a line when it is new or its cause is.
        """
        with self._db.write() as conn:
            old = _by_key(conn, change)
            stored = self._put(conn, change)
            if old is None or old.cause != stored.cause:
                words = f"{change.kind}: {stored.cause}"
                note(self._db, conn, change.connection, change.ext_ticket, "parked", change.run, words)
        return stored

    def _put(self, conn: Connection, change: ParkedChange) -> ParkedChange:
        row = {name: getattr(change, name) for name in _FIELDS if name != "id"}
        row |= {"direction": str(change.direction) if change.direction else None, "kind": str(change.kind)}
        got = conn.execute(_put(self._db.insert), row).one()
        return replace(change, id=got.id, since=got.since, attempts=got.attempts, cause=got.cause)

    def parked(self, connections: Iterable[str] | None = None) -> list[ParkedChange]:
        """List the parked changes, oldest first; None: of every connection."""
        with self._db.read() as conn:
            found = conn.execute(_ALL) if connections is None else conn.execute(_OF, {"names": list(connections)})
            return [change_of(row) for row in found.mappings()]

    def reoffer(self) -> None:
        """Make due at once what would be tried again later; what has no next try waits for a person and is kept."""
        with self._db.write() as conn:
            now = self._db.now(conn)
            conn.execute(update(parked).where(parked.c.next_try > now).values(next_try=now))

    def unpark(self, parked_id: int, run: str = "") -> ParkedChange | None:
        """Let it go: the next plan may offer it again. Returns what it was, None when it is not there.

        Raises NotRetriable for what no plan offers again and would be forgotten: files that could not be carried, a
        text of which the server shows less, a main ticket that stays closed.
        """
        with self._db.write() as conn:
            row = conn.execute(delete(parked).where(parked.c.id == parked_id).returning(parked)).mappings().first()
            if row is None:
                return None
            change = change_of(row)
            if change.beside is Beside.FILES:
                raise NotRetriable(
                    f"{change.connection} ticket {change.ext_ticket}: the message is on the other side already, "
                    f"without its file ({change.cause}). Send the file there by hand, then: "
                    f'remotesupport parked drop {change.id} --why "sent by hand"'
                )
            if change.beside is Beside.ALTERED:
                raise NotRetriable(
                    f"{change.connection} ticket {change.ext_ticket}: the message is on the other side already, and "
                    f"would be cut there again ({change.cause}). Then: "
                    f'remotesupport parked drop {change.id} --why "told by hand"'
                )
            if change.beside is Beside.STAYS_CLOSED:
                raise NotRetriable(
                    f"{change.connection} ticket {change.ext_ticket}: {change.cause}. It leaves the list by itself then"
                )
            note(
                self._db, conn, change.connection, change.ext_ticket, "unparked", run, f"{change.kind}: {change.cause}"
            )
        return change

    def blocked(self, connections: Iterable[str]) -> pd.DataFrame:
        """Return BLOCKED: tickets and directions with an unknown outcome, or with a parked change that is not due yet.

        A parked change whose ``next_try`` has come blocks no more, so that the next plan offers it again. Without a
        direction it blocks nothing (an attachment, the close after a departure), except a conflict, which blocks both.
        A parked close blocks only itself, as does one towards the external billing that was sent and is not seen there
        yet: no message waits for it.
        """
        names = list(connections)
        with self._db.read() as conn:
            rows = [*_unknown(conn, names), *self._waiting(conn, names)]
        first = {tuple(r[name] for name in BLOCKED.key): r for r in reversed(rows)}
        return build(BLOCKED, first.values())

    def _waiting(self, conn: Connection, names: list[str]) -> list[dict[str, str | bool]]:
        now = self._db.now(conn)
        found = [change_of(row) for row in conn.execute(_OF, {"names": names}).mappings()]
        waits = [c for c in found if c.next_try is None or c.next_try > now]
        return [
            _block(
                c.connection,
                c.ext_ticket,
                str(d),
                f"parked: {c.cause}",
                c.kind if c.kind is ChangeKind.CLOSE else "",
                parked=True,
            )
            for c in waits
            for d in _directions(c)
        ]


def _unknown(conn: Connection, names: list[str]) -> list[dict[str, str | bool]]:
    return [
        _block(
            r.connection,
            r.ext_ticket,
            r.direction,
            f"a {r.kind} was sent and is not seen there yet",
            ChangeKind.CLOSE if is_silent(r.kind, r.direction) else "",
        )
        for r in conn.execute(_UNKNOWN, {"names": names})
    ]


def _block(
    connection: str, ext_ticket: str, direction: str, cause: str, kind: str = "", *, parked: bool = False
) -> dict[str, str | bool]:
    return {
        "connection": connection, "ext_ticket": ext_ticket, "direction": direction, "cause": cause, "kind": str(kind),
        "parked": parked,
    }  # fmt: skip


def _directions(change: ParkedChange) -> tuple[Direction, ...]:
    if change.direction is not None:
        return (change.direction,)
    return tuple(Direction) if change.kind is ChangeKind.CONFLICT else ()


def _by_key(conn: Connection, change: ParkedChange) -> ParkedChange | None:
    row = conn.execute(_BY_KEY, {"connection": change.connection, "key": change.key}).mappings().first()
    return change_of(row) if row else None


def change_of(row: RowMapping) -> ParkedChange:
    """A row of the table as a value."""
    direction = Direction(row["direction"]) if row["direction"] else None
    return ParkedChange(**{**row, "direction": direction, "kind": ChangeKind(row["kind"])})
