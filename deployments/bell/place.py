"""Where the bell of a running ``up`` is found: two files in the state folder, its address and its token.

The process holds a lock on the address for its life, so that nobody takes what a killed one left behind for a bell.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from deployments.secret_file import made_once

ADDRESS_FILE, TOKEN_FILE = "bell.address", "bell.token"
_SHORTEST = 16


class BellError(RuntimeError):
    """The bell cannot be used or started. The message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Place:
    """A bell that is there. ``url``: without a path."""

    url: str
    token: str


def token_of(home: Path) -> str:
    """The token, made at the first start. It is for its owner's eyes only, and made so again. Raises BellError."""
    path = home / TOKEN_FILE
    made_once(path, lambda: secrets.token_urlsafe(32))
    path.chmod(0o600)
    return _read(path)


def _read(path: Path) -> str:
    token = path.read_text(encoding="ascii", errors="replace").strip()
    if len(token) < _SHORTEST or not token.isascii() or not token.isprintable():
        raise BellError(
            f"{path} holds no usable token (at least {_SHORTEST} letters and digits): "
            "remove it, and the next start makes a new one"
        )
    return token


def hold(home: Path) -> int:
    """Be the one bell of this state folder for the life of this process. Raises BellError. → open descriptor."""
    descriptor = os.open(home / ADDRESS_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise BellError(f"another `remotesupport up` has the bell of {home} already: stop one of the two") from None
    os.ftruncate(descriptor, 0)
    return descriptor


def publish(held: int, url: str) -> None:
    """Write the address where ``found`` looks for it; ``held``: from ``hold``."""
    os.pwrite(held, url.encode(), 0)


def found(home: Path) -> Place | None:
    """The bell that serves this state folder; None where none does. Raises BellError."""
    if not (home / ADDRESS_FILE).exists() or not (home / TOKEN_FILE).exists():
        return None
    descriptor = os.open(home / ADDRESS_FILE, os.O_RDONLY)
    try:
        url = os.pread(descriptor, 1000, 0).decode()
        if not url or _is_free(descriptor):
            return None
    finally:
        os.close(descriptor)
    return Place(url, _read(home / TOKEN_FILE))


def _is_free(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
