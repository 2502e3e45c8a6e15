"""Room for what was learned about each server, for tickets not understood, and for how many open ones correspond."""

import sqlalchemy as sa
from alembic import op

from remotesupport.store.columns import UtcTime

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """A table, an index and two columns."""
    op.create_table(
        "rs_habits",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("habit", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("first_seen", UtcTime(), nullable=False),
        sa.Column("last_seen", UtcTime(), nullable=False),
        sa.Column("examples", sa.Text(), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "side", "habit", "answer"),
        sqlite_with_rowid=False,
    )
    those = sa.text("reason = 'not_understood'")
    op.create_index(
        "rs_reasons_not_understood", "rs_reasons", ["connection"], sqlite_where=those, postgresql_where=those
    )
    op.add_column("rs_connections", sa.Column("open_lately", sa.Integer(), nullable=True))
    op.add_column("rs_connections", sa.Column("open_corresponding", sa.Integer(), nullable=True))
