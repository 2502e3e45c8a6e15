"""Of each write: how many bytes its text and files have, so that they can be counted over an hour and a day."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """A column; nobody counted what was written before."""
    op.add_column("rs_intents", sa.Column("bytes", sa.BigInteger(), nullable=False, server_default="0"))
