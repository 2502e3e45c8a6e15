"""Of each department: its flag, and what changed last, and when."""

import sqlalchemy as sa
from alembic import op

from remotesupport.store.columns import UtcTime, Words

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Three columns."""
    op.add_column("rs_departments", sa.Column("remote", sa.Text(), nullable=True))
    op.add_column("rs_departments", sa.Column("change", Words(), nullable=True))
    op.add_column("rs_departments", sa.Column("changed_at", UtcTime(), nullable=True))
