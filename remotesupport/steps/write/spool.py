"""Where the bytes of an attachment go on their way: counted and hashed as they come, and kept on disk.

What must stay out: billings, tickets, deciding what a size or a hash means.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from tempfile import SpooledTemporaryFile


class Digest:
    """A ``Sink`` that keeps nothing: the size in bytes, and the SHA-256."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin anew, as if nothing had come."""
        self.size, self._hash = 0, hashlib.sha256()

    def write(self, chunk: bytes, /) -> None:
        """Take the next piece."""
        self.size += len(chunk)
        self._hash.update(chunk)

    @property
    def sha256(self) -> str:
        """The SHA-256 of what came so far, in hex."""
        return self._hash.hexdigest()


class Spool(Digest):
    """A ``Sink`` that can be read again: up to ``in_memory`` bytes in memory, more in a file in ``folder``.

    The file has no name there, so it goes with the process, however that ends. Raises OSError where the disk is full.
    It shows no descriptor, which would move small files to disk when httpx asks for it.
    """

    def __init__(self, folder: Path, in_memory: int) -> None:
        self._file = SpooledTemporaryFile(max_size=in_memory, dir=str(folder))  # noqa: SIM115 - ``close`` closes it
        super().__init__()

    def restart(self) -> None:
        super().restart()
        self._file.seek(0)
        self._file.truncate()

    def write(self, chunk: bytes, /) -> None:
        super().write(chunk)
        self._file.write(chunk)

    def read(self, size: int = -1, /) -> bytes:
        return self._file.read(size)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        """Throw the bytes away."""
        self._file.close()
