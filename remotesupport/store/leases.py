"""The right to write for one connection: one holder, a fencing token that only grows, the store's clock."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any

from sqlalchemy import Connection, Executable, bindparam, or_, select, update

from remotesupport.core.records import Intent, Lease
from remotesupport.store.database import Database, Insert, Part
from remotesupport.store.errors import LeaseLost
from remotesupport.store.tables import leases

_of = leases.c.connection == bindparam("of")
_held_by = (_of, leases.c.token == bindparam("its_token"), leases.c.holder == bindparam("its_holder"))
_move = update(leases).where(*_held_by).values(expires_at=bindparam("until")).returning(leases.c.token)
_RENEW = _move.where(leases.c.expires_at > bindparam("now"))
_RELEASE = _move.values(holder=None)
_LOCK = select(leases).where(_of).with_for_update()


@cache
def _take(insert: Insert) -> Executable:
    new = insert(leases)
    taken = {"holder": new.excluded.holder, "token": leases.c.token + 1, "expires_at": new.excluded.expires_at}
    free = or_(leases.c.holder.is_(None), leases.c.expires_at <= bindparam("now"))
    take = new.on_conflict_do_update(index_elements=["connection"], set_=taken, where=free)
    return take.returning(leases.c.token, leases.c.expires_at)


class Leases(Part):
    """A lease's row is never deleted, so that its token never starts again."""

    def acquire_lease(self, connection: str, holder: str, ttl_s: float) -> Lease | None:
        """The lease for ``ttl_s`` seconds, or None while somebody has it (the same holder counts as somebody)."""
        with self._db.write() as conn:
            now = self._db.now(conn)
            row = {"connection": connection, "holder": holder, "token": 1, "expires_at": now + timedelta(seconds=ttl_s)}
            got = conn.execute(_take(self._db.insert), {**row, "now": now}).first()
        return Lease(connection, holder, got.token, got.expires_at) if got else None

    def renew_lease(self, lease: Lease, ttl_s: float) -> Lease:
        """Keep the same token for ``ttl_s`` seconds from now. Raises LeaseLost when it has expired or passed on."""
        with self._db.write() as conn:
            now = self._db.now(conn)
            until = now + timedelta(seconds=ttl_s)
            if conn.execute(_RENEW, {**_held(lease), "now": now, "until": until}).first() is None:
                raise _lost(lease, "it has expired or another run has taken it")
        return Lease(lease.connection, lease.holder, lease.token, until)

    def release_lease(self, lease: Lease) -> bool:
        """Give it back. False when it was lost already: nothing is to be done then."""
        with self._db.write() as conn:
            return conn.execute(_RELEASE, {**_held(lease), "until": self._db.now(conn)}).first() is not None

    def lease_holder(self, connection: str) -> Lease | None:
        """Return the lease of whoever may write now, for messages to people; None when nobody may."""
        with self._db.read() as conn:
            row = conn.execute(select(leases).where(leases.c.connection == connection)).mappings().first()
            held = row is not None and row["holder"] is not None and row["expires_at"] > self._db.now(conn)
            return Lease(**row) if row is not None and held else None


def require_lease(db: Database, conn: Connection, lease: Lease, intent: Intent) -> None:
    """Lock the lease's row and check: token current, and time left greater than the request's deadline.

    Both are durations, each by its own clock (lease: the store's, deadline: this host's), so clocks are never mixed.
    """
    if lease.connection != intent.connection:
        raise ValueError(f"a lease of {lease.connection} cannot be used for {intent.connection}")
    row = conn.execute(_LOCK, {"of": lease.connection}).mappings().first()
    if row is None or row["token"] != lease.token or row["holder"] != lease.holder:
        raise _lost(lease, "another run has taken it")
    left = row["expires_at"] - db.now(conn)
    needed = intent.deadline - db.local_now()
    if left <= max(needed, timedelta()):
        raise _lost(lease, f"{max(left.total_seconds(), 0):.1f} s are left, {needed.total_seconds():.1f} s are needed")


def _held(lease: Lease) -> dict[str, Any]:
    return {"of": lease.connection, "its_token": lease.token, "its_holder": lease.holder}


def _lost(lease: Lease, why: str) -> LeaseLost:
    return LeaseLost(
        f"{lease.connection}: the right to write (token {lease.token}, {lease.holder}) is lost: {why}. "
        "This run writes nothing more there; the next one goes on."
    )
