"""Check that the files of a message that we wrote are on the other side as they were sent: read back and hashed.

The intent has their hashes, so this works just as well in a later run. What must stay out: what follows from it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

from connectors.contract import Billing
from connectors.errors import ConnectorError
from remotesupport.bootstrap import Connection, Context
from remotesupport.core.model import FileRef, MessageRow
from remotesupport.core.records import Intent
from remotesupport.steps.write.attachments import fetch, safe_name
from remotesupport.steps.write.spool import Digest

CHECK_SECONDS = 20.0  # for all files of one message


async def spoilt_files(
    ctx: Context, connection: Connection, billing: Billing, intent: Intent, found: MessageRow
) -> str:
    """Say what is wrong with the files of ``found``; "" where all that were sent are there, byte for byte."""
    if not intent.file_hashes:
        return ""
    awaited = Counter(intent.file_hashes)
    limit = connection.settings.attachment_limit
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            wrong = [w for ref in found.files if (w := await _wrong(ctx, billing, ref, limit, awaited))]
    except TimeoutError:
        wrong = [f"they could not be read back within {CHECK_SECONDS:.0f} s"]
    missing = len(intent.file_hashes) - len(found.files)
    if missing > 0:
        wrong.append(f"{missing} of {len(intent.file_hashes)} that were sent are missing{_there(found.files)}")
    return f"attachments of message {found.message} there: {'; '.join(wrong)}; look at both tickets" if wrong else ""


async def _wrong(ctx: Context, billing: Billing, ref: FileRef, limit: int, awaited: Counter[str]) -> str:
    name, digest = safe_name(ref.name), Digest()
    try:
        await fetch(ctx, billing, ref, digest, limit)
    except ConnectorError as error:
        return f"{name} cannot be read back: {error.what}"
    key = digest.sha256[:16]
    if awaited[key] < 1:
        return f"{name} ({digest.size} bytes) is not what was sent"
    awaited[key] -= 1
    return ""


def _there(files: Sequence[FileRef]) -> str:
    return f" (there: {', '.join(safe_name(ref.name) for ref in files)})" if files else ""
