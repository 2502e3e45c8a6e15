"""What was written of one ticket is found without a look at everything else: the brake counts it."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """An index."""
    op.create_index("rs_intents_ticket", "rs_intents", ["connection", "ext_ticket"])
