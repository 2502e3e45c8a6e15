"""The default pool, and a worker's name: the same after every restart, so that it finds what it left behind.

A name is held by one process at a time: a second worker with it would take the first one's runs for leftovers.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import socket
from pathlib import Path

DEFAULT_POOL = "remotesupport"
ALIVE = ".alive"


class NameTakenError(RuntimeError):
    """Another worker with this name goes on in this state folder. The message says what to do."""


def own_name(home: Path) -> str:
    """Machine and state folder, without what Prefect forbids in names."""
    folder = hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:6]
    return f"{re.sub(r'[^A-Za-z0-9.-]', '-', socket.gethostname())}-{folder}"


def alive_file(name: str, folder: Path) -> Path:
    """The file whose time tells when the worker has last had an answer from Prefect."""
    return _file(name, folder, ALIVE)


def _file(name: str, folder: Path, ending: str) -> Path:
    return folder / f"worker-{hashlib.sha256(name.encode()).hexdigest()[:12]}{ending}"


def hold(name: str, folder: Path) -> int:
    """Hold the name for the life of this process; returns the open lock file's descriptor. Raises NameTakenError."""
    path = _file(name, folder, ".lock")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise NameTakenError(f"a worker named {name} is running here already: give this one another --name") from None
    return descriptor
