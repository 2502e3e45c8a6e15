"""A window that a person chose: old conversations come over as one opening message each, quietly."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.running import FLOW, run_cycle, run_name
from flows.window import BackfillWindow
from remotesupport.core.run import RunKind, RunRequest


@flow(name="backfill", flow_run_name=lambda: run_name("backfill"), **FLOW)
async def backfill(window: BackfillWindow) -> State[Any]:
    """Bring over ``window``. It may be started again at any time: what is linked is left alone."""
    return await run_cycle(request_of(window))


def request_of(window: BackfillWindow) -> RunRequest:
    """The form as a request; a backfill writes nothing to the external side."""
    return RunRequest(
        RunKind.BACKFILL,
        billings=tuple(window.billings),
        since=window.since,
        until=window.until,
        tickets=tuple(window.tickets),
        plan_only=window.plan_only,
        quiet=True,
    )
