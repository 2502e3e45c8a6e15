"""Attachments over real HTTP: both ways to the byte; cut off, lost and refused on their way, and never twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from remotesupport.steps.write.writer import FILE_TRIES
from tests.emulator_fixtures import RunningEmulator
from tests.http_desk import LONG, HttpDesk, http_desk
from tests.three_billings import ThreeBillings, texts, three_billings

BIG, SMALL = 600_000, 70_000  # bytes; one is spooled to disk, the other is not; neither fits one piece


class Scene:
    """A linked ticket, and files in it by the name that nobody else gives."""

    def __init__(self, world: ThreeBillings, desk: HttpDesk) -> None:
        self.world, self.desk = world, desk
        done = world.acme.act(as_="ivan", do="open", department="Technical support", subject="s", text="first")
        self.ticket = str(done["ticket"])

    async def start(self) -> Scene:
        await self.desk.run()
        self.copy = self.world.copy(f"[acme #{self.ticket}]")
        return self

    def client_sends(self, text: str, **sizes: int) -> None:
        self.world.acme.act(as_="ivan", do="reply", ticket=self.ticket, text=text, files=_files(sizes))

    def staff_send(self, text: str, **sizes: int) -> None:
        self.world.main.act(as_="anna", do="reply", ticket=self.copy, text=text, files=_files(sizes))

    def crossed(self, target: RunningEmulator, text: str) -> int:
        """How often the text is there."""
        ticket = self.copy if target is self.world.main else self.ticket
        return sum(text in said for said in texts(target, ticket))

    def parked(self) -> list[str]:
        return [p.cause for p in self.desk.context.store.parked()]


def _files(sizes: dict[str, int]) -> list[dict[str, Any]]:
    return [{"name": f"{name}.bin", "size": size} for name, size in sizes.items()]


def digests(billing: RunningEmulator) -> list[tuple[str, int, str]]:
    """Every file of a billing in order: name, size, SHA-256."""
    return [(f["name"], f["size"], f["sha256"]) for f in billing.state()["files"]]


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    with three_billings(tmp_path) as world:
        async with http_desk(world) as desk:
            yield await Scene(world, desk).start()


async def test_files_cross_both_ways_to_the_byte(scene: Scene) -> None:
    """Large and small ones, from a message and from an answer, in their order; nothing waits for a person."""
    scene.client_sends("two files", big=BIG, small=SMALL)
    await scene.desk.run()
    assert digests(scene.world.main) == digests(scene.world.acme)
    scene.staff_send("one back", answer=BIG + 1)
    await scene.desk.drain()
    assert digests(scene.world.main) == digests(scene.world.acme)
    assert [name for name, *_ in digests(scene.world.acme)] == ["big.bin", "small.bin", "answer.bin"]
    assert scene.parked() == []


@pytest.mark.thorough("two seconds of CPU time; files both ways to the byte are in `make test`")
async def test_files_of_one_name_stay_as_many_as_they_are(scene: Scene) -> None:
    """R18: three files of the same name in one message, one of no bytes, are three files on the other side, to the
    byte."""
    files = [{"name": "image.png", "size": size} for size in (SMALL, 0, SMALL + 1)]
    for said, billing, ticket in (("anna", scene.world.main, scene.copy), ("ivan", scene.world.acme, scene.ticket)):
        billing.act(as_=said, do="reply", ticket=ticket, text=f"three files of {said}", files=files)
        await scene.desk.drain()
        assert sorted(digests(scene.world.main)) == sorted(digests(scene.world.acme))
    assert [(name, size) for name, size, _ in digests(scene.world.acme)] == 2 * [(f["name"], f["size"]) for f in files]
    assert scene.parked() == []


OTHER_FAULT = pytest.mark.thorough("two seconds of CPU time; the same law for one fault is in `make test`")


@pytest.mark.parametrize("fault", [{"truncate": 0.5}, pytest.param({"reset_before": True}, marks=OTHER_FAULT)])
async def test_a_download_that_is_cut_off_is_repeated(scene: Scene, fault: dict[str, Any]) -> None:
    """Also one of which the server does not say how long it is: nothing half crosses."""
    scene.world.acme.fault(func="ticket.file", count=1, **fault)
    scene.client_sends("see file", big=BIG)
    await scene.desk.run()
    assert digests(scene.world.main) == digests(scene.world.acme)
    assert scene.crossed(scene.world.main, "see file") == 1


UPLOADS: dict[str, dict[str, Any]] = {
    "cut off": {"cut_upload": 0.5},
    "done, not answered": {"reset_after": True},
}


@pytest.mark.parametrize("name", [pytest.param("cut off", marks=OTHER_FAULT), "done, not answered"])
async def test_an_upload_without_an_answer_is_there_once(scene: Scene, name: str) -> None:
    """Two answers of the same words with different files: each is there once, with its own file, in order."""
    where = {} if name == "cut off" else {"func": "ticket.edit"}
    scene.world.acme.fault(count=1, only="writes", **where, **UPLOADS[name])
    scene.staff_send("see file", one=BIG)
    scene.staff_send("see file", two=BIG + 1)
    await scene.desk.drain()
    assert scene.crossed(scene.world.acme, "see file") == 2
    assert digests(scene.world.acme) == digests(scene.world.main)
    assert scene.parked() == []
    assert sum(scene.world.acme.core.faults.struck[kind] for kind in UPLOADS[name]) == 1


@pytest.mark.parametrize(
    ("fault", "answered", "said"),
    [
        pytest.param("lost_files", False, "1 of 1 that were sent are missing", id="lost"),
        pytest.param("cut_files", True, "is not what was sent", id="cut", marks=OTHER_FAULT),
    ],
)
async def test_a_file_that_the_other_side_lost_is_named(scene: Scene, fault: str, answered: bool, said: str) -> None:
    """Its text is there once and not again; the file is on the list of what waits for a person."""
    more = {} if answered else {"reset_after": True}
    scene.world.main.fault(func="clientticket.edit", only="writes", count=1, **{fault: True}, **more)
    scene.client_sends("see file", big=BIG)
    await scene.desk.drain()
    assert scene.crossed(scene.world.main, "see file") == 1
    (cause,) = scene.parked()
    assert said in cause


@pytest.mark.thorough("four seconds of CPU time; a file that is refused is in `make test`")
async def test_a_file_that_never_arrives_does_not_hold_its_message_back(scene: Scene) -> None:
    """After two tries the text goes alone, with a line in the file's place, and what comes after it goes on."""
    scene.world.main.fault(cut_upload=0.5)
    scene.client_sends("see file", big=BIG)
    scene.client_sends("and another thing")
    for _ in range(FILE_TRIES * 3 + 2):
        if not scene.crossed(scene.world.main, "and another thing"):
            await scene.desk.run(later=LONG)
    assert scene.world.main.core.faults.struck["cut_upload"] == FILE_TRIES
    assert scene.crossed(scene.world.main, "see file\n[attachment not carried: big.bin: its message was sent") == 1
    assert scene.crossed(scene.world.main, "and another thing") == 1
    assert ["did not arrive" in cause for cause in scene.parked()] == [True]


async def test_a_file_that_is_refused_does_not_hold_its_message_back(scene: Scene) -> None:
    """A server that takes nothing so large gets the text alone in the same run."""
    scene.world.main.fault(func="clientticket.edit", only="writes", count=1, status=413)
    scene.client_sends("see file", big=BIG)
    await scene.desk.run()
    assert scene.crossed(scene.world.main, "[attachment not carried: big.bin: the request is too large") == 1
    assert len(scene.parked()) == 1
