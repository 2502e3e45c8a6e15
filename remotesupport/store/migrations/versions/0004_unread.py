"""Tickets that were seen and not read, since their department did not correspond, are found when it does."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """One index. What was seen before is read once more, where it is open: nobody wrote down what had been skipped."""
    unread = sa.text("read_at IS NULL")
    op.create_index(
        "rs_sightings_unread", "rs_sightings", ["connection", "side", "department"],
        sqlite_where=unread, postgresql_where=unread,
    )  # fmt: skip
    op.execute("UPDATE rs_sightings SET read_at = NULL WHERE side = 'external' AND state = 'open'")
