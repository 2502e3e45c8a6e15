"""The warm worker: flow runs inside this process's event loop, for flows imported once.

A small subclass of Prefect's public BaseWorker (docs/adr/0003-warm-worker.md). What ends the process when nothing
else helps is ``worker_main``; what runs one flow is ``running``.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from anyio.abc import TaskStatus
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.context import AsyncClientContext
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.workers.base import BaseJobConfiguration, BaseVariables, BaseWorker, BaseWorkerResult
from pydantic import Field, PrivateAttr

from deployments import exit_codes
from deployments.orphaned_runs import settle_leftovers
from deployments.running import RunningFlow, load

TYPE = "remotesupport-warm"
DEFAULT_DEADLINE_S = 55.0

# Runs are fetched this long before their time and then wait in here, so that they start on it. The worker needs no
# second of it (there is no concurrency limit whose slot a waiting run could hold).
PREFETCH_S = 4
QUERY_S = 2.0
CANCEL_POLL_S = 2.0
SYNC_S = 30.0
BEAT_S = 1.0
STANDSTILL_S = 120.0
GRACE_S = 10.0
STOP_GRACE_S = 4.0
DRAIN_S = 60.0
AT_ONCE = 25


class WarmVariables(BaseVariables):
    """The settings that a deployment may have for its runs."""

    deadline_seconds: float = Field(
        default=DEFAULT_DEADLINE_S, gt=0, title="Deadline", description="Seconds after which a run is cancelled."
    )


class WarmJobConfiguration(BaseJobConfiguration):
    """A run's deadline, and where its flow is."""

    deadline_seconds: float = Field(default=DEFAULT_DEADLINE_S, gt=0)
    _entrypoint: str = PrivateAttr(default="")

    def prepare_for_flow_run(self, flow_run: FlowRun, deployment: Any = None, *rest: Any, **named: Any) -> None:
        """Prefect's hook; here it hands us the deployment without another request."""
        super().prepare_for_flow_run(flow_run, deployment, *rest, **named)
        self._entrypoint = getattr(deployment, "entrypoint", None) or ""

    @property
    def entrypoint(self) -> str:
        """The module path of the flow."""
        return self._entrypoint


class WarmResult(BaseWorkerResult):
    """The result of a run; 0 means that its final state is its own."""


