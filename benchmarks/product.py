"""The product as a benchmark drives it: one event loop, one context, one cycle at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from remotesupport.bootstrap import Context, build
from remotesupport.core.connections.shards import WHOLE, Shard, shards
from remotesupport.core.run import BillingState, RunKind, RunReport, RunRequest
from remotesupport.settings import Settings
from remotesupport.steps.cycle import PLAIN, cycle
from remotesupport.steps.values import Steps

A_SETTLING_PART = 100  # connections


@dataclass(frozen=True, slots=True)
class Traffic:
    """What talking to all billings has cost so far: requests, and bytes of answers."""

    requests: int
    received: int

    def __sub__(self, before: Traffic) -> Traffic:
        return Traffic(self.requests - before.requests, self.received - before.received)


class Product:
    """The steps without Prefect, as the command line runs them; clients and store stay open between cycles."""

    def __init__(self, runner: asyncio.Runner, context: Context) -> None:
        self._runner, self._context = runner, context

    def cycle(self, steps: Steps = PLAIN, but: Collection[str] = (), shard: Shard = WHOLE) -> RunReport:
        """One run. Raises RuntimeError when a billing was not in order: its figures would mean nothing.

        ``but``: whose figures mean nothing anyway; ``shard``: of those billings alone.
        """
        done = self._runner.run(cycle(self._context, RunRequest(RunKind.SYNC, shard=shard), steps))
        wrong = [b for b in done.billings if b.state is not BillingState.OK and b.name not in but]
        bad = [f"{b.name}: {b.state} {b.reason}" for b in wrong]
        if bad or done.skipped:
            raise RuntimeError(f"the cycle was not in order: {done.skipped} {'; '.join(bad)}")
        return done

    def settle(self, most: int = 10) -> None:
        """Cycles until one writes nothing and reads no thread, so that the next one is quiet.

        A thread read within 2 s of its row's change is read once more, so a little time passes in between. About a
        hundred connections at a time: all the emulated billings are one process, which a thousand at once make slower.
        """
        parts = shards(max(1, len(self._context.connections) // A_SETTLING_PART))
        for _ in range(most):
            lines = [line for part in parts for line in self.cycle(shard=part).billings]
            if not any(line.written or line.messages_read for line in lines):
                return
            time.sleep(2.1)
        raise RuntimeError(f"{most} cycles without a person's doing did not end quietly")

    @property
    def traffic(self) -> Traffic:
        """Of both sides of every connection."""
        sides = [side.stats for c in self._context.connections.values() for side in (c.external, c.main)]
        return Traffic(sum(s.requests for s in sides), sum(s.bytes_in for s in sides))


@contextmanager
def product(settings: Settings) -> Iterator[tuple[Product, asyncio.Runner]]:
    """A product on ``settings``, and the runner of its event loop."""
    with asyncio.Runner() as runner:
        context = runner.run(build(settings, None))
        try:
            yield Product(runner, context), runner
        finally:
            runner.run(context.aclose())
