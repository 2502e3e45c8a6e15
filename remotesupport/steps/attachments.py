"""Attachments of one change: fetched from the side that has them, checked, named safely, or replaced by words.

A message is never held back by its file: what cannot be carried leaves a visible line that says what and why.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

import orjson

from connectors.contract import Billing
from connectors.errors import AccessDenied, ConnectorError, Fatal, Retriable
from remotesupport.bootstrap import Connection, Context
from remotesupport.core.compose import attachment_placeholder
from remotesupport.core.model import Direction, FileRef, Upload

_UNSAFE = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|\u200e\u200f\u202a-\u202e\u2066-\u2069]+")


def safe_name(name: str) -> str:
    """A file name without path, control or direction characters, at most 120 characters, never empty or hidden."""
    base = _UNSAFE.sub("_", re.split(r"[/\\]", name)[-1]).strip(" .")
    if len(base) > 120:
        stem, dot, end = base.rpartition(".")
        base = f"{stem[:100]}.{end[:15]}" if dot else base[:120]
    return base or "file"


async def carry(ctx: Context, connection: Connection, row: Any) -> tuple[tuple[Upload, ...], str, list[str]]:
    """The uploads of a row of CHANGES, its final text, and what could not be carried. Raises AccessDenied, Fatal."""
    refs = [FileRef(f["file"], f["name"], f.get("size")) for f in orjson.loads(row.files)]
    outward = row.direction == Direction.TO_EXTERNAL
    source, target = (connection.main, connection.external) if outward else (connection.external, connection.main)
    if refs and not target.capabilities.attachments:
        lines = [attachment_placeholder(safe_name(ref.name), "that billing takes no files") for ref in refs]
        return (), "\n".join([row.body, *lines]), []
    limit = connection.settings.attachment_limit
    uploads, lines, lost = [], [], []
    for ref in refs:
        try:
            content = await _fetch(ctx, source, ref, limit)
            if ref.size is not None and len(content) != ref.size:
                raise _CutError
            uploads.append(Upload(safe_name(ref.name), content, hashlib.sha256(content).hexdigest()))
        except (AccessDenied, Fatal):
            raise
        except ConnectorError as error:
            lost.append(str(error))
            lines.append(attachment_placeholder(safe_name(ref.name), error.what))
        except _CutError:
            lost.append(f"attachment {ref.file}: its size is not what the billing announced")
            lines.append(attachment_placeholder(safe_name(ref.name), "its size is not what the billing announced"))
    body = "\n".join([row.body, *lines]) if lines else row.body
    return tuple(uploads), body, lost


async def _fetch(ctx: Context, source: Billing, ref: FileRef, limit: int) -> bytes:
    """Reading is repeated once before a file is given up."""
    try:
        return await source.file(ref, limit=limit)
    except Retriable:
        await ctx.sleep(1.0)
        return await source.file(ref, limit=limit)


class _CutError(Exception):
    pass
