"""Room for the inputs of runs that planned something, for some days: what `remotesupport replay` plans from again."""

import sqlalchemy as sa
from alembic import op

from remotesupport.store.columns import UtcTime

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """A table and an index."""
    op.create_table(
        "rs_inputs",
        *(sa.Column(name, sa.Text(), primary_key=True, nullable=False) for name in ("run", "connection")),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Boolean(), nullable=False),
        sa.Column("same_as", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
    )
    op.create_index("rs_inputs_plan", "rs_inputs", ["connection", "plan"])
