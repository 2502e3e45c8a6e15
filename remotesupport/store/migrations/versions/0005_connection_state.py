"""Of each connection: its state and since when, the kind and side of what went wrong, when it was last read."""

import sqlalchemy as sa
from alembic import op

from remotesupport.store.columns import UtcTime

revision = "0005"
down_revision = "0004"

# The kind of a failure that is on record, from what was kept of it so far. A later line overrules an earlier one.
FAILURES = (
    ("incomplete", "stopped_why <> ''"),
    ("guard", "stopped_plan IS NOT NULL"),
    ("unreachable", "read_outcome = 'unreachable'"),
    ("version", "read_outcome = 'too_old'"),
    ("access", "access <> ''"),
)


def upgrade() -> None:
    """Seven columns, and in them what is known already."""
    for column in (
        sa.Column("last_read", UtcTime(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=False, server_default=""),
        sa.Column("failed_side", sa.Text(), nullable=True),
        sa.Column("kept_out", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("state", sa.Text(), nullable=False, server_default=""),
        sa.Column("state_since", UtcTime(), nullable=True),
        sa.Column("paused_since", UtcTime(), nullable=True),
    ):
        op.add_column("rs_connections", column)
    op.execute("UPDATE rs_connections SET last_read = CASE read_outcome WHEN 'ok' THEN last_run ELSE last_good END")
    for failure, where in FAILURES:
        op.execute(f"UPDATE rs_connections SET failure = '{failure}' WHERE {where}")  # noqa: S608 - constants
