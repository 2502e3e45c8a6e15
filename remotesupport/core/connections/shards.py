"""Shards: the share of all connections that one run works on.

Pure. By rendezvous hashing: of all shards the one with the highest hash together with the name takes it. So one shard
more takes about one part of N + 1 from the others, and nothing moves between those that stay.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

MOST = 60
"""Shards of one installation: their runs begin a whole second apart within the minute."""


@dataclass(frozen=True, slots=True, order=True)
class Shard:
    """Shard ``number`` (from 1) of ``of``. Raises ValueError where there is no such one."""

    number: int
    of: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.of <= MOST:
            raise ValueError(f"there is no shard {self}: write it as 3/8, the first number from 1 to {MOST}")

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read ``3/8``. Raises ValueError."""
        number, _, of = text.partition("/")
        if not (number.isdecimal() and of.isdecimal()):
            raise ValueError(f"{text!r} is no shard: write it as 3/8")
        return cls(int(number), int(of))

    def has(self, name: str) -> bool:
        """Tell whether this shard takes the connection ``name``."""
        return number_of(name, self.of) == self.number


WHOLE = Shard(1, 1)


def shards(count: int) -> tuple[Shard, ...]:
    """List the shards of an installation that has ``count``."""
    return tuple(Shard(number, count) for number in range(1, count + 1))


@lru_cache(maxsize=65536)
def number_of(name: str, count: int) -> int:
    """Find the one shard, of ``count``, that takes the connection ``name``: its number."""
    return max(range(1, count + 1), key=lambda number: _weight(name, number))


def _weight(name: str, number: int) -> bytes:
    return hashlib.blake2b(f"{number}/{name}".encode(), digest_size=16).digest()


def newest(name: str, began: Mapping[Shard, datetime]) -> datetime | None:
    """Find when the newest run with ``name`` in its shard began; None: none did.

    ``began``: the newest run of each shard, also of those that are no more.
    """
    return max((at for shard, at in began.items() if shard.has(name)), default=None)


def still(count: int, began: Mapping[Shard, datetime], since: datetime) -> tuple[Shard, ...]:
    """Name the shards, of ``count``, of which no run has begun after ``since``."""
    never: Iterable[Shard] = shards(count)
    return tuple(shard for shard in never if shard not in began or began[shard] < since)
