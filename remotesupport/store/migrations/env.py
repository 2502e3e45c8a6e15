"""Alembic's environment: runs on the connection, in the transaction, that remotesupport.store.migrate hands over."""

from alembic import context

from remotesupport.store.migrate import VERSION_TABLE
from remotesupport.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, version_table=VERSION_TABLE
)
with context.begin_transaction():
    context.run_migrations()
