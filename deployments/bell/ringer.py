"""Begin a run for whatever was rung for, and wait for its end: the one loop between the endpoint and the runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from deployments.bell.rings import Batch, Look, Rings

PATIENCE_S = 5.0
"""A ring waits for so long to hear whether its run could be begun."""

Answers = dict[str, "asyncio.Future[str]"]


class NotBegun(RuntimeError):
    """A run could not be begun. The message says why and what to do. ``keep``: it is to be tried again."""

    def __init__(self, text: str, *, keep: bool) -> None:
        super().__init__(text)
        self.keep = keep


class Runs(Protocol):
    """A source of runs."""

    async def begin(self, batch: Batch) -> str:
        """Begin one and give its id. Raises NotBegun."""

    async def end(self, run: str) -> None:
        """Return when it is over."""


class Ringer:
    """Takes rings and begins runs for them, until its ``work`` is cancelled. ``say``: a line for the operator."""

    def __init__(self, rings: Rings, runs: Runs, say: Callable[[str], None]) -> None:
        self._rings, self._runs, self._say = rings, runs, say
        self._wake = asyncio.Event()
        self._tried: Answers = {}
        self._trouble = ""

    async def ring(self, billing: str, ticket: str) -> tuple[Look, str]:
        """Ring, and say when it is looked at, and why no run could be begun ("": one was, or is to begin later)."""
        look = self._rings.ring(billing, ticket)
        self._wake.set()
        if look is not Look.NOW:
            return look, self._trouble
        tried = self._tried.setdefault(billing, asyncio.get_running_loop().create_future())
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                return look, await asyncio.shield(tried)
        return look, self._trouble

    async def work(self) -> None:
        """Begin runs for as long as it lives."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._wake.clear()
                batch = self._rings.due()
                answers, self._tried = self._tried, {}
                if batch:
                    group.create_task(self._one(batch, answers))
                    continue
                _answer(answers, "")  # the minute is too near, or too many runs go on
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._rings.pause()):
                        await self._wake.wait()

    async def _one(self, batch: Batch, answers: Answers) -> None:
        try:
            run = await self._runs.begin(batch)
            self._trouble = ""
            _answer(answers, "")
            await self._runs.end(run)
        except NotBegun as why:
            self._not_begun(batch, why)
            _answer(answers, str(why))
        finally:
            self._rings.ended(batch)
            self._wake.set()

    def _not_begun(self, batch: Batch, why: NotBegun) -> None:
        if str(why) != self._trouble:
            self._say(f"bell: {why}")
        self._trouble = str(why)
        if why.keep:
            self._rings.again(batch)


def _answer(answers: Answers, trouble: str) -> None:
    for answer in answers.values():
        if not answer.done():
            answer.set_result(trouble)
