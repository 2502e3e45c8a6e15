"""Writing links and carried messages inside somebody else's transaction. No transactions of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Executable, RowMapping, bindparam, func, or_, select, update
from sqlalchemy.exc import IntegrityError

from remotesupport.core.model import TicketState
from remotesupport.core.records import Carried, LinkRow
from remotesupport.core.text.remedies import reused_number_advice
from remotesupport.store.database import Database, Insert
from remotesupport.store.errors import LinkConflict
from remotesupport.store.keys import among
from remotesupport.store.tables import carried, connections, links

_pair = links.c.ext_ticket == bindparam("ext_ticket"), links.c.main_ticket == bindparam("main_ticket")
_CLAIMS = (
    select(links.c.ext_ticket, links.c.main_ticket)
    .where(links.c.connection == bindparam("connection"), or_(*_pair))
    .with_for_update()
)
_LINK = select(links).where(links.c.connection == bindparam("connection"), _pair[0])
_NEW = {c: bindparam(f"new_{c}", type_=links.c[c].type) for c in ("ext_state", "main_state", "department", "departed")}
_STATES = (
    update(links)
    .where(links.c.connection == bindparam("its_connection"), links.c.ext_ticket == bindparam("its_ticket"))
    .values({c: func.coalesce(new, links.c[c]) for c, new in _NEW.items()})
)
_c = carried.c
_CARRIED = select(_c.source_message, _c.body_hash, _c.target_message).where(
    _c.connection == bindparam("connection"),
    _c.direction == bindparam("direction"),
    _c.ext_ticket == bindparam("ext_ticket"),
    among(_c.source_message, "sources"),
)

_SENT = _CARRIED.with_only_columns(
    _c.source_message, _c.run, _c.at, _c.confirmed_at, _c.author, _c.said_at, _c.department
)


@cache
def _new_link(insert: Insert) -> Executable:
    new = insert(links).on_conflict_do_nothing(index_elements=["connection", "ext_ticket"])
    return new.returning(links.c.ext_ticket)


@cache
def _one_more(insert: Insert) -> Executable:
    more = {"linked": connections.c.linked + 1}
    return insert(connections).on_conflict_do_update(index_elements=["name"], set_=more)


def put_link(db: Database, conn: Connection, link: LinkRow, *, departed: bool | None = None) -> None:
    """Insert the link, or update its states; a missing department and ``departed=None`` keep what is there.

    Raises LinkConflict when either ticket is linked to another one.
    """
    known = _is_known(conn, link)
    row = {
        "connection": link.connection, "ext_ticket": link.ext_ticket, "main_ticket": link.main_ticket,
        "ext_state": str(link.ext_state), "main_state": str(link.main_state), "department": link.department,
        "departed": bool(departed),
    }  # fmt: skip
    if known or not _inserted(db, conn, row, link):
        change_link(conn, link.connection, link.ext_ticket, {**row, "departed": departed})


def both_open(conn: Connection, connection: str, ext_ticket: str) -> None:
    """The two sides of a link agree on being open, as they do after a message."""
    change_link(conn, connection, ext_ticket, dict.fromkeys(("ext_state", "main_state"), str(TicketState.OPEN)))


def change_link(conn: Connection, connection: str, ext_ticket: str, row: dict[str, Any]) -> None:
    """Change a link to ``row``; what that does not give, or gives as None, stays."""
    new = {bound.key: row.get(column) for column, bound in _NEW.items()}
    conn.execute(_STATES, {"its_connection": connection, "its_ticket": ext_ticket, **new})


def _inserted(db: Database, conn: Connection, row: dict[str, Any], link: LinkRow) -> bool:
    try:
        new = conn.execute(_new_link(db.insert), row).first()
    except IntegrityError:  # another process linked it between the look and the insert
        raise _conflict(link, "another external ticket") from None
    if new is not None:
        _count_link(db, conn, link.connection)
    return new is not None


def this_link(connection: str, ext_ticket: str) -> tuple[Any, Any]:
    """The two conditions that name one link."""
    return links.c.connection == connection, links.c.ext_ticket == ext_ticket


def link_of(conn: Connection, connection: str, ext_ticket: str) -> RowMapping | None:
    """The row of one link."""
    return conn.execute(_LINK, {"connection": connection, "ext_ticket": ext_ticket}).mappings().first()


def _is_known(conn: Connection, link: LinkRow) -> bool:
    """Tell whether just these two are linked. Raises LinkConflict when either is linked to another one."""
    known = False
    pair = {"connection": link.connection, "ext_ticket": link.ext_ticket, "main_ticket": link.main_ticket}
    for ext_ticket, main_ticket in conn.execute(_CLAIMS, pair):
        if (ext_ticket, main_ticket) != (link.ext_ticket, link.main_ticket):
            raise _conflict(link, f"external ticket {ext_ticket} with main ticket {main_ticket}")
        known = True
    return known


def _conflict(link: LinkRow, other: str) -> LinkConflict:
    return LinkConflict(
        f"{link.connection}: external ticket {link.ext_ticket} and main ticket {link.main_ticket} cannot be linked, "
        f"the ledger has {other}. {reused_number_advice(link.connection)}."
    )


def _count_link(db: Database, conn: Connection, connection: str) -> None:
    conn.execute(_one_more(db.insert), {**blank_connection(connection), "linked": 1})


def blank_connection(name: str) -> dict[str, Any]:
    """A connection's row before anything is known of it."""
    return {
        "name": name, "last_good": None, "last_run": None, "read_outcome": "", "stopped_plan": None,
        "stopped_why": "", "access": "", "access_at": None, "paused": False, "pending_since": None, "linked": 0,
        "last_read": None, "failure": "", "failed_side": None, "kept_out": 0, "state": "", "state_since": None,
        "paused_since": None, "open_lately": None, "open_corresponding": None, "in_vain": 0,
        "next_look": None,
    }  # fmt: skip


