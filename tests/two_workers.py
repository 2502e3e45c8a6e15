"""A worker of its own process that runs when it is told to: what two machines on one database do to each other."""

from __future__ import annotations

import asyncio
from typing import Any

from remotesupport.core.run import RunKind, RunRequest
from remotesupport.steps.cycle import cycle
from tests.http_desk import HttpDesk, RealTime
from tests.three_billings import ThreeBillings


def work(world: ThreeBillings, url: str, together: Any, answers: Any, rounds: int) -> None:
    """``rounds`` runs, each begun at the same moment as the other workers', with clients and store opened anew.

    Each run's words for each connection go into ``answers``: (connection, state, reason, written).
    """

    async def one() -> list[tuple[str, str, str, int]]:
        desk = HttpDesk(world, ("acme", "globex"), url=url, clock=RealTime())
        try:
            report = await cycle(desk.context, RunRequest(RunKind.SYNC))
        finally:
            await desk.aclose()
        return [(b.name, str(b.state), b.reason, b.written) for b in report.billings]

    for _ in range(rounds):
        together.wait(60)
        answers.put(asyncio.run(one()))
        together.wait(60)
