"""Begin a run of the sync deployment for what was rung for, through the Prefect API, and see when it is over.

A person who paused a schedule is obeyed: the bell only brings the next look forward.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from deployments.bell.ringer import NotBegun
from deployments.bell.rings import Batch
from deployments.catalog import name_of
from deployments.prefect_api import DEPLOYMENT, NoAnswer, PrefectApi
from remotesupport.core.connections.shards import WHOLE, Shard

FLOW = "sync"
_OVER = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
_FIRST_LOOK_S, _LONGEST_PAUSE_S, _SLOWER = 0.3, 5.0, 1.5

KEPT = "The ring is kept and tried again; the scheduled minute looks as well"


class SyncRuns:
    """Runs of the sync deployments on the server of ``api``. ``shard_of``: the shard of a billing."""

    def __init__(self, api: PrefectApi, shard_of: Callable[[str], Shard] = lambda _: WHOLE) -> None:
        self._api, self._shard_of = api, shard_of

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
        deployments = {billing: self._deployment_of(billing) for billing in batch}
        rung = {b: list(tickets) for b, tickets in batch.items() if not _is_paused(deployments[b])}
        if not rung:
            raise NotBegun(
                "the schedule is paused in Prefect, and nothing is looked at until somebody resumes it there",
                keep=False,
            )
        path = f"/deployments/{deployments[min(rung)]['id']}/create_flow_run"
        run = self._asked(lambda: self._api.post(path, {"parameters": {"rung": rung}}))
        if run is None:
            raise NotBegun(f"the deployment {FLOW}/{DEPLOYMENT} was taken away at this moment. {KEPT}", keep=True)
        return str(run["id"])

    def _deployment_of(self, billing: str) -> Mapping[str, Any]:
        """Find the deployment of its shard; of the first one while that is not registered, which looks at whatever it
        is told to."""
        for name in dict.fromkeys((name_of(DEPLOYMENT, self._shard_of(billing).number), DEPLOYMENT)):
            found: Mapping[str, Any] | None = self._asked(partial(self._api.get, f"/deployments/name/{FLOW}/{name}"))
            if found is not None:
                return found
        raise NotBegun(f"the deployment {FLOW}/{DEPLOYMENT} is not registered with Prefect yet. {KEPT}", keep=True)

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
