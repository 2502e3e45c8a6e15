"""The first tables."""

import sqlalchemy as sa
from alembic import op

from remotesupport.store.columns import SUBJECT_LIMIT, Id, UtcTime, Words

revision = "0001"
down_revision = None


# How SQLite's planner is to imagine a store: few connections, many tickets. Without numbers it takes a connection for
# a handful of rows and walks through all of its links for one main ticket.
STATISTICS = (
    ("rs_links", "rs_links", "100000 10000 1"),
    ("rs_links", "rs_links_main", "100000 10000 1"),
    ("rs_carried", "rs_carried", "1000000 100000 10 5 1"),
    ("rs_sightings", "rs_sightings", "200000 20000 10000 5000 1"),
    ("rs_reasons", "rs_reasons", "100000 10000 1"),
    ("rs_events", "rs_events_ticket", "1000000 100000 10"),
    ("rs_events", "rs_events_at", "1000000 10"),
)


def upgrade() -> None:
    """All of them."""
    _tables()
    if op.get_bind().dialect.name == "sqlite":
        _statistics()


def _statistics() -> None:
    op.execute("ANALYZE")
    op.execute("DELETE FROM sqlite_stat1 WHERE tbl LIKE 'rs_%'")
    table = sa.table("sqlite_stat1", sa.column("tbl"), sa.column("idx"), sa.column("stat"))
    op.bulk_insert(table, [{"tbl": tbl, "idx": idx, "stat": stat} for tbl, idx, stat in STATISTICS])
    op.execute("ANALYZE sqlite_schema")


def _tables() -> None:
    op.create_table(
        "rs_carried",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("ext_ticket", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("source_message", sa.Text(), nullable=False),
        sa.Column("target_message", sa.Text(), nullable=True),
        sa.Column("body_hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "ext_ticket", "direction", "source_message"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rs_connections",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("last_good", UtcTime(), nullable=True),
        sa.Column("last_run", UtcTime(), nullable=True),
        sa.Column("read_outcome", sa.Text(), nullable=False),
        sa.Column("stopped_plan", sa.Text(), nullable=True),
        sa.Column("stopped_why", Words(), nullable=False),
        sa.Column("access", Words(), nullable=False),
        sa.Column("access_at", UtcTime(), nullable=True),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("pending_since", UtcTime(), nullable=True),
        sa.Column("linked", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "rs_departments",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("name", Words(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "side", "department"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rs_events",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("ext_ticket", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("detail", Words(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("rs_events_at", "rs_events", ["at"], unique=False)
    op.create_index("rs_events_ticket", "rs_events", ["connection", "ext_ticket"], unique=False)
    op.create_table(
        "rs_intents",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("ext_ticket", sa.Text(), nullable=False),
        sa.Column("main_ticket", sa.Text(), nullable=True),
        sa.Column("body_hash", sa.Text(), nullable=False),
        sa.Column("files_hash", sa.Text(), nullable=False),
        sa.Column("last_known", sa.Text(), nullable=True),
        sa.Column("last_ordinal", sa.Integer(), nullable=False),
        sa.Column("deadline", UtcTime(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("covers", sa.Text(), nullable=False),
        sa.Column("subject", Words(SUBJECT_LIMIT), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("absent_reads", sa.Integer(), nullable=False),
        sa.Column("cause", Words(), nullable=False),
        sa.Column("settled", sa.Boolean(), nullable=False),
        sa.Column("changed_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key", name="rs_intents_key"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "rs_intents_open",
        "rs_intents",
        ["connection", "ext_ticket"],
        unique=False,
        sqlite_where=sa.text("settled = 0"),
        postgresql_where=sa.text("NOT settled"),
    )
    op.create_table(
        "rs_leases",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("connection"),
    )
    op.create_table(
        "rs_links",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("ext_ticket", sa.Text(), nullable=False),
        sa.Column("main_ticket", sa.Text(), nullable=False),
        sa.Column("ext_state", sa.Text(), nullable=False),
        sa.Column("main_state", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=True),
        sa.Column("departed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "ext_ticket"),
        sqlite_with_rowid=False,
    )
    op.create_index("rs_links_main", "rs_links", ["connection", "main_ticket"], unique=True)
    op.create_table(
        "rs_parked",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("ext_ticket", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("cause", Words(), nullable=False),
        sa.Column("since", UtcTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try", UtcTime(), nullable=True),
        sa.Column("run", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("connection", "key", name="rs_parked_key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "rs_plans",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("verdict", Words(), nullable=False),
        sa.Column("detail", Words(), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("changed_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("rs_plans_connection", "rs_plans", ["connection", "state"], unique=False)
    op.create_table(
        "rs_progress",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("changed_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "rs_quarantine",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("ticket", sa.Text(), nullable=True),
        sa.Column("check", sa.Text(), nullable=False),
        sa.Column("reason", Words(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("rs_quarantine_run", "rs_quarantine", ["run"], unique=False)
    op.create_table(
        "rs_reasons",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("ticket", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", Words(), nullable=False),
        sa.Column("main_ticket", sa.Text(), nullable=True),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("since", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "ticket"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rs_runs",
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("flow_run", sa.Text(), nullable=True),
        sa.Column("started", UtcTime(), nullable=False),
        sa.Column("finished", UtcTime(), nullable=True),
        sa.Column("state", sa.Text(), nullable=True),
        sa.Column("summary", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("run"),
    )
    op.create_index("rs_runs_started", "rs_runs", ["started"], unique=False)
    op.create_table(
        "rs_sightings",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("listing", sa.Text(), nullable=False),
        sa.Column("ticket", sa.Text(), nullable=False),
        sa.Column("row_hash", sa.Text(), nullable=False),
        sa.Column("row_since", UtcTime(), nullable=False),
        sa.Column("read_at", UtcTime(), nullable=True),
        sa.Column("department", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=True),
        sa.Column("activity", Words(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "side", "listing", "ticket"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "rs_sightings_pending",
        "rs_sightings",
        ["connection", "side"],
        unique=False,
        sqlite_where=sa.text("row_hash = ''"),
        postgresql_where=sa.text("row_hash = ''"),
    )
