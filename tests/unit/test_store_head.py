"""The revision that a start compares a store with."""

from pathlib import Path

from alembic.script import ScriptDirectory

import remotesupport.store.migrations
from remotesupport.store.migrate import HEAD


def test_head_is_the_last_migration() -> None:
    """The revision that lets a start skip Alembic is the newest one there is."""
    folder = str(Path(remotesupport.store.migrations.__file__).parent)
    assert ScriptDirectory(folder).get_current_head() == HEAD