class WarmWorker(BaseWorker[WarmJobConfiguration, WarmVariables, WarmResult]):
    """Runs the async flows of ``modules`` in this event loop. ``memory_mb``: above it, finish and end (GREW).

    ``answered`` is called each time that Prefect has answered which runs are due.
    """

    type = TYPE
    job_configuration = WarmJobConfiguration
    job_configuration_variables = WarmVariables
    _description = "Runs async flows inside one warm process: a run costs a tenth of a second instead of several."
    _display_name = "remotesupport warm worker"

    def __init__(
        self,
        work_pool_name: str,
        *,
        name: str,
        modules: tuple[str, ...] = ("flows",),
        memory_mb: float = 1500,
        grace_seconds: float = GRACE_S,
        answered: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__(work_pool_name, name=name, prefetch_seconds=PREFETCH_S, limit=AT_ONCE)
        self.running: dict[Any, RunningFlow] = {}
        self.exit_code = exit_codes.STOPPED
        self._modules, self._memory_mb, self._grace, self._answered = modules, memory_mb, grace_seconds, answered
        self._beat: float | None = None  # None: not working yet, or not any more
        self._stop, self._idle = asyncio.Event(), asyncio.Event()
        self._idle.set()
        logging.getLogger("prefect.flow_runs.worker").setLevel(logging.WARNING)  # three rows a run that say nothing

    # --- one run -------------------------------------------------------------------------------------------------

    async def run(
        self, flow_run: FlowRun, configuration: WarmJobConfiguration, task_status: TaskStatus[int] | None = None
    ) -> WarmResult:
        """Run it here and wait for its end."""
        identifier = f"{self.name}:{flow_run.id}"
        flow = load(configuration.entrypoint, self._modules)
        self.running[flow_run.id] = RunningFlow(flow_run, flow, configuration.deadline_seconds, self._grace)
        self._idle.clear()
        if task_status is not None:
            task_status.started(identifier)  # type: ignore[arg-type]
        try:
            status = await self._outcome(self.running[flow_run.id])
        finally:
            del self.running[flow_run.id]
            if not self.running:
                self._idle.set()
        return WarmResult(identifier=identifier, status_code=status)

    async def _outcome(self, run: RunningFlow) -> int:
        try:
            state = await run.wait()
            if run.ended_because and (state is None or not state.is_final()):
                await self.client.set_flow_run_state(run.flow_run.id, run.final_state(), force=True)
        except Exception:
            self._logger.exception("Flow run %s ended with an error of its own", run.flow_run.name)
            return exit_codes.FAILED
        return exit_codes.STOPPED

    async def kill_infrastructure(
        self,
        infrastructure_pid: str,
        configuration: WarmJobConfiguration,  # noqa: ARG002 - Prefect's signature
        grace_seconds: int = 30,
    ) -> None:
        """Prefect's hook for a run that is cancelled before it started."""
        for run in self.running.values():
            if infrastructure_pid.endswith(str(run.flow_run.id)):
                run.end("Cancelled before it started", grace_seconds)

    # --- the loops -----------------------------------------------------------------------------------------------

    async def serve(self) -> int:
        """Work until asked to stop; returns an exit code."""
        # This process watches its runs itself: no heartbeat thread and event for each of them.
        without_heartbeats = temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None})
        with without_heartbeats:
            return await self._serve()

    async def _serve(self) -> int:
        async with AsyncClientContext.get_or_create(), self:
            await self._settle(just_started=True)
            loops = [
                self._every(QUERY_S, self._poll),
                self._every(SYNC_S, self._sync),
                self._every(CANCEL_POLL_S, self._end_cancelled),
                self._every(BEAT_S, self._pulse),
            ]
            await asyncio.gather(*loops)
            self._beat = None
            await self._drain(DRAIN_S if self.exit_code == exit_codes.GREW else STOP_GRACE_S)
        return self.exit_code

    def stop(self) -> None:
        """Stop accepting runs, finish, end. Call it in the event loop's thread."""
        self._stop.set()

    def stuck(self) -> str:
        """Say why only a new process helps; empty while all is well. Safe to call from another thread."""
        now = time.monotonic()
        for run in list(self.running.values()):
            if now > run.overdue_at:
                return f"flow run {run.flow_run.name} ({run.flow_run.id}) goes on after its end"
        beat = self._beat
        return "the event loop stands still" if beat is not None and now - beat > STANDSTILL_S else ""

    async def _every(self, seconds: float, work: Callable[[], Awaitable[object]]) -> None:
        failures = 0
        while not self._stop.is_set():
            try:
                await work()
                failures = 0
            except Exception as error:
                failures += 1
                self._logger.warning("Prefect API: %s: %s", type(error).__name__, error)
            pause = min(30.0, seconds * 2 ** min(failures, 4))
            await _first_of(self._stop.wait(), pause)

    async def _poll(self) -> None:
        if memory_mb() > self._memory_mb:
            self._logger.warning("Memory is above %.0f MB: ending for a fresh start", self._memory_mb)
            self.exit_code = exit_codes.GREW
            self.stop()
            return
        await self.get_and_submit_flow_runs()
        self._answered()

    async def _sync(self) -> None:
        await self.sync_with_backend()
        await self._settle(just_started=False)

    async def _settle(self, just_started: bool) -> None:
        dead = self.name if just_started else None
        for flow_run_id in await settle_leftovers(self.client, self._work_pool_name, dead, self.running):
            self._logger.warning("Flow run %s was left behind, or not started in time: ended it", flow_run_id)

    async def _end_cancelled(self) -> None:
        if self.running:
            for flow_run in await _cancelled_among(self.client, list(self.running)):
                if flow_run.id in self.running:
                    self.running[flow_run.id].end("Cancelled by a person", self._grace)

    async def _pulse(self) -> None:
        self._beat = time.monotonic()

    async def _drain(self, seconds: float) -> None:
        for patience, because in ((seconds, ""), (self._grace, "The worker was stopped")):
            if because:
                for run in list(self.running.values()):
                    run.end(because, self._grace)
            await _first_of(self._idle.wait(), patience)


async def _first_of(event: Awaitable[object], seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event


async def _cancelled_among(client: PrefectClient, ids: list[Any]) -> list[FlowRun]:
    ended = FlowRunFilterStateType(any_=[StateType.CANCELLING, StateType.CANCELLED])
    wanted = FlowRunFilter(id=FlowRunFilterId(any_=ids), state=FlowRunFilterState(type=ended))
    return await client.read_flow_runs(flow_run_filter=wanted)


def memory_mb() -> float:
    """Resident memory of this process in MB (where /proc is missing: its peak)."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)
    return pages * 4096 / (1024 * 1024)
