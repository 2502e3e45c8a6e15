"""How far a long plan is written, as a bar in the Prefect UI: one artifact, renewed in place.

A Prefect server that does not take it disturbs no write: the log says so. Must stay out: writing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from prefect.artifacts import acreate_progress_artifact
from prefect.client.orchestration import get_client

from remotesupport.bootstrap import Context
from remotesupport.core.plan.plan import Plan
from remotesupport.core.text.durations import span

LONG = 20  # changes; a shorter plan is written before anybody looks
EVERY = 3.0  # seconds


@dataclass(slots=True)
class _Bar:
    ctx: Context
    name: str
    total: int
    done: int = 0
    shown: int = -1
    artifact: UUID | None = None

    def told(self, done: int) -> None:
        """So many changes are done."""
        self.done = done

    async def show(self, words: str) -> None:
        """Renew the bar where there is anything new."""
        if self.done == self.shown:
            return
        self.shown, percent = self.done, round(100.0 * self.done / self.total, 1)
        text = f"{self.name}: {self.done} of {self.total} changes {words}"
        try:
            if self.artifact is None:
                self.artifact = await acreate_progress_artifact(percent, key=f"progress-{self.name}", description=text)
            else:
                await _replace(self.artifact, percent, text)
        except Exception as error:  # whatever a server or a network may do: the tickets are carried all the same
            self.ctx.log.warning("%s: the progress in the Prefect UI was not renewed: %s", self.name, error)


@asynccontextmanager
async def shown(ctx: Context, plan: Plan, every: float = EVERY) -> AsyncIterator[Callable[[int], None]]:
    """Show how far ``plan`` is written while the block goes on; what is yielded is told how many changes are done."""
    bar = _Bar(ctx, plan.connection, len(plan.changes))
    if bar.total < LONG:
        yield bar.told
        return
    showing = asyncio.create_task(_go_on(bar, every))
    try:
        yield bar.told
    finally:
        showing.cancel()
        await asyncio.gather(showing, return_exceptions=True)
        bar.shown = -1
        await bar.show("are done")


async def _go_on(bar: _Bar, every: float) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    while True:
        took = loop.time() - began
        left = f", about {span(took / bar.done * (bar.total - bar.done))} left" if bar.done else ""
        await bar.show(f"are done{left}. To stop it before the next one: remotesupport pause {bar.name}")
        await asyncio.sleep(every)


async def _replace(artifact: UUID, percent: float, text: str) -> None:
    """Update the artifact without the event that ``client.update_artifact`` sends, which Prefect would keep."""
    async with get_client() as client:
        fields = {"data": percent, "description": text}
        answer = await client.request("PATCH", "/artifacts/{id}", path_params={"id": artifact}, json=fields)
        answer.raise_for_status()
