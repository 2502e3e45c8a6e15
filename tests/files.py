"""Attachments for tests: bytes as an upload, and a billing's file as bytes."""

from __future__ import annotations

import hashlib
import io

from connectors.contract import Billing
from remotesupport.core.model import FileRef, Upload


def upload(name: str, content: bytes) -> Upload:
    """A file to be written."""
    return Upload(name, io.BytesIO(content), len(content), hashlib.sha256(content).hexdigest())


class Pieces:
    """A sink that keeps everything, piece by piece."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def restart(self) -> None:
        self.pieces.clear()

    def write(self, chunk: bytes, /) -> None:
        self.pieces.append(chunk)


async def fetched(billing: Billing, ref: FileRef, *, limit: int) -> bytes:
    """The whole file."""
    pieces = Pieces()
    await billing.file(ref, pieces, limit=limit)
    return b"".join(pieces.pieces)
