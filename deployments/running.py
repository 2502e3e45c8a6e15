"""One flow run inside this process: its asyncio task, its deadline, and how it is ended from outside.

Nothing about pools or polling in here.
"""

from __future__ import annotations

import asyncio
import copy
import functools
import inspect
import time
from collections.abc import Awaitable
from typing import Any

from prefect.client.schemas.objects import FlowRun, State
from prefect.flow_engine import run_flow
from prefect.flows import Flow, load_flow_from_entrypoint
from prefect.states import Cancelled, Failed

from flows.deadline import listening


class NotRunnableHereError(TypeError):
    """The warm worker does not run this flow. The message says why."""


@functools.lru_cache(maxsize=64)
def load(entrypoint: str, modules: tuple[str, ...]) -> Flow[..., Any]:
    """The async flow at a module path below one of ``modules``; imported once per process.

    Only those modules: who can write a deployment must not choose what this process imports.
    """
    if ":" in entrypoint or not entrypoint.startswith(tuple(f"{m}." for m in modules)):
        raise NotRunnableHereError(f"{entrypoint!r} is not a module path below {', '.join(modules)}")
    flow: Flow[..., Any] = load_flow_from_entrypoint(entrypoint, use_placeholder_flow=False)
    if not flow.isasync or flow.isgenerator:
        raise NotRunnableHereError(f"{entrypoint} is not an async flow: a plain one would stop all others here")
    return flow


class RunningFlow:
    """A flow run in this process. ``overdue_at`` (monotonic): by then only ending the process helps."""

    def __init__(self, flow_run: FlowRun, flow: Flow[..., Any], deadline: float, grace: float) -> None:
        self.flow_run = flow_run
        self.ended_because = ""
        self._deadline, self._grace = deadline, grace
        self.overdue_at = time.monotonic() + self._seconds_to_go() + deadline + grace
        self._task = asyncio.create_task(self._execute(flow), name=f"flow-run {flow_run.id}")

    def _seconds_to_go(self) -> float:
        due = self.flow_run.expected_start_time
        return max(0.0, due.timestamp() - time.time()) if due else 0.0

    async def _execute(self, flow: Flow[..., Any]) -> State[Any]:
        # Prefect's own wait counts whole seconds only and so starts up to one second early.
        await asyncio.sleep(self._seconds_to_go())
        # Without the deployment's id the engine does not start a thread with a websocket of its own for each run
        # (it would block this event loop while it connects); the engine reads the whole run again anyway.
        bare = self.flow_run.model_copy(update={"deployment_id": None})
        return await run_flow(self._endable(flow), flow_run=bare, return_type="state")  # type: ignore[misc,no-any-return]

    def _endable(self, flow: Flow[..., Any]) -> Flow[..., Any]:
        """The flow, but ended from outside or by its deadline it ends in a proper state instead of a crash."""

        @functools.wraps(flow.fn)
        async def fn(*args: Any, **kwargs: Any) -> Any:
            try:
                return await self._in_time(flow.fn(*args, **kwargs))
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if not self.ended_because or task is None:
                    raise
                task.uncancel()
                return self.final_state()

        # The engine checks parameters against the annotations, which as text mean something in the flow's module only.
        fn.__signature__ = inspect.signature(flow.fn, eval_str=True)  # type: ignore[attr-defined]
        endable = copy.copy(flow)
        endable.fn = fn
        return endable

    async def _in_time(self, work: Awaitable[Any]) -> Any:
        try:
            async with asyncio.timeout(self._deadline) as limit:
                with listening(lambda seconds: self._extend(limit, seconds), limit.when):
                    return await work
        except TimeoutError:
            if not limit.expired():
                raise
            return Failed(name="TimedOut", message=f"Cancelled: past its deadline of {self._deadline:.0f} s")

    def _extend(self, limit: asyncio.Timeout, seconds: float) -> None:
        self._deadline = seconds
        self.overdue_at = time.monotonic() + seconds + self._grace
        limit.reschedule(asyncio.get_running_loop().time() + seconds)

    def final_state(self) -> State[Any]:
        """The state of a run that was ended from outside."""
        return Cancelled(message=self.ended_because)

    def end(self, because: str, grace: float) -> None:
        """Cancel it. It has ``grace`` seconds before it counts as stuck."""
        if not self.ended_because:
            self.ended_because = because
            self.overdue_at = min(self.overdue_at, time.monotonic() + grace)
            self._task.cancel()

    async def wait(self) -> State[Any] | None:
        """Its final state; None when it was ended from outside before it could say so itself.

        Raises what the engine itself failed with (the API was away, for example).
        """
        try:
            await asyncio.wait({self._task})
        finally:
            self._task.cancel()
        if self._task.cancelled():
            return None
        return self._task.result()
