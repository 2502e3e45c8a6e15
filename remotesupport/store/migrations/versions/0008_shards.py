"""Of each run: its shard. Of each connection: how often it was looked at in vain, and when it is looked at again."""

import sqlalchemy as sa
from alembic import op

from remotesupport.store.columns import UtcTime

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Three columns."""
    op.add_column("rs_runs", sa.Column("shard", sa.Text(), nullable=True))
    op.add_column("rs_connections", sa.Column("in_vain", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("rs_connections", sa.Column("next_look", UtcTime(), nullable=True))
