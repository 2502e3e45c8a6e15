"""Pack the attachments of one change: fetch them from the side that has them, check and name them, or say why not.

A message is never held back by its file: what cannot be carried leaves a visible line that says what and why. Of the
files of one message at most ``IN_MEMORY`` bytes are in memory and ``PER_MESSAGE`` times the connection's limit on disk.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from connectors.contract import Billing
from connectors.errors import AccessDenied, ConnectorError, Fatal, ProtocolError, Retriable
from remotesupport.bootstrap import Connection, Context
from remotesupport.core.model import Direction, FileRef, Upload
from remotesupport.core.plan.change import Change, WholeText
from remotesupport.core.text.compose import attachment_placeholder
from remotesupport.core.text.foreign import without_controls
from remotesupport.steps.write.spool import Digest, Spool

IN_MEMORY = 256 * 1024  # bytes of one message's files
PER_MESSAGE = 5  # files as large as one may be that one message may have
MOST_FILES = 200  # of one message
_NO_FILES = "that billing takes no files"
_TOO_MANY = f"a message takes at most {MOST_FILES} along"
FETCH_SECONDS = 45.0  # for all files of one message

_UNSAFE = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|\u200e\u200f\u202a-\u202e\u2066-\u2069]+")


def safe_name(name: str) -> str:
    """Make a file name without path, control or direction characters, at most 120 characters, never empty or hidden."""
    base = _UNSAFE.sub("_", re.split(r"[/\\]", name)[-1]).strip(" .")
    if len(base) > 120:
        stem, dot, end = base.rpartition(".")
        base = f"{stem[:100]}.{end[:15]}" if dot else base[:120]
    return base or "file"


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message as it goes: its files, its text with a line for each file that stays, and why they stay.

    ``lost`` is for the list of what waits for a person; it is empty where files could never cross.
    """

    uploads: tuple[Upload, ...]
    body: str
    lost: tuple[str, ...] = ()

    @property
    def files_hash(self) -> str:
        """The hashes of its files as an intent has them."""
        return "/".join(u.sha256[:16] for u in self.uploads)

    @property
    def size(self) -> int:
        """Bytes of its text and its files."""
        return len(self.body.encode("utf-8", "replace")) + sum(upload.size for upload in self.uploads)

    def without_files(self, why: str) -> Parcel:
        """Return the same message without its files: its text has a line for each."""
        lines = [attachment_placeholder(u.name, why) for u in self.uploads]
        return Parcel((), "\n".join([self.body, *lines]), (*self.lost, f"{len(lines)} attachment(s): {why}"))


async def pack_parcel(
    ctx: Context, connection: Connection, change: Change, spools: ExitStack, *, give_up: str = ""
) -> Parcel:
    """Pack what a change takes along; its files are open until ``spools`` is closed. Raises AccessDenied, Fatal.

    ``give_up``: why its files are not even tried, "" where they are.
    """
    outward = change.direction is Direction.TO_EXTERNAL
    source, target = (connection.main, connection.external) if outward else (connection.external, connection.main)
    refs = change.files
    if refs and not target.capabilities.attachments:
        lines = [attachment_placeholder(safe_name(ref.name), _NO_FILES) for ref in refs[:MOST_FILES]]
        lines += _further_files(len(refs) - MOST_FILES, _NO_FILES)
        cut = tuple(f"the whole text of message {ref.file}: {_NO_FILES}" for ref in refs if isinstance(ref, WholeText))
        return Parcel((), "\n".join([change.body, *lines]), cut)
    packing = _Packing(ctx, source, change, connection.settings.attachment_limit, spools)
    await packing.pack(refs, give_up)
    return Parcel(tuple(packing.uploads), "\n".join([change.body, *packing.lines]), tuple(packing.lost))


async def fetch(ctx: Context, source: Billing, ref: FileRef, into: Digest, limit: int) -> None:
    """Fetch a whole file; reading is repeated once before it is given up. Raises what ``Billing.file`` raises."""
    try:
        await _read(source, ref, into, limit)
    except (Retriable, ProtocolError):
        await ctx.sleep(1.0)
        await _read(source, ref, into, limit)


