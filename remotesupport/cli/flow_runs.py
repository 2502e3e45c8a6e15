"""The runs as flow runs of the Prefect server that ``PREFECT_API_URL`` names, so that its UI shows them.

They run in this process; nothing is scheduled. Imported only when a server is named.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from deployments.settings_env import client_env
from remotesupport.cli.errors import FAILED, WRONG, Refusal
from remotesupport.core.run import RunKind, RunReport, RunRequest
from remotesupport.settings import Settings

# The form of the backfill flow wants a beginning; for single tickets it means nothing.
_LONG_AGO = timedelta(days=3650)


async def as_flow_run(settings: Settings, request: RunRequest) -> RunReport:
    """Run ``request`` as a flow and give its report. Raises Refusal with the flow's message where there is none."""
    os.environ.update(client_env(settings.home, os.environ["PREFECT_API_URL"], os.environ))
    state = await _FLOWS[request.kind](request)
    result = await state.aresult(raise_on_failure=False)
    if isinstance(result, RunReport):
        return result
    wrong = state.is_failed() and not isinstance(result, Exception)
    raise Refusal(state.message or f"the flow run ended as {state.name}", WRONG if wrong else FAILED)


async def _sync(request: RunRequest) -> Any:
    from flows.sync import sync

    return await sync(list(request.billings), return_state=True)


async def _audit(request: RunRequest) -> Any:
    from flows.audit import audit

    return await audit(list(request.billings), return_state=True)


async def _apply(request: RunRequest) -> Any:
    from flows.apply_plan import apply_plan

    return await apply_plan(request.plan_id or "", return_state=True)


async def _backfill(request: RunRequest) -> Any:
    from flows.backfill import backfill
    from flows.window import BackfillWindow

    window = BackfillWindow(
        billings=list(request.billings),
        since=request.since or datetime.now(UTC) - _LONG_AGO,
        until=request.until,
        tickets=list(request.tickets),
        plan_only=request.plan_only,
    )
    return await backfill(window, return_state=True)


_FLOWS: dict[RunKind, Callable[[RunRequest], Awaitable[Any]]] = {
    RunKind.SYNC: _sync,
    RunKind.AUDIT: _audit,
    RunKind.APPLY: _apply,
    RunKind.BACKFILL: _backfill,
}
