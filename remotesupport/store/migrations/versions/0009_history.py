"""Room for what changed over time: configuration, departments, habits, versions, states. One row for each change."""

import sqlalchemy as sa
from alembic import op

from remotesupport.store.columns import Id, UtcTime

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """A table and an index."""
    op.create_table(
        "rs_history",
        sa.Column("id", Id, primary_key=True, autoincrement=True),
        sa.Column("at", UtcTime(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("connection", "what", "subject", "before", "after")),
        sa.Column("why", sa.Text(), nullable=False),
    )
    op.create_index("rs_history_at", "rs_history", ["at"])
