"""The main job of the product between two emulated servers of any habits: what people do, and what must come of it.

A ticket goes there and its answer comes back; a note stays; two equal messages are two; main closes; the client writes
again; the ticket leaves; and then nothing is written any more.
"""

from __future__ import annotations

from contextlib import suppress

from remotesupport.core.run import RunKind, RunReport
from remotesupport.emulator.refusal import Refusal
from tests.http_desk import HttpDesk, crossed_once
from tests.three_billings import texts

NOTE = "PLANTED-NOTE-5520"  # invented; main's staff only
THERE = ["first words", "says it twice", "says it twice ", "is it back?"]
BACK = ["An answer.", "A second answer."]


class MainJob:
    """One ticket's life; every step is one person's act and the runs that carry it."""

    def __init__(self, desk: HttpDesk) -> None:
        self.desk, self.world = desk, desk.world
        self.ticket = self.other = ""
        self.reports: list[RunReport] = []

    async def whole(self) -> None:
        """All of it, with everything that must hold."""
        await self.to_main()
        await self.answered()
        await self.two_equal_messages()
        await self.closed_and_written_to_again()
        await self.departed()
        await self.nothing_is_left()

    async def to_main(self) -> None:
        """Ivan opens a ticket, and main has it once."""
        self.other = self.open("Another ticket, which stays")
        self.ticket = self.open(THERE[0])
        await self.runs()
        crossed_once(self.world.main, self.copy, THERE[:1])

    async def answered(self) -> None:
        """Anna notes something and answers: Ivan has the answer once, and the note is nowhere outside."""
        self.world.main.act(as_="anna", do="note", ticket=self.copy, text=NOTE)
        self.world.main.act(as_="anna", do="reply", ticket=self.copy, text=BACK[0])
        await self.runs()
        crossed_once(self.world.acme, self.ticket, BACK[:1])

    async def two_equal_messages(self) -> None:
        """Ivan says the same twice: main hears it twice."""
        for _ in range(2):
            self.acme("ivan", "reply", ticket=self.ticket, text="says it twice")
        await self.runs()
        await self.heard_at_last("says it twice", 2)

    async def closed_and_written_to_again(self) -> None:
        """Anna answers and closes; Ivan asks once more, and is heard and answered."""
        self.world.main.act(as_="anna", do="reply", ticket=self.copy, text=BACK[1])
        with suppress(Refusal):  # a server whose answer gave the ticket away has nothing left to close
            self.world.main.act(as_="anna", do="close", ticket=self.copy)
        await self.runs()
        crossed_once(self.world.acme, self.ticket, BACK)
        self.acme("ivan", "reply", ticket=self.ticket, text="is it back?")
        await self.runs()
        await self.heard_at_last("is it back?", 1)

    async def departed(self) -> None:
        """The ticket leaves for a department that is not handled outside: what is said there stays there."""
        self.acme("admin", "transfer", ticket=self.ticket, department="Sales")
        await self.runs()
        self.acme("ivan", "reply", ticket=self.ticket, text="only for sales")
        await self.runs()
        assert self.heard("only for sales") == 0, texts(self.world.main, self.copy)

    async def nothing_is_left(self) -> None:
        """Nothing is open, two runs write nothing, and everything crossed once; the note did not."""
        self.reports += await self.desk.drain()
        crossed_once(self.world.acme, self.ticket, BACK)
        assert self.heard("says it twice") == 2
        assert [self.heard(text) for text in (THERE[0], "is it back?")] == [1, 1]
        assert NOTE not in repr(self.world.acme.requests())
        assert len(self.world.copies("[acme #")) == 2

    @property
    def copy(self) -> str:
        """The id of main's ticket."""
        return self.world.copy(f"[acme #{self.ticket}]")

    def open(self, text: str) -> str:
        opened = self.acme("ivan", "open", department="Technical support", subject="Help", text=text)
        return str(opened["ticket"])

    def acme(self, who: str, do: str, **what: str) -> dict[str, object]:
        return self.world.acme.act(as_=who, do=do, **what)

    async def heard_at_last(self, text: str, times: int) -> None:
        """Main has it so often; where staff's list shows only what waits (version 4), with audits."""
        for _hour in range(times):  # where main takes one message a minute, the next one comes with the next audit
            if self.heard(text) < times and not self.desk.shows_all():
                self.reports.append(await self.desk.run(RunKind.AUDIT))
                await self.runs(4)
        assert self.heard(text) == times, texts(self.world.main, self.copy)

    def heard(self, text: str) -> int:
        return sum(said.count(text) for said in texts(self.world.main, self.copy))

    async def runs(self, count: int = 2) -> None:
        for _ in range(count):
            self.reports.append(await self.desk.run())
