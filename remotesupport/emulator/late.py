"""Requests that lie about somewhere, and are executed when nobody waits for them any more."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from remotesupport.emulator.clock import Clock


@dataclass(slots=True)
class LateRequest:
    """``execute`` is due at a moment of the billing's clock; ``over``: it was executed, or never will be."""

    due: float
    execute: Callable[[], None]
    over: bool = False


class Late:
    """All of one billing, executed in the order in which they are due, as soon as its clock says so.

    ``turn``: the billing's lock, since its clock is moved from any thread.
    """

    def __init__(self, clock: Clock, turn: AbstractContextManager[object]) -> None:
        self._clock, self._turn = clock, turn
        self._waiting: list[LateRequest] = []
        clock.moved = self.arrive

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, seconds: float, execute: Callable[[], None]) -> LateRequest:
        """Execute it so many seconds of the billing's clock from now."""
        request = LateRequest(self._clock.moment() + seconds, execute)
        with self._turn:
            self._waiting.append(request)
        return request

    def drop(self, request: LateRequest) -> None:
        """It never comes, unless it came already."""
        with self._turn:
            request.over = True
            self._waiting = [each for each in self._waiting if not each.over]

    def arrive(self) -> None:
        """Execute what is due."""
        with self._turn:
            due = [each for each in self._waiting if each.due <= self._clock.moment()]
            for request in sorted(due, key=lambda each: each.due):
                self.drop(request)
                request.execute()
