"""Copy a store that is an SQLite file, also while it is in use: ``python -m deployments.store_copy FROM TO``.

A backup is a copy elsewhere, putting it back is a copy over the store, with everything stopped. A plain copy of the
file lacks what stands in its write-ahead log. PostgreSQL has pg_dump for the same.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from remotesupport.store.migrate import VERSION_TABLE

USAGE = "usage: python -m deployments.store_copy FROM TO (two SQLite files)"
WAIT_S = 30.0


class NotCopied(Exception):
    """A file that cannot be copied, or not be written over. The text says what to do."""


def main(argv: Sequence[str]) -> int:
    """Copy, and say what the copy holds. → exit status."""
    if len(argv) != 2 or Path(argv[0]).resolve() == Path(argv[1]).resolve():
        sys.stderr.write(f"{USAGE}\n")
        return 2
    source, target = map(Path, argv)
    try:
        revision = copy(source, target)
    except (NotCopied, sqlite3.Error, OSError) as error:
        sys.stderr.write(f"{source} was not copied to {target}: {error}\n")
        return 1
    sys.stdout.write(f"{target} is {source} as of now, with tables of revision {revision}.\n")
    return 0


def copy(source: Path, target: Path) -> str:
    """The whole of ``source`` as of one moment; ``target`` keeps its owner where it is there. Returns the revision."""
    revision = _revision(source)
    if target.exists():
        _revision(target)
    os.close(os.open(target, os.O_CREAT | os.O_RDWR, 0o600))
    with closing(_opened(source, "ro")) as one, closing(_opened(target, "rw")) as other:
        one.backup(other)
        found = other.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise NotCopied(f"the copy is damaged ({found}). Is the disk full? Keep the last copy that was good")
    return revision


def _revision(file: Path) -> str:
    """The revision of a store's tables. Raises NotCopied for a file that is none: it is not written over."""
    if not file.is_file():
        raise NotCopied(f"there is no file {file}")
    with closing(_opened(file, "ro")) as store:
        if not store.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (VERSION_TABLE,)).fetchone():
            raise NotCopied(f"{file} is no store of remotesupport: move it away if that is meant")
        return str(store.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone()[0])  # noqa: S608 - a constant


def _opened(file: Path, mode: str) -> sqlite3.Connection:
    """Never makes a file: a wrong name is an error, and no empty store."""
    return sqlite3.connect(f"{file.resolve().as_uri()}?mode={mode}", uri=True, timeout=WAIT_S)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
