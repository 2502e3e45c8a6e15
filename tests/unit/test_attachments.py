"""What one message takes along: fetched again when cut off, bounded in memory and on disk, or a line in its place."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from connectors.contract import Sink
from connectors.errors import AccessDenied, Retriable, Skippable
from remotesupport.core.model import FileRef, MessageKind, MessageRow
from remotesupport.core.plan.change import WholeText
from remotesupport.core.records import Intent
from remotesupport.steps.write.attachments import IN_MEMORY, MOST_FILES, PER_MESSAGE, Parcel, pack_parcel, safe_name
from remotesupport.steps.write.spool import Spool
from remotesupport.steps.write.verify_files import spoilt_files
from tests.store_rows import change
from tests.store_rows import intent as an_intent

LIMIT = 1000


class Shelf:
    """A billing of which only the files matter: name → what each read of it gives, in turn (the last for ever)."""

    name, side = "acme", "external"

    def __init__(self, **files: list[bytes | Exception]) -> None:
        self.files, self.asked, self.measured = files, list[str](), True
        self.said = ""
        self.capabilities = SimpleNamespace(attachments=True)

    async def file(self, ref: FileRef, into: Sink, *, limit: int) -> bool:
        self.asked.append(ref.file)
        given = self.files[ref.file]
        content = given.pop(0) if len(given) > 1 else given[0]
        if isinstance(content, Exception):
            raise content
        if len(content) > limit:
            raise Skippable(f"the file is larger than {limit} bytes", billing="acme")
        into.restart()
        into.write(content)
        return self.measured

    async def thread(self, ticket: str) -> list[MessageRow]:
        return [MessageRow("m1", 0, MessageKind.CLIENT, "ivan", self.said, "", "UTC")]


@pytest.fixture
async def spools() -> AsyncIterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


async def no_sleep(_seconds: float) -> None:
    """At once."""


def scene(shelf: Shelf, home: Path) -> tuple[Any, Any]:
    """A context and a connection: files go from ``shelf`` to main."""
    context = SimpleNamespace(settings=SimpleNamespace(home=home), sleep=no_sleep)
    settings = SimpleNamespace(attachment_limit=LIMIT)
    return context, SimpleNamespace(settings=settings, external=shelf, main=Shelf())


async def parcel(shelf: Shelf, home: Path, stack: ExitStack, *refs: tuple[str, int | None], **more: Any) -> Parcel:
    """What a message with these files (id, announced size) takes to main."""
    files = (FileRef(file, f"{file}.txt", size) for file, size in refs)
    return await pack_parcel(*scene(shelf, home), change(files=tuple(files), body="text"), stack, **more)


async def test_a_file_is_counted_and_hashed_and_can_be_read_again(tmp_path: Path, spools: ExitStack) -> None:
    """Size and SHA-256 are those of the bytes, which can be read as often as it takes."""
    packed = await parcel(Shelf(a=[b"content"]), tmp_path, spools, ("a", None))
    (file,) = packed.uploads
    assert (file.name, file.size, file.sha256) == ("a.txt", 7, hashlib.sha256(b"content").hexdigest())
    for _ in range(2):
        file.content.seek(0)
        assert file.content.read() == b"content"
    assert (packed.body, packed.lost) == ("text", ())


async def test_a_cut_off_file_is_fetched_once_more(tmp_path: Path, spools: ExitStack) -> None:
    """Shorter than announced, or not the same twice where no length was said: the next whole one counts."""
    for measured, size, reads in ((True, 7, [b"cont", b"content"]), (False, None, [b"cont", b"content"])):
        shelf = Shelf(a=list[bytes | Exception](reads))
        shelf.measured = measured
        packed = await parcel(shelf, tmp_path, spools, ("a", size))
        assert [f.size for f in packed.uploads] == [7]


async def test_a_file_that_stays_cut_off_is_named(tmp_path: Path, spools: ExitStack) -> None:
    """The message goes with a line in its place, and a person is told."""
    packed = await parcel(Shelf(a=[b"cont"]), tmp_path, spools, ("a", 7))
    assert packed.uploads == ()
    assert packed.body == "text\n[attachment not carried: a.txt: its size is not what the billing announced]"
    assert "attachment a" in packed.lost[0]


async def test_a_file_that_is_announced_too_large_is_not_asked_for(tmp_path: Path, spools: ExitStack) -> None:
    """Its size alone says so; one that does not say it is stopped at the limit."""
    shelf = Shelf(a=[b"x"], b=[b"x" * (LIMIT + 1)], c=[b"x" * LIMIT])
    packed = await parcel(shelf, tmp_path, spools, ("a", LIMIT + 1), ("b", None), ("c", LIMIT))
    assert shelf.asked == ["b", "c"]
    assert packed.body.count(f"the file is larger than {LIMIT} bytes]") == 2
    assert [f.name for f in packed.uploads] == ["c.txt"]


async def test_the_files_of_one_message_have_a_limit_together(tmp_path: Path, spools: ExitStack) -> None:
    """What does not fit any more stays, with a line that says so."""
    names = [f"f{n}" for n in range(PER_MESSAGE + 1)]
    shelf = Shelf(**{name: [b"x" * LIMIT] for name in names})
    packed = await parcel(shelf, tmp_path, spools, *((name, None) for name in names))
    assert len(packed.uploads) == PER_MESSAGE
    assert f"larger than {PER_MESSAGE * LIMIT} bytes" in packed.lost[0]


async def test_a_message_takes_so_many_files_along_and_says_how_many_stay(tmp_path: Path, spools: ExitStack) -> None:
    """One line stands for all others: a client who attaches thousands makes no text that no server takes."""
    names = [f"f{n}" for n in range(3 * MOST_FILES)]
    shelf = Shelf(**{name: [b"x"] for name in names})
    packed = await parcel(shelf, tmp_path, spools, *((name, 1) for name in names))
    assert [upload.name for upload in packed.uploads] == [f"{name}.txt" for name in names[:MOST_FILES]]
    assert len(shelf.asked) == MOST_FILES
    assert packed.body == (
        f"text\n[attachment not carried: {2 * MOST_FILES} more file(s): a message takes at most {MOST_FILES} along]"
    )
    assert packed.lost == (f"{2 * MOST_FILES} attachment(s): a message takes at most {MOST_FILES} along",)


async def test_a_whole_text_goes_along_however_many_files_there_are(tmp_path: Path, spools: ExitStack) -> None:
    """The text that a message shows only the beginning of is never one of the files that stay."""
    names = [f"f{n}" for n in range(MOST_FILES)]
    shelf = Shelf(**{name: [b"x"] for name in names})
    shelf.said = "all of it"
    files = (*(FileRef(name, f"{name}.txt", 1) for name in names), WholeText("m1", "whole.txt"))
    packed = await pack_parcel(*scene(shelf, tmp_path), change(files=files, body="text"), spools)
    assert [upload.name for upload in packed.uploads][-2:] == [f"f{MOST_FILES - 2}.txt", "whole.txt"]
    assert "1 more file(s)" in packed.body


async def test_a_full_disk_loses_the_file_and_not_the_message(tmp_path: Path, spools: ExitStack) -> None:
    """A folder that cannot be written to stands for it: the line says that there is no room."""
    shelf = Shelf(a=[b"x" * (IN_MEMORY + 1)])
    context, connection = scene(shelf, tmp_path / "gone")
    connection.settings.attachment_limit = 2 * IN_MEMORY
    message = change(files=(FileRef("a", "a.txt"),), body="text")
    packed = await pack_parcel(context, connection, message, spools)
    assert "there is no room for it here]" in packed.body
    assert "attachment a" in packed.lost[0]


async def test_a_refused_login_is_not_a_lost_file(tmp_path: Path, spools: ExitStack) -> None:
    """AccessDenied goes on to who can open an access problem."""
    with pytest.raises(AccessDenied):
        await parcel(Shelf(a=[AccessDenied("no", billing="acme")]), tmp_path, spools, ("a", None))


async def test_what_was_given_up_is_not_fetched(tmp_path: Path, spools: ExitStack) -> None:
    """The reason stands in the text and on the list."""
    shelf = Shelf(a=[b"x"])
    packed = await parcel(shelf, tmp_path, spools, ("a", None), give_up="it did not arrive")
    assert (shelf.asked, packed.uploads) == ([], ())
    assert packed.body.endswith("[attachment not carried: a.txt: it did not arrive]")
    assert packed.lost == ("attachment a: it did not arrive",)


def test_a_spool_leaves_no_file_behind(tmp_path: Path) -> None:
    """What is larger than its memory is in a file without a name, and starting again empties it."""
    spool = Spool(tmp_path, 10)
    spool.write(b"x" * 100)
    assert list(tmp_path.iterdir()) == []
    spool.restart()
    spool.write(b"yz")
    spool.seek(0)
    assert (spool.size, spool.read(), spool.sha256) == (2, b"yz", hashlib.sha256(b"yz").hexdigest())
    spool.close()


@pytest.mark.parametrize("ending", ["done", "failed", "cancelled"])
async def test_its_files_are_closed_whatever_happens(ending: str, tmp_path: Path) -> None:
    """Also when the run is cancelled while a file is on its way."""
    opened: list[Any] = []
    never = asyncio.Event()

    class Slow(Shelf):
        async def file(self, ref: FileRef, into: Sink, *, limit: int) -> bool:
            opened.append(into)
            into.write(b"x" * 100)
            if ending == "failed":
                raise Retriable("cut", billing="acme")
            if ending == "cancelled":
                await never.wait()
            return True

    async def work() -> None:
        with ExitStack() as stack:
            await parcel(Slow(), tmp_path, stack, ("a", None))

    task = asyncio.create_task(work())
    while not opened:
        await asyncio.sleep(0)
    if ending == "cancelled":
        task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    for spool in opened:
        with pytest.raises(ValueError, match="closed"):
            spool.read()


# --- what is there afterwards -----------------------------------------------------------------------------------


def written(*contents: bytes) -> Intent:
    """An intent with these files."""
    return an_intent(files_hash="/".join(hashlib.sha256(c).hexdigest()[:16] for c in contents))


def found(*files: str) -> MessageRow:
    """The message that it became, as the other side shows it."""
    return MessageRow("m1", 0, MessageKind.CLIENT, "x", "text", files=tuple(FileRef(f, f"{f}.txt") for f in files))


async def wrong(shelf: Shelf, home: Path, intent: Intent, message: MessageRow) -> str:
    """What is said of its files."""
    return await spoilt_files(*scene(shelf, home), shelf, intent, message)  # type: ignore[arg-type]


async def test_files_that_arrived_are_not_spoken_of(tmp_path: Path) -> None:
    """Byte for byte the same, in any order."""
    shelf = Shelf(a=[b"one"], b=[b"two"])
    assert await wrong(shelf, tmp_path, written(b"two", b"one"), found("a", "b")) == ""
    assert await wrong(shelf, tmp_path, written(), found()) == ""


async def test_a_missing_and_a_cut_file_are_named(tmp_path: Path) -> None:
    """How many are missing, and which is not what was sent."""
    shelf = Shelf(a=[b"one"], b=[b"tw"])
    said = await wrong(shelf, tmp_path, written(b"one", b"two"), found("a", "b"))
    assert "b.txt (2 bytes) is not what was sent" in said
    assert "a.txt" not in said
    said = await wrong(shelf, tmp_path, written(b"one", b"two"), found("a"))
    assert "1 of 2 that were sent are missing (there: a.txt)" in said


async def test_two_equal_files_must_both_be_there(tmp_path: Path) -> None:
    """One that is there twice does not stand for another."""
    said = await wrong(Shelf(a=[b"one"], b=[b"one"]), tmp_path, written(b"one", b"two"), found("a", "b"))
    assert "b.txt (3 bytes) is not what was sent" in said


async def test_a_file_that_cannot_be_read_back_is_named(tmp_path: Path) -> None:
    """Not knowing is not the same as being there."""
    said = await wrong(Shelf(a=[Retriable("too slow", billing="acme")]), tmp_path, written(b"one"), found("a"))
    assert "a.txt cannot be read back: too slow" in said


@pytest.mark.parametrize(
    ("name", "safe"),
    [("../../etc/passwd", "passwd"), ("a\u202egnp.exe", "a_gnp.exe"), (" .. ", "file"), ("C:\\x\\y.txt", "y.txt")],
)
def test_names_are_safe(name: str, safe: str) -> None:
    """No path, no characters that turn the text round, never empty or hidden."""
    assert safe_name(name) == safe
    assert safe_name(safe) == safe
