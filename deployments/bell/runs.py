"""Begin a run of sync/every-minute for what was rung for, through the Prefect API, and see when it is over.

A person who paused the schedule is obeyed: the bell only brings the next look forward.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from deployments.bell.ringer import NotBegun
from deployments.bell.rings import Batch
from deployments.prefect_api import DEPLOYMENT, NoAnswer, PrefectApi

FLOW = "sync"
_OVER = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
_FIRST_LOOK_S, _LONGEST_PAUSE_S, _SLOWER = 0.3, 5.0, 1.5

KEPT = "The ring is kept and tried again; the scheduled minute looks as well"


class SyncRuns:
    """Runs of the deployment on the server of ``api``."""

    def __init__(self, api: PrefectApi) -> None:
        self._api = api

    async def begin(self, batch: Batch) -> str:
        """Begin a run for these tickets of these billings; its id. Raises NotBegun."""
        return await asyncio.to_thread(self._begin, batch)

    async def end(self, run: str) -> None:
        """Wait for its end, however long that takes: until then no other one is begun for its billings."""
        pause = _FIRST_LOOK_S
        while not await asyncio.to_thread(self._is_over, run):
            await asyncio.sleep(pause)
            pause = min(pause * _SLOWER, _LONGEST_PAUSE_S)

    def _begin(self, batch: Batch) -> str:
        parameters = {"rung": {billing: list(tickets) for billing, tickets in batch.items()}}
        deployment = self._asked(lambda: self._api.get(f"/deployments/name/{FLOW}/{DEPLOYMENT}"))
        if deployment is None:
            raise NotBegun(f"the deployment {FLOW}/{DEPLOYMENT} is not registered with Prefect yet. {KEPT}", keep=True)
        if _is_paused(deployment):
            raise NotBegun(
                "the schedule is paused in Prefect, and nothing is looked at until somebody resumes it there",
                keep=False,
            )
        path = f"/deployments/{deployment['id']}/create_flow_run"
        run = self._asked(lambda: self._api.post(path, {"parameters": parameters}))
        if run is None:
            raise NotBegun(f"the deployment {FLOW}/{DEPLOYMENT} was taken away at this moment. {KEPT}", keep=True)
        return str(run["id"])

    def _is_over(self, run: str) -> bool:
        try:
            found = self._api.get(f"/flow_runs/{run}")
        except NoAnswer:
            return False
        return found is None or found.get("state_type") in _OVER

    def _asked(self, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except NoAnswer as error:
            raise NotBegun(f"the Prefect server gives no answer: {error}. {KEPT}", keep=True) from None


def _is_paused(deployment: Mapping[str, Any]) -> bool:
    return bool(deployment.get("paused")) or not any(s.get("active") for s in deployment.get("schedules") or ())
