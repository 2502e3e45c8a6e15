"""The seconds of each step: what it takes, and nothing of what others do meanwhile."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import fields
from typing import Any

import pytest

from remotesupport.steps.cycle import PLAIN
from remotesupport.steps.pipeline.step_times import timed
from remotesupport.steps.values import Steps


class Hands:
    """A clock that the steps move."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at

    def step(self, seconds: float, *, fails: bool = False) -> Any:
        """A step that takes so long."""

        async def run(*_: object) -> str:
            self.at += seconds
            if fails:
                raise ValueError("it fails")
            return "its result"

        return run

    async def extract(self, *_: object) -> AsyncGenerator[tuple[str, Any], None]:
        """Reading that takes two seconds for each of two connections."""
        for name in ("acme", "globex"):
            self.at += 2
            yield name, "read"


def steps_of(hands: Hands) -> Steps:
    """Reconciling takes 3 s, loading fails after 1 s, all others take none."""
    made = {field.name: hands.step(0) for field in fields(PLAIN)}
    return Steps(**(made | {"extract": hands.extract, "reconcile": hands.step(3), "load": hands.step(1, fails=True)}))


async def test_a_step_counts_each_time_whatever_comes_of_it() -> None:
    """Seconds add up, those of a step that fails too; results and errors are the step's own."""
    hands, seconds = Hands(), dict[str, float]()
    steps: Any = timed(steps_of(hands), seconds, hands)
    assert await steps.reconcile() == await steps.reconcile() == "its result"
    with pytest.raises(ValueError, match="it fails"):
        await steps.load()
    assert seconds == {"reconcile": 6, "load": 1}


async def test_reading_does_not_count_what_is_done_with_what_was_read() -> None:
    """The time between two reads is that of whoever took the first one."""
    hands, seconds = Hands(), dict[str, float]()
    steps: Any = timed(steps_of(hands), seconds, hands)
    names = []
    async for name, _ in steps.extract(None, (), None):
        names.append(name)
        hands.at += 100
    assert (names, seconds) == (["acme", "globex"], {"extract": 4})


async def test_reading_that_is_broken_off_is_closed() -> None:
    """A reader who stops listening ends the reading beneath."""
    hands, ended = Hands(), list[str]()

    async def extract(*_: object) -> AsyncGenerator[tuple[str, Any], None]:
        try:
            yield "acme", "read"
            yield "globex", "read"
        finally:
            ended.append("ended")

    steps: Any = timed(Steps(**{f.name: hands.step(0) for f in fields(PLAIN)} | {"extract": extract}), {}, hands)
    reads = steps.extract(None, (), None)
    assert await anext(reads) == ("acme", "read")
    await reads.aclose()
    assert ended == ["ended"]