def put_carried(
    db: Database, conn: Connection, connection: str, direction: str, ext_ticket: str, rows: Iterable[Carried]
) -> list[Carried]:
    """Insert or update carried messages. An unknown target never replaces a known one of the same text.

    Where an edit's follow-up replaces an older target, the older one is kept under ``<source>@<hash>``: it is ours,
    and must never look like a new message of that thread. Returns ``rows`` as they are now.
    """
    news = {row.source_message: row for row in rows}
    olds = {row.source_message: row for row in carried_of(conn, connection, direction, ext_ticket, list(news))}
    final = [line for new in news.values() for line in _merged(olds.get(new.source_message), new)]
    where = {"connection": connection, "direction": direction, "ext_ticket": ext_ticket}
    sent = _sent(conn, where, [c.source_message for c in news.values()]) if len(final) > len(news) else {}
    lines = [
        {**where, "source_message": c.source_message, "target_message": c.target_message, "body_hash": c.body_hash}
        for c in final
    ]
    db.upsert(conn, carried, [line for line in lines if line["source_message"] in news])
    for line in lines:
        if line["source_message"] not in news:
            older = sent.get(str(line["source_message"]).rpartition("@")[0], {})
            db.upsert(conn, carried, [{**line, **older}])
    return [c for c in final if c.source_message in news]


def _sent(conn: Connection, where: dict[str, str], sources: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Find when, by which run and of whom these were sent so far: the older one of two texts keeps that."""
    found = conn.execute(_SENT, {**where, "sources": sources}).mappings()
    return {row["source_message"]: {k: v for k, v in row.items() if k != "source_message"} for row in found}


def carried_of(
    conn: Connection, connection: str, direction: str, ext_ticket: str, sources: Sequence[str]
) -> list[Carried]:
    """Return what is carried of these source messages."""
    here = {"connection": connection, "direction": direction, "ext_ticket": ext_ticket}
    return [Carried(*row) for row in conn.execute(_CARRIED, {**here, "sources": sources})]


def _merged(old: Carried | None, new: Carried) -> list[Carried]:
    if old is None or old.target_message in (None, new.target_message):
        return [new]
    if old.body_hash == new.body_hash and new.target_message is None:
        return [old]
    return [new, Carried(f"{old.source_message}@{old.body_hash[:8]}", old.body_hash, old.target_message)]


def count_links(conn: Connection, connection: str) -> int:
    """The true number of links of a connection (slow; the counter in ``connections`` is kept equal to it)."""
    return conn.execute(select(func.count()).select_from(links).where(links.c.connection == connection)).scalar_one()
