"""A secret that is made at the first start and kept in a file which only its owner can read."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def made_once(path: Path, make: Callable[[], str]) -> str:
    """Return the secret in ``path``; where there is no such file, ``make`` one first.

    The file appears whole or not at all, and never in place of one that another start has made.
    """
    if not path.exists():
        new = path.with_name(f".{path.name}.{os.getpid()}")
        new.touch(mode=0o600)
        new.write_text(f"{make()}\n", encoding="ascii")
        with suppress(FileExistsError):
            os.link(new, path)
        new.unlink()
    return path.read_text(encoding="ascii", errors="replace").strip()