async def _read(source: Billing, ref: FileRef, into: Digest, limit: int) -> None:
    """Read a file, and read it twice where nobody says how long it is: both reads must be the same."""
    measured = await source.file(ref, into, limit=limit)
    if ref.size is not None and into.size != ref.size:
        raise _cut_off(source, "its size is not what the billing announced")
    if not measured and ref.size is None:
        again = Digest()
        await source.file(ref, again, limit=limit)
        if again.sha256 != into.sha256:
            raise _cut_off(source, "two reads of it are not the same")


def _cut_off(source: Billing, what: str) -> Retriable:
    return Retriable(what, billing=f"{source.name} ({source.side})", function="file", kind="cut")


@dataclass(slots=True)
class _Packing:
    ctx: Context
    source: Billing
    change: Change
    limit: int
    spools: ExitStack
    uploads: list[Upload] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    async def pack(self, refs: Sequence[FileRef], give_up: str) -> None:
        until = asyncio.get_running_loop().time() + FETCH_SECONDS
        room = MOST_FILES - sum(isinstance(ref, WholeText) for ref in refs)
        taken = [ref for n, ref in enumerate(refs) if n < room or isinstance(ref, WholeText)]
        for ref in taken:
            if give_up:
                self._leave_behind(ref, give_up)
                continue
            spool = Spool(self.ctx.settings.home, max(1, IN_MEMORY // len(taken)))
            self.spools.callback(spool.close)
            if not await self._fetched(ref, spool, until):
                spool.close()
        if left := len(refs) - len(taken):
            self.lines += _further_files(left, _TOO_MANY)
            self.lost.append(f"{left} attachment(s): {_TOO_MANY}")

    async def _fetched(self, ref: FileRef, spool: Spool, until: float) -> bool:
        try:
            room = self._room(ref)
            async with asyncio.timeout_at(until):
                if isinstance(ref, WholeText):
                    await self._write_text(ref, spool, room)
                else:
                    await fetch(self.ctx, self.source, ref, spool, room)
        except (AccessDenied, Fatal):
            raise
        except ConnectorError as error:
            self._leave_behind(ref, error.what, f"attachment {ref.file}: {error}")
        except TimeoutError:
            self._leave_behind(ref, f"the files of its message did not come within {FETCH_SECONDS:.0f} s")
        except OSError as error:
            self._leave_behind(ref, "there is no room for it here", f"attachment {ref.file}: {error}")
        except _NotCarriedError as error:
            self._leave_behind(ref, str(error))
        else:
            self.uploads.append(Upload(safe_name(ref.name), spool, spool.size, spool.sha256))
            return True
        return False

    async def _write_text(self, ref: WholeText, spool: Spool, room: int) -> None:
        thread = await self.source.thread(self.change.source_ticket)
        said = (row.body for row in thread if row.message == ref.file)
        text = without_controls(next(said, "")).encode("utf-8", "replace")
        if not text:
            raise _NotCarriedError("its message is not there any more")
        if len(text) > room:
            raise _NotCarriedError(f"it is larger than {room} bytes")
        spool.write(text)

    def _room(self, ref: FileRef) -> int:
        """Tell how large this file may be; one that is announced to be larger is not asked for."""
        room = PER_MESSAGE * self.limit - sum(upload.size for upload in self.uploads)
        if room <= 0:
            raise _NotCarriedError(f"the files of its message are larger than {PER_MESSAGE * self.limit} bytes")
        if ref.size is not None and ref.size > min(room, self.limit):
            raise _NotCarriedError(f"the file is larger than {min(room, self.limit)} bytes")
        return min(room, self.limit)

    def _leave_behind(self, ref: FileRef, why: str, detail: str = "") -> None:
        self.lost.append(detail or f"attachment {ref.file}: {why}")
        self.lines.append(attachment_placeholder(safe_name(ref.name), why))


def _further_files(count: int, why: str) -> list[str]:
    """One line for all files of a message beyond those that it may take along."""
    return [attachment_placeholder(f"{count} more file(s)", why)] if count > 0 else []


class _NotCarriedError(Exception):
    pass
