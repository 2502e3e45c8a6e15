"""Of each carried message: when it was sent and by which run, who said it when, and in which department."""

import sqlalchemy as sa
from alembic import op

from remotesupport.store.columns import UtcTime

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Six columns. Of what was sent before nobody kept this, and nothing is made up."""
    for name, kind in (
        ("run", sa.Text()), ("at", UtcTime()), ("confirmed_at", UtcTime()), ("author", sa.Text()),
        ("said_at", UtcTime()), ("department", sa.Text()),
    ):  # fmt: skip
        op.add_column("rs_carried", sa.Column(name, kind, nullable=True))
