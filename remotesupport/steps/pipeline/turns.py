"""Turns to write: a connection asks for its own when it has been read, and has it when no other run works on it.

What another run has written since reading began is told with it, so that nothing is planned on what was so before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from remotesupport.bootstrap import Context
from remotesupport.core.records import Lease
from remotesupport.core.run import RunKind, RunRequest
from remotesupport.steps.leases import take
from remotesupport.store.errors import StoreError

ASK_EVERY = 1.0  # seconds between two questions whether a lease is free
MINUTE_PATIENCE = 15.0  # seconds that a sync waits while another kind of run holds the lease; for another sync: none
PATIENCE = 300.0  # the same for every other run: in five minutes the syncs give it back two to five times


def patience(kind: RunKind) -> float:
    """Seconds that a run of ``kind`` waits for a lease that another run holds."""
    return MINUTE_PATIENCE if kind is RunKind.SYNC else PATIENCE


@dataclass(frozen=True, slots=True)
class Turn:
    """The right to write, as it was taken. ``left_open``: writes of earlier runs have no known outcome.

    ``moved``: external tickets that another run has changed in the ledger since they were read.
    """

    left_open: bool
    moved: frozenset[str]


@dataclass(slots=True)
class _Waiting:
    mark: int
    until: datetime
    turn: asyncio.Future[Turn | None]


class Turns:
    """The leases of one run, each connection's own: asked for together, waited for by nobody else.

    No connection waits for one lease while it holds another, so two runs never wait for each other.
    """

    def __init__(self, ctx: Context, request: RunRequest) -> None:
        self._ctx, self._request = ctx, request
        self.held: dict[str, Lease] = {}
        self._waiting: dict[str, _Waiting] = {}
        self._asking: asyncio.Task[None] | None = None

    async def take(self, name: str, mark: int) -> Turn | None:
        """Wait for the lease of ``name``, which is ``held`` from then on; None when it was not free for as long.

        ``mark``: the ledger's when reading began (``store.moves``).
        """
        until = self._ctx.clock() + timedelta(seconds=patience(self._request.kind))
        turn: asyncio.Future[Turn | None] = asyncio.get_running_loop().create_future()
        self._waiting[name] = _Waiting(mark, until, turn)
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask_until_all_have_turns())
        return await turn

    def give_back(self, names: Iterable[str]) -> None:
        """Release these leases: another run may take them at once."""
        with suppress(StoreError), self._ctx.store.together():
            for name in sorted(names):
                if lease := self.held.pop(name, None):
                    self._ctx.store.release_lease(lease)

    async def aclose(self) -> None:
        """Stop asking; what is held stays held."""
        if self._asking is not None:
            self._asking.cancel()
            with suppress(asyncio.CancelledError):
                await self._asking

    async def _ask_until_all_have_turns(self) -> None:
        while True:
            await asyncio.sleep(0)  # whoever comes in this turn of the loop is asked for together
            try:
                self._take_what_is_free()
            except StoreError as error:
                self._fail_all(error)
            if not self._waiting:
                self._asking = None
                return
            await self._ctx.sleep(ASK_EVERY)

    def _take_what_is_free(self) -> None:
        ctx, waiting = self._ctx, self._waiting
        for name in [n for n, one in waiting.items() if one.turn.done()]:
            del waiting[name]
        with ctx.store.together():
            taken = take(ctx, waiting, self._request.kind)
            moved = ctx.store.moved_after({name: waiting[name].mark for name in taken})
            left_open = {intent.connection for intent in ctx.store.open_intents(*taken)} if taken else set()
        self.held |= taken
        for name in taken:
            waiting.pop(name).turn.set_result(Turn(name in left_open, frozenset(moved.get(name, ()))))
        now = ctx.clock()
        for name in [n for n, one in waiting.items() if one.until <= now or not self._worth_waiting(n)]:
            waiting.pop(name).turn.set_result(None)

    def _fail_all(self, error: StoreError) -> None:
        for one in self._waiting.values():
            if not one.turn.done():
                one.turn.set_exception(error)
        self._waiting.clear()

    def _worth_waiting(self, name: str) -> bool:
        """A sync does not wait for another one, which does its work. After a bell it does: the other began before."""
        if self._request.hints:
            return True
        held = self._ctx.store.lease_holder(name)
        return self._request.kind is not RunKind.SYNC or held is None or held.holder.rpartition("/")[2] != RunKind.SYNC
