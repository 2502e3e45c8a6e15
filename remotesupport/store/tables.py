"""The tables. Changed only together with a migration (a test compares both). No queries here.

No column holds the text of a message but ``plans.body``, which is emptied when its plan is applied or expires, and
``inputs.body`` where ``sealed``: encrypted, and deleted after some days.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from remotesupport.store.columns import SUBJECT_LIMIT, Id, UtcTime, Words

metadata = MetaData()


def _text(name: str, *, key: bool = False, nullable: bool = False) -> Column[str]:
    return Column(name, Text, primary_key=key, nullable=nullable)


def _time(name: str, *, nullable: bool = False) -> Column[datetime]:
    return Column(name, UtcTime, nullable=nullable)


runs = Table(
    "rs_runs", metadata,
    _text("run", key=True), _text("kind"), _text("flow_run", nullable=True), _time("started"),
    _time("finished", nullable=True), _text("state", nullable=True), _text("summary", nullable=True),
    _text("shard", nullable=True), Index("rs_runs_started", "started"),
)  # fmt: skip

sightings = Table(
    "rs_sightings", metadata,
    _text("connection", key=True), _text("side", key=True), _text("listing", key=True), _text("ticket", key=True),
    _text("row_hash"), _time("row_since"), _time("read_at", nullable=True), _text("department", nullable=True),
    _text("state", nullable=True), Column("activity", Words, nullable=False), _text("run"),
    Index("rs_sightings_pending", "connection", "side",
          sqlite_where=text("row_hash = ''"), postgresql_where=text("row_hash = ''")),
    Index("rs_sightings_unread", "connection", "side", "department",
          sqlite_where=text("read_at IS NULL"), postgresql_where=text("read_at IS NULL")),
    sqlite_with_rowid=False,
)  # fmt: skip

links = Table(
    "rs_links", metadata,
    _text("connection", key=True), _text("ext_ticket", key=True), _text("main_ticket"), _text("ext_state"),
    _text("main_state"), _text("department", nullable=True), Column("departed", Boolean, nullable=False),
    Index("rs_links_main", "connection", "main_ticket", unique=True),
    sqlite_with_rowid=False,
)  # fmt: skip

carried = Table(
    "rs_carried", metadata,
    _text("connection", key=True), _text("ext_ticket", key=True), _text("direction", key=True),
    _text("source_message", key=True), _text("target_message", nullable=True), _text("body_hash"),
    _text("run", nullable=True), _time("at", nullable=True), _time("confirmed_at", nullable=True),
    _text("author", nullable=True), _time("said_at", nullable=True), _text("department", nullable=True),
    sqlite_with_rowid=False,
)  # fmt: skip

leases = Table(
    "rs_leases", metadata,
    _text("connection", key=True), _text("holder", nullable=True), Column("token", BigInteger, nullable=False),
    _time("expires_at"),
)  # fmt: skip

intents = Table(
    "rs_intents", metadata,
    Column("id", Id, primary_key=True, autoincrement=True), _text("key"), _text("connection"), _text("kind"),
    _text("direction"), _text("ext_ticket"), _text("main_ticket", nullable=True), _text("body_hash"),
    _text("files_hash"), _text("last_known", nullable=True), Column("last_ordinal", Integer, nullable=False),
    _time("deadline"), _text("run"), _text("covers"),
    Column("subject", Words(SUBJECT_LIMIT), nullable=False), Column("bytes", BigInteger, nullable=False),
    _text("state"), Column("attempt", Integer, nullable=False), Column("absent_reads", Integer, nullable=False),
    Column("cause", Words, nullable=False), Column("settled", Boolean, nullable=False), _time("changed_at"),
    UniqueConstraint("key", name="rs_intents_key"),
    Index("rs_intents_changed", "connection", "changed_at",
          sqlite_where=text("settled = 1"), postgresql_where=text("settled")),
    Index("rs_intents_open", "connection", "ext_ticket",
          sqlite_where=text("settled = 0"), postgresql_where=text("NOT settled")),
    sqlite_autoincrement=True,
)  # fmt: skip

parked = Table(
    "rs_parked", metadata,
    Column("id", Id, primary_key=True, autoincrement=True), _text("connection"), _text("ext_ticket"),
    _text("direction", nullable=True), _text("kind"), _text("key"), Column("cause", Words, nullable=False),
    _time("since"), Column("attempts", Integer, nullable=False), _time("next_try", nullable=True), _text("run"),
    UniqueConstraint("connection", "key", name="rs_parked_key"),
    sqlite_autoincrement=True,
)  # fmt: skip

dropped = Table(
    "rs_dropped", metadata,
    _text("connection", key=True), _text("ext_ticket", key=True), _text("kind"), Column("why", Words, nullable=False),
    _time("at"),
    sqlite_with_rowid=False,
)  # fmt: skip

plans = Table(
    "rs_plans", metadata,
    _text("id", key=True), _text("connection"), _text("run"), _text("state"), Column("verdict", Words, nullable=False),
    Column("detail", Words, nullable=False), _text("body", nullable=True), _time("created_at"), _time("changed_at"),
    Index("rs_plans_connection", "connection", "state"),
)  # fmt: skip

inputs = Table(
    "rs_inputs", metadata,
    _text("run", key=True), _text("connection", key=True), _text("plan"), _time("at"), _text("version"),
    Column("sealed", Boolean, nullable=False), _text("same_as", nullable=True),
    Column("body", LargeBinary, nullable=True),
    Index("rs_inputs_plan", "connection", "plan"),
)  # fmt: skip

reasons = Table(
    "rs_reasons", metadata,
    _text("connection", key=True), _text("ticket", key=True), _text("reason"), Column("detail", Words, nullable=False),
    _text("main_ticket", nullable=True), _text("run"), _time("since"),
    Index("rs_reasons_not_understood", "connection", sqlite_where=text("reason = 'not_understood'"),
          postgresql_where=text("reason = 'not_understood'")),
    sqlite_with_rowid=False,
)  # fmt: skip

events = Table(
    "rs_events", metadata,
    Column("id", Id, primary_key=True, autoincrement=True), _time("at"), _text("connection"), _text("ext_ticket"),
    _text("event"), _text("run"), Column("detail", Words, nullable=False),
    Index("rs_events_ticket", "connection", "ext_ticket"),
    Index("rs_events_at", "at"),
)  # fmt: skip

history = Table(
    "rs_history", metadata,
    Column("id", Id, primary_key=True, autoincrement=True), _time("at"), _text("connection"), _text("what"),
    Column("subject", Words, nullable=False), Column("before", Words, nullable=False),
    Column("after", Words, nullable=False), Column("why", Words, nullable=False),
    Index("rs_history_at", "at"),
)  # fmt: skip

quarantine = Table(
    "rs_quarantine", metadata,
    Column("id", Id, primary_key=True, autoincrement=True), _text("run"), _time("at"), _text("connection"),
    _text("side"), _text("ticket", nullable=True), _text("check"), Column("reason", Words, nullable=False),
    Index("rs_quarantine_run", "run"),
)  # fmt: skip

connections = Table(
    "rs_connections", metadata,
    _text("name", key=True), _time("last_good", nullable=True), _time("last_run", nullable=True),
    _text("read_outcome"), _text("stopped_plan", nullable=True), Column("stopped_why", Words, nullable=False),
    Column("access", Words, nullable=False), _time("access_at", nullable=True),
    Column("paused", Boolean, nullable=False), _time("pending_since", nullable=True),
    Column("linked", Integer, nullable=False), _time("last_read", nullable=True), _text("failure"),
    _text("failed_side", nullable=True), Column("kept_out", Integer, nullable=False), _text("state"),
    _time("state_since", nullable=True), _time("paused_since", nullable=True),
    Column("open_lately", Integer, nullable=True), Column("open_corresponding", Integer, nullable=True),
    Column("in_vain", Integer, nullable=False), _time("next_look", nullable=True),
)  # fmt: skip

departments = Table(
    "rs_departments", metadata,
    _text("connection", key=True), _text("side", key=True), _text("department", key=True),
    Column("name", Words, nullable=False), Column("active", Boolean, nullable=False),
    _text("remote", nullable=True), Column("change", Words, nullable=True), _time("changed_at", nullable=True),
    sqlite_with_rowid=False,
)  # fmt: skip

habits = Table(
    "rs_habits", metadata,
    _text("connection", key=True), _text("side", key=True), _text("habit", key=True), _text("answer", key=True),
    Column("count", BigInteger, nullable=False), _time("first_seen"), _time("last_seen"), _text("examples"),
    Column("accepted", Boolean, nullable=False),
    sqlite_with_rowid=False,
)  # fmt: skip

progress = Table(
    "rs_progress", metadata,
    _text("key", key=True), _text("value"), _time("changed_at"),
)  # fmt: skip
