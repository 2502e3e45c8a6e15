"""A rehearsal: one ticket in main, opened, read back, written to and closed, so that its server shows what it does.

Nothing is written to the external side, and the ledger never hears of it. How far it has come is in the store before
each write, so that one that was interrupted goes on with the same ticket. What must stay out: asking the person.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from connectors.errors import AccessDenied, ConnectorError, Fatal, Retriable
from remotesupport.bootstrap import Context
from remotesupport.core.connections.habits import HabitEvidence
from remotesupport.core.connections.rehearsal import again
from remotesupport.core.text.remedies import resume_advice
from remotesupport.steps.learned.habits import keep, untold
from remotesupport.steps.leases import kept_alive, take
from remotesupport.steps.operator.check_reach import failed
from remotesupport.steps.operator.check_row import CheckRow, Part, of_part
from remotesupport.steps.operator.rehearsal_ticket import RehearsalTicket
from remotesupport.steps.pipeline.turns import ASK_EVERY, MINUTE_PATIENCE
from remotesupport.store import Store
from remotesupport.store.errors import LeaseLost

LOOK_EVERY = 10.0  # seconds between two looks whether staff of main have let the ticket go


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """The result of a rehearsal: its rows, main's ticket ("": none), what was learned, what remains to be done."""

    rows: tuple[CheckRow, ...]
    ticket: str
    closed: bool
    learned: tuple[HabitEvidence, ...]
    remains: str

    def to_json(self) -> dict[str, Any]:
        """The documented shape."""
        learned = [{"side": str(e.side), "habit": e.habit, "answer": e.answer} for e in self.learned]
        return {"ticket": self.ticket or None, "closed": self.closed, "learned": learned, "remains": self.remains}


def paused_row(store: Store, name: str) -> CheckRow | None:
    """The row of a connection that a person has paused; None where it is not."""
    if not any(state.paused for state in store.connection_states() if state.name == name):
        return None
    why = "the connection is paused; nothing was written"
    return CheckRow("rehearsal", False, why, resume_advice(name), part=Part.REHEARSAL)


class Rehearsal:
    """One rehearsal of one connection.

    ``wait``: seconds that staff of main have to let the ticket go, where they hold it. ``tell``: says to the person
    what they can do meanwhile.
    """

    def __init__(self, ctx: Context, name: str, *, wait: float, tell: Callable[[str], None]) -> None:
        self.ctx, self.name, self.wait, self.tell = ctx, name, wait, tell
        self.connection = ctx.connections[name]
        self.ticket = RehearsalTicket(ctx, self.connection)
        self.rows: list[CheckRow] = []
        self.may_write = True

    async def perform(self) -> Rehearsed:
        """All of it. A billing's fault ends in a row; whoever ends it early is told what remains."""
        before = self._known()
        if paused := paused_row(self.ctx.store, self.name):
            self.rows.append(paused)
        else:
            try:
                await self._steps()
            except asyncio.CancelledError:
                self.tell(f"Interrupted. {self.ticket.remains()}")
                raise
        learned = [one for key, one in self._known().items() if key not in before]
        if self.ticket.id:
            self.rows.append(self._learned(learned))
        rows = of_part(Part.REHEARSAL, self.rows)
        return Rehearsed(tuple(rows), self.ticket.id, self.ticket.closed, tuple(learned), self.ticket.remains())

    async def _steps(self) -> None:
        held = False
        async with self._right() as free:
            if not free:
                self.rows.append(_busy(self.name))
                return
            if not await self._step("rehearsal ticket", self.ticket.open):
                return
            if await self._step("rehearsal reading", self.ticket.read_back):
                await self._step("rehearsal message", self.ticket.post)
            if self.may_write:
                held = await self._step("rehearsal close", self.ticket.close) and not self.ticket.closed
        if held:
            await self._step("rehearsal close", self._let_go)

    async def _step(self, check: str, work: Callable[[], Awaitable[str]]) -> bool:
        """One step, with what it showed of the servers. Its row comes later where it has nothing to say yet."""
        try:
            try:
                detail = await work()
            finally:
                keep(self.ctx.store, self.connection, self.ctx.clock())
        except ConnectorError as error:
            self.may_write &= not isinstance(error, AccessDenied | Fatal)
            self.rows.append(failed(check, error))
            return False
        except LeaseLost as lost:
            self.may_write = False
            why = f"the right to write has passed on: {lost}"
            self.rows.append(CheckRow(check, False, why, again(self.name), person=False))
            return False
        if detail:
            self.rows.append(CheckRow(check, True, detail))
        return True

    async def _let_go(self) -> str:
        """Wait until staff of main answer or close the ticket, then close it; syncs may write meanwhile."""
        until, ticket = self.ctx.clock() + timedelta(seconds=self.wait), self.ticket
        if self.wait and ticket.held:
            self.tell(
                f"Staff of main hold ticket {ticket.id}: answer it there with any word, or close it. This waits up to "
                f"{self.wait / 60:.0f} min for that. Ctrl-C ends the waiting; {again(self.name)}."
            )
        while self.ctx.clock() < until:
            await self.ctx.sleep(LOOK_EVERY)
            try:
                if await ticket.let_go() and (detail := await self._close_now()):
                    return detail
            except Retriable:
                continue
        raise ticket.stays(self.wait)

    async def _close_now(self) -> str:
        async with self._right() as free:
            return await self.ticket.close() if free else ""

    @asynccontextmanager
    async def _right(self) -> AsyncIterator[bool]:
        """The right to write, as a sync takes it; False where another run has it for too long."""
        until = self.ctx.clock() + timedelta(seconds=MINUTE_PATIENCE)
        while not (leases := take(self.ctx, [self.name])) and self.ctx.clock() < until:
            await self.ctx.sleep(ASK_EVERY)
        async with kept_alive(self.ctx, leases):
            self.ticket.leases = leases
            yield bool(leases)

    def _known(self) -> dict[tuple[str, str, str], HabitEvidence]:
        return {(e.side, e.habit, e.answer): e for e in self.ctx.store.habit_evidence(self.name)}

    def _learned(self, learned: list[HabitEvidence]) -> CheckRow:
        check, new = "rehearsal learned", ", ".join(f"{e.side} {e.habit}: {e.answer}" for e in learned)
        if questions := untold(self.ctx.store, self.connection):
            cure = f"`remotesupport habits --billing {self.name}` shows what was seen; report it"
            return CheckRow(check, False, f"still not told: {' '.join(questions)}", cure)
        return CheckRow(check, True, new or "nothing new")


def _busy(name: str) -> CheckRow:
    why = "another run works on this connection; nothing was written"
    return CheckRow("rehearsal", False, why, f"Try again in a minute: remotesupport check --rehearse {name}", False)
