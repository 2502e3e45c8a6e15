"""What was written lately for a connection is found without a look at everything else: quotas and the brake count."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """An index of what is settled."""
    op.create_index(
        "rs_intents_changed",
        "rs_intents",
        ["connection", "changed_at"],
        sqlite_where=sa.text("settled = 1"),
        postgresql_where=sa.text("settled"),
    )
