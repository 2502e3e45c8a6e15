"""Bytes that are kept: compressed always, encrypted where there is a key (Fernet: AES and an HMAC, with its time).

What must stay out: what the bytes are, where they are kept, where the key comes from.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.fernet import Fernet


class NotReadable(Exception):
    """The bytes cannot be had again: why, and what to do."""


class BadKey(Exception):
    """The key is none that can encrypt."""


_QUICK = 2  # half the time, and hardly more room
_CURE = "`openssl rand -base64 32` makes a key"


def sealed(data: bytes, key: str = "") -> bytes:
    """Return ``data`` compressed, and encrypted where ``key`` is given. Raises BadKey."""
    small = zlib.compress(data, level=_QUICK)
    return _fernet(key).encrypt(small) if key else small


def opened(body: bytes, key: str = "") -> bytes:
    """Return the bytes that ``sealed`` was given. Raises BadKey, NotReadable."""
    try:
        return zlib.decompress(_decrypted(body, key) if key else body)
    except zlib.error as error:
        raise NotReadable(f"what was kept is damaged ({error})") from None


def check_key(key: str) -> None:
    """Raise BadKey where that is none."""
    _fernet(key)


def _decrypted(body: bytes, key: str) -> bytes:
    from cryptography.fernet import InvalidToken

    try:
        return _fernet(key).decrypt(body)
    except InvalidToken:
        raise NotReadable("it was encrypted with another key than that of [keep], or is damaged") from None


def _fernet(key: str) -> Fernet:
    from cryptography.fernet import Fernet

    try:
        return Fernet(key)
    except ValueError:
        raise BadKey(f"the key of [keep] is no Fernet key (32 random bytes in base64). {_CURE}") from None
