"""What a person has decided never to carry."""

import sqlalchemy as sa
from alembic import op

from remotesupport.store.columns import UtcTime, Words

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """One table."""
    op.create_table(
        "rs_dropped",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("ext_ticket", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("why", Words(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "ext_ticket"),
        sqlite_with_rowid=False,
    )
