"""Common parts of all flows: open the context, run the cycle as tasks, and turn the report into a final state."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.context import FlowRunContext
from prefect.runtime import flow_run as this_run
from prefect.states import Completed, Failed

from flows.deadline import ask_for, ends_at
from flows.run_logs import guard_logs
from flows.shard import ALL
from remotesupport.bootstrap import Context, KeptContexts, open_context
from remotesupport.core.run import RunKind, RunReport, RunRequest
from remotesupport.settings import Problem, SettingsError, load_settings
from remotesupport.steps.cycle import cycle
from remotesupport.steps.decide.approval import PlanNotApplicable
from remotesupport.steps.pipeline.no_turn import record_missed_run
from remotesupport.steps.read.extract import LONG_BUDGET, first_read
from remotesupport.steps.record.board import reads_all
from tasks import PREFECT_STEPS
from tasks.alerts import tell
from tasks.heartbeat import beat
from tasks.policy import reading_within

FLOW: dict[str, Any] = {"persist_result": False, "retries": 0, "log_prints": False}
RUN_LOG = "remotesupport.run"
FIRST_READ_S = 3600.0  # what a flow asks for a first read: more than reading may take, so that it can be written, too

TELLING_S = 5.0  # of a run, for what it tells when it is over

# What outlives a run in a warm worker; empty in a process that runs one flow.
_warm: list[KeptContexts] = []


def stay_warm() -> None:
    """Keep clients and store from run to run from now on: for a process that runs one every minute."""
    if not _warm:
        _warm.append(KeptContexts())


async def secret_block(name: str) -> str:
    """The value of a Prefect Secret block, for ``prefect:NAME`` in the configuration."""
    from prefect.blocks.system import Secret

    try:
        block: Any = await Secret.aload(name)
    except ValueError:
        raise SettingsError([Problem(f"prefect:{name}", "Prefect has no Secret block of that name")]) from None
    return str(block.get())


def run_name(kind: str) -> str:
    """``sync 10:42``, ``sync 3/8 10:42``: kind, shard, and the time it was due, in this machine's zone."""
    due = this_run.scheduled_start_time or datetime.now(UTC)
    if (shard := this_run.parameters.get("shard", ALL)) != ALL:
        kind = f"{kind} {shard}"
    return f"{kind} {datetime.fromtimestamp(due.timestamp()).astimezone():%H:%M}"


async def name_what_ails(context: Context, done: RunReport) -> None:
    """Say in the run's name what is out of order: ``sync 10:42 · acme unreachable``."""
    if not done.ailing:
        return
    try:
        async with get_client() as client:
            answer = await client.update_flow_run(this_run.id, name=f"{this_run.name} · {done.ailing}")
            answer.raise_for_status()
    except Exception as error:  # a name is not worth a run: its state says the same
        context.log.warning("the run in the Prefect UI keeps its name: %s (run %s)", error, done.run)


def asked() -> bool:
    """Tell whether a person or a bell began this run, not the schedule."""
    context = FlowRunContext.get()
    return not (context and context.flow_run and context.flow_run.auto_scheduled)


def stale(after: timedelta) -> str:
    """Say why this run is too late to be of use; empty otherwise."""
    context = FlowRunContext.get()
    return too_late(context.flow_run, after, datetime.now(UTC)) if context and context.flow_run else ""


def too_late(run: FlowRun, after: timedelta, now: datetime) -> str:
    """Say why a scheduled run comes too late (a newer one is due); empty for a run by hand, however late."""
    if not run.auto_scheduled or run.expected_start_time is None:
        return ""
    late = now.timestamp() - run.expected_start_time.timestamp()
    if late <= after.total_seconds():
        return ""
    return f"{late:.0f} s late: a newer run is due, this one ended at once"


def skipped(why: str) -> State[Any]:
    """The state of a run that did nothing, on purpose."""
    return in_log(Completed(name="Skipped", message=why))


def final_state(done: RunReport) -> State[Any]:
    """The report as a state: its headline is the message; the report itself is the result (in memory only)."""
    if done.skipped:
        return in_log(Completed(name="Skipped", message=done.headline, data=done))
    if done.bad:
        return Failed(message=done.headline, data=done)
    return in_log(Completed(message=done.headline, data=done))


def in_log(good: State[Any]) -> State[Any]:
    """Log what a good run has to say: a run's page opens with its log. Prefect itself logs that of a failed one."""
    logging.getLogger(RUN_LOG).info("%s", good.message)
    return good


@asynccontextmanager
async def opened() -> AsyncIterator[Context]:
    """The context of this run: settings read now, secrets' blocks readable, log lines guarded."""
    settings = load_settings()
    redact = guard_logs(settings.home, settings.secrets())

    async def block(name: str) -> str:
        value = await secret_block(name)
        redact.add([value])
        return value

    lend = _warm[0].lend if _warm else open_context
    async with lend(settings, resolve_block=block, flow_run=this_run.id) as context:
        yield context


async def run_cycle(request: RunRequest, reading_s: float = LONG_BUDGET) -> State[Any]:
    """One run of the cycle as tasks. ``reading_s``: what reading may take, all retries included."""
    try:
        async with opened() as context:
            if first_read(context, request):
                reading_s = LONG_BUDGET
                ask_for(FIRST_READ_S)
            if (end := ends_at()) is not None:
                context.ends_at = end - TELLING_S
            with reading_within(reading_s):
                done = await cycle(context, request, PREFECT_STEPS)
            await name_what_ails(context, done)
            await _tell(context, request, done)
            return final_state(done)
    except (SettingsError, PlanNotApplicable) as error:
        return Failed(message=str(error))


async def _tell(context: Context, request: RunRequest, done: RunReport) -> None:
    """Events and alerts after each run that reads connections whole, the heartbeat after each sync but a bell's."""
    if reads_all(request) and not request.plan_only:
        await tell(context, certificates=request.kind is RunKind.AUDIT)
    if request.kind is RunKind.SYNC and not request.hints:
        await beat(context, done, secret_block)


async def run_missed(request: RunRequest, why: str) -> State[Any]:
    """A run that did not take place, recorded: audits that had no turn are counted."""
    try:
        async with opened() as context:
            return final_state(record_missed_run(context, request, why))
    except SettingsError as error:
        return Failed(message=str(error))
