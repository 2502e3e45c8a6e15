"""Wall and CPU seconds of things, in interleaved rounds, so that a noisy minute hits every candidate alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Sample:
    """One round, in seconds. ``cpu`` counts all threads of the process that did the work."""

    wall: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Rounds of one candidate, in seconds: median, lowest and highest wall time, median CPU time."""

    median: float
    low: float
    high: float
    cpu: float
    rounds: int

    def to_json(self) -> dict[str, Any]:
        """Seconds, rounded to microseconds."""
        return {
            "median_s": round(self.median, 6),
            "min_s": round(self.low, 6),
            "max_s": round(self.high, 6),
            "cpu_s": round(self.cpu, 6),
            "rounds": self.rounds,
        }


def timed(work: Callable[[], Any]) -> Callable[[], Sample]:
    """``work`` as a candidate of this process."""

    def once() -> Sample:
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        return Sample(time.perf_counter() - wall, time.process_time() - cpu)

    return once


def interleaved(candidates: Mapping[str, Callable[[], Sample]], rounds: int) -> dict[str, Figures]:
    """Every candidate once to warm up, then ``rounds`` times in turn, the order shifted by one each round."""
    names = [*candidates]
    for name in names:
        candidates[name]()
    samples: dict[str, list[Sample]] = {name: [] for name in names}
    for turn in range(rounds):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            samples[name].append(candidates[name]())
    return {name: figures(taken) for name, taken in samples.items()}


def figures(samples: Sequence[Sample]) -> Figures:
    """Samples → figures. Raises ValueError when there are none."""
    if not samples:
        raise ValueError("nothing was measured")
    walls = [s.wall for s in samples]
    return Figures(
        median=statistics.median(walls),
        low=min(walls),
        high=max(walls),
        cpu=statistics.median(s.cpu for s in samples),
        rounds=len(samples),
    )
