"""The number of shards is changed again and again while people talk: nothing crosses twice, nobody is left out."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import pytest

from connectors.memory import MemoryBilling, MemoryCall
from deployments.catalog import Deployment, catalog, is_a_shards, second_of
from deployments.serve import in_order
from remotesupport.bootstrap import GATHERING
from remotesupport.core.connections.shards import Shard, number_of
from remotesupport.core.run import RunKind, RunRequest
from remotesupport.steps.cycle import cycle
from tests.cycle_fixtures import Desk
from tests.simulation.laws import look_at_the_laws
from tests.simulation.machine import GUARD
from tests.simulation.people import People
from tests.virtual_time import LoopClock, VirtualTime, live

MOST_SHARDS, APART_S, TWO_MINUTES = 4, 130.0, 120.0
CALL_S = 0.3
# Three that move from shard to shard as their number changes, and never all the same way.
NAMES = [next(f"c{n:02}" for n in range(99) if number_of(f"c{n:02}", MOST_SHARDS) == shard) for shard in (1, 3, 4)]
LOST_S = 5.0  # a run that is due so soon after its deployment was registered anew is not scheduled any more


class Fleet:
    """Two workers on one store, and the schedules that a Prefect server keeps for them."""

    def __init__(self, folder: Path, loop: VirtualTime) -> None:
        self.loop, self.clock, self.chance = loop, LoopClock(loop), random.Random(11)
        self.desk = Desk(folder, *NAMES, extra=GUARD, clock=self.clock, gathering=GATHERING)
        self.workers = [self.desk.context, self.desk._context()]
        self.people = [People(f"shards/{n}", n, self.desk.externals[n], self.desk.main) for n in NAMES]
        self.deployed: dict[str, tuple[Shard, float]] = {}
        self.looked: dict[str, list[float]] = defaultdict(list)
        self.twice = 0
        for world in (self.desk.main, *self.desk.externals.values()):
            self._take_time(world)

    def _take_time(self, world: MemoryBilling) -> None:
        async def slow(call: MemoryCall) -> None:
            await asyncio.sleep(CALL_S)

        world.before["*"] = slow

    async def live(self, changes: int) -> None:
        """So many changes, and what people do meanwhile; then five quiet minutes."""
        self._deploy(*syncs(1))
        running = [asyncio.create_task(work) for work in (self._schedule(), self._talk())]
        for number in range(changes):
            await asyncio.sleep(APART_S + self.chance.random() * 60)
            count = self.chance.randint(1, MOST_SHARDS) if number else MOST_SHARDS
            await self._register(count, half_way=number % 3 == 1)
        running[1].cancel()
        await self._register(2)
        await asyncio.sleep(5 * 60)
        running[0].cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await asyncio.sleep(60)  # what goes on ends

    def _deploy(self, *entries: Deployment) -> None:
        for entry in entries:
            self.deployed[entry.name] = (Shard.parse(entry.parameters.get("shard", "1/1")), self.loop.time())

    async def _register(self, count: int, half_way: bool = False) -> None:
        """Entry by entry, in registration's order; or only its first entries."""
        steps = in_order(syncs(count))
        for entry in steps[: self.chance.randrange(count) if half_way else None]:
            self._deploy(entry)
            self.twice += sum(sum(shard.has(n) for shard, _ in self.deployed.values()) > 1 for n in NAMES)
            await asyncio.sleep(self.chance.random() * 4)
        if half_way:
            return
        kept = {entry.name for entry in syncs(count)}
        for name in [n for n in self.deployed if is_a_shards(n) and n not in kept]:
            del self.deployed[name]

    async def _schedule(self) -> None:
        runs = set[asyncio.Task[None]]()
        while True:
            now = round(self.loop.time())
            for shard, since in self.deployed.values():
                if now % 60 == second_of(shard) and now - since >= LOST_S:
                    runs.add(asyncio.create_task(self._run(shard)))
            await self.clock.until(now + 1)

    async def _run(self, shard: Shard) -> None:
        began = self.loop.time()
        worker = self.chance.choice(self.workers).for_run(None)
        report = await cycle(worker, RunRequest(RunKind.SYNC, shard=shard))
        for line in report.billings:
            if not line.no_turn:
                self.looked[line.name].append(began)

    async def _talk(self) -> None:
        while True:
            for person in self.people:
                person.act(1)
            await asyncio.sleep(150)


def syncs(count: int) -> list[Deployment]:
    """The sync deployments of so many shards."""
    return [entry for entry in catalog(count) if entry.flow == "sync"]


@pytest.mark.thorough("minutes of CPU time; where a name goes when shards change is in `make test`")
def test_shards_changed_100_times_under_load(tmp_path: Path) -> None:
    """While shards are registered anew, also half-way, with two workers and people who talk: every message crosses
    once and in order, and no connection waits for more than two minutes from one look to the next."""
    loop = VirtualTime()
    fleet = Fleet(tmp_path, loop)
    live(fleet.live(100), loop)
    elsewhere = {f"{p.name} {t}" for p in fleet.people for t in p.elsewhere}
    look_at_the_laws(fleet.desk, elsewhere, set())
    gaps = {n: max(b - a for a, b in pairwise(at)) for n, at in fleet.looked.items()}
    assert set(gaps) == set(NAMES)
    assert max(gaps.values()) <= TWO_MINUTES, gaps
    assert fleet.twice > 0, "no connection was ever in two shards"
    fleet.desk.store.close()
